"""Generators that remember training cases are found out; others are kept, and draw again alike."""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from keras_itm import synthesis
from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR, BundleSpec
from keras_itm.case import synthesize
from stroke_tfds.errors import InputError
from stroke_tfds.sources import fingerprint, open_sources
from tests import tiny
from tests.synthetic_sets import SyntheticCase

_PLANES = (8, 8, 4)  # Of texture, in blocks of the tiny grid's (32, 32, 8) voxels.
_TEXTURE = int(np.prod(_PLANES))


class AuditedCase(SyntheticCase):
  """Bundles that say what they learnt from: all cases of the cohort."""

  def setUp(self):
    super().setUp()
    self.trained_on = tuple(f'{self.healthy}:{split}' for split in ('healthy', 'train', 'test'))
    sources = open_sources(self.trained_on, self.data_dir)
    self.cases = [e for source in sources for e in source.examples().as_numpy_iterator()]
    self.patients = [case for case in self.cases if case['lesion'].sum() >= 20]
    self.facts = {
      'grid': self.metadata['grid'],
      'label_scheme': self.metadata['label_scheme'],
      'trained_on': self.trained_on,
      'training_set': fingerprint(sources),
    }
    self.folder = Path(tfds.testing.make_tmp_dir())

  def save_translator(self, name='translator', image=None, **facts) -> str:
    """Textured tissue with lesions twice as bright; or the same image for all label maps."""

    def paint(segmentation, latent):
      if image is not None:
        return tf.constant(2 * image[np.newaxis] - 1, tf.float32) + 0 * tf.reduce_sum(latent)
      x, y, z = _PLANES
      texture = tf.reshape(latent, (-1, x, 1, y, 1, z, 1)) * tf.ones((1, 1, 4, 1, 4, 1, 2))
      texture = tf.reshape(texture, (-1, 4 * x, 4 * y, 2 * z))
      tissue = tf.where(segmentation == self.metadata['label_scheme']['lesion_id'], 0.6, 0.3)
      shown = tf.where(segmentation > 0, tissue * (1 + 0.1 * texture), 0)
      return 2 * shown[..., tf.newaxis] - 1

    scaling = self.metadata['intensity_scaling']
    own = {'intensity_scaling': scaling, 'whole_volumes': True, 'latent_size': _TEXTURE}
    facts = {**self.facts, **own, **facts}
    spec = BundleSpec(kind=TRANSLATOR, intensity_range=(-1.0, 1.0), **facts)
    save_bundle(self.folder / name, spec, paint, tf.Module(), '')
    return str(self.folder / name)

  def save_generator(self, name='lesions', remembered=0.0, **facts) -> str:
    """Balls; and a patient's lesion where the first of the latents is below a bound."""
    balls = tiny.ToyLesions(self.metadata['grid']['shape'], radius=2.0)
    masks = np.stack([patient['lesion'] for patient in self.patients]).astype(np.float32)

    def draw(latent):
      which = tf.argmax(latent[:, : len(masks)], axis=1)
      known = tf.gather(tf.constant(masks), which)
      is_known = latent[:, -1, tf.newaxis, tf.newaxis, tf.newaxis] < remembered
      return tf.where(is_known, known, balls(latent))

    facts = {**self.facts, **facts}
    spec = BundleSpec(kind=LESION_GENERATOR, latent_size=12, intensity_range=(0.0, 1.0), **facts)
    save_bundle(self.folder / name, spec, draw, balls, '')
    return str(self.folder / name)

  def audited(self, data_dir=None, **fields):
    if 'translator' not in fields:
      fields['translator'] = self.save_translator()
    if 'lesion_generator' not in fields:
      fields['lesion_generator'] = self.save_generator(remembered=-9.0)
    return self.builder(data_dir, **{'audit': True, 'num_volumes': 6, **fields})


