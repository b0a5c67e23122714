"""How near slices come to those of a training.

Slices are seen as means over blocks of pixels, at most 32 along an axis, which hide noise; distances
are root mean squares over blocks and contrasts (over probabilities of classes where there is no
contrast). A training slice and its mirror image count alike, as trainings mirror.

| name | what it is |
|---|---|
| distance | to the nearest training slice; small also for a slice that is smoother than real ones |
| ratio | distance / that to the nearest slice of another training patient; near 0 for a copy alone |
"""

import dataclasses

import numpy as np

_MOST_BLOCKS = 32
_CHUNK = 256
_LEARNT_CHUNK = 4096


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


def blocks(image: np.ndarray, ids: np.ndarray, n_classes: int) -> np.ndarray:
  """Means over blocks of pixels, float32 [n, X', Y', C], or K probabilities in place of no contrast.

  Args:
    image: [n, X, Y, C], C possibly 0.
    ids: Class of each pixel, uint8 [n, X, Y].
    n_classes: K.
  """
  values = image if image.shape[-1] else np.eye(n_classes, dtype=np.float32)[ids]
  for axis in (1, 2):
    size = -(-values.shape[axis] // _MOST_BLOCKS)
    starts = np.arange(0, values.shape[axis], size)
    counts = np.diff([*starts, values.shape[axis]])
    shape = [-1 if i == axis else 1 for i in range(4)]
    values = np.add.reduceat(values, starts, axis, dtype=np.float32) / counts.reshape(shape)
  return values.astype(np.float32)


def nearness(
  drawn: np.ndarray, learnt: np.ndarray, subject_ids: np.ndarray, own: np.ndarray | None = None
) -> Nearness:
  """How near slices come to those of a training.

  Args:
    drawn: By `blocks`, [n, X', Y', C].
    learnt: The same of the training, [m, X', Y', C].
    subject_ids: Its patients, [m].
    own: Of each of `drawn` the patient, who is left out, [n]; none when None.
  """
  chunks = [slice(start, start + _CHUNK) for start in range(0, len(drawn), _CHUNK)]
  parts = [
    _nearness(drawn[chunk], learnt, subject_ids, None if own is None else own[chunk])
    for chunk in chunks
  ]
  return Nearness(*(np.concatenate(values) for values in zip(*parts)))


def _nearness(
  drawn: np.ndarray, learnt: np.ndarray, subject_ids: np.ndarray, own: np.ndarray | None
) -> tuple[np.ndarray, ...]:
  """The fields of `Nearness` of some slices."""
  both = np.stack([_root_mean_squares(one, learnt) for one in (drawn, drawn[:, ::-1])])
  if own is not None:
    both[:, own[:, np.newaxis] == subject_ids] = np.inf
  found, rows = both.min(axis=0), np.arange(len(drawn))
  nearest = found.argmin(axis=1)
  distances = found[rows, nearest]
  is_other = subject_ids[np.newaxis] != subject_ids[nearest][:, np.newaxis]
  others = np.where(is_other, found, np.inf).min(axis=1)
  ratios = np.full(len(drawn), np.nan)
  known = np.isfinite(others)
  ratios[known] = distances[known] / np.maximum(others[known], 1e-12)
  return distances, ratios, nearest, both[:, rows, nearest].argmin(axis=0) == 1


def _root_mean_squares(ours: np.ndarray, learnt: np.ndarray) -> np.ndarray:
  """Between any two, [n, m]."""
  # In double precision: differences of squares in float32 are off by as much as 1e-3 for a copy.
  ours = ours.reshape(len(ours), -1).astype(np.float64)
  parts = []
  for start in range(0, len(learnt), _LEARNT_CHUNK):
    theirs = learnt[start : start + _LEARNT_CHUNK]
    theirs = theirs.reshape(len(theirs), -1).astype(np.float64)
    squares = (ours**2).sum(1)[:, np.newaxis] + (theirs**2).sum(1) - 2 * ours @ theirs.T
    parts.append(np.sqrt(np.maximum(squares, 0) / ours.shape[1]))
  return np.concatenate(parts, axis=1)
