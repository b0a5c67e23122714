"""Do generated slices look like held-out real ones at the same levels, and are they no copies?

Features are those of `slice_features`, in deviations of the held-out slices. Each distance stands
beside the same between two halves of the held-out patients, with equal numbers of slices, since with as
few as there are it is not 0 between equals.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from stroke_eval import nearest_slices, slice_agreement, slice_features
from stroke_eval.nearest_slices import Nearer, Nearness
from stroke_eval.plain_values import plain
from stroke_eval.slice_agreement import LesionContrast
from stroke_eval.slice_features import Features
from stroke_eval.slice_sets import SliceSet, patient_halves
from stroke_eval.statistics.density_coverage import density_and_coverage
from stroke_eval.statistics.frechet import frechet_distance

ALL = 'all'


@dataclasses.dataclass(frozen=True)
class Beside:
  """A number of generated slices and the same of real ones.

  Attributes:
    drawn: Of generated slices.
    real: Of real ones.
  """

  drawn: float
  real: float

  @property
  def ratio(self) -> float:
    return self.drawn / self.real if self.real else math.nan


@dataclasses.dataclass(frozen=True)
class LesionShares:
  """How many slices have a lesion.

  Attributes:
    asked: Share of slices that were asked for with a lesion; NaN for a generator that is not asked.
    drawn: Share of the generated slices with a lesion.
    real: Share of the real slices at the same levels.
    of_asked: Share of those asked for with a lesion that have one.
    of_others: Share of those asked for without one that have one all the same.
    of_asked_at_once: As `of_asked`, of the first draw of each.
  """

  asked: float
  drawn: float
  real: float
  of_asked: float
  of_others: float
  of_asked_at_once: float


@dataclasses.dataclass(frozen=True)
class SliceFidelity:
  """All that is compared; `drawn` is against one half of the held-out patients, `real` the other half.

  Attributes:
    n_drawn: Generated slices.
    n_held_out: Real slices.
    n_training: Slices of the training.
    n_compared: Slices on each side of a distance.
    frechet: Family of features, or `all`, -> Frechet distances.
    density: See `density_and_coverage`.
    coverage: Likewise.
    gaps: Feature -> how far its mean is from that of held-out slices, in their deviations.
    areas: Class -> mean area in pixels, of all slices.
    chances: Class -> factor by which its area may be off by chance, see `_chances`.
    lesion_shares: How many slices have a lesion.
    contrasts: Of each class of the lesion in each contrast.
    explained: Contrast -> share of its variance that classes account for.
    mismatched: The same, had each image the classes of another patient; the least that could be.
    distance: How near to the training slices.
    ratio: Likewise, relative to the nearest of another patient.
    diversity: Mean distance between two slices.
    diversity_at_levels: Between two at the same level; NaN for a generator without levels.
  """

  n_drawn: int
  n_held_out: int
  n_training: int
  n_compared: int
  frechet: Mapping[str, Beside]
  density: Beside
  coverage: Beside
  gaps: Mapping[str, float]
  areas: Mapping[str, Beside]
  chances: Mapping[str, float]
  lesion_shares: LesionShares
  contrasts: tuple[LesionContrast, ...]
  explained: Mapping[str, Beside]
  mismatched: Mapping[str, Beside]
  distance: Nearer
  ratio: Nearer
  diversity: Beside
  diversity_at_levels: Beside

  def to_json(self) -> dict[str, Any]:
    return plain(dataclasses.asdict(self), digits=5)


def compare(
  drawn: SliceSet,
  held_out: SliceSet,
  training: SliceSet,
  asked_like: np.ndarray,
  *,
  at_once: np.ndarray | None = None,
  seed: int = 0,
) -> tuple[SliceFidelity, Nearness]:
  """Compares generated slices with held-out ones and with those of the training.

  Args:
    drawn: Generated slices.
    held_out: Real slices that the generator has not seen, of two patients or more.
    training: What it learnt from, by `nearest_slices.training_blocks`.
    asked_like: Position of the held-out slice at whose level, and with a lesion as which, each slice
      was drawn, int [n].
    at_once: Which slices had a lesion when they were first drawn, bool [n]; None for a generator that
      is not asked for lesions.
    seed: Of halves.

  Returns:
    The comparison, and how near each generated slice comes to the training.

  Raises:
    ValueError: Held-out slices of fewer than two patients.
  """
  matched = held_out.take(asked_like)
  features, of_real = slice_features.measure(drawn), slice_features.measure(held_out)
  distances = _distances(features, of_real, held_out.subject_ids, seed)
  own, others = nearest_slices.blocks(drawn), nearest_slices.blocks(held_out)
  near, real_near = (nearest_slices.nearness(one, training) for one in (own, others))
  levels = nearest_slices.mean_distance_at_levels
  has_levels = (drawn.numbers >= 0).all()
  found = SliceFidelity(
    n_drawn=len(drawn),
    n_held_out=len(held_out),
    n_training=len(training),
    **distances,
    gaps=slice_features.gaps(features, of_real),
    areas=_areas(drawn, matched),
    chances=_chances(held_out, seed),
    lesion_shares=_lesion_shares(drawn.has_lesion, matched.has_lesion, at_once),
    contrasts=tuple(slice_agreement.lesion_contrasts(drawn, held_out, seed)),
    explained=_explained(drawn, held_out, mismatched=False),
    mismatched=_explained(drawn, held_out, mismatched=True),
    distance=nearest_slices.nearer(near.distances, real_near.distances),
    ratio=nearest_slices.nearer(near.ratios, real_near.ratios),
    diversity=Beside(nearest_slices.mean_distance(own), nearest_slices.mean_distance(others)),
    diversity_at_levels=Beside(
      levels(own, drawn.numbers) if has_levels else math.nan, levels(others, held_out.numbers)
    ),
  )
  return found, near


def _distances(
  features: Features, real: Features, subject_ids: np.ndarray, seed: int
) -> dict[str, Any]:
  """Frechet distances, density and coverage over several splits of the patients into halves."""
  rows, real_rows = (slice_features.standardised(one, real) for one in (features, real))
  families = slice_features.varying_families(real)
  families[ALL] = np.ones(rows.shape[1], bool)
  rng, found, n = np.random.default_rng(seed), [], 0
  for split in patient_halves(subject_ids, seed):
    halves = [real_rows[is_in] for is_in in split]
    n = min(len(rows), *map(len, halves))
    drawn, half, other = (one[rng.permutation(len(one))[:n]] for one in (rows, *halves))
    found.append([_all_of(one, half, families) for one in (drawn, other)])
  *frechet, density, coverage = (Beside(*pair) for pair in np.mean(found, axis=0).T.tolist())
  return {
    'n_compared': n,
    'frechet': dict(zip(families, frechet)),
    'density': density,
    'coverage': coverage,
  }


def _all_of(
  rows: np.ndarray, half: np.ndarray, families: Mapping[str, np.ndarray]
) -> tuple[float, ...]:
  """Frechet distance of each family, then density and coverage."""
  frechet = (frechet_distance(rows[:, at], half[:, at]) for at in families.values())
  return (*frechet, *density_and_coverage(half, rows))


def _areas(drawn: SliceSet, real: SliceSet) -> dict[str, Beside]:
  """Of all classes but the background."""
  mean = lambda slices, number: float((slices.ids == number).sum(axis=(1, 2)).mean())
  classes = {**real.classes.tissues, **real.classes.lesions}
  return {name: Beside(mean(drawn, i), mean(real, i)) for i, name in classes.items()}


def _chances(real: SliceSet, seed: int) -> dict[str, float]:
  """The factor by which a perfect generator's area of each class is off in about 5 % of cases.

  The mean over half of the patients has twice the variance of that over all, and the difference of two
  such has four times: its root mean square is two deviations of the mean over all.
  """
  found = {}
  for i, name in {**real.classes.tissues, **real.classes.lesions}.items():
    pixels = (real.ids == i).sum(axis=(1, 2))
    means = np.array(
      [[pixels[is_in].mean() for is_in in split] for split in patient_halves(real.subject_ids, seed)]
    )
    if means.all():
      found[name] = float(np.exp(np.sqrt(np.mean(np.log(means[:, 0] / means[:, 1]) ** 2))))
  return found


def _lesion_shares(drawn: np.ndarray, real: np.ndarray, at_once: np.ndarray | None) -> LesionShares:
  asks_lesion = at_once is not None
  share = lambda of: float(of.mean()) if asks_lesion and len(of) else math.nan
  return LesionShares(
    asked=share(real),
    drawn=float(drawn.mean()),
    real=float(real.mean()),
    of_asked=share(drawn[real]),
    of_others=share(drawn[~real]),
    of_asked_at_once=share((drawn if at_once is None else at_once)[real]),
  )


def _explained(drawn: SliceSet, real: SliceSet, mismatched: bool) -> dict[str, Beside]:
  ours, theirs = (slice_agreement.explained(slices, mismatched) for slices in (drawn, real))
  return {name: Beside(ours[name], theirs[name]) for name in theirs}
