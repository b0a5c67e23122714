import glob
import sys
import tempfile
import types
import unittest
from unittest import mock

import numpy as np
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import ants_calls
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume

try:
  import ants  # noqa: F401

  _HAS_ANTS = True
except ImportError:
  _HAS_ANTS = False

AFFINE = np.array([[3.0, 0, 0, -40], [0, 3, 0, -50], [0, 0, 3, -45], [0, 0, 0, 1]])
BRIGHT = (slice(16, 23), slice(12, 20), slice(10, 18))


def _brain() -> Volume:
  """An ellipsoid with structures."""
  at = np.stack(np.meshgrid(*[np.linspace(-1.2, 1.2, 30)] * 3, indexing='ij'))
  texture = ndimage.gaussian_filter(np.random.default_rng(0).random((30, 30, 30)), 2)
  texture = (texture - texture.min()) / np.ptp(texture)
  return Volume(np.where((at**2).sum(0) < 1, 0.4 + texture, 0).astype(np.float32), AFFINE)


def _lit(brain: Volume) -> tuple[Volume, np.ndarray]:
  """The brain with a bright lesion, and where it is not."""
  data = brain.data.copy()
  data[BRIGHT] = brain.data.max()  # The histogram's range stays.
  apart = np.zeros(data.shape, bool)
  apart[BRIGHT] = True
  return Volume(data, brain.affine), ~ndimage.binary_dilation(apart, iterations=4)


@unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
class AntsCallsTest(tf.test.TestCase):
  def test_affine_leads_from_fixed_to_moving_and_repeats(self):
    brain = _brain()
    moved = np.eye(4)
    moved[:3] = [[1, 0.06, 0, 4], [-0.06, 1, 0, -5], [0, 0, 1.04, 3]]
    moving = Volume(brain.data, moved @ AFFINE)
    everywhere = np.ones(brain.data.shape, bool)
    before = set(glob.glob(f'{tempfile.gettempdir()}/*'))
    found = ants_calls.affine(brain, moving, np.eye(4), everywhere)
    self.assertEmpty([p for p in set(glob.glob(f'{tempfile.gettempdir()}/*')) - before if 'ants' in p])
    corners = np.array([[-35, 35, 0], [-40, 30, 0], [-40, 30, 0], [1, 1, 1]])
    self.assertLess(np.abs(found @ corners - moved @ corners).max(), 1)
    self.assertAllEqual(ants_calls.affine(brain, moving, np.eye(4), everywhere), found)

  def test_deformable_leads_from_fixed_to_moving(self):
    brain = _brain()
    x = np.linspace(-1, 1, 30)[:, None, None]
    index = np.indices(brain.data.shape).astype(float)
    index[1] += 2 * (1 - x**2)  # `bent` shows at a voxel what the brain shows up to 6 mm before it.
    bent = Volume(ndimage.map_coordinates(brain.data, index, order=1), AFFINE)
    everywhere = np.ones(brain.data.shape, bool)
    matrix, displacement = ants_calls.deformable(bent, brain, np.eye(4), everywhere)
    self.assertAllClose(matrix, np.eye(4), atol=1e-6)
    world = Transform(matrix, displacement).to_world(np.array([[4.0, -40], [-8, -8], [0, 0]]))
    self.assertAllClose(world[1, 0], -8 + 6, atol=1.5)
    self.assertLess(np.abs(world[[0, 2], 0] - [4, 0]).max(), 1.5)

  def test_masked_lesions_do_not_pull(self):
    brain = _brain()
    lit, counts = _lit(brain)
    everywhere = np.ones(brain.data.shape, bool)
    start = np.eye(4)
    start[0, 3] = 3

    def pull(call, read):
      """How far the lesion moves the result, with its voxels and without."""
      return [
        np.abs(read(call(lit, mask)) - read(call(brain, mask))).max() for mask in (everywhere, counts)
      ]

    seen, masked = pull(lambda scan, mask: ants_calls.affine(scan, brain, start, mask), lambda m: m)
    self.assertLess(masked, 0.5 * seen)
    seen, masked = pull(
      lambda scan, mask: ants_calls.deformable(brain, scan, start, mask), lambda pair: pair[1].data
    )
    self.assertLess(masked, 0.5 * seen)


class OldAntsTest(tf.test.TestCase):
  def test_refused_in_one_line(self):
    with mock.patch.dict(sys.modules, {'ants': types.ModuleType('ants'), 'ants.config': None}):
      with self.assertRaisesRegex(InputError, r'^registration needs antspyx 0\.6\.3 or later .*$'):
        ants_calls.load_ants()


if __name__ == '__main__':
  tf.test.main()
