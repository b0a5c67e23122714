"""How near slices come to those of a training, and to one another.

Slices are seen as means over blocks of pixels, at most 32 along an axis, which hide noise; distances
are root mean squares over blocks and contrasts (over probabilities of classes where there is no
contrast). A training slice and its mirror image count alike, as trainings mirror.

| name | what it is |
|---|---|
| distance | to the nearest training slice; small also for a slice that is smoother than real ones |
| ratio | distance / that to the nearest slice of another training patient; near 0 for a copy alone |
"""

import dataclasses
from collections.abc import Iterable

import numpy as np
from scipy import stats
from scipy.spatial import distance as distances_lib

from stroke_eval.slice_sets import SliceSet, joined

_MOST_BLOCKS = 32
_CHUNK = 256
_MOST_COMPARED = 512
_QUANTILE = 0.01  # Of held-out slices; nearer ones are as near as hardly any real slice comes.
LEAST_P = 0.01


@dataclasses.dataclass(frozen=True)
class Nearness:
  """Of n slices to those of a training.

  Attributes:
    distances: To the nearest, [n].
    ratios: Of that to the nearest of another patient, [n]; NaN where there is only one patient.
    nearest: Position of the nearest, int [n].
    mirrored: Whether it is nearest as its mirror image, bool [n].
  """

  distances: np.ndarray
  ratios: np.ndarray
  nearest: np.ndarray
  mirrored: np.ndarray


@dataclasses.dataclass(frozen=True)
class Nearer:
  """Whether generated slices come nearer to training slices than held-out ones do.

  Attributes:
    drawn: Median of generated slices.
    held_out: Median of held-out ones.
    bound: Their 1 % quantile.
    share: Share of the generated slices below it; about .01, if they are like held-out ones.
    p: Of as many or more, were both alike (Fisher's exact test).
  """

  drawn: float
  held_out: float
  bound: float
  share: float
  p: float

  @property
  def is_good(self) -> bool | None:
    return None if np.isnan(self.p) else self.p >= LEAST_P


def blocks(slices: SliceSet) -> np.ndarray:
  """Means over blocks of pixels, float32 [n, X', Y', C], or K probabilities in place of no contrast."""
  values = slices.image
  if not values.shape[-1]:
    values = np.eye(len(slices.classes.names), dtype=np.float32)[slices.ids]
  for axis in (1, 2):
    size = -(-values.shape[axis] // _MOST_BLOCKS)
    starts = np.arange(0, values.shape[axis], size)
    counts = np.diff([*starts, values.shape[axis]])
    shape = [-1 if i == axis else 1 for i in range(4)]
    values = np.add.reduceat(values, starts, axis, dtype=np.float32) / counts.reshape(shape)
  return values.astype(np.float32)


def training_blocks(sets: Iterable[SliceSet]) -> SliceSet:
  """The slices of a training in blocks, so that whole data sets can be kept; classes are left out."""
  as_blocks = lambda one: dataclasses.replace(one, image=blocks(one), ids=one.ids[:, :0, :0])
  return joined([as_blocks(one) for one in sets])


def nearness(drawn: np.ndarray, training: SliceSet) -> Nearness:
  """How near slices come to those of a training.

  Args:
    drawn: By `blocks`, [n, X', Y', C].
    training: By `training_blocks`.
  """
  parts = [_nearness(drawn[start : start + _CHUNK], training) for start in range(0, len(drawn), _CHUNK)]
  return Nearness(*(np.concatenate(values) for values in zip(*parts)))


def nearer(drawn: np.ndarray, held_out: np.ndarray) -> Nearer:
  """Compares distances, or ratios, of generated and of held-out slices, [n] and [m]."""
  drawn, held_out = (values[np.isfinite(values)] for values in (drawn, held_out))
  if not len(drawn) or not len(held_out):
    return Nearer(*[np.nan] * 5)
  bound = float(np.quantile(held_out, _QUANTILE))
  counts = [[int((values < bound).sum()), int((values >= bound).sum())] for values in (drawn, held_out)]
  p = float(stats.fisher_exact(counts, alternative='greater').pvalue)
  share = counts[0][0] / len(drawn)
  return Nearer(float(np.median(drawn)), float(np.median(held_out)), bound, share, p)


def mean_distance(slices: np.ndarray) -> float:
  """Between two of them; [n, X', Y', C]. NaN with fewer than two. Of many, 512 are compared."""
  flat = slices[:_MOST_COMPARED].reshape(min(len(slices), _MOST_COMPARED), -1)
  return float(distances_lib.pdist(flat).mean() / np.sqrt(flat.shape[1])) if len(flat) > 1 else np.nan


def mean_distance_at_levels(slices: np.ndarray, numbers: np.ndarray) -> float:
  """The same between two at the same level; every level with two slices counts alike."""
  found = [mean_distance(slices[numbers == number]) for number in np.unique(numbers)]
  found = [one for one in found if np.isfinite(one)]
  return float(np.mean(found)) if found else np.nan


def _nearness(drawn: np.ndarray, training: SliceSet) -> tuple[np.ndarray, ...]:
  """The fields of `Nearness` of some slices."""
  learnt = training.image.reshape(len(training), -1)
  both = np.stack([_root_mean_squares(one, learnt) for one in (drawn, drawn[:, ::-1])])
  found, rows = both.min(axis=0), np.arange(len(drawn))
  nearest = found.argmin(axis=1)
  distances = found[rows, nearest]
  is_other = training.subject_ids[np.newaxis] != training.subject_ids[nearest][:, np.newaxis]
  others = np.where(is_other, found, np.inf).min(axis=1)
  ratios = np.where(np.isfinite(others), distances / np.maximum(others, 1e-12), np.nan)
  return distances, ratios, nearest, both[:, rows, nearest].argmin(axis=0) == 1


def _root_mean_squares(ours: np.ndarray, learnt: np.ndarray) -> np.ndarray:
  # In double precision: differences of squares in float32 are off by as much as 1e-3 for a copy.
  ours, learnt = ours.reshape(len(ours), -1).astype(np.float64), learnt.astype(np.float64)
  squares = (ours**2).sum(1)[:, np.newaxis] + (learnt**2).sum(1) - 2 * ours @ learnt.T
  return np.sqrt(np.maximum(squares, 0) / ours.shape[1])
