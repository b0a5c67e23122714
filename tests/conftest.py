"""Settings of the whole suite."""

import os

# Before TensorFlow is imported: tests share the cores with one another, and its notes drown results.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')

import tensorflow as tf

# Two logical CPUs, so that training under tf.distribute is tested as well.
_cpu = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def pytest_collection_modifyitems(items):
  # tf.test.TestCase has a context manager of this name, which is no test.
  items[:] = [item for item in items if item.name != 'test_session']
