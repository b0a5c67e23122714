"""Settings of the whole suite."""

import os

# Before TensorFlow is imported: tests share the cores with one another, and its notes drown results.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')


def pytest_collection_modifyitems(items):
  # tf.test.TestCase has a context manager of this name, which is no test.
  items[:] = [item for item in items if item.name != 'test_session']
