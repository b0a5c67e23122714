"""Parents and donors are those that provenance names, and no others of their names."""

import tempfile

import tensorflow as tf

from launchers.reports.study.figures import case_origins
from stroke_tfds.provenance import Origin
from stroke_tfds.sources import open_sources
from tests.launchers import fake_runs

HEALTHY, TRAIN = 'fake_clinical/tiny:healthy', 'fake_clinical/tiny:train'


class NoteTest(tf.test.TestCase):
  def test_note(self):
    origins = [Origin('healthy parent', 'a', 'x/y:healthy'), Origin('clinical parent', 'c', '')]
    self.assertEqual(
      case_origins.missing_note([origins[0], *origins]),
      'Not shown, since not in the data folder as provenance names it: healthy parent a (x/y:healthy); '
      'clinical parent c (of a data set that is not named).',
    )


class FindTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls.data_dir = folder.name
    fake_runs.write_sets(cls.data_dir)
    (cls.set,) = open_sources(['fake_synthetic/tiny:train'], cls.data_dir, build=False)
    cls.made = next(iter(cls.set.examples().as_numpy_iterator()))

  def find(self, role, subject, source, made=None):
    return case_origins.find(Origin(role, subject, source), made or self.made, self.set, self.data_dir)

  def test_a_case_of_the_named_set(self):
    self.assertEqual(self.find('clinical parent', 'train_002', TRAIN)['subject_id'], b'train_002')
    self.assertEqual(self.find('healthy parent', 'healthy_002', HEALTHY)['subject_id'], b'healthy_002')

  def test_what_is_not_there(self):
    self.assertIsNone(self.find('clinical parent', 'train_002', ''))
    self.assertIsNone(self.find('clinical parent', 'train_002', 'gone/tiny:train'))
    self.assertIsNone(self.find('clinical parent', 'train_002', 'fake_clinical/tiny:gone'))
    self.assertIsNone(self.find('clinical parent', 'train_002', HEALTHY))

  def test_a_healthy_parent_of_another_label_map(self):
    other = {**self.made, 'labels': self.made['labels'][::-1]}
    self.assertIsNone(self.find('healthy parent', 'healthy_002', HEALTHY, other))
    # Clinical cases of a mixture have label maps of their own.
    self.assertIsNotNone(self.find('clinical parent', 'train_002', TRAIN, other))


if __name__ == '__main__':
  tf.test.main()
