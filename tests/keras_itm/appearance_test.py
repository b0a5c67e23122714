"""Appearances by numbers that can be worked out on paper."""

import json

import numpy as np
import tensorflow as tf
from scipy import stats

from keras_itm.appearance import Appearances, of_healthy


def _uniform(n=101):
  """Two numbers that rise together, from 0 to 1 and from 10 to 20, and one on its own."""
  share = np.linspace(0, 1, n)
  alone = np.random.default_rng(0).permutation(share)
  return Appearances.fit(['a', 'b', 'c'], np.stack([share, 10 + 10 * share, alone], axis=1))


class AppearancesTest(tf.test.TestCase):
  def test_scores_are_normal_quantiles(self):
    made = _uniform()
    expected = stats.norm.ppf([0.25, 0.5, 0.975])
    self.assertAllClose(made.scores({'a': 0.25, 'b': 15.0, 'c': 0.975}), expected, atol=1e-3)

  def test_scores_end_at_the_first_and_last_percent(self):
    made = _uniform()
    self.assertAllClose(made.scores({'a': -3.0, 'b': 99.0, 'c': np.nan}), [-2.326, 2.326, 0], atol=1e-3)

  def test_a_value_that_half_of_the_cases_share_counts_half(self):
    """Of ten zeros and ten ones, a zero stands at a quarter."""
    made = Appearances.fit(['a'], [[0.0]] * 10 + [[1.0]] * 10)
    self.assertAllClose(made.scores({'a': 0.0}), [stats.norm.ppf(0.25)], atol=0.1)

  def test_what_goes_together_is_drawn_together(self):
    made = _uniform()
    self.assertAllClose(made.correlation[0][1], 0.99, atol=0.01)
    rng = np.random.default_rng(0)
    drawn = np.array([list(made.draw(rng).values()) for _ in range(2000)])
    self.assertAllClose(drawn.mean(0) * [10, 1, 10], [5, 15, 5], atol=0.2)
    # A uniform number's deviation is 1 / sqrt(12); the ends are cut at one percent.
    self.assertAllClose(drawn.std(0), np.array([1, 10, 1]) / np.sqrt(12), rtol=0.06)
    together = np.corrcoef(drawn.T)
    self.assertGreater(together[0, 1], 0.97)
    self.assertLess(abs(together[0, 2]), 0.25)

  def test_draws_lie_within_the_training_cases(self):
    made = Appearances.fit(['a'], np.random.default_rng(1).gamma(1, size=[40, 1]))
    drawn = [made.draw(np.random.default_rng(i))['a'] for i in range(300)]
    self.assertBetween(min(drawn), made.quantiles[0][0], made.quantiles[0][2])
    self.assertBetween(max(drawn), made.quantiles[0][-3], made.quantiles[0][-1])

  def test_the_others_go_with_what_is_asked_for(self):
    """Of normal scores correlated by .6, given 1 the other has a mean of .6 and a deviation of .8."""
    normal = tuple(stats.norm.ppf(np.clip(np.linspace(0, 1, 21), 0.006, 0.994)))
    made = Appearances(('a', 'b', 'c'), (normal,) * 3, ((1, 0.6, 0), (0.6, 1, 0), (0, 0, 1)))
    rng = np.random.default_rng(0)
    found = np.array([list(made.draw(rng, {'a': 1.0}).values()) for _ in range(3000)])
    self.assertAllEqual(found[:, 0], np.ones(3000))
    self.assertAllClose(found.mean(axis=0)[1:], [0.6, 0], atol=0.06)
    self.assertAllClose(found.std(axis=0)[1:], [0.8, 1], atol=0.06)
    # What has nothing to do with it stays as drawn.
    drawn, asked = (made.draw(np.random.default_rng(3), given) for given in ({}, {'a': 1.0}))
    self.assertEqual(asked['c'], drawn['c'])

  def test_correlations_are_of_the_cases_that_have_both(self):
    """Healthy cases, half of all, lack the lesion's number."""
    rng = np.random.default_rng(0)
    values = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=400)
    values[::2, 1] = np.nan
    expected = 0.99 * np.corrcoef(stats.norm.ppf(stats.rankdata(values[1::2], axis=0) / 201).T)[0, 1]
    self.assertAllClose(Appearances.fit('ab', values).correlation[0][1], expected, atol=0.03)

  def test_correlations_that_contradict_one_another(self):
    """a with b and b with c go together, a with c never: each two are of other cases."""
    rise, none = np.linspace(0, 1, 30), np.full(30, np.nan)
    rows = [(rise, rise, none), (none, rise, rise), (rise, none, -rise)]
    table = np.concatenate([np.stack(row, axis=1) for row in rows])
    made = np.array(Appearances.fit('abc', table).correlation)
    self.assertGreater(np.linalg.eigvalsh(made)[0], 0)
    self.assertAllClose(np.diag(made), np.ones(3))

  def test_numbers_of_any_kind_may_be_asked_for(self):
    made = _uniform()
    asked = {'b': np.float32(12.5), 'c': np.int64(made.quantiles[2][0])}
    drawn = made.draw(np.random.default_rng(0), asked)
    self.assertEqual((drawn['b'], type(drawn['b']), type(drawn['c'])), (12.5, float, float))

  def test_of_healthy_cases(self):
    values = {'DWI.lesion_spread': 0.2, 'ADC.lesion_to_parenchyma': 1.5, 'DWI.noise': 0.1, 'noise': 0.3}
    self.assertEqual(of_healthy(values), {'DWI.noise': 0.1, 'noise': 0.3})

  def test_asked_for_beyond_the_training_cases(self):
    made = _uniform()
    for asked, message in (
      ({'b': 20.5}, 'appearance b is 20.5, expected 10 to 20'),
      ({'b': float('nan')}, 'appearance b is nan'),
      ({'b': 'much'}, "appearance b is 'much'"),
      ({'b': True}, 'appearance b is True'),
      ({'d': 1.0}, "appearance 'd' is unknown, expected one of a, b, c"),
    ):
      with self.assertRaisesRegex(ValueError, message):
        made.draw(np.random.default_rng(0), asked)

  def test_cases_that_lack_a_number(self):
    made = Appearances.fit(['a', 'b'], [[1.0, np.nan], [2.0, 5.0], [3.0, 7.0]])
    self.assertEqual(made.correlation[0][1], 0)  # Of two cases that have both.
    self.assertAllClose([made.quantiles[1][0], made.quantiles[1][-1]], [5, 7])
    with self.assertRaisesRegex(ValueError, 'no case has b'):
      Appearances.fit(['a', 'b'], [[1.0, np.nan], [2.0, np.nan]])
    with self.assertRaisesRegex(ValueError, 'no case has a, b'):
      Appearances.fit(['a', 'b'], [])

  def test_json_and_back(self):
    made = _uniform()
    self.assertEqual(Appearances.from_json(json.loads(json.dumps(made.to_json()))), made)

  def test_what_strangers_may_not_write(self):
    facts = _uniform().to_json()
    rising, square = facts['quantiles'], facts['correlation']
    for change, message in (
      ({'names': ()}, 'names'),
      ({'names': [1, 2, 3]}, 'names'),
      ({'quantiles': [row[:-1] for row in rising]}, 'quantiles of another form, expected 3 rows of 21'),
      ({'quantiles': [[*row[:-1], float('inf')] for row in rising]}, 'quantiles of another form'),
      ({'quantiles': [row[::-1] for row in rising]}, 'quantiles that fall'),
      (
        {'correlation': [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]},
        'correlation that is none',
      ),
      ({'correlation': square[:2]}, 'correlation of another form'),
      ({'more': 1}, 'expected'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        Appearances.from_json({**facts, **change})
    with self.assertRaisesRegex(ValueError, 'expected'):
      Appearances.from_json(['a'])


if __name__ == '__main__':
  tf.test.main()
