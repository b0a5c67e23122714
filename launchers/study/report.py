"""Writes the report of a study: one page that needs nothing else, its tables."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_itm.lesions import MIN_VOXELS
from launchers import report_page, report_style
from launchers.console import clock
from launchers.report_page import Section, Table
from launchers.study import (
  findings,
  sections,
  table,
  table_csv,
  table_latex,
  wording,
)
from launchers.study.analysis import Analysis
from launchers.study.findings import Finding
from launchers.study.results import Study
from launchers.study.table import PaperTable
from stroke_tfds.files import write_whole

_FINDINGS_NOTE = (
  'Difference of mean test Dice in points, paired by case, with its 95 % interval. Higher and lower: '
  'the interval excludes 0; each interval is of one arm alone, p values corrected for the number of '
  'arms stand in Table 2. Worth: clinical cases that give the same Dice without synthetic ones.'
)
_TABLE_NOTE = (
  'Test Dice in percent, mean \N{PLUS-MINUS SIGN} sd over the evaluated epochs and the seeds. Small '
  'print: as published (Platscher et al. 2020), on other data: compare the pattern, not the level.'
)
_DICE_NOTE = (
  'Mean \N{PLUS-MINUS SIGN} sd of test Dice over the evaluated epochs and the seeds; best: the highest '
  'of these. All sizes: smaller lesions included. Differences: paired by case, with the 95 % interval '
  'of that arm alone. p: Wilcoxon signed-rank test of the difference to the first arm, corrected for '
  'the number of arms (Holm). Worth: clinical cases that give the same Dice without any others, with '
  'the 95 % interval; < and > mark what lies beyond the learning curve.'
)
_METRICS_NOTE = (
  'Means over cases, evaluated epochs and seeds. A true lesion counts as found when any voxel of it '
  'is. HD95: 95th percentile of the distance between surfaces; the diagonal of the grid where only '
  'one of truth and prediction is empty. False positives: mean volume predicted in cases without '
  'lesion, and the share of them in which any is.'
)


@dataclasses.dataclass(frozen=True)
class StudyPage:
  """All that the page shows, top to bottom.

  Attributes:
    title: Of the page.
    lead: What was compared, in numbers.
    notes: What the reader must know about the study before its results.
    findings: The answers.
    findings_note: Stands below them.
    paper: Table 1 in the paper's layout.
    paper_note: Stands below it.
    dice: Dice of every arm with its comparisons.
    metrics: The other metrics of every arm.
    sections: The figures, with their numbers.
    stages: Times.
    commands: What made it all.
  """

  title: str
  lead: str
  notes: Sequence[str]
  findings: Sequence[Finding]
  findings_note: str
  paper: PaperTable
  paper_note: str
  dice: Table
  metrics: Table
  sections: Sequence[Section]
  stages: Table
  commands: Sequence[str]


def write_study_report(
  folder: Path,
  study: Study,
  analysis: Analysis,
  pictures: Sequence[Section],
  stages: Mapping[str, float],
  commands: Sequence[str],
  about: str = '',
) -> None:
  """Writes report.html, table.csv, table.tex and cases.csv.

  Args:
    folder: Where they go; it exists.
    study: Its trainings; those arms are shown that are finished for every seed.
    analysis: Its statistics.
    pictures: Figures that show volumes, each with its number in the paper.
    stages: Stage -> wall-clock seconds; the name of one that is of a seed ends in `, seed N`.
    commands: What made the study; said below every figure that is drawn here.
    about: What the reader must know about the data, in sentences.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  with report_style.style():
    drawn = [*sections.sections(study, analysis, commands), *pictures]
  drawn.sort(key=lambda section: section.number)
  paper = table.paper_table(study.arms, analysis.rows)
  page = StudyPage(
    title='What synthetic cases are worth',
    lead=_lead(study, analysis),
    notes=_notes(analysis, about),
    findings=findings.findings(analysis),
    findings_note=_FINDINGS_NOTE,
    paper=paper,
    paper_note=_TABLE_NOTE,
    dice=dataclasses.replace(table.dice_table(analysis), note=_DICE_NOTE),
    metrics=dataclasses.replace(table.metrics_table(analysis), note=_METRICS_NOTE),
    sections=drawn,
    stages=stage_table(stages),
    commands=commands,
  )
  files = {
    'report.html': render(page),
    'table.csv': table_csv.arms_csv(analysis),
    'table.tex': table_latex.paper_latex(paper, f'{_TABLE_NOTE} {_lead(study, analysis)}'),
    'cases.csv': table_csv.cases_csv(study),
  }
  for name, text in files.items():
    write_whole(folder / name, text.encode())


def render(page: StudyPage) -> str:
  """The page as HTML; every text is escaped."""
  template = report_page.environment().get_template('study/study_template.html')
  return template.render(page=page, style_sheet=report_page.style_sheet())


def _lead(study: Study, analysis: Analysis) -> str:
  cases = study.cases
  n_scored, n_positive = int(cases.is_scored.sum()), int(cases.is_positive.sum())
  arms = _counted(len(analysis.rows), 'way')
  return (
    f'{arms} to train the same segmenter with {_counted(analysis.n_seeds, "seed")} each, tested on the '
    f'same cases: {n_scored} with a lesion of at least {MIN_VOXELS} voxels, over which Dice is unless '
    f'said otherwise, {n_positive - n_scored} with a smaller one and '
    f'{len(cases.subject_id) - n_positive} without. Every training is evaluated in '
    f'{wording.either(len(row.arm.window_epochs) for row in analysis.rows)} epochs.'
  )


def _counted(n: int, thing: str) -> str:
  return f'{n} {thing}' if n == 1 else f'{n} {thing}s'


def _notes(analysis: Analysis, about: str) -> list[str]:
  notes = [about] if about else []
  if analysis.n_seeds == 1:
    notes.append('One seed: intervals are over cases alone and do not hold how much a training varies.')
  if analysis.unfinished:
    names = wording.listed(analysis.unfinished)
    notes.append(f'Not finished, and left out of every comparison: {names}.')
  return notes


def stage_table(stages: Mapping[str, float]) -> Table:
  """Times, those of `name, seed 0`, `name, seed 1` and so on beside one another."""
  rows: dict[str, dict[str, float]] = {}
  for stage, seconds in stages.items():
    name, _, seed = stage.partition(', seed ')
    rows.setdefault(name, {})[seed] = seconds
  seeds = list(dict.fromkeys(seed for row in rows.values() for seed in row))
  cells = [[name, *(clock(row[s]) if s in row else '' for s in seeds)] for name, row in rows.items()]
  sums = [clock(sum(row.get(seed, 0) for row in rows.values())) for seed in seeds]
  head = ['stage', *(f'seed {seed}' if seed else 'time' for seed in seeds)]
  note = (
    f'Wall-clock time, {clock(sum(stages.values()))} in all. A stage that was resumed counts all its '
    'parts; stages that ran side by side count each.'
  )
  return Table(head, [*cells, ['sum', *sums]], note)
