"""Test Dice by the number of generated cases beside the clinical ones: Figure 15."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.results import Study

# Source -> number of its cases -> the arm that learns from so many and all clinical ones.
_Numbers = Mapping[str, Mapping[int, Arm]]


def generated_numbers(study: Study, styles: ArmStyles, commands: Sequence[str]) -> Section | None:
  """Figure 15: a line for each source of which arms have two numbers or more; None without any."""
  found = {source: arms for source, arms in _numbers(study).items() if len(arms) > 1}
  if not found:
    return None
  n_cases = study.cases.is_scored.sum()
  caption = (
    f'All clinical cases and a number of generated ones. Points: mean over n = {n_cases} test cases, '
    f'evaluated epochs and {formatting.seeds(len(study.seeds))}; bars: its standard error over '
    f'the cases. Grey: {study.arms[0].name}, with its standard error. The same cases stand behind all '
    'points; differences paired by case are in Figure 1.'
  )
  panel = Panel(style.svg_uri(draw(study, found, styles)), 'Test Dice by number of generated cases')
  title = 'Test Dice by number of generated cases'
  return Section(title, [panel], caption, commands, columns=1, number=15)


def draw(study: Study, numbers: _Numbers, styles: ArmStyles) -> Figure:
  """Means and standard errors in percent over the number of generated cases, on a logarithmic axis."""
  figure, axes = style.plot_panel('Clinical and generated cases', 'generated cases', 'test Dice (%)')
  figure.set_size_inches(4.4, 3.4)
  mean, error = _mean_and_error(study, study.arms[0])
  axes.axhspan(mean - error, mean + error, color=style.RULE, linewidth=0)
  axes.axhline(mean, color=style.MUTED, label=study.arms[0].name)
  for i, (source, arms) in enumerate(numbers.items()):
    systems = [arm.system for arm in arms.values()]
    look = styles.series(next(iter(arms.values()))) if all(systems) else style.series(i)
    means, errors = zip(*(_mean_and_error(study, arm) for arm in arms.values()))
    line = {'color': look.colour, 'linestyle': look.dash, 'marker': look.marker, 'capsize': 2}
    axes.errorbar(list(arms), means, errors, markersize=4, label=source, **line)
  axes.set_xscale('log')
  counts = sorted({n for arms in numbers.values() for n in arms})
  axes.xaxis.set_major_locator(FixedLocator(counts))
  axes.xaxis.set_minor_locator(NullLocator())
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
  axes.legend()
  return figure


def _numbers(study: Study) -> _Numbers:
  """Arms that differ from the first one in generated cases alone, by their number."""
  first = study.arms[0]
  found: dict[str, dict[int, Arm]] = {}
  for arm in study.finished:
    plain = (arm.start, arm.bindings, arm.n_slices) == (first.start, first.bindings, first.n_slices)
    sources = arm.synthetic_sources
    counts = [arm.learns_from[source] for source in sources]
    if plain and arm.learns_from.get(CLINICAL) == ALL and len(sources) == 1 and counts != [ALL]:
      found.setdefault(sources[0], {})[int(counts[0])] = arm
  return {source: dict(sorted(arms.items())) for source, arms in found.items()}


def _mean_and_error(study: Study, arm: Arm) -> tuple[float, float]:
  """Of Dice over the scored cases, in percent."""
  dice = 100 * study.by_case(arm.name, 'dice')[:, study.cases.is_scored].mean(axis=0)
  return float(dice.mean()), float(dice.std(ddof=1) / np.sqrt(len(dice)))
