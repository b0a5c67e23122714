import tensorflow as tf

from stroke_tfds import pipelines
from tests.stroke_tfds.pipelines.cohort import BatchesTestCase


class ExamplesTest(BatchesTestCase):
  def test_examples_come_in_one_order_source_by_source(self):
    sources = self.open('healthy', 'train[:2]')
    self.assertEqual([source.n_examples for source in sources], [4, 2])
    subjects = [e['subject_id'].decode() for e in pipelines.examples(sources).as_numpy_iterator()]
    self.assertEqual([s.split('-')[1] for s in subjects], ['healthy'] * 4 + ['train'] * 2)
    again = [e['subject_id'].decode() for e in pipelines.examples(sources).as_numpy_iterator()]
    self.assertEqual(subjects, again)


if __name__ == '__main__':
  tf.test.main()
