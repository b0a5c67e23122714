import dataclasses
import importlib.util
import warnings
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.imaging import nifti, resample
from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from tests.real_samples import SAMPLES, needs_samples

COARSE = Grid('coarse', (4, 4, 4), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
# Voxels of 1 mm, the first centred at 0.5 mm: 16 of them fill the coarse grid's field.
FINE_AFFINE = np.array([[1, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0.5], [0, 0, 0, 1.0]])


def _still() -> Volume:
  """A displacement field that moves nothing."""
  affine = np.diag([4.0, 4.0, 4.0, 1.0])
  return Volume(np.zeros((8, 8, 8, 3), np.float32), affine)


def _blob(seed: int) -> Volume:
  mask = np.zeros((16, 16, 16), bool)
  mask[3:9, 5:12, 6:14] = np.random.default_rng(seed).random((6, 7, 8)) < 0.7
  return Volume(mask, FINE_AFFINE)


class ResampleTest(tf.test.TestCase):
  def test_mask_keeps_its_volume(self):
    mask = np.random.default_rng(0).random((16, 16, 16)) < 0.3
    share = resample.resample_mask(Volume(mask, FINE_AFFINE), COARSE)
    self.assertAllClose(share.sum() * 64, mask.sum())
    self.assertAllClose(share[1, 2, 3], mask[4:8, 8:12, 12:16].mean())

  def test_image_is_averaged_and_linear(self):
    ramp = np.broadcast_to(np.arange(16.0) + 0.5, (16, 16, 16)).copy()  # z in mm.
    image = resample.resample_image(Volume(ramp, FINE_AFFINE), COARSE)
    self.assertAllClose(image[2, 2], [2, 6, 10, 14])
    fine = Grid('fine', (2, 2, 4), (8.0, 8.0, 0.5), (0.0, 0.0, 6.0))
    self.assertAllClose(
      resample.resample_image(Volume(ramp, FINE_AFFINE), fine)[0, 0], [6.25, 6.75, 7.25, 7.75]
    )

  def test_labels_go_by_majority(self):
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[:4, :4, :4] = 3
    labels[:4, :4, :1] = 5  # 16 of 64 voxels: no majority.
    labels[4:8, :4, :2] = 5  # 32 of 64 against 0: a tie, which the lower id wins.
    voted = resample.block_vote(labels, (4, 4, 4), 6)
    self.assertEqual(voted[0, 0, 0], 3)
    self.assertEqual(voted[1, 0, 0], 0)
    labels[4, 0, 3] = 5
    self.assertEqual(resample.block_vote(labels, (4, 4, 4), 6)[1, 0, 0], 5)

  def test_a_structure_without_a_majority_keeps_its_volume(self):
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[4:8, :4, :2] = labels[8:12, :4, :1] = labels[8, :4, 1] = 5
    labels[4, :4, 0] = 0
    # 28 of 64 in one voxel and 20 in the next: 48 in all, nearer to one voxel than to none or two.
    voted = resample.resample_labels(Volume(labels, FINE_AFFINE), COARSE, 6)
    self.assertEqual(np.argwhere(voted).tolist(), [[1, 0, 0]])
    self.assertEqual(voted[1, 0, 0], 5)
    self.assertFalse(resample.block_vote(labels, (4, 4, 4), 6).any())

  def test_affine_moves_the_source(self):
    image = np.zeros((16, 16, 16))
    image[4:8, 4:8, 4:8] = 1
    to_mni = np.eye(4)
    to_mni[:3, 3] = (4, -4, 8)
    moved = resample.resample_image(Volume(image, FINE_AFFINE), COARSE, Transform.from_affine(to_mni))
    self.assertAllClose(np.argwhere(moved > 0.9), [[2, 0, 3]])

  def test_a_field_that_moves_nothing_gives_what_the_affine_gives(self):
    matrix = np.eye(4)
    matrix[:3] = [[0.98, 0.1, 0, 0.37], [-0.1, 0.97, 0.05, 1.21], [0, -0.05, 1.03, -0.83]]
    affine, still = Transform(matrix), Transform(matrix, _still())
    rng = np.random.default_rng(0)
    image = Volume(rng.random((16, 16, 16), np.float32), FINE_AFFINE)
    labels = Volume(rng.integers(0, 6, (16, 16, 16)), FINE_AFFINE)
    with mock.patch.object(resample, '_SLAB_POINTS', 600):  # Slabs of two planes.
      for function, source, more in (
        (resample.resample_image, image, ()),
        (resample.resample_mask, _blob(0), ()),
        (resample.resample_labels, labels, (6,)),
      ):
        expected = function(source, COARSE, *more, transform=affine)
        self.assertGreater(np.count_nonzero(expected), 3)
        self.assertAllClose(function(source, COARSE, *more, transform=still), expected, atol=1e-5)

  def test_a_displacement_moves_the_source(self):
    field = _still()
    field.data[..., 1] = 4
    moved = resample.resample_mask(_blob(0), COARSE, Transform(np.eye(4), field))
    # A voxel shows what lies 4 mm before it.
    self.assertAllClose(moved[:, :3], resample.resample_mask(_blob(0), COARSE)[:, 1:])

  def test_computes_no_more_than_the_mask_reaches_and_no_less(self):
    rng = np.random.default_rng(3)
    for seed in range(5):
      matrix = np.eye(4)
      matrix[:3] += rng.normal(0, [0.15, 0.15, 0.15, 3], (3, 4))
      mask, transform = _blob(seed), Transform(matrix)
      found = resample.resample_mask(mask, COARSE, transform)
      everywhere = tuple(slice(0, n) for n in COARSE.shape)
      with mock.patch.object(resample, '_reach', return_value=everywhere):
        self.assertAllEqual(found, resample.resample_mask(mask, COARSE, transform))
      self.assertGreater(found.sum(), 0)
    box = resample._reach(_blob(0), COARSE, Transform(np.eye(4)))
    # The blob ends at y = 12 mm, a border of voxels, which counts as reached.
    self.assertEqual(box, (slice(0, 3), slice(1, 4), slice(1, 4)))

  def test_coarse_masks_are_sampled_finely_enough(self):
    mask = np.zeros((4, 4, 4), bool)
    mask[1, 1, 1] = True  # From 4 to 8 mm.
    grid = Grid('shifted', (8, 8, 8), (3.0, 3.0, 3.0), (-1.0, -1.0, -1.0))
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = 2
    share = resample.resample_mask(Volume(mask, affine), grid)
    self.assertAllClose(share.sum() * 27, 64)
    self.assertAllClose(share[1, 1, 1], 1 / 27)
    self.assertAllClose(share[2, 2, 2], 1)

  def test_keeps_the_volume_of_small_lesions(self):
    fraction = np.zeros((4, 4, 4), np.float32)
    fraction[1, 1, :3] = (0.3, 0.4, 0.45)
    kept = resample.keep_volume(fraction)
    self.assertAllEqual(np.argwhere(kept), [[1, 1, 2]])  # 1.15 voxels: the one that is filled most.
    self.assertEqual(kept.dtype, np.uint8)
    self.assertAllEqual(resample.keep_volume(np.full((2, 4), 0.5)), [[1, 1, 1, 1], [0, 0, 0, 0]])
    self.assertEqual(resample.keep_volume(np.zeros((2, 2))).sum(), 0)
    self.assertAllEqual(resample.keep_volume(np.array([1.0, 0, 1])), [1, 0, 1])

  def test_a_lesion_keeps_its_volume_or_one_voxel(self):
    fraction = np.array([0.9, 0.6, 0.4, 0.4, 0.0]).reshape(5, 1, 1)  # 2.3 voxels.
    self.assertAllEqual(resample.lesion_voxels(fraction).ravel(), [1, 1, 0, 0, 0])
    fraction = np.zeros((2, 2, 2), np.float32)
    fraction[0, 1, 0], fraction[1, 0, 1] = 0.01, 0.02
    self.assertAllEqual(np.argwhere(resample.lesion_voxels(fraction)), [[1, 0, 1]])
    lesion = resample.lesion_voxels(np.zeros((2, 3, 4), np.float32))
    self.assertEqual((lesion.shape, lesion.max(), lesion.dtype), ((2, 3, 4), 0, np.uint8))

  def test_the_fast_way_along_the_axes_gives_the_same(self):
    rng = np.random.default_rng(5)
    slow = ndimage.affine_transform
    for _ in range(20):
      affine = np.diag([*rng.uniform(0.5, 3, 3), 1])
      affine[:3, 3] = rng.uniform(-3, 3, 3)
      labels = Volume(rng.integers(0, 6, (16, 15, 14)), affine)
      with mock.patch.object(ndimage, 'affine_transform', wraps=slow) as call:
        found = resample.resample_labels(labels, COARSE, 6)
      self.assertEqual(call.call_args.args[1].shape, (3,))
      in_full = lambda data, scale, *more, **options: slow(data, np.diag(scale), *more, **options)
      with mock.patch.object(ndimage, 'affine_transform', in_full):
        self.assertAllEqual(resample.resample_labels(labels, COARSE, 6), found)
    turned = Transform(np.eye(4)[[1, 0, 2, 3]])
    with mock.patch.object(ndimage, 'affine_transform', wraps=slow) as call:
      resample.resample_labels(labels, COARSE, 6, turned)
      self.assertEqual(call.call_args.args[1].shape, (3, 3))
      resample.resample_image(labels, COARSE)  # Interpolation would be rounded otherwise.
      self.assertEqual(call.call_args.args[1].shape, (3, 3))

  def test_is_silent(self):
    spec = importlib.util.find_spec(resample.__name__)
    with warnings.catch_warnings(record=True) as caught:
      warnings.simplefilter('always')
      fresh = importlib.util.module_from_spec(spec)
      spec.loader.exec_module(fresh)  # As a program imports it.
      fresh.resample_mask(_blob(0), COARSE)
    self.assertEmpty([str(warning.message) for warning in caught])

  def test_labels_keep_their_volume_where_a_majority_would_drop_them(self):
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((64, 64, 32)) < 0.35, 2, 1).astype(np.uint8)
    share = lambda vote: np.mean(vote(labels, (2, 2, 2), 3) == 2)
    # Of eight drawn with 0.35 each, five are enough for a majority (0.106) and four come nearest to
    # 0.35 (0.294).
    self.assertAllClose(share(resample.block_vote), 0.106, atol=0.01)
    self.assertAllClose(share(resample.volume_keeping_vote), 0.294, atol=0.01)

  def test_a_vote_over_single_voxels_changes_nothing(self):
    labels = np.random.default_rng(1).integers(0, 5, (4, 5, 6)).astype(np.uint8)
    self.assertAllEqual(resample.volume_keeping_vote(labels, (1, 1, 1), 5), labels)

  def test_outside_is_zero(self):
    far = Grid('far', (2, 2, 2), (4.0, 4.0, 4.0), (100.0, 0.0, 0.0))
    ones = Volume(np.ones((16, 16, 16)), FINE_AFFINE)
    self.assertAllEqual(resample.resample_image(ones, far), np.zeros((2, 2, 2)))
    self.assertAllEqual(resample.resample_labels(ones, far, 2), np.zeros((2, 2, 2)))

  def test_subdivides_until_voxels_are_small_enough(self):
    grid = Grid('g', (2, 3, 4), (3.0, 2.0, 8.0), (-1.0, 0.0, 1.0))
    fine, factors = resample.subdivide(grid, 2.0)
    self.assertEqual(factors, (2, 1, 4))
    self.assertEqual(fine.shape, (4, 3, 16))
    self.assertAllClose(fine.spacing_mm, [1.5, 2, 2])
    self.assertAllClose(np.reshape(fine.coordinates_mm()[2], (4, 4)).mean(1), grid.coordinates_mm()[2])


