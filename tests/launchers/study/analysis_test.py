"""Tests of analysis: small studies worked out by hand, and the mini study made up."""

import dataclasses
import json

import numpy as np
import tensorflow as tf
from scipy import stats

from launchers.study import analysis, claims
from launchers.study.regimes import read_arms
from launchers.study.results import METRICS, Result, Study, TestSet
from stroke_eval.statistics import bootstrap
from stroke_tfds.errors import InputError
from tests.launchers.study import fake_study

_RESAMPLES = 500


def _hand_made() -> Study:
  """Two arms, one seed, two evaluated epochs; cases: two scored, a small one, two negative."""
  arms = read_arms(
    {
      'clinical': {'learns_from': {'clinical': 'all'}, 'epochs': 3, 'evaluated_epochs': 2},
      'more': {'learns_from': {'clinical': 'all', 'SPADE': 'all'}, 'epochs': 3, 'evaluated_epochs': 2},
    }
  )
  voxels = np.array([20, 19, 0, 300, 0])
  cases = TestSet(
    np.array(list('abcde')), voxels * 0.5, voxels, np.array(['ACA', 'ACA', '', 'PCA', ''])
  )
  dice = {
    'clinical': [[0.4, 0.1, 1, 0.6, 1], [0.6, 0.3, 1, 0.8, 0]],
    'more': [[0.5, 0.2, 1, 0.9, 0], [0.7, 0.2, 0, 0.9, 0]],
  }
  predicted = {
    'clinical': [[9, 9, 0, 99, 0], [9, 9, 0, 99, 3]],
    'more': [[9, 9, 0, 99, 1], [9, 9, 2, 99, 3]],
  }
  results = {}
  for arm in arms:
    metrics = {metric: np.full((2, 5), 7.0) for metric in METRICS}
    metrics['dice'] = np.array(dice[arm.name])
    metrics['predicted_volume_ml'] = np.array(predicted[arm.name], float)
    metrics['hausdorff95_mm'] = np.array([[1.0, 99, 99, 2, 99], [3, 99, 99, 4, 99]])
    facts = {'n_cases': {'clinical': 120, 'SPADE': 400}}
    results[arm.name, 0] = Result(arm.name, 0, facts, {}, metrics)
  return Study(arms, (0,), cases, results)


class WorthTest(tf.test.TestCase):
  arms = read_arms(
    {
      'made': {'learns_from': {'SPADE': 'all'}, 'epochs': 1, 'evaluated_epochs': 1},
      'then 10': {
        'learns_from': {'clinical': 10},
        'epochs': 1,
        'evaluated_epochs': 1,
        'start': 'made',
      },
      'both': {'learns_from': {'clinical': 'all', 'SPADE': 9}, 'epochs': 1, 'evaluated_epochs': 1},
      'both, then 10': {
        'learns_from': {'clinical': 10},
        'epochs': 1,
        'evaluated_epochs': 1,
        'start': 'both',
      },
      'real': {'learns_from': {'clinical': 10}, 'epochs': 1, 'evaluated_epochs': 1},
    }
  )

  def why(self, name: str, saw) -> str:
    by_name = {arm.name: arm for arm in self.arms}
    seen = {} if saw == 'unsaid' else {'SPADE': saw}
    return claims.why_no_worth(by_name[name], by_name, seen)

  def test_generators_that_saw_no_more_than_the_arm(self):
    for name, saw in (('then 10', 10), ('then 10', 5), ('made', 0), ('both', 'all'), ('both', 99)):
      self.assertEqual(self.why(name, saw), '', (name, saw))
    self.assertEqual(self.why('real', 'all'), '')

  def test_generators_that_saw_more(self):
    for name, saw in (('then 10', 11), ('then 10', 'all'), ('then 10', 'unsaid'), ('made', 1)):
      self.assertIn('the generators of SPADE saw', self.why(name, saw), (name, saw))

  def test_a_start_that_saw_more(self):
    told = 'both, which it goes on from, saw all clinical cases, the arm 10'
    self.assertEqual(self.why('both, then 10', 10), told)

  def test_a_set_of_which_nobody_knows(self):
    self.assertEqual(self.why('both', None), 'nobody knows what SPADE was made from')

  def test_in_the_rows(self):
    study = fake_study.make()
    rows = {row.arm.name: row for row in analysis.analyse(study, _RESAMPLES).rows}
    self.assertIsNone(rows['SPADE, then 10 clinical'].equivalent)
    self.assertIn('saw all clinical cases, the arm 10', rows['SPADE, then 10 clinical'].no_worth)
    self.assertIsNotNone(rows['clinical + SPADE'].equivalent)
    self.assertEqual(rows['10 clinical'].no_worth, '')


