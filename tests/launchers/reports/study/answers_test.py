"""Answers follow the intervals and nothing else."""

import dataclasses

import tensorflow as tf

from launchers.reports.study import answers
from launchers.reports.study.arm_styles import arm_styles
from launchers.study.summary import Claim
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent
from tests.launchers.study import rows

UP, DOWN, OPEN = Interval(0.05, 0.01, 0.09), Interval(-0.05, -0.09, -0.01), Interval(0.02, -0.01, 0.05)


def findings(analysis):
  return answers.findings(analysis, arm_styles([row.arm for row in analysis.rows]))


class VerdictTest(tf.test.TestCase):
  def test_sides(self):
    text = answers.verdict({'a': UP, 'b': DOWN, 'c': OPEN, 'd': UP, 'e': UP}, 3)
    self.assertEqual(text, 'Higher with a, d and e. Lower with b. No difference shown with c.')

  def test_an_interval_that_touches_zero_shows_nothing(self):
    text = answers.verdict({'a': Interval(0.05, 0.0, 0.1), 'b': Interval(-0.05, -0.1, 0.0)}, 3)
    self.assertEqual(text, 'No difference shown with a and b.')

  def test_equivalent_where_no_difference_is_shown(self):
    near = Interval(0.0, -0.01, 0.02)
    text = answers.verdict({'a': near, 'b': UP, 'c': OPEN}, 3, equivalent=('a', 'b'), margin=0.03)
    self.assertEqual(
      text, 'Higher with b. Equivalent within 3 points with a. No difference shown with c.'
    )

  def test_one_training_is_no_way_to_train(self):
    text = answers.verdict({'a': UP, 'b': DOWN}, 1)
    self.assertEqual(text, 'In one training each: higher with a. Lower with b.')


class FindingsTest(tf.test.TestCase):
  def test_what_is_asked_and_in_which_order(self):
    found = findings(
      rows.analysis(
        rows.row(rows.CLINICAL),
        rows.row(rows.STRONG),
        rows.row(rows.TEN, to_clinical=DOWN),
        rows.row(rows.FUSION),
        rows.row(rows.SPADE, to_clinical=UP),
        rows.row(rows.TUNED, to_clinical=DOWN, to_reference=UP),
      )
    )
    self.assertEqual(
      [(f.arms, f.other, f.answer) for f in found],
      [
        ('synthetic, then 10 clinical', '10 clinical', 'Higher with SPADE.'),
        ('clinical + synthetic', 'clinical', 'Higher with SPADE. No difference shown with fusion.'),
        ('strong', 'clinical', 'No difference shown with strong.'),
      ],
    )

  def test_against_a_rival(self):
    claims = (Claim('10 clinical', UP, False, 0.01), Claim('CarveMix, then 10', OPEN, False, 0.4))
    found = findings(
      rows.analysis(rows.row(rows.CLINICAL), rows.row(rows.TUNED, to_reference=UP, claims=claims))
    )
    self.assertEqual(
      [(f.other, f.answer, f.gains[0].p) for f in found],
      [
        ('10 clinical', 'Higher with SPADE.', 'p = 0.010'),
        ('CarveMix, then 10', 'No difference shown with SPADE.', 'p = 0.40'),
      ],
    )

  def test_numbers(self):
    found = findings(
      rows.analysis(
        rows.row(rows.CLINICAL),
        rows.row(rows.SPADE, to_clinical=DOWN),
        rows.row(rows.ALONE, equivalent=Equivalent(120.0, 60.0, 120.0, '>', '', '>')),
        rows.row(rows.TUNED, to_reference=UP),
      )
    )
    tuned, both, alone = (finding.gains[0] for finding in found)
    self.assertEqual(
      tuned, answers.Gain('SPADE', '+5.0', '+1.0 to +9.0', 'p = 0.20', ('43', '(31 to > 120)'))
    )
    self.assertEqual(alone.worth, ('> 120', '(60 to > 120)'))
    # An arm that learns from all clinical cases is worth more than those by nature.
    self.assertEqual(
      both,
      answers.Gain(
        'SPADE', '\N{MINUS SIGN}5.0', '\N{MINUS SIGN}9.0 to \N{MINUS SIGN}1.0', 'p = 0.20', ('', '')
      ),
    )

  def test_a_group_with_two_references(self):
    other = dataclasses.replace(rows.TUNED, name='SPADE, then 20', system='', reference='20 clinical')
    found = findings(
      rows.analysis(
        rows.row(rows.CLINICAL),
        rows.row(rows.TUNED, to_reference=UP),
        rows.row(other, to_reference=DOWN),
      )
    )
    self.assertEqual(
      [(f.other, f.answer) for f in found],
      [('10 clinical', 'Higher with SPADE.'), ('20 clinical', 'Lower with SPADE, then 20.')],
    )

  def test_arms_of_one_group_and_translator_keep_their_numbers(self):
    arms = [dataclasses.replace(rows.ALONE, name=name) for name in ('40 SPADE', '400 SPADE')]
    fusion = dataclasses.replace(rows.FUSION, group='synthetic')
    worth = [Equivalent(n, n - 1, n + 1) for n in (6.0, 40.0, 15.0)]
    (found,) = findings(
      rows.analysis(
        rows.row(rows.CLINICAL),
        rows.row(arms[0], to_clinical=UP, equivalent=worth[0]),
        rows.row(arms[1], to_clinical=DOWN, equivalent=worth[1]),
        rows.row(fusion, to_clinical=OPEN, equivalent=worth[2]),
      )
    )
    self.assertEqual(
      found.answer, 'Higher with 40 SPADE. Lower with 400 SPADE. No difference shown with fusion.'
    )
    self.assertEqual(
      [(gain.name, gain.points, gain.worth[0]) for gain in found.gains],
      [
        ('40 SPADE', '+5.0', '6'),
        ('400 SPADE', '\N{MINUS SIGN}5.0', '40'),
        ('fusion', '+2.0', ''),  # It learns from all clinical cases as well.
      ],
    )

  def test_a_reference_that_is_not_finished(self):
    found = findings(rows.analysis(rows.row(rows.CLINICAL), rows.row(rows.TUNED)))
    self.assertEqual([f.other for f in found], ['clinical'])

  def test_one_seed(self):
    (found,) = findings(
      rows.analysis(rows.row(rows.CLINICAL), rows.row(rows.SPADE, to_clinical=UP), n_seeds=1)
    )
    self.assertEqual(found.answer, 'In one training each: higher with SPADE.')

  def test_first_arm_alone(self):
    self.assertEqual(findings(rows.analysis(rows.row(rows.CLINICAL))), [])


if __name__ == '__main__':
  tf.test.main()
