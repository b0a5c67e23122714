"""Do the classes and the image of a slice say the same?

| name | formula |
|---|---|
| chance | by how much a perfect generator's contrast is off in about 5 % of cases |
| contrast | median inside a lesion's class / median of healthy parenchyma - 1, median over slices |
| signed share | share of slices whose contrast has the sign of the real one |
| explained | share of the variance in the head that the classes account for: 1 - within / total |
| mismatched | explained, had each slice the classes of another patient's slice at the same level |
"""

import dataclasses

import numpy as np

from stroke_eval.slice_sets import MIN_PIXELS, SliceSet, patient_halves

# A real contrast below is no contrast that a sign could be told of.
LEAST_CONTRAST = 0.05


@dataclasses.dataclass(frozen=True)
class LesionContrast:
  """A class of a lesion in one contrast.

  Attributes:
    lesion: Name of the class.
    contrast: Name of the contrast.
    real: Median over real slices; NaN where none has MIN_PIXELS pixels of it.
    drawn: The same over generated ones.
    n_real: Real slices.
    n_drawn: Generated slices.
    real_signed_share: Share of the real slices with the sign of `real`.
    drawn_signed_share: The same of generated ones.
    chance: Root mean square of the difference between halves of the real patients, which is two
      deviations of a median over all of them; NaN where a half has none.
  """

  lesion: str
  contrast: str
  real: float
  drawn: float
  n_real: int
  n_drawn: int
  real_signed_share: float
  drawn_signed_share: float
  chance: float

  @property
  def is_judged(self) -> bool:
    """Whether there is a real contrast, and a generated one to hold against it."""
    return abs(self.real) >= LEAST_CONTRAST and not np.isnan(self.drawn)

  @property
  def strength(self) -> float:
    """The generated contrast in units of the real one: 1 is right, below 0 the wrong way."""
    return self.drawn / self.real if self.is_judged else np.nan


def lesion_contrasts(drawn: SliceSet, real: SliceSet, seed: int = 0) -> list[LesionContrast]:
  """Of each class of the lesion in each contrast; real slices are of two patients or more."""
  found = []
  for number, lesion in real.classes.lesions.items():
    for c, contrast in enumerate(real.contrasts):
      each = _contrasts(real, number, c)
      of_real, of_drawn = (_known(values) for values in (each, _contrasts(drawn, number, c)))
      middle = _median(of_real)
      found.append(
        LesionContrast(
          lesion,
          contrast,
          middle,
          _median(of_drawn),
          len(of_real),
          len(of_drawn),
          _signed_share(of_real, middle),
          _signed_share(of_drawn, middle),
          _chance(each, real.subject_ids, seed),
        )
      )
  return found


def explained(slices: SliceSet, mismatched: bool = False) -> dict[str, float]:
  """How much of each contrast's variance in the head the classes account for, all slices together.

  Args:
    slices: With classes.
    mismatched: Whether each image is held against the classes of another patient at its level; slices
      without such a partner are left out.

  Returns:
    Contrast -> share, 0 to 1; NaN where nothing varies.
  """
  partners = _partners(slices) if mismatched else np.arange(len(slices))
  within, total = np.zeros((2, len(slices.contrasts)))
  for i in np.flatnonzero(partners >= 0):
    ids = slices.ids[partners[i]]
    head = (ids > 0) & (slices.ids[i] > 0)
    values = slices.image[i][head].astype(float)
    if len(values) < MIN_PIXELS:
      continue
    total += ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    for number in np.unique(ids[head]):
      of_class = values[ids[head] == number]
      within += ((of_class - of_class.mean(axis=0)) ** 2).sum(axis=0)
  shares = np.where(total > 0, 1 - within / np.where(total > 0, total, 1), np.nan)
  return dict(zip(slices.contrasts, shares.tolist()))


def _contrasts(slices: SliceSet, number: int, c: int) -> np.ndarray:
  """Of each slice, [n]; NaN without the class or parenchyma."""
  found = np.full(len(slices), np.nan)
  for i in np.flatnonzero((slices.ids == number).sum(axis=(1, 2)) >= MIN_PIXELS):
    image, ids = slices.image[i, ..., c].astype(float), slices.ids[i]
    healthy = _median(image[np.isin(ids, slices.classes.parenchyma)])
    if healthy > 0:
      found[i] = _median(image[ids == number]) / healthy - 1
  return found


def _known(values: np.ndarray) -> np.ndarray:
  return values[np.isfinite(values)]


def _chance(contrasts: np.ndarray, subject_ids: np.ndarray, seed: int) -> float:
  """Of the contrasts of real slices, NaN for those without; [n]."""
  halves = patient_halves(subject_ids, seed)
  medians = np.array([[_median(_known(contrasts[is_in])) for is_in in split] for split in halves])
  return float(np.sqrt(np.mean((medians[:, 0] - medians[:, 1]) ** 2)))


def _partners(slices: SliceSet) -> np.ndarray:
  """For each slice the next one at its level that is of another patient; -1 where there is none."""
  partners = np.full(len(slices), -1)
  for number in np.unique(slices.numbers):
    at = np.flatnonzero(slices.numbers == number)
    for k, i in enumerate(at):
      others = np.roll(at, -k)[1:]
      others = others[slices.subject_ids[others] != slices.subject_ids[i]]
      partners[i] = others[0] if len(others) else -1
  return partners


def _signed_share(values: np.ndarray, like: float) -> float:
  return float(np.mean(np.sign(values) == np.sign(like))) if values.size else np.nan


def _median(values: np.ndarray) -> float:
  return float(np.median(values)) if values.size else np.nan
