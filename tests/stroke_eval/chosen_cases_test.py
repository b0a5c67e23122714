"""The cases of the pictures are those that their captions say."""

import numpy as np
import tensorflow as tf

from stroke_eval import chosen_cases
from stroke_eval.survey import survey
from stroke_tfds import example
from stroke_tfds.label_schemes import ASEG28
from tests.launchers import fake_runs

WHERE = {'lesion_generator': 'g', 'healthy_source': 'fake/tiny:healthy'}


def facts(number, parent=None, **changes):
  parent = f'healthy_{number}' if parent is None else parent
  return {**WHERE, 'healthy_parent': parent, 'lesion_seed': [0, number], **changes}


def lesion_of(n_voxels):
  lesion = np.zeros(fake_runs.GRID.shape, np.uint8)
  lesion[8, 10, 2] = 1
  lesion[8, 5 : 5 + n_voxels - 1, 3] = 1
  return lesion


def survey_of(cases):
  """Survey of cases given as (voxels of the lesion, provenance)."""
  image, labels, _ = fake_runs.make_volume(np.random.default_rng(0), has_lesion=False)
  examples = []
  for i, (n_voxels, provenance) in enumerate(cases):
    made = example.make_example(
      image,
      labels,
      lesion_of(n_voxels),
      grid=fake_runs.GRID,
      subject_id=f's{i}',
      provenance=provenance,
    )
    examples.append({**made, 'subject_id': f's{i}'.encode()})
  return survey(examples, ASEG28.parenchyma_ids, fake_runs.GRID.spacing_mm)


class OrderTest(tf.test.TestCase):
  def test_evenly_from_small_to_large(self):
    # Of 20, 30, ..., 90 the second, fourth, sixth and eighth, wherever they stand.
    self.assertEqual(chosen_cases.evenly_spread([90, 20, 80, 30, 70, 40, 60, 50], 4), [3, 7, 4, 0])
    self.assertEqual(chosen_cases.evenly_spread([20, 30, 40], 1), [1])
    self.assertEqual(chosen_cases.evenly_spread([5, 3], 4), [1, 0])
    self.assertEqual(chosen_cases.evenly_spread([], 4), [])

  def test_at_a_quantile(self):
    values = [50, 10, 40, 20, 30]
    found = [chosen_cases.at_quantile(values, q) for q in (0, 0.1, 0.75, 1)]
    self.assertEqual(found, [1, 1, 2, 0])

  def test_lesions_first(self):
    self.assertEqual(chosen_cases.lesions_first([0, 4, 0, 9], 3), [1, 3, 0])

  def test_small_lesions_only_where_there_are_no_others(self):
    self.assertAllEqual(chosen_cases.large_lesions([5, 25, 19, 20]), [1, 3])
    self.assertAllEqual(chosen_cases.large_lesions([5, 3]), [0, 1])