class ClaimsTest(tf.test.TestCase):
  def test_of_each_arm_to_its_control(self):
    found = analysis.analyse(fake_study.make(), _RESAMPLES)
    for row in found.rows:
      self.assertLen(row.claims, int(row.arm.is_tested and row.arm.name != 'clinical'))
      if row.claim:
        self.assertAllClose(row.claim.difference.mean, row.difference.mean)
        self.assertEqual(row.claim.other, row.arm.reference or 'clinical')
    # Together they are wider than alone.
    width = lambda interval: interval.high - interval.low
    claimed = [row for row in found.rows if row.claim]
    wider = [width(row.claim.difference) / width(row.difference) for row in claimed]
    self.assertGreater(np.median(wider), 1.2)

  def test_against_rivals(self):
    arms = list(fake_study.mini_arms())
    rivals = ('Pix2Pix10, then 10 clinical', 'clinical')
    arms[-2] = dataclasses.replace(arms[-2], rivals=rivals)
    self.assertEqual(arms[-2].name, 'SPADE, then 10 clinical')
    study = fake_study.make(arms=arms)
    rows = {row.arm.name: row for row in analysis.analyse(study, _RESAMPLES).rows}
    claims = rows['SPADE, then 10 clinical'].claims
    self.assertEqual([claim.other for claim in claims], ['10 clinical', *rivals])
    dice = {name: row.dice.mean for name, row in rows.items()}
    for claim in claims:
      expected = dice['SPADE, then 10 clinical'] - dice[claim.other]
      self.assertAllClose(claim.difference.mean, expected)
    # The p values are Holm's over all of them.
    alone = {row.arm.name: row for row in analysis.analyse(fake_study.make(), _RESAMPLES).rows}
    p_values = lambda rows: np.array([row.p_value for row in rows.values() if row.claim])
    self.assertTrue(np.all(p_values(rows) >= p_values(alone)))

  def test_a_rival_counts_once_where_the_reference_is_missing(self):
    first, arm = fake_study.mini_arms()[0], fake_study.mini_arms()[-2]
    arm = dataclasses.replace(arm, rivals=(first.name,))
    finished = [first.name, arm.name, arm.reference]
    pairs = [(arm.name, arm.reference), (arm.name, first.name)]
    self.assertEqual(claims.comparisons([first, arm], finished), pairs)
    self.assertEqual(claims.comparisons([first, arm], finished[:2]), pairs[1:])

  def test_seeds_are_pooled_over_arms_with_one_control_and_their_rivals(self):
    pairs = [('a', 'all'), ('b', 'all'), ('b', 'a'), ('c', 'ten'), ('c', 'a')]
    # Cases are all alike.
    of_seeds = {'all': (0, 0), 'ten': (0, 2), 'a': (0, 2), 'b': (0, 2), 'c': (0, 2)}
    dice = {name: np.repeat([of], 4, axis=0).T.astype(float) for name, of in of_seeds.items()}
    found = claims.claims_of(dice, pairs, n_resamples=100)
    width = lambda arm, i: found[arm][i].difference.high - found[arm][i].difference.mean
    student = lambda m: stats.t.ppf(1 - 0.05 / 5 / 2, m / (1 + (m - 1) / 4))
    # Variances between seeds to all: 2, 2 and, of b to a, 0, of mean 4 / 3; to ten: 0 and 0.
    self.assertAllClose(width('a', 0), student(3) * np.sqrt(2 / 2))
    self.assertAllClose(width('b', 1), student(3) * np.sqrt(4 / 3 / 2))
    self.assertAllClose([width('c', 0), width('c', 1)], [0, 0])

  def test_an_arm_that_hardly_differs_is_equivalent_within_a_wide_margin(self):
    study = fake_study.make()
    for margin, expected in ((0.5, True), (1e-4, False)):
      rows = {row.arm.name: row for row in analysis.analyse(study, _RESAMPLES, margin=margin).rows}
      self.assertEqual(rows['strong augmentation'].claim.is_equivalent, expected)

  def test_ranks_to_the_control_or_of_all_pairs(self):
    study = fake_study.make()
    many = analysis.analyse(study, _RESAMPLES)
    pairs = analysis.analyse(study, _RESAMPLES, ranks='pairs')
    self.assertEqual((many.ranked_to, pairs.ranked_to), ('clinical', ''))
    self.assertLess(many.critical_difference, pairs.critical_difference)
    few = fake_study.make(arms=fake_study.mini_arms()[:4])
    self.assertEqual(analysis.analyse(few, _RESAMPLES).ranked_to, '')
    self.assertEqual(analysis.analyse(few, _RESAMPLES, ranks='control').ranked_to, 'clinical')


