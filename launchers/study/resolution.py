"""Which differences of Dice a study can see, with all its seeds or within a budget of time."""

import collections
from collections.abc import Callable, Sequence

from launchers.study.arms import ALL, Arm
from launchers.study.claims import comparisons, controls
from launchers.study.design import Design
from launchers.study.results import Study
from launchers.study.tasks import Task
from stroke_eval.statistics.power import Components, components, smallest_effect

_ALL, _FEW = 'arms that learn from all clinical cases', 'arms that learn from fewer'
# Variances of a difference of Dice in docs/phantom_study (experiments/study_power.py).
DEFAULTS = {
  _ALL: Components(case=0.008087, seed=0.0001402, rest=0.008482),
  _FEW: Components(case=0.006526, seed=0.000509, rest=0.01493),
}
_OF_DEFAULTS = 'docs/phantom_study'


class Resolution:
  """What a study can see.

  Args:
    design: The study.
    n_cases: Its scored test cases.
    finished: Its trainings so far, whose variances count where they are of two seeds or more; those of
      docs/phantom_study stand in for what is missing.
  """

  def __init__(self, design: Design, n_cases: int, finished: Study | None = None):
    self._design, self._n_cases = design, n_cases
    first, *others = design.arms
    asked = [arm for arm in others if arm.is_tested]
    pairs = comparisons(design.arms, [arm.name for arm in design.arms])
    pooled = collections.Counter(controls(pairs))
    self._n_asked = max(len(pairs), 1)
    self._kinds = {}
    for kind in DEFAULTS:
      arms = [arm for arm in asked if _kind(arm) == kind]
      if arms:
        own = _measured(finished, arms, first) if finished else None
        origin = 'this study so far' if own else _OF_DEFAULTS
        # Seeds are pooled over arms with the same control; with the fewest, the least is seen.
        n_pooled = min(pooled[arm.reference or first.name] for arm in arms)
        self._kinds[kind] = own or DEFAULTS[kind], origin, n_pooled

  def lines(self, n_seeds: int) -> list[str]:
    """The smallest effect at 80 % power with so many seeds, for each kind of arm."""
    seeds = f'{n_seeds} seeds' if n_seeds > 1 else '1 seed, of these trainings alone,'
    seeds = f'{seeds} x {self._n_cases} scored test cases'
    lines = []
    for kind, (parts, origin, n_pooled) in self._kinds.items():
      study = parts, n_seeds, self._n_cases
      points = lambda *numbers: f'{100 * smallest_effect(*numbers):.1f}'
      alone, together = points(*study), points(*study, self._n_asked, n_pooled)
      lines.append(
        f'Smallest effect seen in 80 % of studies ({seeds}), {kind}: {alone} points of Dice '
        f'in one comparison, {together} where {self._n_asked} are claimed together '
        f'(variances of {origin})'
      )
    return lines

  def budget_lines(
    self,
    budget_hours: float,
    tasks: Sequence[Task],
    seconds_left: Callable[[Task], float],
    workers: int,
  ) -> list[str]:
    """How many seeds, or arms of the first one, fit into so many hours, and what these can see."""
    left, n_seeds, seeds = 3600 * budget_hours * workers, 0, self._design.seeds
    by_seed = {seed: [task for task in tasks if task.seed == seed] for seed in seeds}
    for seed in seeds:
      seconds = sum(map(seconds_left, by_seed[seed]))
      if seconds > left:
        break
      left, n_seeds = left - seconds, n_seeds + 1
    told = f'--budget_hours={budget_hours:g}: '
    if n_seeds:
      whole = f'{n_seeds} of {len(seeds)} seeds with all {len(self._design.arms)} arms fit'
      return [f'{told}{whole}', *(self.lines(n_seeds) if n_seeds < len(seeds) else [])]
    n_arms = 0
    for task in by_seed[seeds[0]]:
      left -= seconds_left(task)
      n_arms += bool(task.arm) and left >= 0
    return [f'{told}not one seed fits, only {n_arms} of {len(self._design.arms)} arms of the first']


def _kind(arm: Arm) -> str:
  return _ALL if arm.n_clinical == ALL else _FEW


def _measured(study: Study, arms: Sequence[Arm], first: Arm) -> Components | None:
  """Variances of the arms' differences to their controls; None where too little is finished."""
  scored = study.cases.is_scored
  found = []
  for arm in arms:
    control = arm.reference or first.name
    both = [
      seed
      for seed in study.seeds
      if (arm.name, seed) in study.results and (control, seed) in study.results
    ]
    if len(both) > 1 and scored.sum() > 1:
      of = study.of_seeds(both)
      found.append((of.by_case(arm.name, 'dice') - of.by_case(control, 'dice'))[:, scored])
  return components(found) if found else None
