"""Two logical CPUs, so that training under tf.distribute is tested as well."""

import tensorflow as tf

_cpu = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
