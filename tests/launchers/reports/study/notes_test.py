"""What readers are told before and below the numbers: which numbers and names, and where none."""

import dataclasses
import re

import tensorflow as tf

from launchers.reports.study import notes
from launchers.reports.study.arm_styles import arm_styles
from launchers.study.arms import Arm
from launchers.study.results import Study
from tests.launchers.study import fake_study, rows


def made(*arms: Arm, n_seeds: int = 2) -> Study:
  return fake_study.make(n_seeds=n_seeds, arms=arms)


def analysed(*arms: Arm, **fields):
  return rows.analysis(*map(rows.row, arms), **fields)


def numbers(text: str) -> list[int]:
  return [int(number.replace(',', '')) for number in re.findall(r'\d[\d,]*\b', text)]


class OriginTest(tf.test.TestCase):
  def test_arms_with_few_cases_still_see_what_all_cases_made(self):
    fifty = dataclasses.replace(rows.TUNED, name='SPADE, then 50', learns_from={'clinical': 50})
    text = notes.origin(made(rows.CLINICAL, rows.ALONE, fifty, rows.TEN, rows.TUNED), ())
    # Of the 120 clinical cases; arms then learn from none, 10 or 50 of them.
    self.assertEqual(numbers(text), [120, 10, 50])
    self.assertIn('none', text)

  def test_arms_with_all_cases(self):
    text = notes.origin(made(rows.CLINICAL, rows.SPADE, rows.TEN), ())
    self.assertEqual(numbers(text), [120])
    self.assertNotIn('none', text)

  def test_generators_are_trained_anew_where_there_are_several_seeds(self):
    of_seeds = lambda n: notes.origin(made(rows.CLINICAL, rows.SPADE, n_seeds=n), ())
    self.assertEqual(['each seed' in of_seeds(n) for n in (1, 2)], [False, True])

  def test_ready_sets_are_not_claimed(self):
    study = made(rows.CLINICAL, rows.FUSION, rows.SPADE, rows.ALONE)
    claimed, some, none = (notes.origin(study, ready) for ready in ([], ['SPADE'], ['SPADE', 'fusion']))
    self.assertNotIn('SPADE', claimed)
    # The claim stands before the sentence on ready sets; without a claim there is no number.
    self.assertEqual(some[: len(claimed)], claimed)
    self.assertIn('SPADE', some[len(claimed) :])
    self.assertNotIn('fusion', some)
    self.assertEqual(numbers(none), [])
    self.assertContainsInOrder(['fusion', 'SPADE'], none)

  def test_sources_of_a_number_of_cases(self):
    study = made(rows.CLINICAL, rows.FUSION, rows.SPADE)
    text = notes.origin(study, (), {'SPADE': 10})
    self.assertContainsInOrder(['all clinical training cases', 'SPADE: of 10 clinical cases'], text)
    text = notes.origin(study, (), {'SPADE': 10, 'fusion': 7, 'unused': 3})
    self.assertNotIn('all clinical', text)
    self.assertEqual(numbers(text), [7, 10])

  def test_a_study_without_synthetic_cases(self):
    self.assertEqual(notes.origin(made(rows.CLINICAL, rows.TEN), ()), '')

  def test_a_first_arm_with_some_cases_tells_no_number(self):
    self.assertEqual(numbers(notes.origin(made(rows.TEN, rows.ALONE), ())), [])


class StepsTest(tf.test.TestCase):
  # A made-up training has 40 steps an epoch.
  def test_steps_of_the_start_are_counted(self):
    short = dataclasses.replace(rows.ALONE, epochs=6)
    tuned = dataclasses.replace(rows.TUNED, epochs=2, evaluated_epochs=1)
    arms = (rows.CLINICAL, rows.TEN, short, tuned)
    text = notes.steps(made(*arms), analysed(*arms))
    # 8 epochs, and 6 + 2 of the tuned arm; SPADE alone has 6.
    self.assertEqual(numbers(text), [320, 240])
    self.assertIn('SPADE (240)', text)

  def test_arms_by_steps(self):
    mixed = dataclasses.replace(rows.SPADE, epochs=50)
    short = [dataclasses.replace(arm, epochs=4) for arm in (rows.FUSION, rows.MIX)]
    arms = (rows.CLINICAL, mixed, *short)
    text = notes.steps(made(*arms), analysed(*arms))
    self.assertContainsInOrder(
      ['clinical + fusion and clinical + mix (160)', 'clinical + SPADE (2,000)'], text
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
    self.assertIn('One seed', one_seed)
    self.assertIn('a and b', unfinished)

  def test_nothing_to_say(self):
    arms = (rows.CLINICAL, rows.TEN)
    self.assertEqual(notes.notes(made(*arms), analysed(*arms), '', ()), [])

  def test_one_evaluated_epoch_is_no_plural(self):
    once = dataclasses.replace(rows.CLINICAL, evaluated_epochs=1)
    for arm, plural in ((once, False), (rows.CLINICAL, True)):
      lead = notes.lead(made(arm), analysed(arm))
      self.assertEqual(lead.endswith('epochs.'), plural)

  def test_published_values_are_explained_where_there_are_any(self):
    told = [
      notes.paper_table(study, arm_styles(study.arms))
      for study in (made(rows.CLINICAL), made(rows.TEN))
    ]
    self.assertEqual(['2020' in text for text in told], [True, False])


if __name__ == '__main__':
  tf.test.main()
