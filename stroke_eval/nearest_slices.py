"""How near slices come to those of a training (`stroke_tfds.slice_nearness`), and to one another."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from scipy import stats
from scipy.spatial import distance as distances_lib

from stroke_eval.slice_sets import SliceSet, joined
from stroke_tfds import slice_nearness
from stroke_tfds.slice_nearness import Nearness

_MOST_COMPARED = 512
_QUANTILE = 0.01  # Of held-out slices; nearer ones are as near as hardly any real slice comes.
LEAST_P = 0.01


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
  """Means over blocks of pixels, float32 [n, X', Y', C], see `slice_nearness.blocks`."""
  return slice_nearness.blocks(slices.image, slices.ids, len(slices.classes.names))


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
  return slice_nearness.nearness(drawn, training.image, training.subject_ids)


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
