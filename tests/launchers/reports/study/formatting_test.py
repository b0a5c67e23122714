"""Numbers as people read them."""

import tensorflow as tf

from launchers.reports.study import formatting
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent


class WordingTest(tf.test.TestCase):
  def test_differences_are_points_with_a_sign(self):
    self.assertEqual(
      formatting.interval(Interval(0.0314, -0.0041, 0.1)), '+3.1 (\N{MINUS SIGN}0.4 to +10.0)'
    )
    self.assertEqual(formatting.points(-0.0004), '+0.0')
    self.assertEqual(formatting.interval(None), '')

  def test_spread(self):
    self.assertEqual(formatting.spread(68.72, 2.34), '68.7 ± 2.3')
    self.assertEqual(formatting.spread(68.72, None), '68.7')

  def test_percent(self):
    self.assertEqual(formatting.percent(0.6004), '60.0')
    self.assertEqual(formatting.percent(None), '\N{EN DASH}')

  def test_p_value(self):
    self.assertEqual(
      [formatting.p_value(p) for p in (0.00099, 0.0123, 0.456, 1.0, None)],
      ['< 0.001', '0.012', '0.46', '1.00', ''],
    )

  def test_p_text(self):
    self.assertEqual(
      [formatting.p_text(p) for p in (0.00099, 0.456, None)], ['p < 0.001', 'p = 0.46', '']
    )

  def test_worth_says_what_lies_beyond_the_curve(self):
    worth = lambda *fields: formatting.worth(Equivalent(*fields))
    self.assertEqual(worth(42.6, 30.5, 120.0, '', '', '>'), '43 (30 to > 120)')
    self.assertEqual(worth(5.0, 5.0, 7.0, '<', '<', ''), '< 5 (< 5 to 7)')
    self.assertEqual(worth(120.0, 60.0, 120.0, '>', '', '>'), '> 120 (60 to > 120)')
    self.assertEqual(worth(120.0, 120.0, 120.0, '>', '>', '>'), '> 120')
    self.assertEqual(worth(12.2, 11.6, 12.4, '', '', ''), '12 (12 to 12)')
    self.assertEqual(formatting.worth(None), '')

  def test_listed(self):
    self.assertEqual(
      [formatting.listed(list(n)) for n in ('a', 'ab', 'abc')], ['a', 'a and b', 'a, b and c']
    )
    self.assertEqual(formatting.listed(['a', 'b', 'c'], 'or'), 'a, b or c')

  def test_either(self):
    self.assertEqual(formatting.either([6, 4, 4]), '4 or 6')


if __name__ == '__main__':
  tf.test.main()
