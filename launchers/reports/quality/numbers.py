"""The quality figures of prepared cases as texts and histograms, worst case first."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from launchers.reports import style

_RANKED_BY = ('brain_dice', 'template_correlation', 'signal_correlation')
_SUSPICIOUS = '#c2410c'
_N_BINS = 24


@dataclasses.dataclass(frozen=True)
class _Kind:
  """How a quality figure is called, its number as written and its unit."""

  label: str
  form: str
  unit: str = ''

  def write(self, value: float) -> str:
    return f'{value:{self.form}} {self.unit}'.strip()


_KINDS = {
  'brain_dice': _Kind('brain Dice', '.3f'),
  'labels_dice': _Kind('label map Dice', '.3f'),
  'template_correlation': _Kind('template correlation', '.2f'),
  'signal_correlation': _Kind('signal correlation', '.2f'),
  'coverage': _Kind('brain covered', '.2f'),
  'lesion_native_ml': _Kind('lesion as drawn', '.3g', 'ml'),
  'lesion_ml': _Kind('lesion in MNI space', '.3g', 'ml'),
  'volume_kept': _Kind('lesion volume kept', '.3f'),
  'lesion_outside_brain': _Kind('lesion outside brain', '.2f'),
  'lesion_contrast': _Kind('lesion to brain', '.2f'),
  'stroke_without_mask': _Kind('stroke without mask', '.0f'),
}


@dataclasses.dataclass(frozen=True)
class QualityFigure:
  """A figure of one case as written; `expected` says what it should be where it is suspicious."""

  label: str
  text: str
  expected: str


def written(
  quality: Mapping[str, float], suspicions: Mapping[str, str], contrasts: Sequence[str]
) -> list[QualityFigure]:
  """All figures of a case in the order in which they are read.

  Args:
    quality: Figures by name; a name may end in that of a contrast.
    suspicions: What was expected, by the name of the figure.
    contrasts: In the order in which they are shown.
  """
  return [
    QualityFigure(_label(name), _kind(name).write(quality[name]), suspicions.get(name, ''))
    for name in _in_order(quality, contrasts)
  ]


def badness(quality: Mapping[str, float]) -> float:
  """What cases are sorted by, the worst largest: 0 where overlap and both correlations are perfect.

  A figure that is missing counts as 0.
  """
  return math.fsum(1 - quality.get(name, 0) for name in _RANKED_BY)


@dataclasses.dataclass(frozen=True)
class Histogram:
  """The distribution of one figure over the cases."""

  label: str
  median: str
  uri: str
  alt: str


def histograms(
  qualities: Sequence[Mapping[str, float]],
  is_suspicious: Sequence[bool],
  contrasts: Sequence[str],
) -> list[Histogram]:
  """One histogram for each figure that has at least two values.

  Args:
    qualities: Figures of each case.
    is_suspicious: Whether it is a suspicious one, drawn hatched.
    contrasts: In the order in which they are shown.
  """
  names = list(dict.fromkeys(name for quality in qualities for name in quality))
  found = []
  for name in _in_order(names, contrasts):
    pairs = [(q[name], s) for q, s in zip(qualities, is_suspicious) if name in q]
    if len(pairs) > 1:
      values, suspicious = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs])
      found.append(_histogram(name, values, suspicious))
  return found


def _histogram(name: str, values: np.ndarray, suspicious: np.ndarray) -> Histogram:
  with style.style():
    figure = Figure(figsize=(2.1, 0.9), layout='constrained')
    ax = figure.add_subplot()
    edges = _edges(values)
    ax.hist(
      [values[~suspicious], values[suspicious]],
      edges,
      stacked=True,
      color=['#b8bec7', _SUSPICIOUS],
      edgecolor='w',
      linewidth=0.4,
      hatch=['', '////'],
    )
    ax.grid(False)
    ax.spines['left'].set_visible(False)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(4))
    uri = style.svg_uri(figure)
  median, lowest, highest = (_kind(name).write(f(values)) for f in (np.median, np.min, np.max))
  alt = f'{_label(name)}: median {median}, {lowest} to {highest}, n = {len(values)}'
  return Histogram(_label(name), median, uri, alt)


def _edges(values: np.ndarray) -> np.ndarray:
  """Borders of the bins: few bins for few cases, and a narrow range around equal values."""
  margin = 0 if np.ptp(values) > 1e-6 else 0.05 * max(abs(values[0]), 0.1)
  span = values.min() - margin, values.max() + margin
  return np.linspace(*span, min(_N_BINS, max(6, len(values) // 4)) + 1)


def _in_order(names: Iterable[str], contrasts: Sequence[str]) -> list[str]:
  """As in `_KINDS`, those of several contrasts beside each other."""
  known, endings = list(_KINDS), ['', *contrasts]

  def place(name: str) -> tuple[int, int]:
    stem, contrast = _parts(name)
    return known.index(stem), endings.index(contrast)

  return sorted(names, key=place)


def _parts(name: str) -> tuple[str, str]:
  """The entry of `_KINDS` for a name, and the contrast in which it may end."""
  if name in _KINDS:
    return name, ''
  stem, _, contrast = name.rpartition('_')
  return stem, contrast


def _kind(name: str) -> _Kind:
  return _KINDS[_parts(name)[0]]


def _label(name: str) -> str:
  contrast = _parts(name)[1]
  return f'{_kind(name).label} in {contrast.upper()}' if contrast else _kind(name).label
