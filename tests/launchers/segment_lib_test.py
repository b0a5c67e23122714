import json
import shutil
from pathlib import Path
from unittest import mock

import gin
import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import SEGMENTER, BundleSpec
from launchers import segment_lib
from launchers.segment_lib import segment
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import registration
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.mni152 import template_t1
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.label_schemes import ASEG28, ASEG28_TUMOUR, TUMOUR_CLASSES
from tests import tiny


class SegmentTest(tf.test.TestCase):
  """A segmenter that calls bright voxels lesion, on a scan whose bright voxels are known."""

  def setUp(self):
    super().setUp()
    gin.clear_config()
    self.root = Path(tfds.testing.make_tmp_dir())
    self.grid = get_grid(tiny.GRID)
    self.save_segmenter(lambda x: x[..., 0] - 0.4, 1)
    # Twice as fine as the grid, and stored right to left, as scanners do.
    head = np.zeros([2 * n for n in self.grid.shape], np.float32)
    head[8:-8, 8:-8, 2:-2] = 500
    self.lesion = np.zeros_like(head, np.uint8)
    self.lesion[12:20, 20:28, 4:8] = 1
    affine = self.grid.affine @ np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] -= np.array(self.grid.spacing_mm) / 4
    mirrored = affine @ np.diag([-1, 1, 1, 1])
    mirrored[:3, 3] += affine[:3, 0] * (head.shape[0] - 1)
    for name, volume in (('dwi', head + 500.0 * self.lesion), ('mask', self.lesion)):
      nib.save(nib.Nifti1Image(volume[::-1], mirrored), self.root / f'{name}.nii.gz')

  def save_segmenter(self, contrast, n_contrasts, scaling='percentile', contrasts=()):
    shutil.rmtree(self.root / 'bundle', ignore_errors=True)
    x = tf.keras.Input((*self.grid.shape, n_contrasts))
    bright = tf.keras.layers.Lambda(lambda values: tf.sigmoid(100 * (contrast(values) - 0.5)))
    network = tf.keras.Model(x, bright(x))
    facts = self.grid.to_json(), ASEG28.to_json(), 0, (0.0, 1.0), 'none'
    spec = BundleSpec(SEGMENTER, *facts, intensity_scaling=scaling, contrasts=contrasts)
    save_bundle(self.root / 'bundle', spec, lambda image: network(image), network, '')

  def segment(self, name='case', **options):
    given = {
      'bundle': str(self.root / 'bundle'),
      'image': str(self.root / 'dwi.nii.gz'),
      'mask': str(self.root / 'mask.nii.gz'),
      'space': 'mni',
    }
    segment(str(self.root / name), **{**given, **options})
    return json.loads((self.root / name / 'finished.json').read_text())

  def test_finds_the_lesion_where_the_header_says_it_is(self):
    results = self.segment()
    # 8 x 8 x 4 voxels of 3 x 3 x 8 mm, the same in both spaces.
    volumes = dict.fromkeys(('predicted_volume_ml', 'mask_volume_ml'), 18.432)
    volumes |= {f'{name}_mni': ml for name, ml in volumes.items()}
    self.assertEqual(results, volumes | {'dice': 1.0, 'dice_ceiling': 1.0, 'dice_mni': 1.0})
    saved = nib.load(self.root / 'case' / 'prediction.nii.gz')
    self.assertAllClose(saved.affine, self.grid.affine)
    self.assertAllEqual(np.asarray(saved.dataobj), self.lesion[::2, ::2, ::2])
    self.assertGreater((self.root / 'case' / 'prediction.png').stat().st_size, 1000)
    native, scan = (
      nib.load(self.root / name) for name in ('case/prediction_native.nii.gz', 'dwi.nii.gz')
    )
    self.assertAllEqual(np.asarray(native.dataobj), self.lesion[::-1])
    self.assertAllEqual(native.affine, scan.affine)

  def test_counts_in_the_scan_and_leaves_the_way_between_the_spaces(self):
    # The scan is the brain of MNI space, halved along x and moved.
    to_scan = np.diag([0.5, 1, 1, 1])
    to_scan[:3, 3] = 7, -3, 2
    for name in ('dwi', 'mask'):
      image = nib.load(self.root / f'{name}.nii.gz')
      moved = nib.Nifti1Image(np.asarray(image.dataobj), to_scan @ image.affine)
      nib.save(moved, self.root / f'{name}.nii.gz')
    with mock.patch.object(registration, 'register_image', return_value=Transform(to_scan)):
      results = self.segment(space='native')
    for name in ('predicted_volume_ml', 'mask_volume_ml'):
      self.assertEqual((results[name], results[f'{name}_mni']), (9.216, 18.432))
    self.assertEqual((results['dice'], results['dice_mni']), (1.0, 1.0))
    transform = json.loads((self.root / 'case' / 'transform.json').read_text())
    self.assertAllEqual(transform['mni_to_scan'], to_scan)
    self.assertAllClose(transform['scan_to_mni'] @ to_scan, np.eye(4))

  def test_scales_the_scan_as_the_bundle_was_trained(self):
    for scaling, head, lesion in (('percentile', 0.5, 1.0), ('parenchyma_median', 0.4, 0.8)):
      self.save_segmenter(lambda x: x[..., 0] - 0.2, 1, scaling)
      self.segment(scaling)
      image = np.asarray(nib.load(self.root / scaling / 'image.nii.gz').dataobj)
      self.assertAllClose(image[12:16, 12:16, 2:4], np.full((4, 4, 2), head), atol=1e-6)
      self.assertAllClose(image[6:10, 10:14, 2:4], np.full((4, 4, 2), lesion), atol=1e-6)

  def test_a_lesion_smaller_than_a_voxel_of_the_grid_counts(self):
    self.lesion[:] = 0
    self.lesion[13, 21, 5] = 1  # An eighth of a voxel.
    image = nib.load(self.root / 'mask.nii.gz')
    nib.save(nib.Nifti1Image(self.lesion[::-1], image.affine), self.root / 'mask.nii.gz')
    results = self.segment()
    self.assertEqual((results['mask_volume_ml'], results['mask_volume_ml_mni']), (0.072, 0.576))
    # One of the 256 voxels of the prediction, and of its 32.
    self.assertAllClose((results['dice'], results['dice_mni']), (2 / 257, 2 / 33), atol=1e-4)

  def test_a_mask_without_a_place_lies_on_its_scan_and_such_a_scan_is_refused(self):
    for name in ('mask', 'dwi'):
      data = np.asarray(nib.load(self.root / f'{name}.nii.gz').dataobj)
      nib.save(nib.Nifti1Image(data, None), self.root / f'{name}_unplaced.nii.gz')
    results = self.segment(mask=str(self.root / 'mask_unplaced.nii.gz'))
    self.assertEqual((results['dice'], results['mask_volume_ml']), (1.0, 18.432))
    with self.assertRaisesRegex(InputError, 'dwi: its header does not say where the image lies'):
      self.segment(image=str(self.root / 'dwi_unplaced.nii.gz'), name='other')

  def test_a_mask_that_lies_elsewhere_is_refused(self):
    image = nib.load(self.root / 'mask.nii.gz')
    # As stored, voxels 44 to 51 of 64 along x.
    for moved, error in ((100, '0%'), (14, '75%')):
      affine = image.affine.copy()
      affine[:3, 3] += moved * image.affine[:3, 0]
      nib.save(nib.Nifti1Image(self.lesion[::-1], affine), self.root / 'moved.nii.gz')
      with self.assertRaisesRegex(InputError, f'moved.nii.gz: {error} of its lesion lies on the scan'):
        self.segment(mask=str(self.root / 'moved.nii.gz'), name=f'moved_{moved}')

  def test_needs_no_mask(self):
    self.assertEqual(
      self.segment(mask=''), {'predicted_volume_ml': 18.432, 'predicted_volume_ml_mni': 18.432}
    )

  def save_segmenter_of_classes(self):
    """By brightness: core from .5 medians of the head's .4 on, enhancing tumour from .72."""
    shutil.rmtree(self.root / 'bundle')
    x = tf.keras.Input((*self.grid.shape, 1))
    above = lambda values, level: tf.sigmoid(100 * (values - level))
    by_class = lambda v: [
      1 - above(v, 0.5),
      above(v, 0.5) * (1 - above(v, 0.72)),
      tf.zeros_like(v),
      above(v, 0.72),
    ]
    network = tf.keras.Model(x, tf.keras.layers.Lambda(lambda v: tf.concat(by_class(v), -1))(x))
    facts = self.grid.to_json(), ASEG28_TUMOUR.to_json(), 0, (0.0, 1.0), 'none'
    names = {'classes': ('background', *TUMOUR_CLASSES), 'contrasts': ('T1CE',)}
    spec = BundleSpec(SEGMENTER, *facts, intensity_scaling='parenchyma_median', **names)
    save_bundle(self.root / 'bundle', spec, lambda image: network(image), network, '')

  def test_classes_of_a_lesion(self):
    """The expert calls half of the core oedema, in the labels of BraTS until 2021."""
    self.save_segmenter_of_classes()
    stored = nib.load(self.root / 'dwi.nii.gz')
    bright = np.zeros(self.lesion.shape, np.float32)
    drawn = np.zeros(self.lesion.shape, np.uint8)
    for part, intensity, label in (((12, 16), 500, 4), ((16, 18), 300, 1), ((18, 20), 300, 2)):
      at = (slice(*part), slice(20, 28), slice(4, 8))
      bright[at], drawn[at] = intensity, label
    head = np.asarray(stored.dataobj)[::-1] - 500.0 * self.lesion
    for name, volume in (('t1ce', head + bright), ('classes', drawn)):
      nib.save(
        nib.Nifti1Image(volume[::-1].astype(np.float32), stored.affine), self.root / f'{name}.nii.gz'
      )
    t1ce, mask = (str(self.root / f'{name}.nii.gz') for name in ('t1ce', 'classes'))
    results = self.segment(image=t1ce, mask=mask)
    found = np.asarray(nib.load(self.root / 'case' / 'prediction_native.nii.gz').dataobj)[::-1]
    self.assertAllEqual(found, np.where(drawn == 4, 3, drawn > 0))
    regions = {'necrotic_core': 2 / 3, 'oedema': 0, 'enhancing_tumour': 1, 'tumour_core': 6 / 7}
    for name, dice in {**regions, 'whole_tumour': 1}.items():
      self.assertAllClose(results[f'dice_{name}'], dice, atol=1e-4)
    self.assertEqual((results['dice'], results['mask_volume_ml']), (1.0, 18.432))
    for name, ml in (('necrotic_core', 9.216), ('oedema', 0), ('enhancing_tumour', 9.216)):
      self.assertEqual(results[f'predicted_volume_ml_{name}'], ml)
    # A mask of 0 and 1 says where any lesion is.
    results = self.segment(image=t1ce, name='union')
    self.assertEqual(results['dice'], 1.0)
    self.assertNotIn('dice_whole_tumour', results)
    nib.save(nib.Nifti1Image(7 * drawn, stored.affine), self.root / 'odd.nii.gz')
    with self.assertRaisesRegex(
      InputError, r'odd.nii.gz: holds .*, expected \[0, 1, 2, 4\] or \[0, 1, 2, 3\]'
    ):
      self.segment(image=t1ce, mask=str(self.root / 'odd.nii.gz'), name='odd')

  def test_contrasts_that_the_bundle_names_come_in_any_order(self):
    self.save_segmenter(lambda x: x[..., 0] - x[..., 1] + 0.1, 2, contrasts=('T2', 'FLAIR'))
    stored = nib.load(self.root / 'dwi.nii.gz')
    flat = np.roll(np.asarray(stored.dataobj), 12, axis=1) * (np.asarray(stored.dataobj) > 0)
    nib.save(nib.Nifti1Image(flat, stored.affine), self.root / 'flat.nii.gz')
    flat, bright = (str(self.root / f'{name}.nii.gz') for name in ('flat', 'dwi'))
    first = self.segment(image=[bright, flat], name='first')
    self.assertEqual(
      self.segment(image=[flat, bright], contrasts=['flair', 't2'], name='turned'), first
    )
    self.assertNotEqual(self.segment(image=[flat, bright], name='wrong')['dice'], first['dice'])
    with self.assertRaisesRegex(InputError, r"contrasts is \['t1', 't2'\], expected \['t2', 'flair'\]"):
      self.segment(image=[flat, bright], contrasts=['T1', 'T2'], name='odd')
    with self.assertRaisesRegex(InputError, r'segments 2 contrasts \(t2, flair\), 1 images are given'):
      self.segment(image=flat, name='few')

  def test_several_contrasts_in_order(self):
    self.save_segmenter(lambda x: x[..., 0] - x[..., 1], 2)
    image = nib.load(self.root / 'dwi.nii.gz')
    # An ADC, in 1e-6 mm2/s on voxels of another order, is dark where the DWI is bright.
    adc = np.where(self.lesion, 300, 900) * (np.asarray(image.dataobj)[::-1] > 0)
    affine = image.affine @ np.diag([-1, 1, 1, 1])
    affine[:3, 3] += image.affine[:3, 0] * (len(adc) - 1)
    nib.save(nib.Nifti1Image(adc.astype(np.int16), affine), self.root / 'adc.nii.gz')
    dwi, adc = (str(self.root / f'{name}.nii.gz') for name in ('dwi', 'adc'))
    self.assertEqual(self.segment(image=[dwi, adc])['dice'], 1.0)
    stored = nib.load(self.root / 'case' / 'image_adc.nii.gz').get_fdata()
    self.assertAllClose(np.unique(stored), [0, 0.3 / 3.5, 0.9 / 3.5], atol=1e-3)
    for images in (dwi, [dwi, adc, adc]):
      with self.assertRaisesRegex(InputError, 'bundle: segments 2 contrasts, [13] images are given'):
        self.segment(image=images, name='other')

  def test_warns_of_a_brain_that_lies_elsewhere(self):
    brain = template_t1(masked=True)
    for moved_mm, says in ((0, ''), (30, '1.nii.gz: its brain overlaps that of MNI152 with a Dice of')):
      affine = brain.affine.copy()
      affine[1, 3] += moved_mm
      scan = str(self.root / f'{bool(says):d}.nii.gz')
      nib.save(nib.Nifti1Image(brain.data, affine), scan)
      with mock.patch.object(segment_lib, 'say') as said:
        self.segment(f'moved_{moved_mm}', image=scan, mask='')
      warnings = [line for (line,), _ in said.call_args_list if 'warning' in line]
      self.assertLen(warnings, bool(says))
      self.assertIn(says, ''.join(warnings))
      facts = json.loads((self.root / f'moved_{moved_mm}' / 'transform.json').read_text())
      # Two half ellipsoids of 140 mm, 30 mm apart along their length, overlap with a Dice of about .7.
      self.assertBetween(facts['brain_dice'], *((0.5, 0.8) if says else (0.9, 1.0)))

  def test_refuses_an_unknown_space_and_a_missing_scan(self):
    with self.assertRaisesRegex(InputError, "space is 'talairach', expected native or mni"):
      self.segment(space='talairach')
    with self.assertRaisesRegex(InputError, 'nowhere.nii.gz: no such file'):
      self.segment(image='/nowhere.nii.gz')


if __name__ == '__main__':
  tf.test.main()
