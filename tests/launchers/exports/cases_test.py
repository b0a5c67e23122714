import json
from collections.abc import Iterable
from types import SimpleNamespace
from unittest import mock

import tensorflow as tf

from launchers.exports.cases import ExportCase, read_cases
from stroke_tfds.errors import InputError


def source(name: str, *subject_ids: str, split: str = 'train', **provenance) -> mock.Mock:
  """A source whose examples have these names and this provenance."""
  examples = [
    {'subject_id': s.encode(), 'lesion_volume_ml': 2.5, 'provenance': json.dumps(provenance).encode()}
    for s in subject_ids
  ]
  made = mock.MagicMock(builder=SimpleNamespace(info=SimpleNamespace(full_name=name)))
  made.__str__.return_value = f'{name}:{split}'
  made.examples.return_value.as_numpy_iterator.return_value = examples
  return made


def names(cases: Iterable[ExportCase]) -> list[str]:
  return [case.name for case in cases]


class ReadCasesTest(tf.test.TestCase):
  def test_names_are_those_of_bids(self):
    cases = read_cases([source('soop', 'sub-7_ses-02', 'sub-7_ses-01', 'phantom-train-0003')])
    self.assertEqual(names(cases), ['sub-phantomtrain0003', 'sub-7_ses-01', 'sub-7_ses-02'])
    self.assertEqual(cases[1].subject, '7')
    self.assertEqual(cases[1].row()['subject_id'], 'sub-7_ses-01')

  def test_what_a_synthetic_case_was_made_from(self):
    facts = {'translator': 'f1', 'healthy_parent': 'sub-1', 'lesion_donor': 'sub-2'}
    (synthetic,) = read_cases([source('made', 'synthetic-000000', **facts)])
    self.assertTrue(synthetic.is_synthetic)
    self.assertEqual(synthetic.parents, ('sub-1', 'sub-2'))
    self.assertEqual(synthetic.row()['kind'], 'synthetic')
    (carved,) = read_cases([source('made', 'carvemix-000000', base='sub-1', lesion_donor='sub-1')])
    self.assertEqual(carved.parents, ('sub-1',))
    (original,) = read_cases([source('soop', 'sub-1')])
    self.assertEqual((original.is_synthetic, original.parents), (False, ()))

  def test_equal_names_of_two_sets_are_told_apart(self):
    one, other = source('one', 'sub-1', 'sub-2'), source('other', 'sub-2', 'sub-3')
    found = names(read_cases([one, other]))
    self.assertEqual(found, ['sub-1', 'sub-2', 'sub-set2x2', 'sub-set2x3'])

  def test_refuses_an_example_twice(self):
    with self.assertRaisesRegex(InputError, "soop:train and soop:part both hold 'sub-1'"):
      read_cases([source('soop', 'sub-1'), source('soop', 'sub-1', split='part')])

  def test_refuses_names_that_labels_do_not_tell_apart(self):
    for other in ('sub-a1', 'sub-A-1'):
      with self.assertRaisesRegex(InputError, "'a-1'.*would both be"):
        read_cases([source('soop', 'a-1', other)])


if __name__ == '__main__':
  tf.test.main()
