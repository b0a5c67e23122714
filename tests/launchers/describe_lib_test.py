"""Sizes against counts by hand, without any data on disk."""

import contextlib
import io
import json
import subprocess
import sys

import gin
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import gin_files
from launchers.describe_lib import configured_training, describe
from stroke_tfds.errors import InputError
from tests import tiny


class DescribeTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    gin.clear_config()
    # Nothing is prepared here.
    self.data_dir = tfds.testing.make_tmp_dir()

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def describe(self, gin_file: str, *bindings: str) -> dict[str, dict]:
    gin_files.parse_gin([gin_file], list(bindings))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
      describe(data_dir=self.data_dir)
    rows = [json.loads(line) for line in printed.getvalue().splitlines()]
    return {row.pop('network'): row for row in rows}

  def test_translator(self):
    rows = self.describe(
      'pix2pix10_mini.gin',
      'pix2pix_unet.filters = (4,)',
      'pix2pix_unet.full_resolution_filters = 0',
      'patch_gan.filters = (6, 8, 10)',
      'published_parameters = {"generator": 1000}',
    )
    # 4x4 of 29 to 4 at half size, its norm, 4x4 of 4 to 1 at full size, biases.
    weights = 16 * 29 * 4 + 4 + 2 * 4 + 16 * 4 + 1
    # The last doubles its map on the way: each value of that spreads to 5x5.
    products = 32 * 32 * 4 * 16 * 29 + 32 * 32 * 25 * 4
    generator = {'parameters': weights, 'multiply_adds': products, 'published': 1000}
    self.assertEqual(rows['generator'], generator)
    self.assertEqual(list(rows), ['generator', 'discriminator'])
    self.assertEqual(set(rows['discriminator']), {'parameters', 'multiply_adds'})

  def test_a_translator_of_classes(self):
    """Of background, three tissues and the lesion."""
    lines = ('pix2pix_unet.filters = (4,)', 'pix2pix_unet.full_resolution_filters = 0')
    rows = self.describe('pix2pix10_mini.gin', *lines, 'train_itm.by_classes = True')
    weights = 16 * 5 * 4 + 4 + 2 * 4 + 16 * 4 + 1
    self.assertEqual(rows['generator']['parameters'], weights)

  def test_a_segmenter_of_slices(self):
    rows = self.describe(
      'unet_slices_mini.gin',
      'unet_2d.filters = ()',
      'unet_2d.bottleneck_filters = 3',
      "unet_2d.normalization = 'none'",
    )
    # Two 3x3 convolutions at full size and the 1x1 one to none and the lesion.
    products = 9 * 1 * 3 + 9 * 3 * 3 + 3 * 2
    sizes = {'parameters': products + 3 + 3 + 2, 'multiply_adds': 64 * 64 * products}
    self.assertEqual(rows, {'network': sizes})

  def test_lesion_gan_has_the_latent_size_of_its_default(self):
    rows = self.describe(
      'lesion_gan_mini.gin',
      'lesion_generator.filters = ()',
      'lesion_generator.coarse_filters = 3',
      'lesion_generator.noise_levels = ()',
      'lesion_critic.filters = (5,)',
      'lesion_critic.hidden_units = 7',
      'published_parameters = {"critic": 1, "total": 2}',
    )
    voxels = 32 * 32 * 8
    dense, out = 128 * 3 * voxels, 27 * 3 * 2
    # Few filters: the eight kernels of a block are convolved side by side.
    self.assertEqual(
      rows['generator'],
      {'parameters': dense + 3 * voxels + out + 2, 'multiply_adds': dense + voxels * out * 8},
    )
    critic = rows['critic']
    self.assertEqual(critic['published'], 1)
    total = {key: rows['generator'][key] + critic[key] for key in ('parameters', 'multiply_adds')}
    self.assertEqual(rows['total'], {**total, 'published': 2})

  def test_segmenter_of_the_paper(self):
    rows = self.describe('unet_paper.gin')
    self.assertEqual(rows['network']['parameters'], 5_646_242)

  def test_size_follows_the_data_set(self):
    rows = self.describe(
      'unet_mini.gin', "clinical = ['phantom_stroke/paper:train']", 'unet_3d.filters = ()'
    )
    mini = 64 * 64 * 16 * 27 * (1 * 64 + 64 * 64 + 64 * 2)
    self.assertEqual(rows['network']['multiply_adds'], 8 * mini)

  def test_knows_a_data_set_by_its_folder_alone(self):
    name = tiny.build_phantom(self.data_dir, n_healthy=1, n_train=1, n_test=1, n_test_negative=0)
    bindings = [f"clinical = ['{name}:train[:1]']", 'unet_3d.filters = (2,)']
    gin_files.parse_gin(['unet_mini.gin'], bindings)
    networks, grid, _ = configured_training(self.data_dir)
    self.assertEqual(grid.name, 'tiny')
    self.assertEqual(networks['network'].input_shape, (None, *tiny.GRID['shape'], 1))

  def test_as_a_program_it_needs_no_workdir_and_prints_nothing_else(self):
    command = [sys.executable, '-m', 'launchers.describe', '--gin_file=unet_mini.gin']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    [line] = done.stdout.splitlines()
    self.assertEqual(json.loads(line)['network'], 'network')

  def test_needs_exactly_one_training(self):
    with self.assertRaisesRegex(InputError, 'sets no training, expected one of train_itm or'):
      describe()
    gin_files.parse_gin(['unet_mini.gin', 'lesion_gan_mini.gin'], [])
    with self.assertRaisesRegex(InputError, r"\['train_lesion_gan', 'train_unet'\], expected one"):
      describe()

  def test_refuses_half_a_configuration(self):
    gin_files.parse_gin([], ["train_unet.sources = ['phantom_stroke/mini:train']"])
    with self.assertRaisesRegex(InputError, 'no train_unet.test, expected a value'):
      describe()

  def test_refuses_an_unknown_data_set_and_an_unknown_network(self):
    gin_files.parse_gin(['unet_mini.gin'], ["clinical = ['no_such_set/mini:train']"])
    with self.assertRaisesRegex(InputError, "'no_such_set/mini' does not exist"):
      describe()
    gin.clear_config()
    with self.assertRaisesRegex(InputError, r"'critic', expected some of \['network', 'total'\]"):
      self.describe('unet_mini.gin', 'published_parameters = {"critic": 1}')
    gin.clear_config()
    with self.assertRaisesRegex(InputError, 'published_parameters is 7, expected'):
      self.describe('unet_mini.gin', 'published_parameters = 7')


if __name__ == '__main__':
  tf.test.main()
