"""Writes the report of a study: one page that needs nothing else, its figures and tables as files."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_itm.viewer.page import render as render_case
from launchers.reports import style
from launchers.reports.page import (
  Section,
  Table,
  environment,
  picture_files,
  style_sheet,
  viewer_files,
)
from launchers.reports.study import answers, exports, notes, tables
from launchers.reports.study.answers import Finding
from launchers.reports.study.arm_styles import ArmStyles, arm_styles
from launchers.reports.study.figures.differences import (
  differences,
  differences_by_size,
  differences_by_territory,
)
from launchers.reports.study.figures.generated_lesions import generated_lesions
from launchers.reports.study.figures.generated_numbers import generated_numbers
from launchers.reports.study.figures.generators import generators
from launchers.reports.study.figures.intensities import intensities
from launchers.reports.study.figures.learning_curves import learning_curves
from launchers.reports.study.figures.ranks import ranks
from launchers.reports.study.figures.segmentations import segmentations
from launchers.reports.study.figures.synthesis import stages_of_synthesis, translators
from launchers.reports.study.figures.synthetic_sets import SurveyedSets, survey_sets
from launchers.reports.study.figures.test_dice import dice_after_tuning, dice_by_training_data
from launchers.reports.study.figures.worth import worth
from launchers.reports.study.report_inputs import ReportInputs, Volumes
from launchers.reports.study.tables import PaperTable
from launchers.stages import slug
from stroke_eval import synthesis_checks
from stroke_eval.synthesis_checks import Check
from stroke_tfds.files import errors_named, write_whole

_VIEWER = 'viewer'


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
    sections: The figures, by their numbers.
    checks: What generated cases look like beside clinical ones; None where nothing was generated.
    external: Name of a further test set -> the arms on it.
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
  checks: Table | None
  external: Mapping[str, Table]
  stages: Table
  commands: Sequence[str]


def write_study_report(folder: Path, inputs: ReportInputs) -> None:
  """Writes report.html, its figures as files, summary.json and the tables.

  Where `inputs.volumes.viewer` asks for it, `viewer/` holds a page of each case that is shown.

  Args:
    folder: Where they go; it exists.
    inputs: What they say.

  Raises:
    InputError: The disk is full, or the folder cannot be written; a run lacks what a figure shows.
  """
  surveyed = survey_sets(inputs.volumes) if inputs.volumes and inputs.volumes.sets else None
  checks = _checks(surveyed) if surveyed else {}
  styles = arm_styles(inputs.study.arms)
  page = _page(inputs, styles, _figures(inputs, styles, surveyed), checks)
  files = {
    'report.html': render(page),
    'summary.json': exports.summary_json(inputs.study, inputs.stages, checks),
    'table.csv': exports.arms_csv(inputs.analysis),
    'table.tex': exports.paper_latex(page.paper, f'{page.paper_note} {page.lead}'),
    'cases.csv': exports.cases_csv(inputs.study),
  }
  if checks:
    files['checks.csv'] = exports.checks_csv(checks)
  else:
    (folder / 'checks.csv').unlink(missing_ok=True)  # Of an earlier report.
  for name, result in inputs.external.items():
    files[f'external_{slug(name)}.csv'] = exports.external_csv(result, inputs.study.seeds)
  for name, text in files.items():
    write_whole(folder / name, text.encode())
  _write_figures(folder / 'figures', picture_files(page.sections))
  shown = {name: render_case(view) for name, view in viewer_files(page.sections).items()}
  if shown or (folder / _VIEWER).exists():
    _write_figures(folder / _VIEWER, shown)


def render(page: StudyPage) -> str:
  """The page as HTML; every text is escaped."""
  template = environment().get_template('study/template.html')
  return template.render(page=page, style_sheet=style_sheet())


def _figures(inputs: ReportInputs, styles: ArmStyles, surveyed: SurveyedSets | None) -> list[Section]:
  """The figures that there is something to show in, by their numbers."""
  study, analysis, commands = inputs.study, inputs.analysis, inputs.commands
  origin = notes.origin(study, inputs.ready_sets, inputs.few)
  with style.style():
    drawn = [
      differences(analysis, styles, commands),
      learning_curves(study, styles, commands),
      dice_by_training_data(study, styles, commands),
      dice_after_tuning(study, styles, commands),
      worth(analysis, styles, commands, origin),
      differences_by_size(analysis, styles, commands),
      differences_by_territory(analysis, styles, commands),
      ranks(analysis, styles, commands),
      generated_numbers(study, styles, commands),
      *(volume_figures(inputs.volumes, surveyed) if inputs.volumes else []),
    ]
  return sorted((one for one in drawn if one), key=lambda section: section.number)


def volume_figures(volumes: Volumes, surveyed: SurveyedSets | None) -> list[Section]:
  """The figures of one seed: pictures of cases, their intensities, and the generators.

  Args:
    volumes: What they show.
    surveyed: Its synthetic sets, gone over; None where there are none.

  Raises:
    InputError: A run lacks what a figure shows. Names the file.
  """
  of_sets = (stages_of_synthesis, translators, intensities, generated_lesions)
  with style.style():
    drawn = [draw(surveyed) for draw in of_sets] if surveyed else []
    drawn += [segmentations(volumes), generators(volumes.generators, volumes.commands)]
  return [section for section in drawn if section]


def _checks(surveyed: SurveyedSets) -> dict[str, list[Check]]:
  """Synthetic set -> how it compares with clinical cases; sets of generated lesions come first."""
  real = surveyed.clinical_survey
  checks = {
    name: synthesis_checks.check_all(real, surveyed.surveys[name]) for name in surveyed.generated
  }
  for name, found in surveyed.told_apart.items():
    check = synthesis_checks.check_told_apart(found, surveyed.healthy_told_apart)
    checks.setdefault(name, []).append(check)
  return checks


def _page(
  inputs: ReportInputs,
  styles: ArmStyles,
  figures: Sequence[Section],
  checks: Mapping[str, Sequence[Check]],
) -> StudyPage:
  study, analysis = inputs.study, inputs.analysis
  return StudyPage(
    title='What synthetic cases are worth',
    lead=notes.lead(study, analysis),
    notes=notes.notes(study, analysis, inputs.about, inputs.ready_sets, inputs.few),
    findings=answers.findings(analysis, styles),
    findings_note=notes.FINDINGS,
    paper=tables.paper_table(styles, analysis.rows),
    paper_note=notes.paper_table(study, styles),
    dice=tables.dice_table(analysis, styles, notes.dice_table(study, analysis)),
    metrics=tables.metrics_table(analysis, styles, notes.METRICS + notes.REGIONS * bool(study.regions)),
    sections=figures,
    checks=tables.checks_table(checks, notes.CHECKS) if checks else None,
    external={
      name: tables.external_table(result, styles, notes.external_table(result, analysis.n_seeds))
      for name, result in inputs.external.items()
    },
    stages=tables.stage_table(inputs.stages, notes.STAGES),
    commands=inputs.commands,
  )


def _write_figures(folder: Path, figures: Mapping[str, bytes]) -> None:
  """Those of an earlier report go, so that none is taken for one of this."""
  with errors_named(folder):
    folder.mkdir(exist_ok=True)
    for path in folder.glob('figure_*'):
      if path.name not in figures:
        path.unlink()
  for name, content in figures.items():
    write_whole(folder / name, content)
