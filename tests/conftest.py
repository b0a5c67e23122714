"""Settings of the whole suite."""

import functools
import gc
import os
import resource
import shutil
import tempfile
from multiprocessing import util

# Before TensorFlow is imported: tests share the cores with one another, and its notes drown results.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')

import pytest
import tensorflow as tf

# Two logical CPUs, so that training under tf.distribute is tested as well.
_cpu = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def pytest_configure():
  # What tests, TensorFlow and programs started by tests leave in temporary folders goes when they end.
  os.environ['TMPDIR'] = tempfile.tempdir = tempfile.mkdtemp(prefix='keras_itm_tests_')
  # After multiprocessing, which removes a folder of its own in it at -100.
  remove = functools.partial(shutil.rmtree, tempfile.tempdir, ignore_errors=True)
  util.Finalize(None, remove, exitpriority=-200)


@pytest.fixture(scope='module', autouse=True)
def _forget_networks():
  """Graphs and networks of a file go when its tests have run: those of all would fill gigabytes."""
  yield
  tf.keras.backend.clear_session()
  gc.collect()


_GROWTH = 0.2  # Of the most memory so far.
_most_memory = 0


@pytest.fixture(autouse=True)
def _collect_garbage():
  """Networks hold one another in cycles: what a test left is let go of once memory has grown by it."""
  global _most_memory
  yield
  if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > (1 + _GROWTH) * _most_memory:
    gc.collect()
    _most_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def pytest_collection_modifyitems(items):
  # tf.test.TestCase has a context manager of this name, which is no test.
  items[:] = [item for item in items if item.name != 'test_session']
