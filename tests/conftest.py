"""Settings of the whole suite."""

import atexit
import os
import shutil
import tempfile

# Before TensorFlow is imported: tests share the cores with one another, and its notes drown results.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')

import tensorflow as tf

# Two logical CPUs, so that training under tf.distribute is tested as well.
_cpu = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def pytest_configure():
  # What tests, TensorFlow and programs started by tests leave in temporary folders goes when they end.
  os.environ['TMPDIR'] = tempfile.tempdir = tempfile.mkdtemp(prefix='keras_itm_tests_')
  atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)


def pytest_collection_modifyitems(items):
  # tf.test.TestCase has a context manager of this name, which is no test.
  items[:] = [item for item in items if item.name != 'test_session']
