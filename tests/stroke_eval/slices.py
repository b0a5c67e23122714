"""Slices made by hand."""

from collections.abc import Sequence

import numpy as np

from stroke_eval.slice_sets import SliceClasses, SliceSet

CLASSES = SliceClasses(('background', 'white matter', 'CSF', 'core', 'oedema'), 3, (1,))
WHITE, FLUID, CORE, OEDEMA = 1, 2, 3, 4


def slice_set(
  ids: np.ndarray,
  image: np.ndarray,
  subjects: Sequence[int] | None = None,
  numbers: Sequence[int] | None = None,
) -> SliceSet:
  """Of ids [n, X, Y] and images [n, X, Y, C]; each of its own patient at level 0, if not said."""
  n = len(ids)
  return SliceSet(
    np.asarray(image, np.float32),
    np.asarray(ids, np.uint8),
    np.zeros(n, int) if numbers is None else np.asarray(numbers),
    np.array([f'patient {i}' for i in (range(n) if subjects is None else subjects)]),
    CLASSES,
    ('T1', 'T2')[: image.shape[-1]],
  )


def halves(n: int, lesion: int = 0) -> np.ndarray:
  """n slices of 8 x 8, white matter above fluid, two rows of a lesion's class in the white matter."""
  ids = np.full([n, 8, 8], WHITE)
  ids[:, 4:] = FLUID
  if lesion:
    ids[:, :2] = lesion
  return ids


def patients(n: int, seed: int) -> SliceSet:
  """n patients of three levels, with a lesion in the middle one, whose contrast is +.5 and -.25."""
  rng = np.random.default_rng(seed)
  ids = np.concatenate([halves(n), halves(n, OEDEMA), halves(n)])
  values = np.array([[0, 0], [0.4, 0.4], [0.1, 0.8], [0, 0], [0.6, 0.3]])
  image = values[ids] + rng.normal(0, 0.02, (*ids.shape, 2)) + rng.normal(0, 0.05, (3 * n, 8, 1, 2))
  numbers = np.repeat([0, 1, 2], n)
  return slice_set(ids, np.clip(image, 0, 1), np.tile(np.arange(n), 3) + 1000 * seed, numbers)
