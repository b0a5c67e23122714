import json
import os
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.card_lib import card
from stroke_tfds.errors import InputError
from tests import slice_sets, tiny


def front_matter(text: str) -> dict:
  _, block, _ = text.split('---\n', 2)
  return {line.partition(': ')[0]: json.loads(line.partition(': ')[2]) for line in block.splitlines()}


class CardTest(tf.test.TestCase):
  def make_run(self) -> Path:
    """A run folder with the bundle of a toy translator."""
    run = Path(tfds.testing.make_tmp_dir()) / 'run'
    scheme = {'name': 'aseg28', 'names': ['background', 'brain'], 'lesion_id': 2, 'parenchyma_ids': [1]}
    metadata = {'grid': tiny.GRID, 'label_scheme': scheme}
    tiny.save_toy_bundles(run, metadata, trained_on=('soop/mini:train',), licences=('CC0',))
    (run / 'translator').rename(run / 'bundle')
    (run / 'metrics.csv').write_text('epoch,step,seconds,val_l1_loss\n1,9,1,0.5\n2,18,1,0.25\n')
    (run / 'finished.json').write_text('{"bundle": "abc", "epochs": 2}')
    (run / 'bundle' / 'operative_config.gin').write_text(
      "train_itm.epochs = 2\ntrain_itm.start = '/home/jane/patients/DoeJohn/run'\n"
    )
    return run

  def test_of_a_bundle(self):
    run = self.make_run()
    text = card(str(run / 'bundle'))
    matter = front_matter(text)
    self.assertEqual((matter['license'], matter['pipeline_tag']), ('cc0-1.0', 'image-to-image'))
    self.assertIn('- learnt from: soop/mini:train\n', text)
    self.assertIn('32 x 32 x 8 voxels of 6 x 6 x 16 mm', text)
    self.assertIn('| val_l1_loss | 0.25 |', text)
    self.assertIn(f'TensorFlow {tf.__version__}', text)
    self.assertIn('train_itm.epochs = 2', text)
    for secret in ('jane', 'patients', str(run)):
      self.assertNotIn(secret, text)
    for section in ('Intended use', 'Limits', 'Versions', 'Configuration'):
      self.assertIn(f'\n## {section}\n', text)

  def test_of_a_set(self):
    data_dir = tfds.testing.make_tmp_dir()
    counts = {'n_healthy': 1, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0}
    name = tiny.build_phantom(data_dir, **counts)
    text = card(name, data_dir)
    matter = front_matter(text)
    self.assertEqual(matter['license'], 'apache-2.0')
    self.assertEqual(matter['size_categories'], ['n<1K'])
    self.assertIn('- `train`: 1 cases\n', text)
    self.assertIn('contrasts: DWI, float16 in [0, 1], scaling parenchyma_median', text)
    self.assertNotIn(data_dir, text)
    with self.assertRaisesRegex(
      InputError, f'^{name}:train: a card is of a whole set, expected {name}$'
    ):
      card(f'{name}:train', data_dir)
    # In the data folder, its name is a folder, too.
    self.addCleanup(os.chdir, os.getcwd())
    os.chdir(data_dir)
    self.assertEqual(card(name, '.'), text)

  def test_of_a_generator_of_slices(self):
    metadata = {'grid': tiny.GRID, 'label_scheme': {'name': 'aseg28', 'names': ['background', 'brain']}}
    path = tiny.save_toy_joint(Path(tfds.testing.make_tmp_dir()) / 'bundle', metadata)
    self.assertIn('It draws slices together with their classes.', card(str(path)))
    self.assertIn('- intensities in [-1, 1]', card(str(path)))
    alone = tiny.save_toy_joint(path.with_name('masks'), metadata, n_contrasts=0)
    self.assertIn('It draws the classes of slices alone.', card(str(alone)))
    self.assertNotIn('intensities', card(str(alone)))
    path = tiny.save_toy_class_translator(path.with_name('translator'), metadata)
    line = '- classes: background, white matter, grey matter, CSF, lesion\n'
    self.assertIn(line, card(str(path)))
    self.assertIn('It turns slices of classes into images, slice by slice.', card(str(path)))

  def test_refuses_what_is_neither(self):
    run = self.make_run()
    with self.assertRaisesRegex(InputError, "data set 'nothing' does not exist"):
      card('nothing')
    with self.assertRaisesRegex(InputError, 'phantom-mini/spade: no bundle of this name'):
      card('phantom-mini/spade')
    gin_file = run / 'bundle' / 'operative_config.gin'
    kept = gin_file.read_bytes() if gin_file.exists() else b''
    gin_file.write_bytes(b'\xff')
    with self.assertRaisesRegex(InputError, 'operative_config.gin: no text in UTF-8'):
      card(str(run / 'bundle'))
    gin_file.write_bytes(kept)
    (run / 'bundle' / 'saved_model.pb').write_bytes(b'x')
    with self.assertRaisesRegex(InputError, 'saved_model.pb cannot be read'):
      card(str(run / 'bundle'))
    with self.assertRaisesRegex(InputError, f'{run}: holds no bundle.json, expected .* {run}/bundle$'):
      card(str(run))
    with self.assertRaisesRegex(InputError, 'holds no bundle.json, expected a bundle, or the name of'):
      card(str(run / 'bundle' / 'variables'))
    (run / 'bundle' / 'bundle.json').write_text('[]')
    with self.assertRaisesRegex(InputError, 'bundle.json: not the facts of a bundle'):
      card(str(run / 'bundle'))


class SlicesTest(slice_sets.SlicesCase):
  def test_of_a_set(self):
    builder = self.builder()
    made = self.examples(builder)
    text = card(f'synthetic_slices/{builder.builder_config.name}', str(self.root / 'data'))
    self.assertIn(f'- `train`: {len(made)} slices\n', text)
    self.assertIn('- contrasts: DWI, ADC, float32 in [0, 1]', text)
    self.assertIn('axial slices of 16 x 16 pixels', text)
    self.assertIn(f'- classes: {", ".join(tiny.JOINT_CLASSES)}\n', text)
    masks = self.builder(joint_generator=str(self.masks))
    masks.download_and_prepare()
    text = card(f'synthetic_slices/{masks.builder_config.name}', str(self.root / 'data'))
    self.assertIn('- no images, classes alone\n', text)
    begun = self.root / 'data' / 'synthetic_slices' / 'n9_seed0-begun'
    (begun / '1.1.0.incomplete7').mkdir(parents=True)
    with self.assertRaisesRegex(InputError, "n9_seed0-begun': its build has not finished, or"):
      card(f'synthetic_slices/{begun.name}', str(self.root / 'data'))
    begun.rename(self.root / 'begun')
    with self.assertRaisesRegex(InputError, r"'synthetic_slices/n3_typo' is not built in .*'n3_seed0-"):
      card('synthetic_slices/n3_typo', str(self.root / 'data'))


if __name__ == '__main__':
  tf.test.main()
