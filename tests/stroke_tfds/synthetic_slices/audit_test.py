"""A generator of slices that remembers some of its training is found out; what is no copy stays."""

import json

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import JOINT_GENERATOR, BundleSpec
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.sources import fingerprint, open_sources
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from stroke_tfds.synthetic_slices.audit import SliceAudit
from tests import tiny


class AuditCase(tiny.CohortTestCase):
  FIELDS = {'n_train': 6}

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    (cls.source,) = open_sources([f'{cls.cohort}:train'], cls.data_dir)
    # All slices of all patients have labels, on these thick ones but for the ends.
    slices, subjects = [], []
    for example in cls.source.examples().as_numpy_iterator():
      kept = np.flatnonzero(example['labels'].any(axis=(0, 1)))
      slices.append(example['image'].transpose(2, 0, 1, 3)[kept].astype(np.float64))
      subjects.append(np.full(len(kept), example['subject_id'].decode()))
    cls.slices, cls.subjects = np.concatenate(slices), np.concatenate(subjects)

  def audit(self, **options) -> SliceAudit:
    given = {'classes': tiny.JOINT_CLASSES, 'n_contrasts': 1, 'nearest_quantile': 0.01, **options}
    return SliceAudit([self.source], **given)


class LimitTest(AuditCase):
  def test_is_the_quantile_of_people_against_one_another(self):
    """One pair after another; at 32 pixels along an axis a block is a pixel."""
    ratios = []
    for one, subject in zip(self.slices, self.subjects):
      nearest: dict[str, float] = {}
      for other, name in zip(self.slices, self.subjects):
        if name != subject:
          apart = min(np.sqrt(np.mean((one - seen) ** 2)) for seen in (other, other[::-1]))
          nearest[name] = min(apart, nearest.get(name, np.inf))
      first, second, *_ = sorted(nearest.values())
      ratios.append(first / second)
    for quantile in (0.01, 0.25):
      audit = self.audit(nearest_quantile=quantile)
      self.assertAllClose(audit.limit, np.quantile(ratios, quantile), atol=1e-5)
    self.assertEqual(audit.n_training, len(self.slices))

  def test_copies_are_found_moved_mirrored_and_darker(self):
    audit, none = self.audit(), np.zeros([len(self.slices), 32, 32], np.uint8)
    noise = np.random.default_rng(0).normal(0, 0.01, self.slices.shape)
    for copy in (self.slices, self.slices[:, ::-1], self.slices + noise, 0.95 * self.slices):
      self.assertGreater(audit.copies(copy, none).mean(), 0.9)

  def test_of_other_patients_hardly_any_is_found(self):
    (others,) = open_sources([f'{self.cohort}:test'], self.data_dir)
    images = [e['image'].transpose(2, 0, 1, 3) for e in others.examples().as_numpy_iterator()]
    images = np.concatenate(images).astype(np.float32)
    images = images[images.max(axis=(1, 2, 3)) > 0.3]
    found = self.audit().copies(images, np.zeros([len(images), 32, 32], np.uint8))
    # Few slices, and the limit is that of six patients.
    self.assertLen(found, 24)
    self.assertLess(found.sum(), 6)

  def test_classes_are_compared_where_there_is_no_contrast(self):
    audit = self.audit(n_contrasts=0)
    first = next(self.source.examples().as_numpy_iterator())
    class_map = ClassMap.from_scheme(self.source.metadata['label_scheme'])
    ids = class_map.classes(first).numpy().transpose(2, 0, 1)[2:6]
    self.assertAllEqual(audit.copies(np.zeros([4, 32, 32, 0]), ids), [True] * 4)
    with self.assertRaisesRegex(InputError, r"draw the classes \['a'\], expected .*\"audit\": false"):
      self.audit(n_contrasts=0, classes=['a'])

  def test_too_few_patients(self):
    (two,) = open_sources([f'{self.cohort}:train[:2]'], self.data_dir)
    with self.assertRaisesRegex(InputError, r'from 2 patient\(s\), expected at least 3'):
      SliceAudit([two], tiny.JOINT_CLASSES, 1, 0.01)