class RealSamplesTest(tf.test.TestCase):
  @needs_samples
  def test_structures_keep_volume_and_side(self):
    self._check_structures(SAMPLES / 'synthseg' / 'training_seg_05.nii.gz')

  @pytest.mark.slow
  @needs_samples
  def test_structures_of_all_heads_keep_volume_and_side(self):
    for path in sorted((SAMPLES / 'synthseg').glob('*.nii.gz')):
      self._check_structures(path)

  def _check_structures(self, path):
    volume = nifti.read_label_map(path)
    head = Volume(ASEG28.from_codes(volume.data, str(path)), volume.affine)
    at_mm = np.argwhere(head.data) @ head.affine[:3, :3].T + head.affine[:3, 3]
    true_ml = np.bincount(head.data.ravel(), minlength=28) * head.voxel_volume_ml
    x_mm = head.affine[0, 0] * np.arange(head.data.shape[0]) + head.affine[0, 3]
    for grid in GRIDS.values():
      # The grid's voxels, over all of a head that does not lie in MNI space.
      shape = np.ceil((np.ptp(at_mm, axis=0) + 4) / grid.spacing_mm).astype(int)
      corner_mm = tuple(at_mm.min(axis=0) - 2)
      grid = dataclasses.replace(grid, shape=tuple(shape.tolist()), corner_mm=corner_mm)
      found = resample.resample_labels(head, grid, 28)
      found_ml = np.bincount(found.ravel(), minlength=28) * grid.voxel_volume_ml
      for label, name in enumerate(ASEG28.names):
        if label and true_ml[label]:
          error = found_ml[label] / true_ml[label] - 1
          self.assertLess(abs(error), 0.1 if true_ml[label] >= 1 else 0.25, (path.name, name))
      for side in ('left', 'right'):
        ids = [i for i, name in enumerate(ASEG28.names) if name.startswith(side)]
        self.assertNotEmpty(ids)
        true_mm = np.average(x_mm, weights=np.isin(head.data, ids).sum((1, 2)))
        mm = np.average(grid.coordinates_mm()[0], weights=np.isin(found, ids).sum((1, 2)))
        self.assertLess(abs(mm - true_mm), 2)

  @needs_samples
  def test_a_lesion_mask_keeps_what_lies_in_the_field(self):
    masks = [nifti.read_mask(p) for p in sorted((SAMPLES / 'soop_masks' / 'lesions').iterdir())[:9]]
    for mask in masks:
      share = resample.resample_mask(mask, GRIDS['mini'])
      kept_ml = share.sum() * GRIDS['mini'].voxel_volume_ml
      at_mm = np.argwhere(mask.data) @ mask.affine[:3, :3].T + mask.affine[:3, 3]
      in_field = np.all((at_mm > (-96, -114, -56)) & (at_mm < (96, 78, 72)), axis=1)
      self.assertAllClose(kept_ml, in_field.sum() * mask.voxel_volume_ml, rtol=0.02)


if __name__ == '__main__':
  tf.test.main()
