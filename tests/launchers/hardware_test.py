"""Strategies, precisions and XLA as gin values, for every system at a tiny size."""

import csv

import pytest
import tensorflow as tf
from absl.testing import parameterized

from launchers.hardware import hardware
from stroke_tfds.errors import InputError
from tests.launchers import small_systems


class HardwareTest(tf.test.TestCase):
  def tearDown(self):
    tf.keras.mixed_precision.set_global_policy('float32')
    super().tearDown()

  def test_defaults(self):
    devices = hardware()
    self.assertEqual(devices.strategy.num_replicas_in_sync, 1)
    self.assertFalse(devices.xla)
    self.assertTrue(devices.is_chief)
    self.assertEqual(tf.keras.mixed_precision.global_policy().name, 'float32')

  def test_mirrored_takes_all_logical_cpus(self):
    devices = hardware(strategy='mirrored')
    self.assertEqual(devices.strategy.num_replicas_in_sync, len(tf.config.list_logical_devices('CPU')))

  def test_refused(self):
    with self.assertRaisesRegex(InputError, "strategy is 'tpu', expected one of .*mirrored"):
      hardware(strategy='tpu')
    with self.assertRaisesRegex(InputError, "precision is 'float16', expected one of .*mixed_float16"):
      hardware(precision='float16')
    with self.assertRaisesRegex(InputError, 'batch_size is 5, expected a multiple of the 2 replicas'):
      hardware(strategy='mirrored').check_batch_size(5)


class EverySystemTestCase(small_systems.SystemsTestCase, parameterized.TestCase):
  exact = {}  # Metrics of the default, by system.

  def first_step(self, system, *lines):
    """Metrics of the first step, before the weights have moved far."""
    name = '_'.join([system, *(line.split()[-1].strip("'") for line in lines)])
    run = self.train(system, name, *lines, epochs=1, steps_per_epoch=1)
    (row,) = csv.DictReader((run / 'metrics.csv').open())
    # Counts at a threshold are no losses: they move by whole voxels, slices and scores.
    others = ('seconds', 'median_voxels', 'median_pixels', 'lesion_slices', 'real_sign')
    return {
      key: float(value)
      for key, value in row.items()
      if key not in others and not key.startswith(('val_', 'test_'))
    }

  def assert_near_the_default(self, system, line, tolerance):
    if system not in self.exact:
      self.exact[system] = self.first_step(system)
    logs = self.first_step(system, line)
    self.assertEqual(logs.keys(), self.exact[system].keys())
    for name, value in self.exact[system].items():
      self.assertAllClose(logs[name], value, rtol=tolerance, atol=tolerance, msg=name)


# TensorFlow pools volumes in float16 on GPUs only.
_POOLS_VOLUMES = ('unet_mini.gin', 'flow_mini.gin')


class PrecisionAndReplicasTest(EverySystemTestCase):
  @parameterized.parameters(*small_systems.SYSTEMS)
  def test_losses_in_half_precision(self, system):
    """bfloat16 of every network is tested in `conformance_test`."""
    precision, tolerance = ('bfloat16', 0.1) if system in _POOLS_VOLUMES else ('float16', 0.02)
    self.assert_near_the_default(system, f"hardware.precision = 'mixed_{precision}'", tolerance)

  @parameterized.parameters(*small_systems.SYSTEMS)
  def test_losses_on_two_replicas(self, system):
    """A second replica draws other random numbers; exactness is tested with each model."""
    self.assert_near_the_default(system, "hardware.strategy = 'mirrored'", 0.2)


@pytest.mark.slow
class XlaTest(EverySystemTestCase):
  @parameterized.parameters(*small_systems.SYSTEMS)
  def test_losses_are_those_of_the_default(self, system):
    """XLA draws other random numbers."""
    self.assert_near_the_default(system, 'hardware.xla = True', 0.2)


if __name__ == '__main__':
  tf.test.main()