class SharedCaseTest(tf.test.TestCase):
  def test_is_at_the_upper_quartile_of_what_is_shared(self):
    sizes = [2, 9, 4, 6, 7]
    one = survey_of([(n, facts(i)) for i, n in enumerate(sizes)])
    # Stored in the other order, and without its largest lesion.
    other = survey_of([(n, facts(i)) for i, n in list(enumerate(sizes))[::-1] if n < 9])
    shared = chosen_cases.shared_case({'a': one, 'b': other, 'fused': survey_of([(4, {})])})
    # Shared are 2, 4, 6, 7; three quarters of the way (rank 2.25) is 6.
    self.assertEqual(shared, {'a': 3, 'b': 1})

  def test_the_most_sets_win(self):
    one = survey_of([(5, facts(1)), (3, facts(0)), (7, facts(2))])
    shared = chosen_cases.shared_case(
      {'a': one, 'b': survey_of([(3, facts(0)), (7, facts(2))]), 'c': survey_of([(3, facts(0))])}
    )
    self.assertEqual(shared, {'a': 1, 'b': 0, 'c': 0})

  def test_origin_must_agree_and_so_must_the_lesion(self):
    same = (5, facts(1))
    self.assertLen(self.share(same), 2)
    for what, other in {
      'seed': (5, facts(1, lesion_seed=[3, 1])),
      'generator': (5, facts(1, lesion_generator='h')),
      'parent': (5, facts(1, parent='healthy_9')),
      'healthy set': (5, facts(1, healthy_source='other/tiny:healthy')),
      'lesion': (6, facts(1)),
    }.items():
      with self.subTest(what):
        self.assertEqual(self.share(other), {'a': 0})

  def share(self, case):
    return chosen_cases.shared_case({'a': survey_of([(5, facts(1))]), 'b': survey_of([case])})

  def test_nothing_is_shared_where_provenance_does_not_tell(self):
    cases = survey_of([(5, {'healthy_parent': 'x', 'lesion_donor': 'y'})])
    self.assertEqual(chosen_cases.shared_case({'fused': cases, 'again': cases}), {})

  def test_typical_case(self):
    cases = survey_of([(n, {}) for n in (9, 3, 5, 7, 2)])
    self.assertEqual(cases.voxels[chosen_cases.typical_case(cases)], 7)

  def test_case_like_compares_areas_in_the_slice(self):
    # The slices 2 and 3 hold 1 and n - 1 voxels.
    cases = survey_of([(3, {}), (8, {}), (5, {})])
    self.assertEqual(chosen_cases.case_like(cases, lesion_of(7), z=3), 1)
    self.assertEqual(chosen_cases.case_like(cases, lesion_of(4), z=3), 0)
    # All are alike in slice 2.
    self.assertEqual(chosen_cases.case_like(cases, lesion_of(7), z=2), 0)


class SegmentedCasesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.subjects = [f's{i:02d}' for i in range(11)]
    self.voxels = dict.fromkeys(self.subjects, 20)
    self.first = {s: i / 10 for i, s in enumerate(self.subjects)}

  def choose(self, **others):
    dice = {'clinical': self.first, **others}
    return chosen_cases.segmented_cases(dice, self.voxels)

  def test_quantiles_then_gain_and_loss(self):
    better, worse = dict(self.first, s03=0.9), dict(self.first, s07=0.1, s03=0.4)
    self.assertEqual(
      self.choose(better=better, worse=worse),
      {
        's01': '10th percentile, clinical',
        's05': 'median, clinical',
        's09': '90th percentile, clinical',
        's03': 'largest gain, by better',
        's07': 'largest loss, by worse',
      },
    )

  def test_a_case_is_shown_once(self):
    # The largest gain is that of the median case, so the second largest is shown.
    chosen = self.choose(better=dict(self.first, s05=1.0, s02=0.4))
    self.assertEqual(chosen['s05'], 'median, clinical')
    self.assertEqual(chosen['s02'], 'largest gain, by better')

  def test_no_gain_and_no_loss_are_not_shown(self):
    self.assertLen(self.choose(same=self.first), 3)
    self.assertLen(self.choose(), 3)

  def test_small_lesions_and_negatives_are_left_out(self):
    self.voxels.update(s01=19, s05=0)
    chosen = self.choose(better=dict(self.first, s01=1.0))
    self.assertNotIn('s01', chosen)
    self.assertNotIn('s05', chosen)

  def test_few_cases(self):
    self.voxels = {'s04': 30}
    self.assertEqual(list(self.choose()), ['s04'])
    self.voxels = {}
    self.assertEqual(self.choose(), {})

  def test_most_mistaken(self):
    mask = lambda n: lesion_of(n)
    predictions = {'a': {'n1': mask(5), 'n2': mask(4)}, 'b': {'n1': mask(2), 'n2': mask(6)}}
    self.assertEqual(chosen_cases.most_mistaken(predictions, ['n1', 'n2']), 'n2')
    self.assertEqual(chosen_cases.most_mistaken({'a': {'n1': 0 * mask(2)}}, ['n1']), '')
    self.assertEqual(chosen_cases.most_mistaken(predictions, []), '')


if __name__ == '__main__':
  tf.test.main()