class AuditedSetTest(AuditCase):
  def save(self, name: str, remembered: float, **facts) -> str:
    """Draws a training slice where the first number of the latent is below a bound, else noise."""
    bank = tf.constant(2 * self.slices - 1, tf.float32)

    def draw(latent, condition, truncation):
      which = tf.cast(tf.math.mod(tf.abs(latent[:, 1]) * 1000, len(self.slices)), tf.int32)
      noise = tf.reshape(tf.tanh(latent[:, 2:]), [-1, 32, 32, 1])
      copied = latent[:, 0, tf.newaxis, tf.newaxis, tf.newaxis] < remembered
      image = tf.where(copied, tf.gather(bank, which), noise)
      ids = tf.zeros([tf.shape(latent)[0], 32, 32], tf.int32) + 0 * tf.cast(condition[0, 0], tf.int32)
      ids += 0 * tf.cast(truncation[0], tf.int32)
      return {'image': image, 'probability': tf.one_hot(ids, len(tiny.JOINT_CLASSES))}

    metadata = self.source.metadata
    spec = BundleSpec(
      kind=JOINT_GENERATOR,
      latent_size=2 + 32 * 32,
      intensity_range=(-1.0, 1.0),
      grid=metadata['grid'],
      label_scheme=metadata['label_scheme'],
      intensity_scaling=metadata['intensity_scaling'],
      classes=tiny.JOINT_CLASSES,
      contrasts=('DWI',),
      conditions=('level',),
      **{'trained_on': (str(self.source),), 'training_set': fingerprint([self.source]), **facts},
    )
    save_bundle(self.folder / name, spec, draw, tf.Module(), '')
    return str(self.folder / name)

  def builder(self, bundle: str, **fields) -> tfds.core.DatasetBuilder:
    config = SyntheticSlicesConfig(joint_generator=bundle, num_patients=3, **fields)
    return tfds.builder('synthetic_slices', config=config, data_dir=self.data_dir)

  def examples(self, builder: tfds.core.DatasetBuilder) -> list[dict]:
    builder.download_and_prepare()
    made = builder.as_dataset(split='train', shuffle_files=False).as_numpy_iterator()
    return sorted(made, key=lambda example: example['slice_id'])

  def is_copy(self, examples: list[dict]) -> np.ndarray:
    apart = lambda image: np.abs(self.slices - image).mean(axis=(1, 2, 3)).min()
    return np.array([apart(example['image']) < 1e-3 for example in examples])

  def test_copies_are_drawn_again_and_counted(self):
    bundle = self.save('half', remembered=0.0)
    made = self.examples(builder := self.builder(bundle))
    plain = self.examples(unaudited := self.builder(bundle, audit=False))
    self.assertIn('-unaudited-', unaudited.builder_config.name)
    self.assertNotIn('unaudited', builder.builder_config.name)
    self.assertNotIn('audit', unaudited.info.metadata)
    copied = self.is_copy(plain)
    self.assertBetween(copied.mean(), 0.2, 0.8)
    self.assertFalse(self.is_copy(made).any())
    rejected = np.array([json.loads(example['provenance']).get('rejected', 0) for example in made])
    self.assertAllEqual(rejected > 0, copied)
    audit = builder.info.metadata['audit']
    self.assertEqual((audit['rejected'], audit['n_training']), (rejected.sum(), len(self.slices)))
    # What was not rejected is the same slice.
    for one, other, was_copied in zip(made, plain, copied):
      self.assertEqual(np.array_equal(one['image'], other['image']), not was_copied)

  def test_a_generator_that_remembers_all(self):
    made = self.builder(self.save('all', remembered=99.0), max_redraws=2, tries=1)
    message = 'patient 0: 3 draws of slice 0 were copies of the training, .*"audit": false'
    with self.assertRaisesRegex(InputError, message):
      made.download_and_prepare()

  def test_a_bundle_that_does_not_say_what_it_learnt_from(self):
    silent = self.save('silent', 0.0, trained_on=(), training_set='')
    with self.assertRaisesRegex(InputError, 'does not say what it was trained on, .*"audit": false'):
      self.builder(silent)
    other = self.save('other', 0.0, training_set='0123456789ab')
    with self.assertRaisesRegex(InputError, 'was trained on data of fingerprint 0123456789ab, but'):
      self.builder(other)

  def test_refused_fields(self):
    bundle = self.save('some', 0.0)
    for fields, message in (
      ({'audit': 1}, 'audit is 1, expected true or false'),
      ({'nearest_quantile': 0.6}, 'nearest_quantile is 0.6, expected a number from 0 to 0.5'),
      ({'max_redraws': -1}, 'max_redraws is -1, expected'),
    ):
      with self.assertRaisesRegex(InputError, message):
        self.builder(bundle, **fields)


if __name__ == '__main__':
  tf.test.main()
