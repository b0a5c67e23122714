"""Bundles of three runs become a package, whose names then stand for them everywhere."""

import json
import shutil
import sys
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

import keras_itm
from bundles import assemble
from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import SEGMENTER, BundleSpec
from keras_itm.packaged_bundles import NAMES, PACKAGE
from launchers.synthesize_lib import synthesize
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_labels
from tests import tiny

_LEARNT_FROM = ('phantom_stroke/mini:train',)


def make_runs(folder: Path) -> Path:
  """Finished runs with toys for bundles."""
  facts = {'grid': tiny.GRID, 'label_scheme': ASEG28.to_json()}
  made = tiny.save_toy_bundles(folder, facts, trained_on=_LEARNT_FROM)
  for name, path in zip(('flow', 'lesion_gan'), made):
    (folder / name).mkdir()
    path.rename(folder / name / 'bundle')
  image = tf.keras.Input((*tiny.GRID['shape'], 1))
  network = tf.keras.Sequential([image, tf.keras.layers.Dense(1)])
  made = {'latent_size': 0, 'intensity_range': (0.0, 1.0), 'training_set': ''}
  spec = BundleSpec(SEGMENTER, **facts, **made, trained_on=_LEARNT_FROM)
  (folder / 'unet').mkdir()
  save_bundle(folder / 'unet' / 'bundle', spec, lambda image: network(image)[..., 0], network, '')
  for run in assemble.RUNS.values():
    (folder / run / 'finished.json').write_text('{"epochs": 3}')
  return folder


class AssembleTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.root = Path(tfds.testing.make_tmp_dir())
    cls.runs = make_runs(cls.root / 'runs')
    cls.package = cls.root / 'site' / PACKAGE
    cls.package.mkdir(parents=True)
    (cls.package / '__init__.py').touch()
    # What an earlier release held is replaced.
    (cls.package / 'phantom-mini' / 'other').mkdir(parents=True)
    cls.n_bytes = assemble.assemble(cls.runs, cls.package)

  def setUp(self):
    super().setUp()
    self.enter_context(mock.patch.object(sys, 'path', [str(self.package.parent), *sys.path]))

  def test_every_name_is_the_bundle_of_its_run_with_a_card(self):
    self.assertEqual(set(assemble.RUNS), set(NAMES))
    for name in NAMES:
      bundle = keras_itm.load_bundle(name)
      self.assertEqual(bundle.path, self.package / name)
      self.assertEqual(f'phantom-mini/{bundle.spec.kind}', name)
      run = self.runs / assemble.RUNS[name]
      self.assertEqual(bundle.fingerprint, keras_itm.load_bundle(run / 'bundle').fingerprint)
      card = (bundle.path / 'README.md').read_text('utf-8')
      self.assertIn(f"keras_itm.load_bundle('{name}', '{bundle.spec.kind}')", card)
      self.assertIn('| epochs | 3 |', card)
    files = [path for path in self.package.rglob('*') if path.is_file() and path.suffix != '.py']
    self.assertEqual(self.n_bytes, sum(path.stat().st_size for path in files))
    folders = [f'phantom-mini/{path.name}' for path in (self.package / 'phantom-mini').iterdir()]
    self.assertCountEqual(folders, NAMES)

  def test_a_first_case_by_names_alone(self):
    names = {'translator': NAMES[2], 'lesion_generator': NAMES[0]}
    labels = template_labels(get_grid(tiny.GRID))
    case = keras_itm.synthesize(labels, **names, seed=2)
    folders = [self.runs / run / 'bundle' for run in ('flow', 'lesion_gan')]
    self.assertAllEqual(keras_itm.synthesize(labels, *folders, seed=2).image, case.image)
    synthesize(workdir=str(self.root / 'first'), **names)
    self.assertTrue((self.root / 'first' / 'case_0000' / 'lesion.nii.gz').exists())
    with self.assertRaisesRegex(InputError, 'on_own_grid goes with --label_map'):
      synthesize(workdir=str(self.root / 'second'), **names, on_own_grid=True)

  def altered(self, name: str, run: str, **facts) -> Path:
    """The runs once more, one of whose bundles says something else of itself."""
    runs = shutil.copytree(self.runs, self.root / name)
    file = runs / run / 'bundle' / 'bundle.json'
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))
    return runs

  def refuse(self, runs: Path, message: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in self.package.parent.rglob('*')}
    with self.assertRaisesRegex(InputError, message):
      assemble.assemble(runs, self.package)
    self.assertEqual({path: path.stat().st_mtime_ns for path in before}, before)
    self.assertLen(list(self.package.parent.iterdir()), 1)

  def test_refuses_what_must_not_be_given_away_and_leaves_what_is_there(self):
    with mock.patch.object(assemble, 'MAX_BYTES', self.n_bytes - 1):
      self.refuse(self.runs, f'bundles of {self.n_bytes} bytes, expected at most {self.n_bytes - 1}')
    patients = self.altered('patients', 'flow', trained_on=[*_LEARNT_FROM, 'soop/mini:train'])
    self.refuse(patients, r"learnt from \['soop/mini:train'\], expected phantom_stroke/")
    unknown = self.altered('unknown', 'unet', trained_on=[])
    self.refuse(unknown, 'learnt from data that are not known')
    mixed = self.altered('mixed', 'unet', grid={**tiny.GRID, 'corner_mm': [0.0, 0.0, 0.0]})
    self.refuse(mixed, 'bundles have the grid .*, expected one')
    (mixed / 'unet' / 'finished.json').unlink()
    self.refuse(mixed, 'unet: not a finished run, expected the training of phantom-mini/segmenter')


if __name__ == '__main__':
  tf.test.main()
