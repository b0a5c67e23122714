"""One case by hand: it is the volume of the built set, and what does not fit is refused in one line."""

import base64
import gzip
import json
import re
import tempfile
import webbrowser
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from keras_itm import synthesis
from keras_itm.bundle import BundleError
from keras_itm.case import synthesize
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.synthetic_stroke import drawing
from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig
from tests import tiny

AFFINE = np.array([[6, 0, 0, -93], [0, 6, 0, -111], [0, 0, 16, -48], [0, 0, 0, 1.0]])


class CaseTest(parameterized.TestCase, tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.data_dir = tempfile.mkdtemp()
    cls.name = tiny.build_phantom(cls.data_dir)
    builder = tfds.builder(cls.name, data_dir=cls.data_dir)
    cls.metadata = builder.info.metadata
    cls.translator, cls.lesions = tiny.save_toy_bundles(Path(cls.data_dir) / 'toys', cls.metadata)
    cls.healthy = list(tfds.as_numpy(builder.as_dataset(split='healthy')))
    cls.brain = cls.healthy[0]['labels']

  def make(self, labels, **options):
    return synthesize(labels, self.translator, self.lesions, **{'seed': 3, **options})

  def write(self, volume, affine=AFFINE):
    path = Path(tempfile.mkdtemp()) / 'labels.nii.gz'
    nib.save(nib.Nifti1Image(volume, affine), path)
    return path

  def test_a_case_without_lesion_has_no_number_of_one(self):
    numbers = {'DWI.lesion_spread': 0.2, 'DWI.noise': 0.1}
    translate, told = synthesis.translate, []

    def spy(*volume, appearance, **options):
      told.append(appearance)
      return translate(*volume, **options)

    with mock.patch.object(synthesis, 'draw_appearance', return_value=numbers):
      with mock.patch.object(synthesis, 'translate', spy):
        cases = [self.make(self.brain, negative=negative) for negative in (False, True)]
    self.assertEqual(told, [numbers, {'DWI.noise': 0.1}])
    self.assertEqual([case.facts['appearance'] for case in cases], told)
    with self.assertRaisesRegex(ValueError, 'asked for a case without lesion, expected none of'):
      self.make(self.brain, negative=True, appearance=numbers)

  def test_a_map_whose_compression_is_damaged(self):
    path = self.write(self.brain)
    stored = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=0, mtime=0))
    stored[11] ^= 0xFF  # The length of the first block, which its complement no longer confirms.
    path.write_bytes(stored)
    with self.assertRaisesRegex(ValueError, 'labels.nii.gz: no NIfTI file that can be read'):
      self.make(str(path))

  @parameterized.parameters(True, False)
  def test_equals_the_volume_of_a_built_set(self, equalize):
    config = SyntheticStrokeConfig(
      translator=str(self.translator),
      lesion_generator=str(self.lesions),
      healthy=self.name,
      num_volumes=6,
      seed=3,
      audit=False,
      equalize_slice_brightness=equalize,
    )
    builder = tfds.builder('synthetic_stroke', config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    stored = {e['subject_id']: e for e in tfds.as_numpy(builder.as_dataset(split='train'))}
    brains = {e['subject_id'].decode(): e['labels'] for e in self.healthy}
    for index in (0, 5):
      example = stored[f'synthetic-{index:06d}'.encode()]
      facts = json.loads(example['provenance'])
      options = {'equalize_slice_brightness': equalize, 'tissue': brain_tissue(get_grid(tiny.GRID))}
      case = self.make(brains[facts['healthy_parent']], index=index, **options)
      self.assertAllEqual(case.image, example['image'])
      self.assertAllEqual(case.lesion, example['lesion'])
      self.assertAllEqual(case.labels, example['labels'])
      self.assertEqual(case.facts, {name: facts[name] for name in case.facts})

  def test_the_unit_is_measured_where_it_is_told(self):
    """The toy translator shows ids, and those of the cerebellum are higher than those above it."""
    low = brain_tissue(get_grid(tiny.GRID)).copy()
    low[:, :, 2:] = False
    config = SyntheticStrokeConfig(
      translator=str(self.translator),
      lesion_generator=str(self.lesions),
      healthy=self.name,
      num_volumes=1,
      seed=4,
      audit=False,
    )
    builder = tfds.builder('synthetic_stroke', config=config, data_dir=self.data_dir)
    with mock.patch.object(drawing, 'brain_tissue', return_value=low):
      builder.download_and_prepare()
    [example] = tfds.as_numpy(builder.as_dataset(split='train'))
    told, untold = (self.make(example['labels'], seed=4, tissue=tissue) for tissue in (low, None))
    self.assertAllEqual(told.image, example['image'])
    self.assertNotAllEqual(untold.image, example['image'])

  def test_file_and_array_give_the_same_case(self):
    case = self.make(self.brain)
    mirrored = np.diag([-1.0, 1, 1, 1])
    mirrored[0, 3] = 31
    # The same map stored from right to left.
    for path in (self.write(self.brain), self.write(self.brain[::-1], AFFINE @ mirrored)):
      self.assertAllEqual(self.make(path).image, case.image)

  def test_saved_files(self):
    case, folder = self.make(self.brain), Path(tempfile.mkdtemp()) / 'case'
    volumes = {'image': case.image[..., 0], 'labels': self.brain, 'lesion': case.lesion}
    case.save(folder)
    for name, volume in volumes.items():
      stored = nib.load(folder / f'{name}.nii.gz')
      self.assertAllEqual(stored.get_fdata(), volume.astype(np.float64))
      self.assertAllClose(stored.affine, AFFINE)
      codes = [int(stored.header[f'{form}_code']) for form in ('sform', 'qform')]
      self.assertEqual((codes, stored.header.get_xyzt_units()[0]), ([4, 4], 'mm'))
    self.assertLen(list(folder.iterdir()), 4)
    self.assertGreaterEqual(case.lesion.sum(), 20)
    facts = json.loads((folder / 'case.json').read_text())
    self.assertEqual(facts, {**case.facts, 'label_names': [*ASEG28.names]})

  def test_its_page_shows_it_and_what_it_was_made_of(self):
    case, path = self.make(self.brain, index=2), Path(tempfile.mkdtemp()) / 'case.html'
    with mock.patch.object(webbrowser, 'open') as opened:
      self.assertEqual(case.view(path).path, path)
      opened.assert_not_called()
      other = case.view().path
      opened.assert_called_once_with(other.as_uri())
    self.assertEqual(other.read_bytes(), path.read_bytes())
    scene = json.loads(re.search('id="case">(.*?)</script>', path.read_text('utf-8'))[1])
    self.assertEqual(dict(scene['facts'])['lesion seed'], '[3, 2]')
    self.assertEqual(dict(scene['facts'])['translator'], case.facts['translator'])
    (image,), (mask,) = scene['images'], scene['masks']
    for shown, volume in ((image, case.image[..., 0]), (mask, case.lesion)):
      stored = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(shown['nifti'])))
      self.assertAllEqual(stored.get_fdata(), volume.astype(np.float64))
      self.assertAllClose(stored.affine, AFFINE)
    self.assertEqual(scene['labels']['names'], [*ASEG28.names])

  def test_index_and_seed_decide(self):
    first = self.make(self.brain).lesion
    self.assertAllEqual(self.make(self.brain).lesion, first)
    self.assertNotAllEqual(self.make(self.brain, index=1).lesion, first)
    self.assertNotAllEqual(self.make(self.brain, seed=4).lesion, first)

  def refuse(self, labels, *named):
    with self.assertRaises(ValueError) as caught:
      self.make(labels)
    for part in (*named, str(self.translator)):
      self.assertIn(part, str(caught.exception))
    self.assertLen(str(caught.exception).splitlines(), 1)

  def test_maps_that_do_not_fit(self):
    self.refuse(self.brain[:16], '(16, 32, 8)', '(32, 32, 8)')
    self.refuse(np.full_like(self.brain, 77), '77.0', '0 to 27')
    self.refuse(self.brain + 0.5, '0.5', '0 to 27')
    self.refuse(-self.brain.astype(np.int16), '-27.0')
    self.refuse(np.zeros_like(self.brain), 'parenchyma')
    shifted = AFFINE.copy()
    shifted[2, 3] += 0.5
    path = self.write(self.brain, shifted)
    self.refuse(path, str(path), '-47.5', '-48.0')
    path = self.write(np.stack([self.brain] * 2, -1))
    self.refuse(path, str(path), '(32, 32, 8, 2)')

  def test_files_that_are_none(self):
    path = Path(tempfile.mkdtemp()) / 'labels.nii.gz'
    for write in (lambda: None, lambda: path.write_bytes(b'\x1f\x8bno'), lambda: path.write_text('x')):
      write()
      with self.assertRaisesRegex(ValueError, str(path)):
        self.make(path)
    whole = self.write(self.brain)
    path.write_bytes(whole.read_bytes()[:-40])
    with self.assertRaisesRegex(ValueError, str(path)):
      self.make(path)

  def test_bundles_that_do_not_fit(self):
    with self.assertRaisesRegex(BundleError, 'lesion_generator.*expected .translator'):
      synthesize(self.brain, self.lesions, self.lesions, seed=0)
    for field, value in (
      ('grid', {**self.metadata['grid'], 'spacing_mm': [6.0, 6.0, 8.0]}),
      ('label_scheme', {**self.metadata['label_scheme'], 'name': 'other'}),
    ):
      folder = Path(tempfile.mkdtemp())
      _, other = tiny.save_toy_bundles(folder, {**self.metadata, field: value})
      with self.assertRaisesRegex(ValueError, f'{self.translator} has the {field}.*{other} has'):
        synthesize(self.brain, self.translator, other, seed=0)
    classes = tiny.save_toy_class_translator(Path(tempfile.mkdtemp()) / 'classes', self.metadata)
    with self.assertRaisesRegex(BundleError, r"classes: takes the classes \['background', .* labels"):
      synthesize(self.brain, classes, self.lesions, seed=0)


if __name__ == '__main__':
  tf.test.main()
