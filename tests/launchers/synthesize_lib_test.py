import importlib.util
import os
import unittest
from pathlib import Path
from unittest import mock

import gin
import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.bundle import BundleError
from launchers.synthesize_lib import synthesize
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.brain_map import brain_overlap
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy, template_labels
from tests import tiny

_STEP = 3
_CODES = np.array([group[-1] for group in ASEG28.codes], np.int16)


class SynthesizeTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.root = Path(tfds.testing.make_tmp_dir())
    scheme = {'grid': tiny.GRID, 'label_scheme': ASEG28.to_json()}
    cls.translator, cls.lesions = tiny.save_toy_bundles(cls.root, scheme)
    # The template in voxels of 3 mm, FreeSurfer's codes, stored from left to right the other way round.
    template = template_anatomy()
    cls.affine = np.diag([-_STEP, _STEP, _STEP, 1.0])
    labels = template.labels[::_STEP, ::_STEP, ::_STEP][::-1]
    cls.affine[:3, 3] = template.origin_mm
    cls.affine[0, 3] += (labels.shape[0] - 1) * _STEP
    cls.codes = _CODES[labels]

  def write(self, codes: np.ndarray, shift_mm: float = 0) -> str:
    affine = self.affine.copy()
    affine[1, 3] += shift_mm
    path = self.root / f'map_{len(os.listdir(self.root))}.nii.gz'
    nib.save(nib.Nifti1Image(codes, affine), path)
    return str(path)

  def make(self, label_map: str, name: str, **options) -> Path:
    bundles = {'translator': str(self.translator), 'lesion_generator': str(self.lesions)}
    gin.clear_config()
    synthesize(workdir=str(self.root / name), label_map=label_map, **{**bundles, **options})
    return self.root / name

  def test_a_map_of_codes_is_mapped_resampled_and_brought_back(self):
    label_map = self.write(self.codes)
    run = self.make(label_map, 'run', n_cases=2, on_own_grid=True, viewer=True)
    self.assertIn('Synthetic case 1 of seed 0', (run / 'case_0001' / 'view.html').read_text('utf-8'))
    read = lambda case, name: nib.load(run / case / f'{name}.nii.gz')
    labels = read('case_0000', 'labels')
    self.assertEqual(labels.shape, tuple(tiny.GRID['shape']))
    self.assertAllInSet(np.unique(labels.dataobj), range(28))
    # Left of the midline stands what is left in the map.
    left, right = (ASEG28.id_of(f'{side} thalamus') for side in ('left', 'right'))
    values = np.asarray(labels.dataobj)
    to_mm = lambda i: (labels.affine @ [*np.argwhere(values == i).mean(0), 1])[0]
    self.assertLess(to_mm(left), 0)
    self.assertGreater(to_mm(right), 0)
    own = read('case_0000', 'image_own')
    # Voxel by voxel as the map is stored.
    self.assertEqual(own.shape, self.codes.shape)
    self.assertAllClose(own.affine, self.affine)
    self.assertEqual(own.header['sform_code'], nib.load(label_map).header['sform_code'])
    # At the centre of a voxel of the grid the nearest voxel of the map has nearly its value.
    image = read('case_0000', 'image')
    at = np.random.default_rng(0).integers([6, 6, 1], [26, 26, 7], (500, 3))
    to_map = np.linalg.inv(own.affine) @ image.affine
    near = np.rint(at @ to_map[:3, :3].T + to_map[:3, 3]).astype(int)
    pairs = image.get_fdata()[tuple(at.T)], own.get_fdata()[tuple(near.T)]
    self.assertGreater(np.corrcoef(*pairs)[0, 1], 0.9)
    lesions = [np.asarray(read(f'case_000{i}', 'lesion').dataobj) for i in range(2)]
    self.assertNotAllEqual(*lesions)
    back = read('case_0000', 'lesion_own')
    self.assertAllClose(back.affine, self.affine)
    centre = lambda image: (image.affine @ [*np.argwhere(image.get_fdata()).mean(0), 1])[:3]
    self.assertAllClose(centre(back), centre(read('case_0000', 'lesion')), atol=4)

  @unittest.skipUnless(importlib.util.find_spec('ants'), 'antspyx is not installed')
  def test_a_map_elsewhere_is_registered(self):
    moved = self.write(self.codes, shift_mm=60)
    run = self.make(moved, 'registered', space='native', on_own_grid=True)
    read = lambda name: nib.load(run / 'case_0000' / f'{name}.nii.gz')
    centre = lambda image: (image.affine @ [*np.argwhere(image.get_fdata()).mean(0), 1])[:3]
    away = centre(read('lesion_own')) - centre(read('lesion'))
    self.assertAllClose(away, [0, 60, 0], atol=6)
    labels = np.asarray(read('labels').dataobj)
    self.assertGreater(brain_overlap(labels, template_labels(get_grid(tiny.GRID))), 0.9)

  def test_refuses_what_it_cannot_place_or_read(self):
    unknown = self.codes.copy()
    unknown[0, 0, 0] = 9999
    many = self.codes + 9000
    for label_map, error in (
      (self.write(many), r'label codes \[\d+, \d+, \d+, \d+, \d+\] and \d+ more are not in aseg28'),
      (self.write(0 * self.codes), 'holds background alone, expected a brain'),
      (self.write(self.codes[::-1]), 'its left structures lie on the right of the MNI152 brain'),
      (self.write(unknown), r'label codes \[9999\] are not in aseg28'),
      (self.write(self.codes, shift_mm=60), 'with a Dice of 0[.].*near MNI space; --space=native reg'),
      (str(self.root / 'none.nii.gz'), 'none.nii.gz'),
    ):
      with self.assertRaisesRegex(InputError, error):
        self.make(label_map, 'refused')

  def test_refuses_what_makes_no_case_in_one_line(self):
    label_map = self.write(self.codes)
    for name, value in (('n_cases', 0), ('seed', -1)):
      with self.assertRaisesRegex(InputError, f'synthesize.{name} is {value}, expected'):
        self.make(label_map, 'refused', **{name: value})
    scheme = {
      'grid': {**tiny.GRID, 'corner_mm': [-90.0, -114.0, -56.0]},
      'label_scheme': ASEG28.to_json(),
    }
    _, other = tiny.save_toy_bundles(self.root / 'other_grid', scheme)
    with self.assertRaisesRegex(InputError, '^translator .* has the grid .* expected the same'):
      self.make(label_map, 'refused', lesion_generator=str(other))
    for value in (0.0, np.nan):
      dark = mock.Mock(
        image=np.full((*tiny.GRID['shape'], 1), value), lesion=np.zeros(tiny.GRID['shape'])
      )
      with mock.patch('keras_itm.synthesize', return_value=dark):
        with self.assertRaisesRegex(InputError, 'draws an image that is dark or not finite'):
          self.make(label_map, f'dark_{value}')

  def test_refuses_a_translator_of_classes(self):
    scheme = {'grid': tiny.GRID, 'label_scheme': ASEG28.to_json()}
    classes = tiny.save_toy_class_translator(self.root / 'classes', scheme)
    options = {'translator': str(classes), 'lesion_generator': str(self.lesions)}
    message = r"takes the classes \['background', .*\], expected a translator of the labels aseg28"
    with self.assertRaisesRegex(BundleError, message):
      synthesize(workdir=str(self.root / 'refused'), **options)

  def test_refuses_an_appearance_that_nothing_has_learnt(self):
    for asked, error in (
      ('noise', "appearance 'noise', expected NAME=NUMBER"),
      ('DWI.noise=0.1', 'appearance DWI.noise asked for, expected none: it learnt from labels alone'),
    ):
      with self.assertRaisesRegex(InputError, error):
        self.make(self.write(self.codes), 'refused', appearance=[asked])


if __name__ == '__main__':
  tf.test.main()
