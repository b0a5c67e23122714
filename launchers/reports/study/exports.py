"""A study's numbers for other programs: a row for each arm, and a row for each case."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from launchers.study.design import describe_sources
from launchers.study.results import METRICS, Study
from launchers.study.summary import Analysis, ArmRow
from stroke_eval.statistics.bootstrap import Interval


def arms_csv(analysis: Analysis) -> str:
  """All numbers of the finished arms, Dice in [0, 1]; empty where there is none."""
  return _written([_arm_fields(row) for row in analysis.rows])


def cases_csv(study: Study) -> str:
  """Means over the evaluated epochs for each arm, seed and test case, Dice in [0, 1]."""
  return _written(list(_cases(study)))


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
    by_case = {metric: study.by_case(arm.name, metric) for metric in METRICS}
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
  text = io.StringIO()
  writer = csv.DictWriter(text, list(rows[0]), lineterminator='\n')
  writer.writeheader()
  writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
  return text.getvalue()


def _plain(value: Any) -> Any:
  # Six digits say all that is known and keep the files small.
  return f'{value:.6g}' if isinstance(value, float) else value
