"""Every set says what it is, whose it is and what may be done with it; so does what is made of it."""

import json

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from stroke_tfds import sources, synthetic_stroke
from stroke_tfds.carvemix import carvemix_dataset_builder as carvemix
from stroke_tfds.lesion_fusion import lesion_fusion_dataset_builder as lesion_fusion
from stroke_tfds.licences import licences_of
from tests import tiny

_ISLES = 'CC BY-SA 4.0'
_FEATURES = {'image', 'labels', 'lesion', 'subject_id', 'lesion_volume_ml', 'provenance'}


class LicencesTestCase(parameterized.TestCase, tf.test.TestCase):
  def check_info(self, info, licence):
    self.assertStartsWith(info.homepage, 'https://')
    self.assertNotIn('tensorflow.org', info.homepage)
    self.assertEqual(info.redistribution_info.license, licence)
    self.assertEqual('; '.join(info.metadata['licences']), licence)
    self.assertEqual(set(info.features), _FEATURES)
    for name, feature in info.features.items():
      self.assertTrue(feature.doc.desc, name)


class RealSetsTest(LicencesTestCase):
  @parameterized.parameters(
    ('isles22', _ISLES),
    ('soop', 'CC0 1.0'),
    ('bids_stroke', 'that of the prepared scans'),
    ('lesion_masks', 'that of the masks'),
    ('phantom_stroke', 'Apache 2.0'),
  )
  def test_info(self, name, licence):
    self.check_info(tfds.builder(f'{name}/mini', data_dir=self.get_temp_dir()).info, licence)


class DerivedSetsTest(LicencesTestCase, tiny.CohortTestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # As if it were of the challenge.
    file = next((cls.folder / 'data').glob('*/*/[0-9]*/metadata.json'))
    cls.metadata = {**json.loads(file.read_text()), 'licences': [_ISLES]}
    file.write_text(json.dumps(cls.metadata))

  def source(self):
    return sources.open_sources([f'{self.cohort}:train'], self.data_dir)[0]

  def test_of_sources(self):
    self.assertEqual(licences_of([self.source(), self.source()]), [_ISLES])
    silent = self.source()
    silent.builder.info.metadata.pop('licences')
    self.assertEqual(licences_of([self.source(), silent]), [_ISLES, f'unknown: {self.cohort}'])

  def test_copy_paste(self):
    config = carvemix.CarveMixConfig(clinical=self.cohort, num_volumes=2)
    self.check_info(carvemix.Builder(config=config, data_dir=self.data_dir).info, _ISLES)
    config = lesion_fusion.LesionFusionConfig(clinical=self.cohort, healthy=self.cohort, num_volumes=2)
    self.check_info(lesion_fusion.Builder(config=config, data_dir=self.data_dir).info, _ISLES)

  @parameterized.parameters(
    (('CC0 1.0',), f'{_ISLES}; CC0 1.0'),
    ((), rf'{_ISLES}; unknown: translator \w+; unknown: lesion_generator \w+'),
  )
  def test_synthetic(self, licences, pattern):
    folder = self.folder / f'bundles_{len(licences)}'
    translator, lesions = tiny.save_toy_bundles(folder, self.metadata, licences=licences)
    config = synthetic_stroke.SyntheticStrokeConfig(
      translator=str(translator),
      lesion_generator=str(lesions),
      healthy=self.cohort,
      num_volumes=2,
      audit=False,
    )
    info = tfds.builder('synthetic_stroke', config=config, data_dir=self.data_dir).info
    self.check_info(info, '; '.join(info.metadata['licences']))
    self.assertRegex(info.redistribution_info.license, f'^{pattern}$')


if __name__ == '__main__':
  tf.test.main()
