"""Checks of generated slices, each beside the same number of held-out real ones."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from stroke_eval.nearest_slices import Nearer
from stroke_eval.slice_agreement import LesionContrast
from stroke_eval.slice_fidelity import ALL, Beside, SliceFidelity
from stroke_eval.synthesis_checks import Check, percent

MOST_FRECHET = 3.0  # Times that between two real halves.
LEAST_LESIONS = 0.8  # Of the share of real slices with a lesion.
TOLERANCE = 0.3


def check_all(found: SliceFidelity) -> list[Check]:
  """The checks, most general first; a number that could not be measured is judged neither way."""
  return [
    _frechet(found.frechet[ALL]),
    _beside('density', 'density: 1 for slices as plausible as real ones', found.density),
    _beside('coverage', 'coverage: share of real slices with a drawn one near', found.coverage),
    _lesion_slices(found),
    _areas(found.areas, found.chances),
    *_contrasts(found.contrasts),
    _explained(found.explained, found.mismatched),
    _nearer('nearer_share', 'nearer to a training slice than 99 % of held-out ones', found.distance),
    _nearer('copied_share', 'nearer to one training patient than to all others, likewise', found.ratio),
    _beside('diversity', 'mean distance of two slices', found.diversity),
    _beside(
      'diversity_at_levels', 'mean distance of two slices at the same level', found.diversity_at_levels
    ),
  ]


def _beside(key: str, text: str, found: Beside) -> Check:
  return Check(key, text, found.drawn, found.real, '{:.3f}'.format)


def _frechet(found: Beside) -> Check:
  return Check(
    'frechet',
    'Frechet distance of all features; real: between two halves of the patients',
    found.drawn,
    found.real,
    '{:.1f}'.format,
    f'at most {MOST_FRECHET:g} times as far as the halves',
    _verdict(found.ratio, found.ratio <= MOST_FRECHET),
  )


def _lesion_slices(found: SliceFidelity) -> Check:
  shares = found.lesion_shares
  asked = ''
  if not math.isnan(shares.asked):
    at_once = f'{percent(shares.of_asked_at_once)} of these had one at the first draw'
    asked = f', asked for in {percent(shares.asked)}; {at_once}'
  ratio = Beside(shares.drawn, shares.real).ratio
  return Check(
    'lesion_slices',
    f'slices with a lesion{asked}',
    shares.drawn,
    shares.real,
    percent,
    f'at least {LEAST_LESIONS:.0%} of the real share',
    _verdict(ratio, ratio >= LEAST_LESIONS),
  )


def _areas(areas: Mapping[str, Beside], chances: Mapping[str, float]) -> Check:
  """Of the class that is farthest off, by its factor beyond what is chance."""
  known = [name for name, area in areas.items() if math.isfinite(area.ratio)]
  off = lambda name: abs(math.log(ratio)) if (ratio := areas[name].ratio) > 0 else math.inf
  beyond = lambda name: off(name) - math.log(chances.get(name, 1.0))
  is_near = lambda name: abs(areas[name].ratio - 1) <= TOLERANCE or beyond(name) <= 0
  worst = max(known, key=lambda name: (not is_near(name), beyond(name)), default='')
  found = areas[worst] if worst else Beside(math.nan, math.nan)
  return Check(
    'worst_area',
    f'mean area in pixels of the class that is farthest off, {worst or "none"}',
    found.drawn,
    found.real,
    '{:.1f}'.format,
    f'each within {TOLERANCE:.0%} of real, or of what is chance',
    _verdict(found.ratio, all(map(is_near, known))),
  )


def _contrasts(contrasts: Sequence[LesionContrast]) -> list[Check]:
  judged = [one for one in contrasts if one.is_judged]
  share = lambda right: float(np.mean(right)) if right else math.nan
  right_way = share([one.strength > 0 for one in judged])
  near = share([abs(one.drawn - one.real) <= _tolerated(one) for one in judged])
  text = f'of {len(judged)} contrasts of lesions, those '
  return [
    Check(
      'lesion_contrast_signs',
      f'{text}of the right sign',
      right_way,
      None,
      percent,
      'all',
      _verdict(right_way, right_way == 1),
    ),
    Check(
      'lesion_contrasts',
      f'{text}within {TOLERANCE:.0%} of real, or of what is chance',
      near,
      None,
      percent,
      'all',
      _verdict(near, near == 1),
    ),
  ]


def _tolerated(found: LesionContrast) -> float:
  return float(np.nanmax([TOLERANCE * abs(found.real), found.chance]))


def _explained(found: Mapping[str, Beside], mismatched: Mapping[str, Beside]) -> Check:
  mean = lambda values: float(np.mean(values)) if values else math.nan
  least = mean([one.drawn for one in mismatched.values()])
  return Check(
    'explained',
    "share of the intensities' variance that classes account for, mean of contrasts; with the classes "
    f'of other slices {least:.3f}',
    mean([one.drawn for one in found.values()]),
    mean([one.real for one in found.values()]),
    '{:.3f}'.format,
  )


def _nearer(key: str, text: str, found: Nearer) -> Check:
  return Check(
    key,
    f'slices that are {text} (p = {found.p:.2g})',
    found.share,
    math.nan if math.isnan(found.share) else 0.01,
    percent,
    'no more often than held-out slices, p at least .01',
    found.is_good,
  )


def _verdict(value: float, is_good: bool) -> bool | None:
  return bool(is_good) if math.isfinite(value) else None
