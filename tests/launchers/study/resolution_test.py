"""Tests of what a study can see, with variances by hand and seconds by hand."""

import numpy as np
import tensorflow as tf

from launchers.study import resolution
from launchers.study.resolution import Resolution
from launchers.study.tasks import Task
from stroke_eval.statistics.power import components, smallest_effect
from tests.launchers.study import fake_study, tiny_study
from tests.launchers.study.tiny_study import arm

_ARMS = {
  'clinical': arm(),
  '3 clinical': arm(learns_from={'clinical': 3}),
  'both': arm(learns_from={'clinical': 'all', 'lesion fusion': 'all'}),
  'fused': arm(learns_from={'lesion fusion': 'all'}),
  'fused, then 3': arm(learns_from={'clinical': 3}, start='fused', reference='3 clinical'),
}


def _tasks(design) -> list[Task]:
  """A set and all arms of each seed."""
  tasks = []
  for seed in design.seeds:
    tasks.append(Task(f'set, seed {seed}', (), lambda: None))
    tasks += [Task(f'{one.name}, seed {seed}', (), lambda: None, (one, seed)) for one in design.arms]
  return tasks


class ResolutionTest(tf.test.TestCase):
  design = tiny_study.design(arms=_ARMS, n_seeds=4)

  def test_lines(self):
    lines = Resolution(self.design, 37).lines(3)
    self.assertLen(lines, 2)
    # Two arms have the control `clinical`; least is seen of the one that has `3 clinical` for itself.
    for line, parts, n_pooled in zip(lines, resolution.DEFAULTS.values(), (2, 1)):
      alone = 100 * smallest_effect(parts, 3, 37)
      together = 100 * smallest_effect(parts, 3, 37, 3, n_pooled)
      self.assertIn(f': {alone:.1f} points of Dice in one comparison, {together:.1f} where 3 are', line)
      self.assertIn('(3 seeds x 37 scored test cases)', line)
      self.assertEndsWith(line, '(variances of docs/phantom_study)')

  def test_rivals_are_pooled_with_the_control_of_their_arm(self):
    arms = {**_ARMS, 'more': arm(learns_from={'clinical': 'all', 'lesion fusion': 2}, rivals=['both'])}
    line = Resolution(tiny_study.design(arms=arms), 37).lines(3)[0]
    # Three arms are compared with the first one, one of them with `both` as well: of five claims.
    parts = resolution.DEFAULTS[resolution._ALL]
    together = f'{100 * smallest_effect(parts, 3, 37, 5, 4):.1f}'
    self.assertIn(f', {together} where 5 are claimed', line)

  def test_a_study_in_progress_counts_with_its_own(self):
    arms = fake_study.mini_arms()
    study = fake_study.make(missing=[('SPADE, then 10 clinical', 2)])
    design = tiny_study.design(arms={'x': arm()})
    object.__setattr__(design, 'arms', arms)
    lines = Resolution(design, 37, study).lines(3)
    self.assertEndsWith(lines[0], '(variances of this study so far)')
    asked = [one for one in arms[1:] if one.is_tested and one.n_clinical == 'all']
    scored = study.cases.is_scored
    dice = lambda name: study.by_case(name, 'dice')[:, scored]
    parts = components([dice(one.name) - dice('clinical') for one in asked])
    self.assertIn(f': {100 * smallest_effect(parts, 3, 37):.1f} points', lines[0])

  def test_one_seed_leaves_the_defaults(self):
    study = fake_study.make(n_seeds=1)
    design = tiny_study.design(arms={'x': arm()})
    object.__setattr__(design, 'arms', fake_study.mini_arms())
    self.assertEndsWith(Resolution(design, 37, study).lines(3)[0], '(variances of docs/phantom_study)')

  def test_budget(self):
    """A seed takes 6 stages of 10 minutes: one hour."""
    tasks, found = _tasks(self.design), Resolution(self.design, 37)
    lines = lambda hours, workers=1, done=(): found.budget_lines(
      hours, tasks, lambda task: 0.0 if task.name in done else 600.0, workers
    )
    self.assertEqual(lines(2.5)[0], '--budget_hours=2.5: 2 of 4 seeds with all 5 arms fit')
    self.assertEqual(lines(2.5)[1:], found.lines(2))
    self.assertEqual(lines(4), ['--budget_hours=4: 4 of 4 seeds with all 5 arms fit'])
    self.assertStartsWith(lines(1, workers=3)[0], '--budget_hours=1: 3 of 4 seeds')
    done = [task.name for task in tasks if task.seed == 0]
    self.assertStartsWith(lines(1, done=done)[0], '--budget_hours=1: 2 of 4 seeds')
    # 30 minutes: the set and two arms.
    self.assertEqual(
      lines(0.5), ['--budget_hours=0.5: not one seed fits, only 2 of 5 arms of the first']
    )

  def test_more_cases_and_seeds_see_more(self):
    number = lambda n_cases, n_seeds: float(
      Resolution(self.design, n_cases).lines(n_seeds)[0].partition(': ')[2].partition(' ')[0]
    )
    self.assertTrue(np.all(np.diff([number(37, 3), number(320, 3), number(320, 10)]) < 0))


if __name__ == '__main__':
  tf.test.main()
