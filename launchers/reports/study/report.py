"""Writes the report of a study: one page that needs nothing else, its tables."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from keras_itm.lesions import MIN_VOXELS
from launchers.console import clock
from launchers.reports import style
from launchers.reports.page import Section, Table, environment, picture_files, style_sheet
from launchers.reports.study import answers, exports, formatting, latex, notes, tables
from launchers.reports.study.answers import Finding
from launchers.reports.study.figures import sections
from launchers.reports.study.tables import PaperTable
from launchers.study.arms import arm_labels
from launchers.study.results import Study
from launchers.study.summary import Analysis
from stroke_tfds.files import errors_named, write_whole

_FINDINGS_NOTE = (
  'Difference of mean test Dice in points, paired by case, with its 95 % interval. Higher and lower: '
  'the interval excludes 0. Each interval is that of one arm alone, so that of many arms without '
  'effect some look otherwise; p is corrected for all arms of these answers (Holm), but speaks of the '
  'cases alone. Worth: clinical cases that give the same Dice without synthetic ones.'
)
_TABLE_NOTE = (
  'Test Dice in percent, mean \N{PLUS-MINUS SIGN} sd over the evaluated epochs {of_seeds}. Small '
  'print: as published (Platscher et al. 2020), on other data: compare the pattern, not the level'
)
_QUOTED = (
  '; beside {name} the paper quotes another model (Federau et al. 2020), trained on 40,000 volumes'
)
_DICE_NOTE = (
  'Mean \N{PLUS-MINUS SIGN} sd of test Dice over the evaluated epochs {of_seeds}; best: the highest '
  'of these. All sizes: smaller lesions included. Differences: paired by case, with the 95 % interval '
  'of that arm alone. p: Wilcoxon signed-rank test of the difference to the reference, or to the first '
  'arm where there is none, corrected for the number of tests (Holm); p speaks of the cases alone, not '
  'of how much trainings vary. Worth: clinical cases that give the same Dice without any others, with '
  'the 95 % interval; < and > mark what lies beyond the learning curve.'
)
_METRICS_NOTE = (
  'Means over the cases of Table 2, evaluated epochs and seeds. A true lesion counts as found when any '
  'voxel of it is; where nothing is predicted, precision, recall and F1 are 0. HD95: 95th percentile '
  'of the distance between surfaces; the diagonal of the grid where only one of truth and prediction '
  'is empty. False positives: mean volume predicted in cases without lesion, and the share of them in '
  'which any is; a network that predicts nothing has none.'
)
_STAGES_NOTE = (
  'Wall-clock time of a stage in the start in which it ended; starts that were interrupted are not '
  'counted. Stages that ran side by side count each their own time, so that sums may be longer than '
  'the time that passed.'
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
  ready_sets: Collection[str] = (),
) -> None:
  """Writes report.html, its figures as files, table.csv, table.tex and cases.csv.

  Args:
    folder: Where they go; it exists.
    study: Its trainings; those arms are shown that are finished for every seed.
    analysis: Its statistics.
    pictures: Figures that show volumes, each with its number in the paper.
    stages: Stage -> wall-clock seconds; the name of one that is of a seed ends in `, seed N`.
    commands: What made the study; said below every figure that is drawn here.
    about: What the reader must know about the data, in sentences.
    ready_sets: Synthetic sources that the study found built, and did not make.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  with style.style():
    origin = notes.origin(study, ready_sets)
    drawn = [*sections.sections(study, analysis, commands, origin), *pictures]
  drawn.sort(key=lambda section: section.number)
  paper, paper_note = tables.paper_table(study.arms, analysis.rows), _table_note(study)
  dice_note = _DICE_NOTE.format(of_seeds=_of_seeds(study))
  page = StudyPage(
    title='What synthetic cases are worth',
    lead=_lead(study, analysis),
    notes=notes.notes(study, analysis, about, ready_sets),
    findings=answers.findings(analysis),
    findings_note=_FINDINGS_NOTE,
    paper=paper,
    paper_note=paper_note,
    dice=dataclasses.replace(
      tables.dice_table(analysis), note=f'{dice_note} {notes.steps(study, analysis)}'.rstrip()
    ),
    metrics=dataclasses.replace(tables.metrics_table(analysis), note=_METRICS_NOTE),
    sections=drawn,
    stages=stage_table(stages),
    commands=commands,
  )
  files = {
    'report.html': render(page),
    'table.csv': exports.arms_csv(analysis),
    'table.tex': latex.paper_latex(paper, f'{paper_note} {_lead(study, analysis)}'),
    'cases.csv': exports.cases_csv(study),
  }
  for name, text in files.items():
    write_whole(folder / name, text.encode())
  _write_figures(folder / 'figures', picture_files(drawn))


def render(page: StudyPage) -> str:
  """The page as HTML; every text is escaped."""
  template = environment().get_template('study/template.html')
  return template.render(page=page, style_sheet=style_sheet())


def _write_figures(folder: Path, figures: Mapping[str, bytes]) -> None:
  """Those of an earlier report go, so that none is taken for one of this."""
  with errors_named(folder):
    folder.mkdir(exist_ok=True)
    for path in folder.glob('figure_*'):
      if path.name not in figures:
        path.unlink()
  for name, content in figures.items():
    write_whole(folder / name, content)


def _lead(study: Study, analysis: Analysis) -> str:
  cases = study.cases
  n_scored, n_positive = int(cases.is_scored.sum()), int(cases.is_positive.sum())
  arms = _counted(len(analysis.rows), 'way')
  return (
    f'{arms} to train the same segmenter with {_counted(analysis.n_seeds, "seed")} each, tested on the '
    f'same cases: {n_scored} with a lesion of at least {MIN_VOXELS} voxels, over which Dice is unless '
    f'said otherwise, {n_positive - n_scored} with a smaller one and '
    f'{len(cases.subject_id) - n_positive} without. Every training is evaluated in '
    f'{formatting.either(len(row.arm.evaluated_range) for row in analysis.rows)} epochs.'
  )


def _counted(n: int, thing: str) -> str:
  return f'{n} {thing}' if n == 1 else f'{n} {thing}s'


def _table_note(study: Study) -> str:
  labels = arm_labels(study.arms)
  quoted = [
    labels[arm.name] for arm in study.arms if arm.published and not arm.system and arm.uses_synthetic
  ]
  note = _TABLE_NOTE.format(of_seeds=_of_seeds(study))
  return note + (_QUOTED.format(name=formatting.listed(quoted)) if quoted else '') + '.'


def _of_seeds(study: Study) -> str:
  return 'and the seeds' if len(study.seeds) > 1 else 'of one seed'


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
  return Table(head, [*cells, ['sum', *sums]], _STAGES_NOTE)
