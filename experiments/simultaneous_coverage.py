"""How often all intervals of a study hold together, in simulated studies of arms with one control.

Command: python -m experiments.simultaneous_coverage
Hardware: 1 CPU core.
Time: 6 minutes.
Expected: 93 to 100 %; intervals of each arm alone all hold in 48 to 88 % of studies.

Dice of an arm has a case effect of its own (sd .7), a seed effect and a rest of sd .7; the control has
the same, so that differences to it correlate by a half. Where seeds vary unequally, every fourth arm's
vary three times as much as the others'. With rivals each arm is also compared with the one before it.
"""

import numpy as np

from experiments._common import write_table
from stroke_eval.statistics import bootstrap
from stroke_eval.statistics.simultaneous import Family

N_STUDIES, N_RESAMPLES = 300, 1000
DESIGNS = (  # Arms, seeds, cases, whether with rivals.
  (4, 3, 37, False),
  (17, 3, 37, False),
  (17, 1, 37, False),
  (17, 3, 320, False),
  (17, 10, 320, False),
  (9, 2, 320, True),
  (9, 3, 320, True),
)
SEED_SDS = (0.0, 0.06, 0.3)


def main() -> None:
  rows = []
  for n_arms, n_seeds, n_cases, rivals in DESIGNS:
    for seed_sd, unequal in [*((sd, False) for sd in SEED_SDS), (0.1, True)]:
      if n_seeds == 1 and seed_sd:  # One seed tells nothing of others.
        continue
      rng = np.random.default_rng(0)
      size = n_arms, n_seeds, n_cases, seed_sd, unequal, rivals
      found = np.array([_held(_simulate(rng, *size), i) for i in range(N_STUDIES)])
      rows.append(
        {
          'arms': n_arms,
          'seeds': n_seeds,
          'cases': n_cases,
          'rivals': rivals,
          'seed_sd': seed_sd,
          'seeds_vary': 'unequal' if unequal else 'alike',
          'all_hold_together': float(found[:, 0].mean()),
          'all_hold_each_alone': float(found[:, 1].mean()),
        }
      )
  write_table(__file__, rows)


def _simulate(rng, n_arms, n_seeds, n_cases, seed_sd, unequal, rivals) -> np.ndarray:
  """Differences [comparisons, seeds, cases] to the control, and to rivals; their true mean is 0."""
  sds = np.full((n_arms + 1, 1, 1), seed_sd)
  sds[1::4] *= 3 if unequal else 1
  dice = rng.normal(0, 0.7, (n_arms + 1, 1, n_cases)) + rng.normal(0, 1, (n_arms + 1, n_seeds, 1)) * sds
  dice = dice + rng.normal(0, 0.7, (n_arms + 1, n_seeds, n_cases))
  to_rivals = dice[2:] - dice[1:-1]
  return np.concatenate([dice[1:] - dice[0], *([to_rivals] if rivals else [])])


def _held(differences: np.ndarray, seed: int) -> tuple[bool, bool]:
  """Whether all intervals hold 0: those of the family, and those of each arm alone."""
  family = Family(differences, ['control'] * len(differences), N_RESAMPLES, seed)
  together = all(found.low <= 0 <= found.high for found in family.intervals())
  _, low, high = bootstrap.bounds(differences, N_RESAMPLES, seed)
  return together, bool(np.all((low <= 0) & (high >= 0)))


if __name__ == '__main__':
  main()
