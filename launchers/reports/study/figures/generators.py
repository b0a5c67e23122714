"""How the generators of a study learnt: Figure 14."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from keras_itm.callbacks import read_metrics
from keras_itm.lesions import MIN_VOXELS
from launchers.reports import style
from launchers.reports.page import Panel, Section
from stroke_tfds.errors import InputError

Rows = Sequence[Mapping[str, float]]

# Title, y axis, and metric -> name of its line; a run has the plots of which it measured a metric.
_PLOTS = (
  ('Wasserstein distance', 'critic, real minus generated', {'wasserstein_distance': 'lesion GAN'}),
  ('Gradient norm of the critic', 'norm', {'gradient_norm': 'lesion GAN'}),
  (f'Draws with at least {MIN_VOXELS} voxels', 'share of draws', {'pass_rate': 'lesion GAN'}),
  (
    'L1 distance to the true image',
    'L1, intensities \N{MINUS SIGN}1 to 1',
    {'l1_loss': 'training', 'val_l1_loss': 'held-out cases'},
  ),
  (
    'Adversarial losses',
    'loss',
    {'adversarial_loss': 'generator', 'discriminator_loss': 'discriminator'},
  ),
  ('Generated slices with a lesion', 'share of slices', {'lesion_slices': 'joint generator'}),
)
_TARGETS = {'Gradient norm of the critic': (1.0, 'target of the penalty')}


def generators(runs: Mapping[str, Path], commands: Mapping[str, str]) -> Section | None:
  """Figure 14: learning curves of the generators of a seed; None where nothing was trained.

  Args:
    runs: What was trained -> folder of its finished run.
    commands: What was trained -> its command; may name more.

  Raises:
    InputError: A run without metrics; names the file.
  """
  panels, lengths = [], []
  for name, folder in runs.items():
    rows = _read(folder / 'metrics.csv')
    lengths.append(f'{name} {len(rows)}')
    for figure, title in _figures(rows):
      panels.append(Panel(style.svg_uri(figure), f'{title} by optimizer step: {name}', name))
  if not panels:
    return None
  caption = (
    f'Means over an epoch; epochs: {", ".join(lengths)}. The share of draws is measured on the '
    'averaged generator, before lesions are restricted to parenchyma. Adversarial losses of different '
    'translators are not comparable.'
  )
  made_by = [commands[name] for name in runs if name in commands]
  return Section('Learning curves of the generators', panels, caption, made_by, number=14)


def draw(
  title: str,
  y_label: str,
  rows: Rows,
  lines: Mapping[str, str],
  target: tuple[float, str] | None = None,
) -> Figure:
  """Metrics over optimizer steps; a metric is drawn in the epochs in which it was measured.

  Args:
    title: Above the plot.
    y_label: What is measured.
    rows: One per epoch, with `step`.
    lines: Metric -> name of its line; without those that were never measured.
    target: A value with its name, drawn as a thin horizontal line.
  """
  figure, axes = style.plot_panel(title, 'optimizer steps', y_label)
  for i, (metric, name) in enumerate(lines.items()):
    measured = [row for row in rows if metric in row]
    series = style.series(i)
    axes.plot(
      [row['step'] for row in measured],
      [row[metric] for row in measured],
      color=series.colour,
      linestyle=series.dash,
      marker=series.marker,
      markersize=3.2,
      # A marker for each point of a sparse curve; some ten along a dense one.
      markevery=max(len(measured) // 10, 1),
      label=name,
    )
  if target:
    _draw_target(axes, *target)
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:,.0f}'))
  if len(lines) > 1:
    axes.legend()
  axes.margins(x=0.02)
  return figure


def _figures(rows: Rows) -> list[tuple[Figure, str]]:
  """The plots that a run has measured something for, with their titles."""
  found = []
  for title, y_label, metrics in _PLOTS:
    lines = {m: name for m, name in metrics.items() if any(m in row for row in rows)}
    if lines:
      found.append((draw(title, y_label, rows, lines, _TARGETS.get(title)), title))
  return found


def _read(path: Path) -> Rows:
  if not path.exists():
    raise InputError(f'{path}: not there, expected the metrics of a finished training')
  return read_metrics(path)


def _draw_target(axes: Axes, value: float, name: str) -> None:
  axes.axhline(value, color=style.INK, linewidth=0.7, linestyle=(0, (1, 2)))
  axes.annotate(
    name,
    (1, value),
    xycoords=('axes fraction', 'data'),
    xytext=(0, -2),
    textcoords='offset points',
    ha='right',
    va='top',
    fontsize=7.5,
    color=style.INK,
    bbox={'facecolor': 'w', 'edgecolor': 'none', 'alpha': 0.8, 'pad': 1},
  )
