import sys
import unittest
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from nilearn import datasets

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti, registration
from stroke_tfds.imaging.brain_extraction import brain_mask, even_intensities
from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.imaging.preprocessing import head_mask
from stroke_tfds.imaging.resample import resample_mask
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy
from tests.real_samples import SAMPLES, needs_samples

try:
  import ants  # noqa: F401

  _HAS_ANTS = True
except ImportError:
  _HAS_ANTS = False


def _moved_template() -> tuple[Volume, np.ndarray]:
  """The template's labels in a world that a known affine leads back to MNI."""
  anatomy = template_anatomy()
  to_mni = np.array([[1.05, 0.06, 0, 5], [-0.06, 0.95, 0.05, -8], [0, -0.05, 1.02, 6], [0, 0, 0, 1]])
  affine = np.eye(4)
  affine[:3, 3] = anatomy.origin_mm
  step = np.diag([2.0, 2.0, 2.0, 1.0])
  return Volume(anatomy.labels[::2, ::2, ::2], np.linalg.inv(to_mni) @ affine @ step), to_mni


def _error_mm(found: np.ndarray, true: np.ndarray) -> float:
  """Largest distance between where two affines send the corners of a brain."""
  corners = np.array(np.meshgrid((-60, 60), (-95, 65), (-40, 70), (1,))).reshape(4, -1)
  corners = np.linalg.inv(true) @ corners
  return float(np.linalg.norm((found @ corners - true @ corners)[:3], axis=0).max())


def _affine(transform: Transform) -> np.ndarray:
  assert transform.is_affine
  return np.linalg.inv(transform.matrix)


def _brain_dice(mask: Volume, transform: Transform, covered_only: bool = False) -> float:
  """Dice of a mask and the template's brain, on request inside the mask's field alone."""
  template = datasets.load_mni152_brain_mask(resolution=2)
  corner_mm = tuple(template.affine[:3, 3] - 1)
  grid = Grid('template', template.shape, (2.0, 2.0, 2.0), corner_mm)
  brain = np.asarray(template.dataobj) > 0
  found = resample_mask(mask, grid, transform) >= 0.5
  if covered_only:
    ones = Volume(np.ones(mask.data.shape, bool), mask.affine)
    brain &= resample_mask(ones, grid, transform) >= 0.5
  return 2 * np.sum(found & brain) / (np.sum(found) + np.sum(brain))


class RegistrationTest(tf.test.TestCase):
  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_finds_the_affine_of_a_label_map(self):
    labels, to_mni = _moved_template()
    self.assertGreater(_error_mm(np.eye(4), to_mni), 10)
    self.assertLess(_error_mm(_affine(registration.register_labels(labels, ASEG28)), to_mni), 3)

  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_finds_the_affine_of_an_image_of_another_contrast(self):
    labels, to_mni = _moved_template()
    contrast = np.where(np.arange(28) == 0, 0, 100.0 - 3 * np.arange(28))
    fluid = [i for i, n in enumerate(ASEG28.names) if 'ventricle' in n or 'CSF' in n]
    contrast[fluid] = 20
    image = Volume(contrast[labels.data], labels.affine)
    self.assertLess(_error_mm(_affine(registration.register_image(image)), to_mni), 6)

  def test_a_label_map_of_nothing_is_refused(self):
    nothing = Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1]))
    with self.assertRaisesRegex(InputError, 'the label map holds background only, expected structures'):
      registration.register_labels(nothing, ASEG28)

  def test_says_what_to_install(self):
    with mock.patch.dict(sys.modules, {'ants': None}):
      with self.assertRaisesRegex(InputError, r'pip install "keras-itm\[ants\]"'):
        registration.register_image(Volume(np.ones((4, 4, 4)), np.eye(4)))

  def test_leaves_the_lesion_and_its_surroundings_out(self):
    scan = Volume(np.zeros((20, 20, 20), np.float32), np.diag([2.5, 2.5, 2.5, 1.0]))
    mask = np.zeros((50, 50, 50), bool)
    mask[24, 24, 24] = True  # At 24 mm: the scan's voxel 10 at 25 mm.
    near = registration._lesion_on(scan, Volume(mask, np.eye(4)))
    self.assertTrue(near[10, 10, 10] and near[11, 10, 10] and near[10, 10, 9])
    self.assertFalse(near[12, 10, 10])
    mask[:] = False
    self.assertFalse(registration._lesion_on(scan, Volume(mask, np.eye(4))).any())


class RealSamplesTest(tf.test.TestCase):
  @needs_samples
  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_slab_with_the_skull(self):
    self._check_slab('uih_ap_134431/trace_b928.nii.gz')

  @pytest.mark.slow
  @needs_samples
  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_other_scans_with_the_skull(self):
    self._check_slab('uih_pa_132222/trace_b928.nii.gz')
    self._check_slab('siemens_xa30/trace_b2500.nii.gz')

  @pytest.mark.slow
  @needs_samples
  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_deformable_with_a_lesion(self):
    case = 'sub-strokecase0009/ses-0001/sub-strokecase0009_ses-0001'
    scan = nifti.read_image(SAMPLES / 'isles22' / 'rawdata' / f'{case}_dwi.nii.gz')
    lesion = nifti.read_mask(SAMPLES / 'isles22' / 'derivatives' / f'{case}_msk.nii.gz')
    found = registration.register_image(scan, deformable=True, lesion=lesion)
    head = Volume(head_mask(scan.data), scan.affine)
    self.assertGreater(_brain_dice(head, found), 0.93)
    for grid in GRIDS.values():
      native = resample_mask(lesion, grid, found) * found.volume_ratio(grid)
      kept = native.sum() * grid.voxel_volume_ml / (lesion.data.sum() * lesion.voxel_volume_ml)
      self.assertAllClose(kept, 1, atol=0.05)

  @pytest.mark.slow
  @needs_samples
  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_label_maps_of_whole_heads(self):
    for path in sorted((SAMPLES / 'synthseg').glob('*.nii.gz')):
      codes = nifti.read_label_map(path)
      ids = Volume(ASEG28.from_codes(codes.data, str(path)), codes.affine)
      found = registration.register_labels(ids, ASEG28)
      self.assertGreater(_brain_dice(Volume(ids.data > 0, ids.affine), found), 0.9, path.name)

  def _check_slab(self, name):
    scan = nifti.read_image(SAMPLES / 'healthy_dwi' / name)
    found = registration.register_image(scan)
    brain = brain_mask(even_intensities(scan), scan.spacing_mm)
    self.assertGreater(_brain_dice(Volume(brain, scan.affine), found, covered_only=True), 0.9)
    # The template's brain is larger than most, and no head is a third larger along one axis.
    self.assertAllInRange(np.linalg.svd(found.matrix[:3, :3])[1], 0.8, 1.1)


if __name__ == '__main__':
  tf.test.main()
