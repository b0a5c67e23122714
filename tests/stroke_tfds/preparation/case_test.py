import dataclasses
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import registration
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.preparation import quality
from stroke_tfds.preparation.case import hash_inputs, prepare_case
from stroke_tfds.preparation.find_cases import find_cases
from stroke_tfds.preparation.folder import Settings
from tests.stroke_tfds.preparation import made_up_scans as scans
from tests.stroke_tfds.preparation.made_up_scans import GRID, SCAN_GRID

_SETTINGS = Settings('bids', ('dwi',), 'none', GRID)


class PrepareCaseTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(tfds.testing.make_tmp_dir())
    scans.save_subject(self.root, 'sub-1')

  def prepare(self, settings=_SETTINGS, group=None, without_mask=''):
    [case], problems = find_cases('bids', self.root, settings.contrasts, without_mask)
    self.assertEmpty(problems)
    case = dataclasses.replace(case, group=group or case.group)
    return prepare_case(case, settings, self.root, quality.load_template(settings.grid))

  def save_dwi(self, data, affine=None, **header):
    return scans.save(scans.dwi_path(self.root, 'sub-1'), data, affine, **header)

  def save_mask(self, data, affine=None, **header):
    return scans.save(scans.mask_path(self.root, 'sub-1'), data, affine, **header)

  def test_image_is_scaled_by_the_percentile_inside_the_head(self):
    image = self.prepare().image
    # The output's voxels are blocks of 2 x 2 x 2 of the scan's.
    means = scans.scan(0).reshape(32, 2, 32, 2, 8, 2).mean((1, 3, 5))
    head = image[..., 0] > 0
    expected = np.where(head, np.minimum(means / np.percentile(means[head], 99.5), 1), 0)
    self.assertAllClose(image[..., 0], expected, atol=0.02)
    self.assertEqual(image.dtype, np.float32)
    self.assertEqual(image.shape, (32, 32, 8, 1))
    self.assertEqual(image.max(), 1)

  def test_image_is_scaled_by_the_median_of_its_brain_tissue(self):
    settings = dataclasses.replace(_SETTINGS, intensity_scaling='parenchyma_median')
    made, by_percentile = self.prepare(settings), self.prepare().image[..., 0]
    image = made.image[..., 0]
    self.assertAllEqual(image > 0, by_percentile > 0)
    inside = brain_tissue(GRID) & (image > 0)
    self.assertAllClose(np.median(image[inside]), 0.4, atol=1e-6)
    both = inside & (image < 1) & (by_percentile < 1)
    ratio = image[both] / by_percentile[both]
    self.assertAllClose(ratio, np.full(ratio.shape, ratio[0]), rtol=1e-5)
    self.assertEqual(made.facts['settings']['intensity_scaling'], 'parenchyma_median')

  def test_lesion_keeps_its_volume(self):
    made = self.prepare()
    self.assertAlmostEqual(made.lesion_fraction.sum() * GRID.voxel_volume_ml, 10.368, places=3)
    self.assertEqual(made.facts['quality']['lesion_native_ml'], 10.368)
    self.assertEqual(made.facts['quality']['volume_kept'], 1)
    self.assertGreater(made.facts['quality']['lesion_contrast_dwi'], 1.1)

  def test_labels_are_the_templates_and_end_with_the_scan(self):
    affine = SCAN_GRID.affine.copy()
    affine[:3, 3] = SCAN_GRID.affine[:3, :3] @ [0, 0, 6] + affine[:3, 3]
    self.save_dwi(scans.scan(0)[..., 6:], affine)
    made = self.prepare()
    template = quality.load_template(GRID)
    self.assertAllEqual(made.labels[..., 3:], template.labels[..., 3:])
    self.assertAllEqual(made.labels[..., :3], np.zeros((32, 32, 3)))
    self.assertEqual(made.facts['labels_from'], 'template')
    covered = np.count_nonzero(template.labels[..., 3:]) / np.count_nonzero(template.labels)
    self.assertAllClose(made.facts['quality']['coverage'], covered, atol=1e-4)

  def test_labels_come_from_a_segmentation_where_there_is_one(self):
    codes = np.zeros(SCAN_GRID.shape, np.int16)
    codes[20:40, 20:40, 4:12] = 41  # Right cerebral white matter.
    codes[20:22, 20:22, 4:6] = 502  # Extracerebral.
    scans.save(scans.segmentation_path(self.root, 'sub-1'), codes)
    made = self.prepare()
    expected = np.zeros(GRID.shape)
    expected[10:20, 10:20, 2:6] = ASEG28.id_of('right cerebral white matter')
    expected[10, 10, 2] = 0
    self.assertAllEqual(made.labels, expected)
    self.assertEqual(made.facts['labels_from'], 'segmentation')
    self.assertIn('labels_dice', made.facts['suspicions'])

  def test_an_adc_is_scaled_by_its_unit_inside_the_dwi_s_head(self):
    adc = np.full(SCAN_GRID.shape, 3000, np.float32)  # Background is bright too.
    adc[scans.LESION_VOXELS] = 500
    scans.save(self.root / 'sub-1' / 'dwi' / 'sub-1_adc.nii.gz', adc)
    made = self.prepare(Settings('bids', ('dwi', 'adc'), 'none', GRID))
    outside = ndimage.distance_transform_edt(made.image[..., 0] == 0) > 3
    self.assertGreater(np.count_nonzero(outside), 1000)
    self.assertEqual(made.image[outside].max(), 0)
    self.assertAllClose(made.image[..., 1].max(), 3000 / 3500)
    self.assertLess(made.facts['quality']['lesion_contrast_adc'], 0.5)

  def test_transform_moves_image_mask_and_labels_alike(self):
    shift = np.eye(4)
    shift[0, 3] = 6  # The scan lies one voxel of the output to the right of where it should.
    moved = SCAN_GRID.affine.copy()
    moved[0, 3] += 6
    straight = self.prepare()
    self.save_dwi(scans.scan(0), moved)
    self.save_mask(scans.lesion_mask(), moved)
    with mock.patch.object(registration, 'register_image', return_value=Transform(shift)) as register:
      made = self.prepare(dataclasses.replace(_SETTINGS, registration='syn'))
    self.assertTrue(register.call_args.kwargs['deformable'])
    self.assertEqual(np.count_nonzero(register.call_args.kwargs['lesion'].data), 144)
    self.assertAllClose(made.image, straight.image, atol=1e-5)
    self.assertAllClose(made.lesion_fraction, straight.lesion_fraction)
    self.assertEqual(made.facts['transform'], {'kind': 'syn', 'affine_part': shift.tolist()})
    transform = self.prepare().facts['transform']
    self.assertEqual(transform, {'kind': 'none', 'mni_to_scan': np.eye(4).tolist()})

  def test_mask_on_another_grid_is_resampled_where_both_say_where_they_are(self):
    coarse = scans.lesion_mask()[::2, ::2]
    affine = SCAN_GRID.affine @ np.diag([2, 2, 1, 1])
    affine[:2, 3] += 1.5
    self.save_mask(coarse, affine)
    self.assertAlmostEqual(
      self.prepare().lesion_fraction.sum() * GRID.voxel_volume_ml, 10.368, places=3
    )

  def test_mask_on_another_grid_that_says_nothing_is_refused(self):
    path = scans.mask_path(self.root, 'sub-1')
    image = nib.Nifti1Image(scans.lesion_mask()[::2], None)
    nib.save(image, path)
    with self.assertRaisesRegex(
      InputError, r'^lesion: shape \(32, 64, 16\) on an image of \(64, 64, 16'
    ):
      self.prepare()
    nib.save(nib.Nifti1Image(scans.lesion_mask(), None), path)  # On the image's grid it is believed.
    self.prepare()

  def test_image_that_says_nothing_is_refused(self):
    nib.save(nib.Nifti1Image(scans.scan(0), None), scans.dwi_path(self.root, 'sub-1'))
    with self.assertRaisesRegex(InputError, '^dwi: its header does not say where the image lies'):
      self.prepare()

  def test_masks_that_contradict_the_group_are_refused(self):
    with self.assertRaisesRegex(InputError, 'lesion: the mask is not empty in a negative case'):
      self.prepare(group='negative')
    self.save_mask(np.zeros(SCAN_GRID.shape, np.uint8))
    with self.assertRaisesRegex(
      InputError, 'lesion: the mask is empty in a positive case, expected .* --without_mask=negative'
    ):
      self.prepare()
    made = self.prepare(without_mask='negative')
    self.assertEqual((made.facts['group'], made.lesion_fraction), ('negative', None))
    self.assertIsNone(self.prepare(group='negative').lesion_fraction)

  def test_a_mask_that_fills_the_brain_is_refused(self):
    brain = (scans.clean_image() > 0).astype(np.uint8)
    self.save_mask(brain)
    with self.assertRaisesRegex(
      InputError,
      r'^lesion: the mask has 19\d\d ml, 100% of the head, .* at most 700 ml',
    ):
      self.prepare()
    half = brain.copy()
    half[:32] = 0
    self.save_mask(half)
    with self.assertRaisesRegex(InputError, r'^lesion: the mask has 982 ml, 50% of the head'):
      self.prepare()

  def move_mask(self, name, mask):
    """In place of the mask that is named as a lesion's; returns the new file."""
    scans.mask_path(self.root, 'sub-1').unlink(missing_ok=True)
    return scans.save(self.root / 'derivatives' / 'drawn' / f'{name}.nii.gz', mask)

  def test_a_mask_of_any_name_is_a_lesion_if_it_looks_like_one(self):
    self.move_mask('sub-1_dwi_mask', scans.lesion_mask())
    self.assertEqual(self.prepare().facts['quality']['lesion_native_ml'], 10.368)
    brain = scans.clean_image() > 0
    third = brain.copy()
    third[:38] = False
    self.move_mask('sub-1_dwi_mask', third.astype(np.uint8))
    with self.assertRaisesRegex(InputError, r'^lesion: the mask has .*ml, .* of the head.* and 30%'):
      self.prepare()
    fluid = np.isin(quality.load_template(SCAN_GRID).labels, [ASEG28.id_of('other CSF')])
    self.move_mask('sub-1_dwi_mask', fluid.astype(np.uint8))
    with self.assertRaisesRegex(
      InputError,
      '^lesion: the name of the mask does not say that it is a lesion, nor .*contrast_dwi',
    ):
      self.prepare()
    # By a name of its own it is believed, and suspicious.
    (self.root / 'derivatives' / 'drawn' / 'sub-1_dwi_mask.nii.gz').unlink()
    self.save_mask(fluid.astype(np.uint8))
    self.assertIn('lesion_contrast_dwi', self.prepare().facts['suspicions'])

  def test_a_mask_in_mni_space_of_a_scan_that_is_not(self):
    self.move_mask('sub-1_space-MNI152NLin2009cAsym_label-lesion_mask', scans.lesion_mask())
    self.prepare()
    with self.assertRaisesRegex(InputError, '^lesion: its name says that it is in MNI space, expected'):
      self.prepare(dataclasses.replace(_SETTINGS, registration='affine'))

  def test_signs_of_a_stroke_that_nobody_drew_are_suspicious(self):
    scans.mask_path(self.root, 'sub-1').unlink()
    [case], _ = find_cases('bids', self.root, ('dwi',), 'negative')
    for sign in (True, False):
      case = dataclasses.replace(case, stroke_without_mask=sign)
      facts = prepare_case(case, _SETTINGS, self.root, quality.load_template(GRID)).facts
      self.assertEqual(facts['quality'].get('stroke_without_mask'), 1 if sign else None)
      self.assertEqual('stroke_without_mask' in facts['suspicions'], sign)

  def test_a_segmentation_of_tissues_is_named_as_one(self):
    labels = quality.load_template(SCAN_GRID).labels
    tissues = np.where(labels > 0, 1 + labels % 3, 0)
    scans.save(scans.segmentation_path(self.root, 'sub-1'), tissues.astype(np.uint8))
    with self.assertRaisesRegex(
      InputError, r'^segmentation: holds the labels \[0, 1, 2, 3\], which are classes of tissue'
    ):
      self.prepare()

  def test_lesion_or_image_or_labels_off_the_grid_are_refused(self):
    far = SCAN_GRID.affine.copy()
    far[2, 3] += 500
    self.save_mask(scans.lesion_mask(), far)
    with self.assertRaisesRegex(InputError, '^lesion: nothing of the mask falls on the grid'):
      self.prepare()
    self.save_mask(scans.lesion_mask())
    scans.save(scans.segmentation_path(self.root, 'sub-1'), 2 * scans.lesion_mask(), far)
    with self.assertRaisesRegex(InputError, '^segmentation: nothing of it falls on the grid'):
      self.prepare()
    scans.save(scans.segmentation_path(self.root, 'sub-1'), 0 * scans.lesion_mask())
    with self.assertRaisesRegex(InputError, '^segmentation: holds background only'):
      self.prepare()
    self.save_dwi(scans.scan(0), far)
    with self.assertRaisesRegex(InputError, '^dwi: no intensity above 0 falls on the grid'):
      scans.segmentation_path(self.root, 'sub-1').unlink()
      self.prepare()

  def test_permission_denied_names_the_role(self):
    path = scans.mask_path(self.root, 'sub-1')
    allowed = open

    def guarded(file, *args, **kwargs):
      if str(file) == str(path.resolve()):
        raise PermissionError(13, 'Permission denied', str(file))
      return allowed(file, *args, **kwargs)

    with mock.patch('builtins.open', guarded):
      with self.assertRaisesRegex(InputError, '^lesion: permission denied, expected'):
        self.prepare()

  def test_hash_of_inputs_follows_files_and_group(self):
    [case], _ = find_cases('bids', self.root, ('dwi',))
    hashes = {hash_inputs(case), hash_inputs(dataclasses.replace(case, group='negative'))}
    self.assertLen(hashes, 2)
    self.save_dwi(scans.scan(7))
    self.assertLen(hashes | {hash_inputs(case)}, 3)
    case.files['lesion'].unlink()
    self.assertLen(hashes | {hash_inputs(case)}, 3)

  def test_hash_of_the_image_follows_its_voxels_alone(self):
    first = self.prepare().facts['image_sha256']
    self.save_dwi(scans.scan(0)[::-1], SCAN_GRID.affine @ _mirror(SCAN_GRID.shape[0]))
    self.assertEqual(self.prepare().facts['image_sha256'], first)
    self.save_dwi(scans.scan(1))
    self.assertNotEqual(self.prepare().facts['image_sha256'], first)


def _mirror(n):
  mirror = np.diag([-1.0, 1, 1, 1])
  mirror[0, 3] = n - 1
  return mirror


if __name__ == '__main__':
  tf.test.main()