class AuditedSetTest(parameterized.TestCase, AuditedCase):
  def test_what_nobody_had_is_kept(self):
    made = self.examples(builder := self.audited(seed=21))
    self.assertLen(made, 6)
    audit = tfds.builder_from_directory(builder.data_path).info.metadata['audit']
    self.assertEqual(audit['n_training'], len(self.cases))
    # Balls reach farther out than lesions do.
    self.assertContainsSubset(audit['rejected'], ['cut lesion'])
    self.assertRegex(builder.builder_config.name, '^n6_seed21-[0-9a-f]{12}$')

  def test_a_generator_that_remembers_some_lesions(self):
    generator = self.save_generator('half', remembered=0.0)
    made = self.examples(builder := self.audited(seed=22, lesion_generator=generator))
    facts = [json.loads(example['provenance']) for example in made]
    n_copied = sum(one.get('rejected', []).count('copied lesion') for one in facts)
    self.assertGreater(n_copied, 1)
    for one in facts:
      self.assertEqual(one.get('redraw', 0), len(one.get('rejected', [])))
    self.assertEqual(builder.info.metadata['audit']['rejected']['copied lesion'], n_copied)
    # Without the audit they are in the set, whose name says so.
    unaudited = self.audited(seed=22, lesion_generator=generator, audit=False)
    self.assertIn('-unaudited-', unaudited.builder_config.name)
    self.assertNotIn('audit', unaudited.info.metadata)
    known = [patient['lesion'].astype(bool) for patient in self.patients]
    overlap = lambda lesion: max((lesion & mask).sum() / max(lesion.sum(), 1) for mask in known)
    plain = self.examples(unaudited)
    n_plain = sum(overlap(example['lesion'] > 0) == 1 for example in plain)
    self.assertGreater(n_plain, 1)
    self.assertEqual(sum(overlap(example['lesion'] > 0) == 1 for example in made), 0)
    # What was not rejected is the same volume.
    for audited, other, one in zip(made, plain, facts):
      self.assertEqual(np.array_equal(audited['image'], other['image']), 'redraw' not in one)

  def test_a_generator_that_remembers_all_lesions(self):
    made = self.audited(lesion_generator=self.save_generator('all', remembered=9.0), max_redraws=3)
    with self.assertRaisesRegex(
      InputError, r'^volume 0: all 4 draws were rejected by the audit \(4 copied lesion\), .*false$'
    ):
      made.download_and_prepare()

  @parameterized.product(value=(0.0, float('nan')), keep_scan=(False, True))
  def test_a_translator_that_shows_nothing(self, value, keep_scan):
    nothing = np.full(self.patients[0]['image'].shape, value)
    translator = self.save_translator('nothing', nothing)
    for audit, error in (
      (True, r'all 2 draws were rejected by the audit \(2 no image\)'),
      (False, r'^volume 0: .*nothing draws an image that is dark or not finite, expected a brain$'),
    ):
      made = self.audited(translator=translator, max_redraws=1, audit=audit, keep_scan=keep_scan)
      with self.assertRaisesRegex(InputError, error):
        made.download_and_prepare()

  def test_a_translator_that_remembers_an_image(self):
    noise = np.random.default_rng(0).normal(0, 0.02, self.patients[0]['image'].shape)
    image = np.roll(self.patients[0]['image'], 1, 0) * 0.8 + noise
    made = self.audited(translator=self.save_translator('all', image.clip(0, 1)), max_redraws=1)
    with self.assertRaisesRegex(InputError, 'copied image'):
      made.download_and_prepare()
    # Without lesion and without noise, the next draw would be the same image.
    translator = self.save_translator('in one way', image.clip(0, 1), latent_size=0)
    options = {'translator': translator, 'share_negative': 0.99}
    with self.assertRaisesRegex(
      InputError, r'^volume 0: without lesion it was rejected by the audit \('
    ):
      self.audited(**options).download_and_prepare()

  def test_a_set_that_was_killed_goes_on_alike(self):
    generator = self.save_generator('some', remembered=0.0)
    fields = {'seed': 23, 'lesion_generator': generator}
    whole = self.examples(first := self.audited(**fields))
    other_dir = tfds.testing.make_tmp_dir()
    second = self.audited(other_dir, **fields, healthy_dir=self.data_dir)
    translate, calls = synthesis.translate, []

    def killed_at_the_fifth(*args, **kwargs):
      calls.append(args)
      if len(calls) == 5:
        raise KeyboardInterrupt
      return translate(*args, **kwargs)

    with mock.patch.object(synthesis, 'translate', killed_at_the_fifth):
      with self.assertRaises(KeyboardInterrupt):
        second.download_and_prepare()
    resumed = self.examples(self.audited(other_dir, **fields, healthy_dir=self.data_dir))
    self.assertAllEqual([e['image'] for e in whole], [e['image'] for e in resumed])
    self.assertEqual([e['provenance'] for e in whole], [e['provenance'] for e in resumed])
    audits = [
      tfds.builder_from_directory(one.data_path).info.metadata['audit'] for one in (first, second)
    ]
    self.assertEqual(*audits)

  def test_a_redrawn_case_by_hand(self):
    generator = self.save_generator('any', remembered=0.0)
    translator = self.save_translator()
    made = self.examples(self.audited(seed=22, translator=translator, lesion_generator=generator))
    redrawn = next(e for e in made if 'redraw' in json.loads(e['provenance']))
    facts = json.loads(redrawn['provenance'])
    seed, index = facts['lesion_seed']
    options = {'seed': seed, 'index': index, 'redraw': facts['redraw']}
    case = synthesize(redrawn['labels'], translator, generator, **options)
    self.assertAllEqual(case.lesion, redrawn['lesion'])
    self.assertAllEqual(case.image, redrawn['image'])


