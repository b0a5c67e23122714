"""Which slices a generated patient has: as many, and as often with a lesion, as real ones."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_itm.bundle_spec import BundleSpec
from keras_itm.synthesis import random_numbers
from stroke_tfds.errors import InputError
from stroke_tfds.slice_example import LESION, LEVEL, level_of

_EXTENT, _LESIONS = 1, 2  # Streams of random numbers beside that of the latents.
_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class Asked:
  """A slice that a generator is asked for.

  Attributes:
    number: Of the axial slice of the grid, from the lowest.
    level: Its level, -1 to 1; None where the generator cannot be asked.
    has_lesion: Likewise.
  """

  number: int
  level: float | None
  has_lesion: bool | None

  def condition(self, names: Sequence[str]) -> list[float]:
    """What the generator is given, in the order of its conditions."""
    values = {LEVEL: self.level, LESION: self.has_lesion}
    return [float(values[name]) for name in names]  # type: ignore[arg-type]


def conditions_of(spec: BundleSpec, numbers: Sequence[int], has_lesion: Sequence[bool]) -> np.ndarray:
  """What a generator is given for slices by their numbers, with a lesion or not; float32 [n, k]."""
  n_slices = spec.grid['shape'][2]
  asked = [Asked(int(z), level_of(z, n_slices), has) for z, has in zip(numbers, has_lesion)]
  rows = [one.condition(spec.conditions) for one in asked]
  return np.array(rows, np.float32).reshape(len(rows), len(spec.conditions))


class Patients:
  """Patients by number; each depends on the seed and its number alone."""

  def __init__(self, spec: BundleSpec, share_lesion: float | None, seed: int):
    """Reads what the bundle says of real patients.

    Args:
      spec: Of a joint generator. Where it does not say how many patients have each slice, all do.
      share_lesion: Share of slices with a lesion, by which those of all levels are raised or lowered
        alike; as real patients, when None.
      seed: Of the data set.

    Raises:
      InputError: The generator cannot be asked for lesions or for something else that it needs, does
        not know how frequent they are, or more are wanted than there are levels with any.
    """
    unknown = sorted(set(spec.conditions) - {LEVEL, LESION})
    if unknown:
      raise InputError(f'joint_generator is asked for {unknown}, expected {LEVEL} and {LESION} at most')
    n = spec.grid['shape'][2]
    self._conditions, self._seed = spec.conditions, seed
    self._shares = np.array(spec.slice_shares or [1.0] * n)
    self._lesions = self._lesion_chances(spec, share_lesion)

  def slices(self, index: int) -> list[Asked]:
    """The slices of a patient, from the lowest."""
    extent = random_numbers(self._seed, index, _EXTENT).random() * self._shares.max()
    luck = random_numbers(self._seed, index, _LESIONS).random(len(self._shares))
    n, asked = len(self._shares), set(self._conditions)
    return [
      Asked(
        number=int(i),
        level=level_of(i, n) if LEVEL in asked else None,
        has_lesion=bool(luck[i] < self._lesions[i]) if LESION in asked else None,
      )
      for i in np.flatnonzero(self._shares > extent)
    ]

  def first_with(self, n_slices: int) -> int:
    """How many patients, from the first, have as many slices or more."""
    index = 0
    while n_slices > 0:
      n_slices -= len(self.slices(index))
      index += 1
    return index

  def _lesion_chances(self, spec: BundleSpec, share: float | None) -> np.ndarray:
    """Chance of each slice to have a lesion."""
    if LESION not in spec.conditions:
      if share is not None:
        raise InputError(
          f'share_lesion is {share}, but the joint_generator cannot be asked for lesions: expected one '
          f'that was trained with the condition {LESION!r}, or no share_lesion'
        )
      return np.zeros(len(self._shares))
    if share is None and not spec.lesion_shares:
      raise InputError(
        'the joint_generator does not say how many slices have a lesion, expected share_lesion'
      )
    real = np.array(spec.lesion_shares or [1.0] * len(self._shares))
    return real if share is None else _raised(real, self._shares, share)


def _raised(chances: np.ndarray, weights: np.ndarray, mean: float) -> np.ndarray:
  """Chances multiplied by one number, 1 at most, so that their weighted mean is as wanted.

  Raises:
    InputError: No number does.
  """
  of = lambda factor: np.minimum(factor * chances, 1)
  average = lambda factor: np.average(of(factor), weights=weights)
  low, high = 0.0, 1 / max(chances[chances > 0].min(initial=1.0), _TOLERANCE)
  if mean > average(high) + _TOLERANCE:
    raise InputError(
      f'share_lesion is {mean}, expected at most {average(high):.4g}: at the other levels the '
      'joint_generator has seen no lesion'
    )
  for _ in range(60):
    middle = (low + high) / 2
    low, high = (middle, high) if average(middle) < mean else (low, middle)
  return of(high)
