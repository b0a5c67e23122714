"""What was found out about generated slices, as tables of the page and as rows of a CSV file."""

import math
from collections.abc import Mapping
from typing import Any

from launchers.reports import style
from launchers.reports.page import Table
from launchers.reports.study.formatting import MISSING
from stroke_eval.slice_fidelity import ALL, Beside, SliceFidelity

_MOST_GAPS = 12


def csv_rows(found: SliceFidelity) -> list[dict[str, Any]]:
  """Every number that has a real counterpart, a row each."""
  row = lambda measure, of, beside: {
    'measure': measure,
    'of': of,
    'drawn': beside.drawn,
    'real': beside.real,
  }
  shares, named = found.lesion_shares, lambda measure, all_: [row(measure, *of) for of in all_.items()]
  nearness = {'nearest': found.distance, 'nearest relative to another patient': found.ratio}
  return [
    *named('frechet', found.frechet),
    row('density', ALL, found.density),
    row('coverage', ALL, found.coverage),
    row('slices with lesion', ALL, Beside(shares.drawn, shares.real)),
    row('slices with lesion', 'asked with', Beside(shares.of_asked, 1.0)),
    row('slices with lesion', 'asked with, first draw', Beside(shares.of_asked_at_once, 1.0)),
    row('slices with lesion', 'asked without', Beside(shares.of_others, 0.0)),
    *named('mean area, pixels', found.areas),
    *(
      row('lesion contrast', f'{one.lesion}, {one.contrast}', Beside(one.drawn, one.real))
      for one in found.contrasts
    ),
    *named('variance explained by classes', found.explained),
    *named('variance explained by classes of other slices', found.mismatched),
    *(row(name, 'median', Beside(one.drawn, one.held_out)) for name, one in nearness.items()),
    *(row(name, 'share below 1 % quantile', Beside(one.share, 0.01)) for name, one in nearness.items()),
    row('mean distance of two', ALL, found.diversity),
    row('mean distance of two', 'same level', found.diversity_at_levels),
  ]


def contrasts_table(found: SliceFidelity) -> Table:
  """Each class of the lesion in each contrast."""
  rows, lesion = [], ''
  for one in found.contrasts:
    if one.lesion != lesion:
      rows.append([f'{one.lesion}: {one.n_drawn} drawn slices, {one.n_real} real ones'])
      lesion = one.lesion
    shares = (_number(share, '.0%') for share in (one.drawn_signed_share, one.real_signed_share))
    rows.append(
      [
        one.contrast,
        _signed(one.drawn),
        _signed(one.real),
        _number(one.chance, '.2f'),
        _number(one.strength, '.2f'),
        *shares,
      ]
    )
  return Table(
    ['', 'drawn', 'real', 'chance', 'drawn / real', 'drawn', 'real'],
    rows,
    'Median inside the class of a slice over that of its healthy parenchyma, less 1; medians over '
    'slices with 8 pixels of the class or more. Right: share of these slices with the sign of the real '
    'median. Chance: by how much a perfect generator is off in about 5 % of cases, from halves of the '
    'patients. A real contrast below .05 is not judged.',
    groups=[('', 1), ('contrast', 4), ('of that sign', 2)],
  )


def areas_table(found: SliceFidelity) -> Table:
  chance = lambda name: _number(found.chances.get(name, math.nan), '.2f')
  rows = [[*row, chance(row[0])] for row in _beside(found.areas, '.1f')]
  note = (
    'Mean pixels of a slice. Chance: the factor by which a perfect generator is off in about 5 % of '
    'cases, from halves of the patients.'
  )
  return Table(['class', 'drawn', 'real', 'drawn / real', 'chance'], rows, note)


def distances_table(found: SliceFidelity) -> Table:
  """Frechet distances of the families of features."""
  note = (
    f'On {found.n_compared} slices each, mean of ten splits of the held-out patients into halves: '
    'drawn slices against one half, the other half against it. Features are those of '
    'stroke_eval.slice_features, in deviations of the held-out slices.'
  )
  head = ['features', 'drawn', 'two real halves', 'drawn / real']
  return Table(head, _beside(found.frechet, '.1f'), note)


def explained_table(found: SliceFidelity) -> Table:
  rows = [
    [name, *(_number(one, '.3f') for one in (of.drawn, of.real, other.drawn, other.real))]
    for name, of, other in (
      (name, found.explained[name], found.mismatched[name]) for name in found.explained
    )
  ]
  note = (
    'Share of the variance of intensities in the head that the classes account for; right: with the '
    "classes of another slice at the same level, the least that slices' common shape gives."
  )
  groups = [('', 1), ('own classes', 2), ('classes of another slice', 2)]
  return Table(['', 'drawn', 'real', 'drawn', 'real'], rows, note, groups=groups)


def gaps_table(found: SliceFidelity) -> Table:
  rows = [[name, _signed(gap)] for name, gap in list(found.gaps.items())[:_MOST_GAPS]]
  note = f'The {len(rows)} of {len(found.gaps)} features whose mean is farthest from the real one.'
  return Table(['feature', 'real deviations'], rows, note)


def _beside(values: Mapping[str, Beside], form: str) -> list[list[str]]:
  return [
    [name, _number(one.drawn, form), _number(one.real, form), _number(one.ratio, '.2f')]
    for name, one in values.items()
  ]


def _number(value: float, form: str) -> str:
  return format(value, form).replace('-', '\N{MINUS SIGN}') if math.isfinite(value) else MISSING


def _signed(value: float) -> str:
  # The sum makes a negative zero a positive one.
  return style.signed(round(value, 2) + 0.0, 2) if math.isfinite(value) else MISSING
