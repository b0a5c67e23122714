"""The numbers of the study on simulated patients, from its test cases (docs/phantom_study/cases.csv).

Command: python -m experiments.study_numbers
Hardware: 1 CPU core.
Time: 20 seconds.
Expected: as docs/phantom_study/table.csv: SPADE, then 10 clinical cases, +5.6 points (+1.7 to +9.7).
"""

import csv
from collections.abc import Mapping

import numpy as np

from experiments._common import ROOT, write_table
from keras_itm.lesions import MIN_VOXELS
from stroke_eval.statistics import bootstrap, equivalents, significance
from stroke_eval.statistics.simultaneous import Family
from stroke_tfds.imaging.grid import get_grid

STUDY = ROOT / 'docs' / 'phantom_study'
CURVE = {5: '5 clinical', 10: '10 clinical', 20: '20 clinical', 50: '50 clinical', 93: 'clinical'}


def main() -> None:
  design, cases, ml, scored = _study()
  values = {
    key: dict(zip(design, _column(cases, key, len(design))))
    for key in ('dice', 'lesion_precision', 'lesion_recall', 'predicted_volume_ml')
  }
  dice = {arm: of_arm[:, scored] for arm, of_arm in values['dice'].items()}
  against = _against(design)
  differences = [(dice[arm] - dice[other]).mean(axis=0) for arm, other in against.items()]
  p_values = dict(zip(against, significance.wilcoxon_holm(np.array(differences)).tolist()))
  raw = np.stack([dice[arm] - dice[other] for arm, other in against.items()])
  family = Family(raw, list(against.values()))
  corrected = dict(zip(against, family.intervals()))
  rows = []
  for arm, scores in dice.items():
    reference = design[arm]['reference']
    rows.append(
      {
        'arm': arm,
        'dice': scores.mean(),
        **_difference('minus_clinical', scores, dice['clinical'] if arm != 'clinical' else None),
        'reference': reference,
        **_difference('minus_reference', scores, dice.get(reference)),
        'corrected_low': corrected[arm].low if arm in corrected else '',
        'corrected_high': corrected[arm].high if arm in corrected else '',
        'p_holm': p_values.get(arm, ''),
        **_worth(scores, dice if arm in against else {}),
        'lesion_recall': values['lesion_recall'][arm][:, scored].mean(),
        'lesion_precision': values['lesion_precision'][arm][:, scored].mean(),
        'false_positive_ml': values['predicted_volume_ml'][arm][:, ml == 0].mean(),
      }
    )
    published = float(design[arm]['dice_mean'])
    if abs(scores.mean() - published) > 1e-5:
      raise SystemExit(f'{arm}: Dice {scores.mean():.6f} here, {published:.6f} in table.csv')
  write_table(__file__, rows)


def read_study() -> tuple[dict[str, np.ndarray], dict[str, str]]:
  """Arm -> Dice over the scored cases [seeds, cases], and arm -> what it is compared with."""
  design, cases, _, scored = _study()
  values = _column(cases, 'dice', len(design))
  return {arm: of_arm[:, scored] for arm, of_arm in zip(design, values)}, _against(design)


def _study():
  """Rows of the table by arm, rows of the cases, their lesions in ml, and which are scored."""
  design = {row['arm']: row for row in _read('table.csv')}
  cases = _read('cases.csv')
  ml = np.array([float(row['lesion_ml']) for row in cases]).reshape(len(design), 3, -1)[0, 0]
  return design, cases, ml, ml >= (MIN_VOXELS - 0.5) * get_grid('mini').voxel_volume_ml


def _against(design: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
  return {arm: row['reference'] or 'clinical' for arm, row in design.items() if row['p_holm']}


def _read(name: str) -> list[dict[str, str]]:
  with (STUDY / name).open(newline='') as stream:
    return list(csv.DictReader(stream))


def _column(cases: list[dict[str, str]], key: str, n_arms: int) -> np.ndarray:
  """[arms, seeds, cases]; NaN where not measured."""
  return np.array([float(row[key] or 'nan') for row in cases]).reshape(n_arms, 3, -1)


def _difference(name: str, scores: np.ndarray, others: np.ndarray | None) -> dict[str, float | str]:
  keys = (name, f'{name}_low', f'{name}_high')
  if others is None:
    return dict.fromkeys(keys, '')
  found = bootstrap.paired_difference(scores, others)
  return dict(zip(keys, (found.mean, found.low, found.high)))


def _worth(scores: np.ndarray, dice: Mapping[str, np.ndarray]) -> dict[str, str]:
  if not dice:
    return {'worth_cases': '', 'worth_low': '', 'worth_high': ''}
  curve = np.stack([dice[arm] for arm in CURVE.values()])
  found = equivalents.equivalent(scores, list(CURVE), curve)
  return {
    'worth_cases': f'{found.n_beyond}{found.n:.1f}',
    'worth_low': f'{found.low_beyond}{found.low:.1f}',
    'worth_high': f'{found.high_beyond}{found.high:.1f}',
  }


if __name__ == '__main__':
  main()
