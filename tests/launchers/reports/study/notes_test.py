"""What readers are told before and below the numbers."""

import dataclasses

import tensorflow as tf

from launchers.reports.study import notes
from launchers.study.arms import Arm
from launchers.study.results import Study
from tests.launchers.study import fake_study, rows


def made(*arms: Arm, n_seeds: int = 2) -> Study:
  return fake_study.make(n_seeds=n_seeds, arms=arms)


def analysed(*arms: Arm, **fields):
  return rows.analysis(*map(rows.row, arms), **fields)


class OriginTest(tf.test.TestCase):
  def test_arms_with_few_cases_still_see_what_all_cases_made(self):
    fifty = dataclasses.replace(rows.TUNED, name='SPADE, then 50', learns_from={'clinical': 50})
    self.assertEqual(
      notes.origin(made(rows.CLINICAL, rows.ALONE, fifty, rows.TEN, rows.TUNED), ()),
      'Synthetic cases were made, anew for each seed, from all clinical training cases (120, and any '
      'whose lesion is too small for an arm), also for arms that then learn from none, 10 or 50 of '
      'them; worth is what they add for whoever has the generators.',
    )

  def test_arms_with_all_cases(self):
    text = notes.origin(made(rows.CLINICAL, rows.SPADE, rows.TEN, n_seeds=1), ())
    self.assertEqual(
      text,
      'Synthetic cases were made from all clinical training cases (120, and any whose lesion is too '
      'small for an arm); worth is what they add for whoever has the generators.',
    )

  def test_ready_sets_are_not_claimed(self):
    study = made(rows.CLINICAL, rows.FUSION, rows.SPADE, rows.ALONE)
    ready = 'Not made by this study, and the same for all seeds: SPADE.'
    self.assertEndsWith(notes.origin(study, ['SPADE']), f' {ready}')
    self.assertStartsWith(notes.origin(study, ['SPADE']), 'Synthetic cases were made,')
    self.assertEqual(notes.origin(made(rows.CLINICAL, rows.ALONE), ['SPADE']), ready)

  def test_a_study_without_synthetic_cases(self):
    self.assertEqual(notes.origin(made(rows.CLINICAL, rows.TEN), ()), '')

  def test_a_first_arm_with_some_cases_tells_no_number(self):
    self.assertIn('training cases, also for', notes.origin(made(rows.TEN, rows.ALONE), ()))


class StepsTest(tf.test.TestCase):
  # A made-up training has 40 steps an epoch.
  def test_steps_of_the_start_are_counted(self):
    short = dataclasses.replace(rows.ALONE, epochs=6)
    tuned = dataclasses.replace(rows.TUNED, epochs=2, evaluated_epochs=1)
    arms = (rows.CLINICAL, rows.TEN, short, tuned)
    self.assertEqual(
      notes.steps(made(*arms), analysed(*arms)),
      'Every arm has 320 optimizer steps, those of the arm that it starts from included, except SPADE '
      '(240).',
    )

  def test_arms_by_steps(self):
    mixed = dataclasses.replace(rows.SPADE, epochs=50)
    short = [dataclasses.replace(arm, epochs=4) for arm in (rows.FUSION, rows.MIX)]
    arms = (rows.CLINICAL, mixed, *short)
    self.assertEndsWith(
      notes.steps(made(*arms), analysed(*arms)),
      'included, except clinical + fusion and clinical + mix (160); clinical + SPADE (2,000).',
    )

  def test_alike(self):
    arms = (rows.CLINICAL, rows.TEN)
    self.assertEqual(notes.steps(made(*arms), analysed(*arms)), '')


class NotesTest(tf.test.TestCase):
  def test_order(self):
    arms = (rows.CLINICAL, rows.SPADE)
    study, analysis = made(*arms), analysed(*arms, n_seeds=1, unfinished=('a', 'b'))
    about, origin, one_seed, unfinished = notes.notes(study, analysis, 'Simulated.', ())
    self.assertEqual((about, origin), ('Simulated.', notes.origin(study, ())))
    self.assertStartsWith(one_seed, 'One seed: intervals are over cases alone')
    self.assertEqual(unfinished, 'Not finished, and left out of every comparison: a and b.')

  def test_nothing_to_say(self):
    arms = (rows.CLINICAL, rows.TEN)
    self.assertEqual(notes.notes(made(*arms), analysed(*arms), '', ()), [])


if __name__ == '__main__':
  tf.test.main()
