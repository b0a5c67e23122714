"""The quality figures of prepared cases as texts and histograms, worst case first."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from launchers import report_style as style

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
}


@dataclasses.dataclass(frozen=True)
class QualityFigure:
  """A figure of one case as written; `expected` says what it should be where it is suspicious."""

  label: str
  text: str
  expected: str


def written(
  quality: Mapping[str, float | None], suspicions: Sequence[str], contrasts: Sequence[str]
) -> list[QualityFigure]:
  """All figures of a case in the order in which they are read; those without a value are left out.

  Args:
    quality: Figures by name; a name may end in that of a contrast.
    suspicions: Of the case; one of a figure begins with its name.
    contrasts: In the order in which they are shown.
  """
  return [
    QualityFigure(_label(name), _kind(name).write(quality[name]), _expected(name, suspicions))
    for name in _in_order(quality, contrasts)
    if _is_number(quality[name])
  ]


def other_suspicions(quality: Mapping[str, float | None], suspicions: Iterable[str]) -> list[str]:
  """Those that are not of a figure with a value."""
  shown = [name for name, value in quality.items() if _is_number(value)]
  return [text for text in suspicions if not any(_begins(text, name) for name in shown)]


def badness(quality: Mapping[str, float | None]) -> float:
  """What cases are sorted by, the worst largest: 0 where overlap and both correlations are perfect.

  A figure that is missing counts as 0.
  """
  values = [quality.get(name) for name in _RANKED_BY]
  return len(values) - math.fsum(value for value in values if _is_number(value))


@dataclasses.dataclass(frozen=True)
class Histogram:
  """The distribution of one figure over the cases."""

  label: str
  median: str
  uri: str
  alt: str


def histograms(
  qualities: Sequence[Mapping[str, float | None]],
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
    pairs = [(q.get(name), s) for q, s in zip(qualities, is_suspicious) if _is_number(q.get(name))]
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
  """Known figures first, those of several contrasts beside each other."""
  known, endings = list(_KINDS), ['', *contrasts]

  def place(name: str) -> tuple[int, int]:
    if not _stem(name):
      return len(known), 0
    ending = name.removeprefix(_stem(name)).strip('_')
    return known.index(_stem(name)), endings.index(ending) if ending in endings else len(endings)

  return sorted(names, key=place)


def _stem(name: str) -> str:
  """The entry of `_KINDS` for a name, which may end in a contrast's; '' when there is none."""
  if name in _KINDS:
    return name
  stem, _, contrast = name.rpartition('_')
  return stem if contrast and stem in _KINDS else ''


def _kind(name: str) -> _Kind:
  return _KINDS.get(_stem(name)) or _Kind(name.replace('_', ' '), '.3g')


def _label(name: str) -> str:
  contrast = name.removeprefix(_stem(name)).strip('_') if _stem(name) else ''
  return f'{_kind(name).label} in {contrast.upper()}' if contrast else _kind(name).label


def _expected(name: str, suspicions: Iterable[str]) -> str:
  """What follows the comma of the suspicion of a figure, such as 'expected at least 0.8'."""
  return next((text.partition(', ')[2] or text for text in suspicions if _begins(text, name)), '')


def _begins(suspicion: str, name: str) -> bool:
  return suspicion.startswith(f'{name} ')


def _is_number(value: float | None) -> bool:
  return value is not None and math.isfinite(value)