class RefusalTest(AuditedCase, parameterized.TestCase):
  def refuses(self, message, **fields):
    with self.assertRaisesRegex(InputError, message):
      self.audited(**fields)

  def test_generators_that_do_not_say_what_they_learnt_from(self):
    silent = self.save_translator('silent', trained_on=(), training_set='')
    message = f'translator {silent} does not say .* trained_on; .*"audit": false'
    self.refuses(message, translator=silent)

  def test_sets_that_are_not_there(self):
    away = self.save_generator('away', trained_on=('phantom_stroke/mini:train',), training_set='')
    self.refuses(
      f'lesion_generator {away}, what it was trained on: .* is not built in .*tfds build .*; or give '
      '"audit": false',
      lesion_generator=away,
    )

  def test_sets_that_are_no_longer_the_same(self):
    other = self.save_translator('other', training_set='0123456789ab')
    self.refuses('data of fingerprint 0123456789ab, but .*"audit": false', translator=other)

  def test_lesions_of_another_grid(self):
    grid = {**tiny.GRID, 'corner_mm': [-96.0, -114.0, -40.0]}
    counts = {'n_healthy': 1, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0}
    name = tiny.build_phantom(self.data_dir, grid=grid, **counts)
    moved = self.save_generator('moved', trained_on=(f'{name}:train',), training_set='')
    self.refuses(f'{name} has the grid .*-40', lesion_generator=moved)

  @parameterized.parameters(
    ('audit', 1, 'audit is 1, expected true or false'),
    ('max_redraws', -1, 'max_redraws is -1, expected a whole number from 0'),
    ('nearest_quantile', 0.7, 'nearest_quantile is 0.7, expected a number from 0 to 0.5'),
    ('fidelity_quantile', '.1', "fidelity_quantile is '.1', expected a number from 0 to 0.5"),
    ('training_dir', 3, 'training_dir is 3, expected a string'),
  )
  def test_values(self, field, value, message):
    self.refuses(message, **{field: value})

  def test_quantiles_are_part_of_the_name(self):
    one, other = self.audited(), self.audited(nearest_quantile=0.1)
    self.assertNotEqual(one.data_path, other.data_path)


if __name__ == '__main__':
  tf.test.main()
