"""Writes the report of an experiment: what was generated, and what it did to the segmenter."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gin
from absl import logging

from launchers import arm_statistics, report_content
from launchers.console import clock
from launchers.report_gather import Inputs, gather
from launchers.reports import page as report_page
from launchers.reports import style
from launchers.reports.page import Page, Table
from stroke_eval import synthesis_checks
from stroke_eval.synthesis_checks import Check

_MISSING = '\N{EN DASH}'


@gin.configurable
def write_report(
  workdir: str,
  clinical: str = gin.REQUIRED,
  synthetic: str = gin.REQUIRED,
  lesion_gan_run: str = gin.REQUIRED,
  translator_run: str = gin.REQUIRED,
  arms: Mapping[str, str] = gin.REQUIRED,
  stage_seconds: Mapping[str, float] | None = None,
  data_dir: str | None = None,
  commands: Mapping[str, str] | None = None,
) -> None:
  """Writes report.html, one file that needs nothing else, and summary.json.

  Args:
    workdir: Where both go; made when it is not there.
    clinical: TFDS name with splits healthy, train and test, such as `phantom_stroke/mini`.
    synthetic: TFDS name of the synthetic set, split train.
    lesion_gan_run: Folder of the lesion GAN's finished run.
    translator_run: Folder of the translator's finished run.
    arms: Name of an arm -> folder of its finished U-Net run. The first is the one that the others are
      compared with.
    stage_seconds: Stage -> wall-clock seconds; the training times of the runs when None.
    data_dir: TFDS data folder.
    commands: Stage -> what made it: `clinical data set`, `synthetic data set`, `lesion GAN`,
      `translator` and `U-Net: <arm>`; where one is not given, a command that repeats the stage is
      shown.

  Raises:
    InputError: A set is not built or a run not finished; names the path and what would make it.
  """
  inputs = gather(clinical, synthetic, lesion_gan_run, translator_run, arms, data_dir, commands or {})
  stage_seconds = training_seconds(inputs) if stage_seconds is None else stage_seconds
  checks = synthesis_checks.check_all(inputs.train, inputs.generated)
  with style.style():
    page = _page(inputs, stage_seconds, checks)
  summary = {
    'arms': {arm: arm_statistics.summarise(cases) for arm, cases in inputs.cases.items()},
    'stage_seconds': dict(stage_seconds),
    'sanity': synthesis_checks.to_numbers(checks),
  }
  folder = Path(workdir)
  folder.mkdir(parents=True, exist_ok=True)
  _write(folder / 'report.html', report_page.render(page))
  _write(folder / 'summary.json', json.dumps(summary, indent=2, allow_nan=False) + '\n')
  logging.info('report: %s', folder / 'report.html')


def training_seconds(inputs: Inputs) -> dict[str, float]:
  """Training time of each run."""
  runs = {'lesion GAN': inputs.lesion_gan, 'translator': inputs.translator}
  runs |= {f'U-Net: {arm}': curves for arm, curves in inputs.unets.items()}
  return {name: curves.seconds for name, curves in runs.items()}


def findings(cases: arm_statistics.Arms) -> list[str]:
  """Each further arm against the first, in words that claim no more than the numbers do."""
  (first, reference), *others = cases.items()
  texts = []
  for arm, rows in others:
    d = arm_statistics.paired_difference(reference, rows)
    mean, low, high = (style.signed(d[name], 3) for name in ('mean', 'low', 'high'))
    interval = f', 95 % interval over cases {low} to {high}' if math.isfinite(d['low']) else ''
    n_equal = d['n'] - d['n_higher'] - d['n_lower']
    texts.append(
      f'{arm} minus {first}: mean difference in Dice {mean} (paired, n = {d["n"]}{interval}); higher '
      f'in {d["n_higher"]} cases, lower in {d["n_lower"]}, equal in {n_equal}.{_meaning(d)}'
    )
  if others:
    texts.append(
      'Each arm is one training run; how much a run varies with its seed is not in the interval.'
    )
  return texts


def _meaning(difference: Mapping[str, Any]) -> str:
  if not math.isfinite(difference['low']):
    return ''
  if difference['low'] <= 0 <= difference['high']:
    return ' The interval includes 0: these cases do not show a difference.'
  return ' The interval excludes 0.'


def _page(inputs: Inputs, stage_seconds: Mapping[str, float], checks: list[Check]) -> Page:
  return Page(
    title='Synthetic stroke volumes and what they did for the segmenter',
    lead=_lead(inputs),
    findings=findings(inputs.cases),
    arms=_arm_table(inputs),
    stages=_stage_table(stage_seconds),
    sections=list(report_content.sections(inputs)),
    checks=_check_table(checks, inputs.clinical),
  )


def _lead(inputs: Inputs) -> str:
  grid, n_test = inputs.grid, len(next(iter(inputs.cases.values())))
  is_phantom = any(facts.get('source') == 'phantom_stroke' for facts in inputs.train.provenance)
  return (
    f'Clinical set {inputs.clinical}: {len(inputs.train)} training cases, {n_test} test cases, '
    f'{len(inputs.healthy)} healthy volumes{", all simulated DWIs" if is_phantom else ""}. '
    f'Synthetic set {inputs.synthetic}: {len(inputs.generated)} cases. Grid {grid.name}, '
    f'{" x ".join(map(str, grid.shape))} voxels of '
    f'{" x ".join(f"{mm:g}" for mm in grid.spacing_mm)} mm.'
  )


def _arm_table(inputs: Inputs) -> Table:
  number = lambda value, form: _MISSING if value is None else format(value, form)
  rows = []
  for arm, cases in inputs.cases.items():
    s = arm_statistics.summarise(cases)
    dice = [number(s[f'dice_{name}'], '.3f') for name in ('mean', 'sd', 'median')]
    false_ml = [
      _MISSING if value is None else style.format_ml(value)
      for value in (s['false_positive_ml_mean'], s['false_positive_ml_max'])
    ]
    false = f'{s["n_false_positive"]} of {s["n_negative"]}'
    rows.append([arm, *dice, str(s['n_cases']), *false_ml, false])
  learnt = '; '.join(f'{a}: {" and ".join(names)}' for a, names in inputs.learnt_from.items())
  note = (
    'Dice (0 to 1) of the network after its last epoch, sd between cases; false positives are '
    f'volumes predicted where there is no lesion. Training data: {learnt}.'
  )
  groups = [('', 1), ('Dice, DWI-positive test cases', 4), ('false positives, DWI-negative', 3)]
  head = ['arm', 'mean', 'sd', 'median', 'n', 'mean', 'largest', 'cases']
  return Table(head, rows, note, groups)


def _stage_table(stage_seconds: Mapping[str, float]) -> Table:
  rows = [[stage, clock(seconds)] for stage, seconds in stage_seconds.items()]
  rows.append(['all', clock(sum(stage_seconds.values()))])
  note = 'Wall-clock time; a stage that was resumed counts all its parts.'
  return Table(['stage', 'time'], rows, note)


def _check_table(checks: list[Check], clinical: str) -> Table:
  write = lambda check, value: (
    _MISSING if value is None or not math.isfinite(value) else check.form(value)
  )
  verdict = {True: 'pass', False: 'attention', None: ''}
  rows = [
    [c.text, write(c, c.generated), write(c, c.real), c.expected, verdict[c.is_good]] for c in checks
  ]
  note = (
    f'Real: the training cases of {clinical}. The expected ranges are conventions of this '
    'report that say when to look closer; they are not tests of significance.'
  )
  return Table(['', 'generated', 'real', 'expected', ''], rows, note)


def _write(path: Path, text: str) -> None:
  """Replaces a file at once, so that nobody reads half of it."""
  partial = path.with_name(f'{path.name}.partial')
  partial.write_text(text, encoding='utf-8')
  os.replace(partial, path)
