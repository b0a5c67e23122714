"""One pass over examples against counts by hand."""

import json

import numpy as np
import tensorflow as tf

from stroke_eval import survey


def make_example(name, image, labels, lesion):
  return {
    'image': np.asarray(image, np.float16).reshape(4, 1, 2, 1),
    'labels': np.asarray(labels, np.uint8).reshape(4, 1, 2),
    'lesion': np.asarray(lesion, np.uint8).reshape(4, 1, 2),
    'subject_id': name.encode(),
    'provenance': json.dumps({'parent': name}).encode(),
  }


class SurveyTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    # Labels 1 and 2 are parenchyma, 3 is a ventricle.
    first = make_example(
      'a', [0, 0.25, 0.25, 0.5, 0.5, 1, 0.75, 0], [0, 1, 1, 2, 2, 2, 3, 0], [0, 0, 0, 0, 1, 1, 1, 0]
    )
    second = make_example('b', [0.25] * 8, [0, 1, 1, 1, 0, 0, 3, 0], [0] * 8)
    self.survey = survey.survey([first, second], (1, 2), (10.0, 10.0, 10.0))

  def test_volumes(self):
    self.assertLen(self.survey, 2)
    self.assertEqual(self.survey.subject_ids, ('a', 'b'))
    self.assertAllEqual(self.survey.voxels, [3, 0])
    self.assertAllClose(self.survey.volumes_ml, [3.0, 0.0])
    self.assertAllEqual(self.survey.outside_voxels, [1, 0])
    self.assertAllEqual(self.survey.with_lesion(), [0])
    self.assertAllEqual(self.survey.with_lesion(4), [])
    self.assertEqual(self.survey.provenance[1], {'parent': 'b'})

  def test_histograms_by_region(self):
    count = lambda region, value: self.survey.histograms[region][min(int(value * 64), 63)]
    self.assertEqual([count('brain', v) for v in (0.25, 0.5, 0.75, 1)], [2 + 4, 2, 1, 1])
    self.assertEqual([count('parenchyma', v) for v in (0.25, 0.5, 0.75, 1)], [2 + 3, 1, 0, 0])
    self.assertEqual([count('lesion', v) for v in (0.25, 0.5, 0.75, 1)], [0, 1, 1, 1])
    self.assertEqual(self.survey.histograms['brain'].sum(), 6 + 4)

  def test_shares(self):
    self.assertAllClose(self.survey.brain_share.ravel(), [0, 1, 1, 1, 0.5, 0.5, 1, 0])
    self.assertAllClose(self.survey.lesion_share.ravel(), [0, 0, 0, 0, 0.5, 0.5, 0.5, 0])

  def test_contrast_of_a_volume_without_lesion_is_nan(self):
    self.assertAllClose(self.survey.lesion_means[0], (0.5 + 1 + 0.75) / 3)
    self.assertTrue(np.isnan(self.survey.lesion_means[1]))

  def test_masks_come_back(self):
    masks = self.survey.masks([1, 0])
    self.assertEqual(masks.shape, (2, 4, 1, 2))
    self.assertAllEqual(masks.reshape(2, -1), [[0] * 8, [0, 0, 0, 0, 1, 1, 1, 0]])
    self.assertEqual(self.survey.masks([]).shape, (0, 4, 1, 2))

  def test_refuses_nothing(self):
    with self.assertRaisesRegex(ValueError, 'no example'):
      survey.survey([], (1,), (1.0, 1.0, 1.0))


class DensitiesTest(tf.test.TestCase):
  def test_integral_is_one(self):
    self.assertAllClose(survey.densities(np.array([1, 0, 3, 0])), [1, 0, 3, 0])
    self.assertAllClose(survey.densities(np.array([10, 10, 0, 0])), [2, 2, 0, 0])

  def test_nothing_is_zero(self):
    self.assertAllEqual(survey.densities(np.zeros(4, int)), np.zeros(4))


if __name__ == '__main__':
  tf.test.main()
