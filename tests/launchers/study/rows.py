"""Arms and their rows by hand."""

from typing import Any

from launchers.study.arms import Arm
from launchers.study.results import METRICS
from launchers.study.summary import Analysis, ArmRow, Claim, DiceSummary
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent

CLINICAL = Arm('clinical', {'clinical': 'all'}, 8, 4, group='clinical', published=(68.7, 2.3))
STRONG = Arm('strong', {'clinical': 'all'}, 8, 4, group='clinical')
TEN = Arm('10 clinical', {'clinical': 10}, 8, 4, group='few clinical cases')
FUSION = Arm('clinical + fusion', {'clinical': 'all', 'fusion': 40}, 8, 4, group='clinical + synthetic')
MIX = Arm('clinical + mix', {'clinical': 'all', 'mix': 40}, 8, 4, group='clinical + synthetic')
SPADE = Arm(
  'clinical + SPADE',
  {'clinical': 'all', 'SPADE': 40},
  8,
  4,
  group='clinical + synthetic',
  system='SPADE',
  published=(78.1, 1.8),
)
ALONE = Arm('SPADE', {'SPADE': 40}, 8, 4, group='synthetic', system='SPADE')
TUNED = Arm(
  'SPADE, then 10 clinical',
  {'clinical': 10},
  8,
  4,
  start='SPADE',
  system='SPADE',
  group='synthetic, then 10 clinical',
  reference='10 clinical',
  published=(67.1, 1.5),
)
ARMS = (CLINICAL, STRONG, TEN, FUSION, MIX, SPADE, ALONE, TUNED)


def row(arm: Arm, *, p_value: float = 0.2, corrected: Interval | None = None, **fields: Any) -> ArmRow:
  """A row; Dice is 0.673 +- 0.014 unless said otherwise, a claim is as its difference."""
  values = {
    'n_cases': 37,
    'dice': DiceSummary(0.673, 0.014, 0.69),
    'seed_sd': 0.016,
    'all_sizes': 0.605,
    'metrics': {metric: 0.5 for metric in METRICS if metric != 'dice'},
    'false_positive_ml': 0.25,
    'false_positive_share': 0.3,
    'to_clinical': None if arm is CLINICAL else Interval(0.02, -0.01, 0.05),
    'to_reference': None,
    'no_worth': '',
    'equivalent': None if arm in (CLINICAL, TEN) else Equivalent(43.0, 31.0, 120.0, '', '', '>'),
  }
  values |= fields
  difference = values['to_reference'] or values['to_clinical']
  if arm.is_tested and difference:
    other = arm.reference if values['to_reference'] else CLINICAL.name
    values.setdefault('claims', (Claim(other, corrected or difference, False, p_value),))
  values.setdefault('claims', ())
  return ArmRow(arm, **values)


def analysis(*rows: ArmRow, **fields: Any) -> Analysis:
  """An analysis of these rows."""
  values = {
    'unfinished': (),
    'n_seeds': 3,
    'friedman': None,
    'mean_ranks': {},
    'critical_difference': None,
    'ranked_to': '',
    'margin': 0.03,
    'nemenyi': {},
    'by_size': {},
    'by_territory': {},
    'n_by_size': {},
    'n_by_territory': {},
    'learning_curve': ((10, Interval(0.4, 0.3, 0.5)), (120, Interval(0.7, 0.6, 0.8))),
  }
  return Analysis(rows, **{**values, **fields})