class AnalysisTest(tf.test.TestCase):
  def test_rows_by_hand(self):
    first, more = analysis.analyse(_hand_made(), _RESAMPLES).rows
    # Epochs: (0.4 + 0.6) / 2 and (0.6 + 0.8) / 2; their sd is 0.2 / sqrt(2).
    self.assertAllClose(dataclasses.astuple(first.dice), (0.6, 0.2 / np.sqrt(2), 0.7))
    self.assertEqual(first.n_cases, 2)
    self.assertAllClose(first.all_sizes, (0.4 + 0.1 + 0.6 + 0.6 + 0.3 + 0.8) / 6)
    self.assertAllClose(first.false_positive_ml, 3 / 4)
    self.assertAllClose(first.false_positive_share, 1 / 4)
    self.assertAllClose(more.false_positive_ml, 6 / 4)
    self.assertAllClose(more.false_positive_share, 3 / 4)
    self.assertAllClose(first.metrics['hausdorff95_mm'], 2.5)
    self.assertEqual(set(first.metrics), set(METRICS) - {'dice'})
    self.assertIsNone(first.seed_sd)
    self.assertEqual((first.to_clinical, first.p_value, first.to_reference), (None, None, None))
    # Case a 0.1 better in both epochs, case d 0.2.
    self.assertAllClose(more.to_clinical.mean, 0.15)

  def test_values_that_differ_by_rounding_alone_are_equal(self):
    study = _hand_made()
    for name, values in (('clinical', [0.1, 0.2, 0.3]), ('more', [0.3, 0.2, 0.1])):
      self.assertEqual(len(set(values)), 3)
      study.results[name, 0].metrics['dice'] = np.repeat(np.array(values)[:, np.newaxis], 5, axis=1)
    self.assertEqual(analysis.analyse(study, _RESAMPLES).rows[1].p_value, 1)

  def test_two_arms_have_no_friedman_and_a_curve_of_one_point(self):
    result = analysis.analyse(_hand_made(), _RESAMPLES)
    self.assertIsNone(result.friedman)
    self.assertEqual(result.mean_ranks, {'clinical': 2.0, 'more': 1.0})
    self.assertEqual([n for n, _ in result.learning_curve], [120])
    self.assertIsNone(result.rows[1].equivalent)
    # Territories of one case each: too few alone, together two.
    self.assertEqual(result.n_by_territory, {'other': 2})

  def test_lesions_of_several_classes_are_not_looked_at_by_artery(self):
    study = _hand_made()
    for one in study.results.values():
      one.metrics['dice_oedema'] = one.metrics['dice']
    result = analysis.analyse(study, _RESAMPLES)
    self.assertEqual((result.by_territory, result.n_by_territory), ({}, {}))

  def test_mini_study_agrees_with_its_parts(self):
    study = fake_study.make()
    result = analysis.analyse(study, _RESAMPLES)
    scored = study.cases.is_scored
    dice = {arm.name: study.by_case(arm.name, 'dice')[:, scored] for arm in study.arms}
    rows = {row.arm.name: row for row in result.rows}
    self.assertEqual(tuple(rows), tuple(arm.name for arm in study.arms))
    row = rows['SPADE, then 10 clinical']
    self.assertAllClose(row.dice.mean, dice[row.arm.name].mean())
    self.assertAllClose(row.seed_sd, dice[row.arm.name].mean(axis=1).std(ddof=1))
    pair = bootstrap.paired_difference(dice[row.arm.name], dice['clinical'], _RESAMPLES)
    self.assertAllClose(dataclasses.astuple(row.to_clinical), dataclasses.astuple(pair))
    pair = bootstrap.paired_difference(dice[row.arm.name], dice['10 clinical'], _RESAMPLES)
    self.assertAllClose(dataclasses.astuple(row.to_reference), dataclasses.astuple(pair))
    # The smallest of 15 p values is multiplied by 15; four arms are the learning curve's alone.
    asked = [arm for arm in study.arms[1:] if not arm.name.endswith('0 clinical') or arm.start]
    asked = [arm for arm in asked if arm.name != '5 clinical']
    raw = {
      arm.name: stats.wilcoxon((dice[arm.name] - dice[arm.reference or 'clinical']).mean(0)).pvalue
      for arm in asked
    }
    smallest = min(raw, key=raw.get)
    self.assertIn('then', smallest)
    self.assertAllClose(rows[smallest].p_value, 15 * raw[smallest], rtol=1e-5)
    self.assertEqual({name for name, row in rows.items() if row.p_value is not None}, set(raw))
    self.assertEqual((result.friedman.n_cases, result.friedman.n_arms), (37, 20))
    self.assertAllClose(sum(result.mean_ranks.values()), 20 * 21 / 2)

  def test_learning_curve_and_equivalents(self):
    study = fake_study.make()
    result = analysis.analyse(study, _RESAMPLES, seen=dict.fromkeys(fake_study.TRANSLATORS, 0))
    self.assertEqual([n for n, _ in result.learning_curve], [5, 10, 20, 50, 120])
    dice = {row.arm.name: row.dice.mean for row in result.rows}
    names = ['5 clinical', '10 clinical', '20 clinical', '50 clinical', 'clinical']
    self.assertAllClose([i.mean for _, i in result.learning_curve], [dice[name] for name in names])
    with_equivalent = {row.arm.name for row in result.rows if row.equivalent}
    # Strong augmentation learns from clinical cases alone, but not as the curve does.
    self.assertEqual(with_equivalent, set(dice) - set(names))
    expected = np.exp(
      np.interp(dice['SPADE'], [dice[name] for name in names], np.log([5, 10, 20, 50, 120]))
    )
    row = next(row for row in result.rows if row.arm.name == 'SPADE')
    self.assertAllClose(row.equivalent.n, expected, rtol=1e-3)

  def test_learning_curve_leaves_out_other_ways_to_train(self):
    fields = {'epochs': 4, 'evaluated_epochs': 2}
    arms = {
      'clinical': fields | {'learns_from': {'clinical': 'all'}},
      '10 clinical': fields | {'learns_from': {'clinical': 10}},
      'strong 30': fields | {'learns_from': {'clinical': 30}, 'bindings': ['a.b = 1']},
      'go on with 40': fields | {'learns_from': {'clinical': 40}, 'start': '10 clinical'},
      'mixed 50': fields | {'learns_from': {'clinical': 50, 'SPADE': 'all'}},
    }
    study = fake_study.make(arms=read_arms(arms))
    result = analysis.analyse(study, _RESAMPLES, seen={'SPADE': 50})
    self.assertEqual([n for n, _ in result.learning_curve], [10, 120])
    self.assertEqual(
      [row.arm.name for row in result.rows if row.equivalent],
      ['strong 30', 'go on with 40', 'mixed 50'],
    )

  def test_strata(self):
    study = fake_study.make(dice={'SPADE': 0.3})
    result = analysis.analyse(study, _RESAMPLES)
    volume = study.cases.lesion_volume_ml[study.cases.is_scored]
    self.assertEqual(list(result.n_by_size.values()), [13, 12, 12])
    small, _, large = result.by_size
    self.assertEqual(small, f'small, {volume.min():.3g} to {np.sort(volume)[12]:.3g} ml')
    self.assertStartsWith(large, 'large, ')
    difference = study.by_case('SPADE', 'dice') - study.by_case('clinical', 'dice')
    difference = difference[:, study.cases.is_scored]
    inside = volume <= np.sort(volume)[12]
    self.assertAllClose(result.by_size[small]['SPADE'].mean, difference[:, inside].mean())
    # One case is alone in its territory, and no interval can be given for it.
    self.assertEqual(sum(result.n_by_territory.values()), 36)
    territory = study.cases.territory[study.cases.is_scored]
    for name, n in result.n_by_territory.items():
      self.assertEqual(n, np.sum(territory == name))
      self.assertAllClose(
        result.by_territory[name]['SPADE'].mean, difference[:, territory == name].mean()
      )
    self.assertNotIn('clinical', result.by_territory[name])

  def test_unfinished_arms_are_left_out(self):
    missing = [('SPADE', 1), ('10 clinical', 2)]
    result = analysis.analyse(fake_study.make(missing=missing), _RESAMPLES)
    self.assertEqual(result.unfinished, ('10 clinical', 'SPADE'))
    self.assertLen(result.rows, 18)
    rows = {row.arm.name: row for row in result.rows}
    self.assertIsNone(rows['SPADE, then 10 clinical'].to_reference)
    self.assertIsNotNone(rows['SPADE, then 50 clinical'].to_reference)
    self.assertEqual([n for n, _ in result.learning_curve], [5, 20, 50, 120])

  def test_first_arm_alone(self):
    result = analysis.analyse(fake_study.make(arms=fake_study.mini_arms()[:1]), _RESAMPLES)
    self.assertLen(result.rows, 1)
    self.assertIsNone(result.critical_difference)
    self.assertEqual(dict(result.nemenyi), {})

  def test_networks_that_find_nothing(self):
    study = fake_study.make(arms=fake_study.mini_arms()[:6], n_seeds=2)
    results = {
      key: dataclasses.replace(r, metrics={k: np.zeros_like(v) for k, v in r.metrics.items()})
      for key, r in study.results.items()
    }
    result = analysis.analyse(dataclasses.replace(study, results=results), _RESAMPLES)
    self.assertEqual(result.friedman.p_value, 1)
    self.assertEqual([row.p_value for row in result.rows[1:]], [None] * 4 + [1.0])
    self.assertEqual(result.rows[1].to_clinical, bootstrap.Interval(0, 0, 0))
    json.dumps(result.to_json(), allow_nan=False)

  def test_without_negatives(self):
    row, *_ = analysis.analyse(fake_study.make(n_negative=0), _RESAMPLES).rows
    self.assertEqual((row.false_positive_ml, row.false_positive_share), (None, None))

  def test_json_has_none_for_what_is_not_finite(self):
    study = _hand_made()
    for result in study.results.values():
      result.metrics['hausdorff95_mm'][0, 0] = np.nan
    content = analysis.analyse(study, _RESAMPLES).to_json()
    self.assertIsNone(content['rows'][0]['metrics']['hausdorff95_mm'])
    self.assertEqual(content['rows'][0]['metrics']['lesion_f1'], 7)

  def test_json(self):
    study = fake_study.make(n_seeds=1, n_negative=0)
    content = json.loads(json.dumps(analysis.analyse(study, _RESAMPLES).to_json(), allow_nan=False))
    self.assertEqual(content['n_seeds'], 1)
    self.assertEqual(content['rows'][0]['arm']['name'], 'clinical')
    self.assertIsNone(content['rows'][0]['false_positive_ml'])
    self.assertIsNone(content['rows'][0]['to_clinical'])
    self.assertEqual(set(content['rows'][1]['to_clinical']), {'mean', 'low', 'high'})
    self.assertEqual(set(content['nemenyi']['SPADE']), {arm.name for arm in study.arms})
    self.assertEqual(content['learning_curve'][0][0], 5)

  def test_refuses_a_study_without_its_first_arm_or_cases(self):
    with self.assertRaisesRegex(InputError, r"arm 'clinical': not finished for seeds \[2\]"):
      analysis.analyse(fake_study.make(missing=[('clinical', 2)]))
    with self.assertRaisesRegex(InputError, 'test cases: 1 with a lesion of 20 voxels or more'):
      analysis.analyse(fake_study.make(n_scored=1))

  def test_refuses_results_that_do_not_count_their_cases(self):
    study = _hand_made()
    result = dataclasses.replace(study.results['clinical', 0], facts={})
    study = dataclasses.replace(study, results={**study.results, ('clinical', 0): result})
    with self.assertRaisesRegex(InputError, "arm 'clinical': n_cases of its result is None"):
      analysis.analyse(study)


if __name__ == '__main__':
  tf.test.main()
