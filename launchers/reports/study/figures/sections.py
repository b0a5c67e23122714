"""The drawn figures of a study with their captions; those of the paper keep its numbers."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.figures import arm_plots, learning_curves
from launchers.study.analysis import MIN_IN_TERRITORY
from launchers.study.arms import Arm, arm_groups
from launchers.study.results import Study
from launchers.study.summary import Analysis

_POINTS = 'points of Dice'
_BOXES = (
  'Boxes: mean test Dice in each evaluated epoch{and_seed}, from quartile to quartile with the median; '
  'whiskers to the furthest within 1.5 box lengths. Stars: as published, with sd, on other data.'
)


def sections(
  study: Study, analysis: Analysis, commands: Sequence[str], origin: str
) -> Iterator[Section]:
  """The figures that there is something to show in; call it inside `report_style.style()`.

  Args:
    study: Its trainings.
    analysis: Its statistics.
    commands: What made the study.
    origin: What synthetic cases were made of.
  """
  for number, title, panels, caption in _figures(study, analysis, origin):
    if panels:
      yield Section(title, panels, caption, commands, columns=min(len(panels), 3), number=number)


def _figures(study: Study, analysis: Analysis, origin: str):
  arms = [row.arm for row in analysis.rows]
  yield 1, 'Differences of Dice', *_differences(study, analysis)
  yield 4, 'Learning curves', *_learning_curves(study, arms)
  tuned = _fine_tuned(arms)
  others = [arm for arm in arms if arm not in tuned]
  yield 5, 'Test Dice by training data', *_boxes(study, others)
  yield 7, 'Test Dice after fine-tuning', *_boxes(study, tuned)
  yield 9, 'How many clinical cases an arm is worth', *_worth(study, analysis, origin)
  by_size = _by_stratum(study, analysis, analysis.by_size, analysis.n_by_size)
  yield (
    10,
    'Difference by lesion size',
    by_size,
    _stratum_caption(study, analysis, 'Tertiles of the true volume'),
  )
  by_territory = _by_stratum(study, analysis, analysis.by_territory, analysis.n_by_territory)
  yield (
    11,
    'Difference by arterial territory',
    by_territory,
    _stratum_caption(
      study,
      analysis,
      'The territory that holds most of what of the lesion lies in any (other: those with fewer than '
      f'{MIN_IN_TERRITORY} cases)',
    ),
  )
  yield 12, 'Ranks of the arms', *_ranks(study, analysis)


def _differences(study: Study, analysis: Analysis) -> tuple[list[Panel], str]:
  first = study.arms[0].name
  asked = [row for row in analysis.rows if row.arm.is_tested]
  columns = {
    f'minus {first}': {row.arm.name: row.to_clinical for row in asked if row.to_clinical},
    'minus its reference': {row.arm.name: row.to_reference for row in asked if row.to_reference},
  }
  columns = {name: column for name, column in columns.items() if column}
  if not columns:
    return [], ''
  panels = _difference_panels(study, [row.arm for row in asked], columns)
  told = ' The reference of an arm stands in Table 2.' if len(columns) > 1 else ''
  n = analysis.rows[0].n_cases
  return panels, (
    f'Difference of Dice, paired by case, n = {n} cases, {_seeds(study)}. {_intervals(study)}{told}'
  )


def _learning_curves(study: Study, arms: Sequence[Arm]) -> tuple[list[Panel], str]:
  panels = []
  for name, members in arm_groups(arms).items():
    figure = learning_curves.learning_curves(study, name, members)
    panels.append(_panel(figure, f'Training and test Dice and loss by epoch: {name}'))
  lines = 'Lines: one seed.'
  if len(study.seeds) > 1:
    lines = f'Lines: mean over {_seeds(study)}; bands: from the lowest seed to the highest.'
  return panels, (
    f'{lines} Training: means over an epoch, with augmentation. Test: mean over the n = '
    f'{study.cases.is_scored.sum()} cases, in the epochs in which it was measured. Shaded: the '
    'evaluated epochs. Loss: cross-entropy + 1 \N{MINUS SIGN} Dice.'
  )


def _fine_tuned(arms: Sequence[Arm]) -> list[Arm]:
  """Arms that start from another, and what they are compared with."""
  references = {arm.reference for arm in arms if arm.start}
  return [arm for arm in arms if arm.start or arm.name in references]


def _boxes(study: Study, arms: Sequence[Arm]) -> tuple[list[Panel], str]:
  if not arms:
    return [], ''
  scored = study.cases.is_scored
  values = {arm.name: study.values(arm.name, 'dice')[..., scored].mean(axis=-1) for arm in arms}
  figure = arm_plots.boxes(arms, values, of=study.arms)
  n_values = formatting.either(dice.size for dice in values.values())
  and_seed = ' and seed' if len(study.seeds) > 1 else ''
  return [_panel(figure, 'Box plot of test Dice by arm')], (
    f'{_BOXES.format(and_seed=and_seed)} n = {n_values} values an arm, each a mean over '
    f'{scored.sum()} cases.'
  )


def _worth(study: Study, analysis: Analysis, origin: str) -> tuple[list[Panel], str]:
  rows = [row for row in analysis.rows if row.equivalent]
  if not rows or len(analysis.learning_curve) < 2:
    return [], ''
  curve = analysis.learning_curve
  panels = [
    _panel(learning_curves.worth(rows, curve, study.arms), 'Clinical cases that each arm is worth'),
    _panel(learning_curves.equivalents(rows, curve, study.arms), 'Dice by number of clinical cases'),
  ]
  counts = ', '.join(str(n) for n, _ in curve)
  return panels, (
    'Worth of an arm: upright strokes are the clinical cases that it learnt from, marks the number '
    f'that would give its Dice alone, lines the 95 % interval over {_over(study)}; arrowheads point to '
    f'what lies beyond the learning curve. Clinical cases alone: that curve, from {counts} of them '
    '(squares; band: 95 % interval), straight over the logarithm of their number, neighbours that fall '
    'averaged, with the arms that are not beyond it. '
    f'n = {analysis.rows[0].n_cases} test cases, {_seeds(study)}. {origin}'.rstrip()
  )


def _by_stratum(study, analysis: Analysis, strata, counts) -> list[Panel]:
  arms = [row.arm for row in analysis.rows if row.arm.is_tested and row.to_clinical]
  if not arms or not strata:
    return []
  columns = {f'{name}, n = {counts[name]}': by_arm for name, by_arm in strata.items()}
  return _difference_panels(study, arms, columns)


def _difference_panels(study: Study, arms: Sequence[Arm], columns) -> list[Panel]:
  figures = arm_plots.differences(arms, columns, _POINTS, of=study.arms)
  return [_panel(figure, f'Differences of Dice: {n}') for n, figure in zip(columns, figures)]


def _stratum_caption(study: Study, analysis: Analysis, of_what: str) -> str:
  return (
    f'{of_what}; n is its number of test cases. Difference of Dice to {study.arms[0].name}, paired by '
    f'case, {_seeds(study)}. {_intervals(study)} Intervals are not corrected for their number.'
  )


def _ranks(study: Study, analysis: Analysis) -> tuple[list[Panel], str]:
  if analysis.friedman is None or analysis.critical_difference is None:
    return [], ''
  arms, test = [row.arm for row in analysis.rows], analysis.friedman
  figure = arm_plots.ranks(arms, analysis.mean_ranks, analysis.critical_difference)
  return [_panel(figure, 'Mean ranks of the arms with the critical difference')], (
    f'Mean rank of an arm over n = {test.n_cases} cases by Dice, mean of {_seeds(study)}. Upright bars '
    'join arms between which no difference is shown at 5 % (Nemenyi). '
    f'Friedman test of {test.n_arms} arms: chi-squared {test.statistic:.1f}, '
    f'{formatting.p_text(test.p_value)}. '
    'Both tests speak of the cases alone, not of how much trainings vary.'
  )


def _intervals(study: Study) -> str:
  return f'Lines: 95 % interval over {_over(study)}; filled marks: it excludes 0.'


def _over(study: Study) -> str:
  return 'cases and seeds' if len(study.seeds) > 1 else 'cases'


def _seeds(study: Study) -> str:
  return f'{len(study.seeds)} seed{"" if len(study.seeds) == 1 else "s"}'


def _panel(figure: Figure, alt: str) -> Panel:
  return Panel(style.svg_uri(figure), alt)
