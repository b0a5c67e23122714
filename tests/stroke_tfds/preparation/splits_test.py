import collections

import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import splits
from stroke_tfds.preparation.tables import HEALTHY, NEGATIVE
from tests.prepared_folder import cohort, participant


def _divide(cases, **changes):
  arguments = {'test_share': 0.2, 'negatives_in_test': 1.0, 'seed': 0, **changes}
  divided = splits.divide(cases, {}, **arguments)
  return {split: [case.case_id for case in own] for split, own in divided.items()}


class NotHealthyTest(tf.test.TestCase):
  def test_who_may_have_had_a_stroke_is_never_healthy(self):
    cases = [*cohort(4, 9), participant('sub-h0', HEALTHY), participant('sub-h1', HEALTHY)]
    plain = _divide(cases, negatives_in_test=0.3)
    self.assertLen(plain['healthy'], 8)
    flagged = {'sub-h1', 'sub-n2', 'sub-n5', 'sub-n7'}
    divided = _divide(cases, negatives_in_test=0.3, not_healthy=flagged)
    # The others stay where they are.
    self.assertEqual(set(divided['healthy']), set(plain['healthy']) - flagged)
    self.assertEqual(set(divided['test']), set(plain['test']) | flagged)
    self.assertEqual(divided['train'], plain['train'])


class DrawTest(tf.test.TestCase):
  def test_rounds_up(self):
    sizes = lambda n: {f's{i:04d}': i % 7 for i in range(n)}
    self.assertLen(splits.draw(sizes(1126), 0.2, 0), 226)
    self.assertLen(splits.draw(sizes(100), 0.07, 0), 7)
    self.assertLen(splits.draw(sizes(3), 0.5, 0), 2)
    self.assertEmpty(splits.draw(sizes(9), 0, 0))
    self.assertLen(splits.draw(sizes(9), 1.0, 0), 9)

  def test_order_of_subjects_does_not_matter_but_the_seed_does(self):
    sizes = {f's{i}': 1.0 for i in range(40)}
    drawn = splits.draw(sizes, 0.5, 3)
    self.assertEqual(splits.draw(dict(reversed(sizes.items())), 0.5, 3), drawn)
    self.assertNotEqual(splits.draw(sizes, 0.5, 4), drawn)

  def test_every_subject_is_as_likely(self):
    sizes = dict.fromkeys(('a', 'b', 'c', 'd'), 1.0)
    drawn = collections.Counter(name for s in range(800) for name in splits.draw(sizes, 0.5, s))
    for name in sizes:
      self.assertNear(drawn[name], 400, 60)  # Four standard deviations.

  def test_one_of_each_run_of_neighbours_in_size(self):
    order = np.random.default_rng(0).permutation(50)
    sizes = {f's{i}': float(size) for i, size in enumerate(order)}
    for seed in range(5):
      drawn = sorted(sizes[name] for name in splits.draw(sizes, 0.2, seed))
      self.assertAllEqual([int(size // 5) for size in drawn], range(10))


class RuleTest(tf.test.TestCase):
  def test_counts(self):
    divided = _divide(cohort(11, 6), negatives_in_test=0.5)
    self.assertLen(divided['train'], 8)
    self.assertLen([c for c in divided['test'] if c.startswith('sub-p')], 3)
    self.assertLen([c for c in divided['test'] if c.startswith('sub-n')], 3)
    self.assertLen(divided['healthy'], 3)
    self.assertTrue(all(c.startswith('sub-n') for c in divided['healthy']))

  def test_healthy_subjects_are_healthy_and_negatives_are_in_test(self):
    cases = [*cohort(2, 3), participant('sub-h0', HEALTHY)]
    divided = _divide(cases)
    self.assertEqual(divided['healthy'], ['sub-h0'])
    self.assertContainsSubset(['sub-n0', 'sub-n1', 'sub-n2'], divided['test'])

  def test_sessions_of_a_subject_go_together_whatever_their_group(self):
    cases = [
      participant(f'sub-{i}_ses-{s:02d}', NEGATIVE if s == 2 else 'positive')
      for i in range(10)
      for s in (1, 2)
    ]
    for seed in range(5):
      divided = _divide(cases, seed=seed, negatives_in_test=0.5)
      subjects = {split: {c.split('_')[0] for c in own} for split, own in divided.items()}
      self.assertEqual([len(subjects[s]) for s in ('healthy', 'train', 'test')], [0, 8, 2])
      self.assertEmpty(subjects['train'] & subjects['test'])

  def test_the_draw_is_stratified_by_the_volume_of_a_subject(self):
    cases = [participant(f'sub-{i}_ses-{s:02d}') for i in range(10) for s in (1, 2)]
    # By their sums, subjects 0 to 4 are the small ones; by one session alone they would not be.
    lesion_ml = {c.case_id: float(int(c.case_id[4]) // 5 * (c.case_id[-1] == '2')) for c in cases}
    for seed in range(5):
      divided = splits.divide(cases, lesion_ml, test_share=0.2, negatives_in_test=1, seed=seed)
      subjects = sorted({case.participant_id for case in divided['test']})
      self.assertAllEqual([int(subject[4]) // 5 for subject in subjects], [0, 1])

  def test_a_cohort_without_lesions_needs_no_train(self):
    healthy = [participant(f'sub-h{i}', HEALTHY) for i in range(3)]
    divided = _divide(healthy)
    self.assertEqual(divided, {'healthy': ['sub-h0', 'sub-h1', 'sub-h2'], 'train': [], 'test': []})
    self.assertEqual(_divide(cohort(1), test_share=0)['train'], ['sub-p0'])

  def test_one_subject_with_a_lesion_leaves_none_to_train(self):
    for cases in (cohort(1, 3), []):
      with self.assertRaisesRegex(InputError, 'no subject is left for the split train'):
        _divide(cases)


class TableTest(tf.test.TestCase):
  def test_splits_of_the_table_are_taken(self):
    cases = [
      participant('sub-1', split='train'),
      participant('sub-2', split='test'),
      participant('sub-3', NEGATIVE, 'train'),
      participant('sub-4', HEALTHY, 'healthy'),
    ]
    expected = {'healthy': ['sub-4'], 'train': ['sub-1', 'sub-3'], 'test': ['sub-2']}
    self.assertEqual(_divide(cases), expected)
    self.assertEqual(_divide(cases, seed=7), expected)

  def test_mistakes_are_named(self):
    given = participant('sub-1', split='train')
    cases = (
      ([given, participant('sub-2')], 'sub-2 has no split but others have'),
      (
        [participant('sub-2_ses-01', split='test'), participant('sub-2_ses-02', split='train')],
        'sub-2 are',
      ),
      ([given, participant('sub-2', split='healthy')], 'sub-2 has a lesion but is in healthy'),
      ([participant('sub-2', split='test')], 'no subject is left for the split train'),
    )
    for rows, message in cases:
      with self.subTest(message), self.assertRaisesRegex(InputError, message) as caught:
        _divide(rows)
      self.assertNotIn('\n', str(caught.exception))


if __name__ == '__main__':
  tf.test.main()
