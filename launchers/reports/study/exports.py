"""A study's numbers for other programs: CSV by arm and by case, JSON by arm, and Table 1 in LaTeX."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from launchers.reports.study.tables import Cell, PaperTable
from launchers.study.design import describe_sources
from launchers.study.external import ExternalResult
from launchers.study.results import METRICS, Study
from launchers.study.summary import Analysis, ArmRow
from stroke_eval import synthesis_checks
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.synthesis_checks import Check
from stroke_tfds import files

_SPECIAL = {
  '\\': r'\textbackslash{}',
  '\N{PLUS-MINUS SIGN}': r'$\pm$',
  '\N{MINUS SIGN}': '$-$',
  '\N{EN DASH}': '--',
  '~': r'\textasciitilde{}',
  '^': r'\textasciicircum{}',
  '<': '$<$',
  '>': '$>$',
  **{character: rf'\{character}' for character in '&%$#_{}'},
}


def arms_csv(analysis: Analysis) -> str:
  """All numbers of the finished arms, Dice in [0, 1]; empty where there is none."""
  return _written([_arm_fields(row) for row in analysis.rows])


def cases_csv(study: Study) -> str:
  """Means over the evaluated epochs for each arm, seed and test case, Dice in [0, 1]."""
  return _written(list(_cases(study)))


def checks_csv(checks: Mapping[str, Sequence[Check]]) -> str:
  """The sanity table of each synthetic set, a line for each number.

  Args:
    checks: Synthetic set -> its table; one at least.

  Returns:
    CSV; `real` as the text says, `holds` whether a number is as `expected`; empty where nothing is.
  """
  rows = [
    {
      'set': name,
      'check': check.key,
      'generated': _finite(check.generated),
      'real': None if check.real is None else _finite(check.real),
      'expected': check.expected,
      'holds': check.is_good,
      'what': check.text,
    }
    for name, of_set in checks.items()
    for check in of_set
  ]
  return _written(rows)


def external_csv(result: ExternalResult, seeds: Sequence[int]) -> str:
  """Dice of each arm, seed and case of a further test set, in [0, 1]; empty where there is none."""
  rows = [
    {
      'arm': arm,
      'seed': seed,
      'subject_id': subject_id,
      'dice': float(values[s, i]),
      'native_dice': _finite(result.native[arm][s, i]) if result.native else None,
      'native_ceiling': _finite(result.ceiling[i]),
    }
    for arm, values in result.dice.items()
    for s, seed in enumerate(seeds)
    for i, subject_id in enumerate(result.subject_id)
  ]
  return _written(rows)


def _finite(value: float) -> float | None:
  return float(value) if np.isfinite(value) else None


def summary_json(
  study: Study, stages: Mapping[str, float], checks: Mapping[str, Sequence[Check]]
) -> str:
  """What programs ask of a study first.

  Args:
    study: Its trainings.
    stages: Stage -> wall-clock seconds.
    checks: Synthetic set -> its sanity table; the first set's is written.

  Returns:
    JSON with `arms` (a finished arm -> what `_summarised` says), `stage_seconds` and `sanity` (key of a
    check -> value, with `_real` behind it that of the clinical cases; empty where nothing was checked).
  """
  first = next(iter(checks.values()), ())
  summary = {
    'arms': {arm.name: _summarised(study, arm.name) for arm in study.finished},
    'stage_seconds': dict(stages),
    'sanity': synthesis_checks.to_numbers(list(first)),
  }
  return json.dumps(summary, indent=2, allow_nan=False) + '\n'


def paper_latex(table: PaperTable, caption: str) -> str:
  """A tabular in the paper's layout, the published values in small print below ours.

  Args:
    table: Its cells.
    caption: Of the surrounding table.
  """
  lines = [
    r'\begin{table}',
    rf'\caption{{{escape(caption)}}}',
    rf'\begin{{tabular}}{{l{"r" * (len(table.head) - 1)}}}',
    r'\hline',
    _line(map(escape, table.head)),
    r'\hline',
  ]
  for label, cells in table.rows:
    lines.append(_line([escape(label), *(_found(cell) for cell in cells)]))
    if any(cell and cell.published for cell in cells):
      lines.append(_line(['', *(_published(cell) for cell in cells)]))
  return '\n'.join([*lines, r'\hline', r'\end{tabular}', r'\end{table}', ''])


def escape(text: str) -> str:
  """Text for LaTeX."""
  return ''.join(_SPECIAL.get(character, character) for character in text)


def _summarised(study: Study, arm: str) -> dict[str, float | int | None]:
  """Dice over the cases with a lesion of any size, and false positives over those without.

  A case's value is its mean over evaluated epochs and seeds; mean, median and sd (n - 1) are over
  cases. A case is false positive where any of these predictions holds a voxel. None for what the cases
  cannot give, such as an sd of one case.
  """
  is_positive = study.cases.is_positive
  dice = study.by_case(arm, 'dice').mean(axis=0)[is_positive]
  false_ml = study.by_case(arm, 'predicted_volume_ml').mean(axis=0)[~is_positive]
  return {
    'dice_mean': float(dice.mean()) if dice.size else None,
    'dice_sd': float(dice.std(ddof=1)) if dice.size > 1 else None,
    'dice_median': float(np.median(dice)) if dice.size else None,
    'n_cases': int(dice.size),
    'n_negative': int(false_ml.size),
    'n_false_positive': int(np.count_nonzero(false_ml)),
    'false_positive_ml_mean': float(false_ml.mean()) if false_ml.size else None,
    'false_positive_ml_max': float(false_ml.max()) if false_ml.size else None,
  }


def _arm_fields(row: ArmRow) -> dict[str, Any]:
  arm, worth = row.arm, row.equivalent
  published = [value / 100 for value in arm.published] or [None, None]
  return {
    'arm': arm.name,
    'group': arm.group_name,
    'system': arm.system,
    'learns_from': describe_sources(arm),
    'start': arm.start,
    'epochs': arm.epochs,
    'n_cases': row.n_cases,
    'dice_mean': row.dice.mean,
    'dice_sd': row.dice.sd,
    'dice_best': row.dice.best,
    'dice_seed_sd': row.seed_sd,
    'dice_all_sizes': row.all_sizes,
    **_interval('minus_clinical', row.to_clinical),
    'reference': arm.reference,
    **_interval('minus_reference', row.to_reference),
    **_interval('corrected', row.claim and row.claim.difference),
    'equivalent': row.claim and int(row.claim.is_equivalent),
    'p_holm': row.p_value,
    'worth_cases': worth and f'{worth.n_beyond}{worth.n:.1f}',
    'worth_cases_low': worth and f'{worth.low_beyond}{worth.low:.1f}',
    'worth_cases_high': worth and f'{worth.high_beyond}{worth.high:.1f}',
    **row.metrics,
    'false_positive_ml': row.false_positive_ml,
    'false_positive_share': row.false_positive_share,
    'published_mean': published[0],
    'published_sd': published[1],
  }


def _interval(name: str, d: Interval | None) -> dict[str, float | None]:
  return {name: d and d.mean, f'{name}_low': d and d.low, f'{name}_high': d and d.high}


def _cases(study: Study) -> Iterator[dict[str, Any]]:
  cases = study.cases
  for arm in study.finished:
    metrics = (*METRICS, *study.regions)
    by_case = {metric: study.by_case(arm.name, metric) for metric in metrics}
    for s, seed in enumerate(study.seeds):
      for i, subject_id in enumerate(cases.subject_id):
        yield {
          'arm': arm.name,
          'seed': seed,
          'subject_id': subject_id,
          'lesion_ml': cases.lesion_volume_ml[i],
          'territory': cases.territory[i],
          **{metric: values[s, i] for metric, values in by_case.items()},
        }


def _written(rows: list[Mapping[str, Any]]) -> str:
  written = ({name: _six_digits(value) for name, value in row.items()} for row in rows)
  return files.csv_text(written, list(rows[0]))


def _six_digits(value: Any) -> Any:
  # Six digits say all that is known and keep the files small.
  return f'{value:.6g}' if isinstance(value, float) else value


def _line(cells) -> str:
  return ' & '.join(cells) + r' \\'


def _found(cell: Cell | None) -> str:
  return escape(f'{cell.name} {cell.found}'.strip()) if cell else ''


def _published(cell: Cell | None) -> str:
  return rf'{{\scriptsize [{escape(cell.published)}]}}' if cell and cell.published else ''
