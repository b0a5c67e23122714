"""What a study can see: variances of differences of Dice, and the smallest effects they leave.

Command: python -m experiments.study_power
Hardware: 1 CPU core.
Time: 10 seconds.
Expected: one comparison of 3 seeds x 37 cases sees 6.6 points with all clinical cases, 9.3 with few;
  one of 10 x 400 sees 1.8 and 2.6.

From the cases of docs/phantom_study; launchers/study/resolution.py holds the variances as its defaults.
"""

from experiments._common import write_table
from experiments.study_numbers import read_study
from stroke_eval.statistics.power import components, power_of, smallest_effect

DESIGNS = ((3, 37), (3, 320), (5, 320), (10, 320), (10, 400))


def main() -> None:
  dice, against = read_study()
  beside = [arm for arm in against if arm.startswith('clinical +') or arm == 'strong augmentation']
  kinds = {
    'all clinical': beside,
    'few clinical': [arm for arm, other in against.items() if other != 'clinical'],
  }
  rows = []
  for kind, arms in kinds.items():
    parts = components([dice[arm] - dice[against[arm]] for arm in arms])
    # Seeds are pooled over arms with the same control; with the fewest, the least is seen.
    n_pooled = min(list(against.values()).count(against[arm]) for arm in arms)
    for n_seeds, n_cases in DESIGNS:
      rows.append(
        {
          'kind': kind,
          'n_arms': len(arms),
          'variance_case': parts.case,
          'variance_seed': parts.seed,
          'variance_rest': parts.rest,
          'seeds': n_seeds,
          'cases': n_cases,
          'power_for_2_points': power_of(0.02, parts, n_seeds, n_cases),
          'smallest_points': 100 * smallest_effect(parts, n_seeds, n_cases),
          'smallest_points_together': 100
          * smallest_effect(parts, n_seeds, n_cases, len(against), n_pooled),
        }
      )
  write_table(__file__, rows)


if __name__ == '__main__':
  main()
