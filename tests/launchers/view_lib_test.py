"""Pages of cases from folders, files and built sets, and what is refused in one line."""

import base64
import gzip
import json
import re
from pathlib import Path

import gin
import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from keras_itm.case import Case
from launchers.view_lib import view
from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28
from tests import tiny

AFFINE = np.diag([2.0, 2, 4, 1])


def scene_of(page: Path) -> dict:
  """What a page shows, its volumes decoded."""
  found = re.search('<script type="application/json" id="case">(.*?)</script>', page.read_text('utf-8'))
  scene = json.loads(found[1])
  for volume in (*scene['images'], *scene['masks'], *filter(None, [scene['labels']])):
    volume['nifti'] = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(volume['nifti'])))
  return scene


class ViewTest(tiny.CohortTestCase, parameterized.TestCase):
  def setUp(self):
    super().setUp()
    gin.clear_config()
    self.root = Path(tfds.testing.make_tmp_dir())

  def view(self, **options) -> dict:
    view(data_dir=self.data_dir, output=str(self.root / 'page.html'), **options)
    return scene_of(self.root / 'page.html')

  def write(self, name: str, volume: np.ndarray, affine: np.ndarray = AFFINE) -> str:
    nib.save(nib.Nifti1Image(volume, affine), self.root / name)
    return str(self.root / name)

  def test_a_saved_case_with_two_contrasts(self):
    image = np.random.default_rng(0).random((6, 5, 4, 2)).astype(np.float16)
    lesion = np.zeros((6, 5, 4), np.uint8)
    lesion[1:3, 2, 3] = 1
    names = ('background', 'left x', 'right x', 'y')
    case = Case(image, lesion * 3, lesion, AFFINE, {'lesion_seed': [4, 2]}, lesion, names)
    case.save(self.root / 'case')
    for name in ('image_own', 'image_own_1', 'lesion_own'):  # As `synthesize --on_own_grid` adds.
      self.write(f'case/{name}.nii.gz', np.ones((2, 2, 2), np.uint8))
    scene = self.view(case=str(self.root / 'case'))
    self.assertEqual([one['name'] for one in scene['images']], ['image 1', 'image 2'])
    for i, shown in enumerate(scene['images']):
      self.assertAllEqual(np.asarray(shown['nifti'].dataobj), image[..., i])
    (mask,) = scene['masks']
    self.assertAllEqual(np.asarray(mask['nifti'].dataobj), lesion)
    self.assertEqual((mask['name'], mask['volume']), ('lesion', '0.032 ml'))
    self.assertEqual(scene['facts'], [['lesion seed', '[4, 2]']])
    self.assertEqual(scene['space'], 'MNI')
    self.assertEqual(scene['labels']['names'], [*names])
    self.assertAllEqual(np.asarray(scene['labels']['nifti'].dataobj), lesion * 3)
    (self.root / 'case' / 'case.json').unlink()
    scene = self.view(case=str(self.root / 'case'))
    self.assertEqual(scene['labels']['names'], [f'label {i}' for i in range(4)])
    self.assertEqual(scene['facts'], [])
    # An export tells the names once, in the folder above its cases.
    (self.root / 'dataset.json').write_text(json.dumps({'label_scheme': {'names': names}}))
    scene = self.view(case=str(self.root / 'case'))
    self.assertEqual((scene['labels']['names'], scene['facts']), ([*names], []))
    # Other programs have files of that name, too.
    for text in ('[]', '{"label_scheme": []}', '{"label_scheme": {"names": [1]}}', 'x'):
      (self.root / 'dataset.json').write_text(text)
      scene = self.view(case=str(self.root / 'case'))
      self.assertEqual(scene['labels']['names'], [f'label {i}' for i in range(4)])

  def test_scans_of_any_orientation_are_where_their_headers_put_them(self):
    values = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
    turned = np.array([[0, -2.0, 0, 8], [3, 0, 0, -7], [0, 0, 4, 1], [0, 0, 0, 1]])
    names = [self.write(f'a_b_{name}.nii.gz', values, turned) for name in ('dwi', 'adc')]
    mask = self.write('a_b_mask.nii.gz', (values == 37).astype(np.uint8), turned)
    scene = self.view(image=names, mask=[mask])
    self.assertEqual([one['name'] for one in scene['images'] + scene['masks']], ['dwi', 'adc', 'mask'])
    shown = scene['images'][0]['nifti']
    self.assertEqual(nib.aff2axcodes(shown.affine), ('R', 'A', 'S'))
    at = np.argwhere(values == 37)[0]
    self.assertAllClose(scene['start_mm'], turned[:3, :3] @ at + turned[:3, 3])
    inside = np.linalg.solve(shown.affine, [*scene['start_mm'], 1])[:3].round().astype(int)
    self.assertEqual(shown.dataobj[tuple(inside)], 37)
    self.assertEqual(scene['space'], '')

  def test_an_example_of_a_set_with_its_provenance(self):
    stored = tfds.builder(self.cohort, data_dir=self.data_dir).as_dataset(split='test')
    examples = {e['subject_id'].decode(): e for e in tfds.as_numpy(stored)}
    name = sorted(examples)[1]
    scene = self.view(source=f'{self.cohort}:test', subject_id=name)
    (image,) = scene['images']
    self.assertAllEqual(np.asarray(image['nifti'].dataobj), examples[name]['image'][..., 0])
    self.assertEqual(image['name'], 'DWI')
    self.assertAllEqual(np.asarray(scene['labels']['nifti'].dataobj), examples[name]['labels'])
    self.assertEqual(scene['labels']['names'], [*ASEG28.names])
    facts = dict(scene['facts'])
    self.assertEqual(facts['data set'].split()[0], f'{self.cohort}:test')
    for term, value in json.loads(examples[name]['provenance']).items():
      if isinstance(value, str):
        self.assertEqual(facts[term.replace('_', ' ')], value)
    first = self.view(source=f'{self.cohort}:test')
    self.assertAllEqual(
      np.asarray(first['images'][0]['nifti'].dataobj), next(iter(examples.values()))['image'][..., 0]
    )

  @parameterized.parameters(
    ({}, 'none is given, expected one of --case, --image and --source'),
    (
      {'image': ['a'], 'case': 'b'},
      '^--case and --image is given, expected one of --case, --image and',
    ),
    ({'case': 'b', 'mask': ['c']}, '--mask goes with --image alone'),
    ({'image': ['a'], 'subject_id': 'c'}, '--subject_id goes with --source alone'),
    (
      {'image': ['{root}/dwi.nii'], 'mask': ['{root}/small.nii']},
      r'small: \(3, 5, 4\) voxels',
    ),
    ({'image': ['{root}/dwi.nii', '{root}/moved.nii']}, 'moved: its affine differs .* by 9, expected'),
    ({'image': ['{root}/dwi.nii'], 'mask': ['{root}/dwi.nii']}, 'dwi.nii: holds .* a mask of 0 and 1'),
    ({'image': ['{root}/long.nii']}, r'shape \(2, 2, 2, 9\), expected three dimensions'),
    ({'case': '{root}/none'}, 'none: no such folder'),
    ({'case': '{root}/masks'}, 'masks: holds no image'),
    ({'case': '{root}/apart'}, r'labels: \(3, 5, 4\) voxels, expected'),
    ({'case': '{root}/unnamed'}, r'unnamed: labels \[2, 3\] are unknown, .* from 0 to 1'),
    ({'case': '{root}/misnamed'}, 'case.json: cannot be read, expected the facts of a case'),
  )
  def test_refuses_in_one_line(self, options, error):
    values = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
    self.write('dwi.nii', values)
    self.write('small.nii', values[:3] % 2)
    self.write('moved.nii', values, AFFINE + 9 * np.eye(4, k=3))
    self.write('long.nii', np.arange(72, dtype=np.int16).reshape(2, 2, 2, 9))
    (self.root / 'masks').mkdir()
    self.write('masks/lesion.nii.gz', np.zeros((2, 2, 2), np.uint8))
    for folder, labels, names in (
      ('apart', values[:3] % 2, []),
      ('unnamed', values % 4, ['', 'x']),
      ('misnamed', values % 2, 1),
    ):
      (self.root / folder).mkdir()
      self.write(f'{folder}/dwi.nii.gz', values)
      self.write(f'{folder}/labels.nii.gz', labels)
      (self.root / folder / 'case.json').write_text(json.dumps({'label_names': names}))
    place = lambda text: text.replace('{root}', str(self.root))
    filled = {k: place(v) if isinstance(v, str) else list(map(place, v)) for k, v in options.items()}
    with self.assertRaisesRegex(InputError, error):
      self.view(**filled)
    self.assertFalse((self.root / 'page.html').exists())

  def test_refuses_another_kind_of_output(self):
    with self.assertRaisesRegex(InputError, "'a.png', expected a name that ends in .html"):
      view(output='a.png', case='b')


if __name__ == '__main__':
  tf.test.main()
