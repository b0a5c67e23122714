"""Slices, and a comparison of such, made by hand."""

import math
from collections.abc import Sequence

import numpy as np

from stroke_eval.nearest_slices import Nearer
from stroke_eval.slice_agreement import LesionContrast
from stroke_eval.slice_fidelity import Beside, LesionShares, SliceFidelity
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


def contrast(drawn: float, real: float, name: str = 'T1') -> LesionContrast:
  """Of the core."""
  return LesionContrast('core', name, real, drawn, 9, 9, 1.0, 1.0, chance=math.nan)


def fidelity() -> SliceFidelity:
  """A comparison in which every check passes, if barely."""
  return SliceFidelity(
    n_drawn=10,
    n_held_out=10,
    n_training=10,
    n_compared=5,
    frechet={'all': Beside(3.0, 1.0)},
    density=Beside(1.0, 1.0),
    coverage=Beside(0.9, 0.9),
    gaps={},
    areas={'CSF': Beside(129.0, 100.0), 'core': Beside(7.1, 10.0)},
    chances={},
    lesion_shares=LesionShares(0.5, 0.4, 0.5, 0.8, 0.0, 0.6),
    contrasts=(contrast(0.64, 0.5), contrast(-0.36, -0.5, 'T2'), contrast(-0.9, 0.01, 'ADC')),
    explained={'T1': Beside(0.7, 0.8)},
    mismatched={'T1': Beside(0.2, 0.2)},
    distance=Nearer(1.0, 1.0, 0.1, 0.01, 0.5),
    ratio=Nearer(1.0, 1.0, 0.1, 0.01, 0.5),
    diversity=Beside(1.0, 1.0),
    diversity_at_levels=Beside(math.nan, 1.0),
  )
