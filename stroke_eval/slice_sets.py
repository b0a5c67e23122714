"""Axial slices with the classes of their pixels, real or generated, as arrays."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
  from stroke_tfds.class_maps import ClassMap
  from stroke_tfds.sources import Source

# Of a class or lesion that counts as there; as `pipelines.MIN_LESION_PIXELS`, which a test holds equal.
MIN_PIXELS = 8
UNKNOWN = -1
_N_SPLITS = 10


@dataclasses.dataclass(frozen=True)
class SliceClasses:
  """What the pixels of slices can be.

  Attributes:
    names: Background, tissues, then the lesion or its classes.
    first_lesion: The first class that is a lesion.
    parenchyma: Classes of healthy parenchyma.
  """

  names: tuple[str, ...]
  first_lesion: int
  parenchyma: tuple[int, ...]

  @classmethod
  def of(cls, class_map: 'ClassMap', scheme: dict[str, Any]) -> 'SliceClasses':
    """The classes of a label scheme (JSON fields, as in `info.metadata`)."""
    found = {class_map.class_of[i] for i in scheme['parenchyma_ids']}
    healthy = range(1, class_map.first_lesion)
    return cls(class_map.names, class_map.first_lesion, tuple(i for i in healthy if i in found))

  @property
  def tissues(self) -> dict[int, str]:
    """Classes that are neither background nor lesion."""
    return {i: self.names[i] for i in range(1, self.first_lesion)}

  @property
  def lesions(self) -> dict[int, str]:
    return {i: self.names[i] for i in range(self.first_lesion, len(self.names))}


@dataclasses.dataclass(frozen=True)
class SliceSet:
  """n slices.

  Attributes:
    image: In [0, 1], [n, X, Y, C], C possibly 0.
    ids: Class of each pixel, uint8 [n, X, Y].
    numbers: Of each slice in the grid, from the lowest, int [n]; UNKNOWN where it is not known.
    subject_ids: Of the patients, [n].
    classes: What the pixels can be.
    contrasts: Names, C.
  """

  image: np.ndarray
  ids: np.ndarray
  numbers: np.ndarray
  subject_ids: np.ndarray
  classes: SliceClasses
  contrasts: tuple[str, ...]

  def __len__(self) -> int:
    return len(self.ids)

  @property
  def has_lesion(self) -> np.ndarray:
    """Whether MIN_PIXELS pixels or more are lesion, bool [n]."""
    return (self.ids >= self.classes.first_lesion).sum(axis=(1, 2)) >= MIN_PIXELS

  def take(self, positions: Sequence[int] | np.ndarray) -> 'SliceSet':
    """Some of the slices, in the order of `positions`."""
    fields = ('image', 'ids', 'numbers', 'subject_ids')
    return dataclasses.replace(self, **{name: getattr(self, name)[positions] for name in fields})


def read_slices(
  source: 'Source', class_map: 'ClassMap', n_contrasts: int | None = None
) -> Iterator[SliceSet]:
  """The slices of each case of a set of volumes; those without any label are left out.

  Args:
    source: Volumes.
    class_map: Of their labels.
    n_contrasts: The first contrasts that are kept; all, when None.
  """
  classes = SliceClasses.of(class_map, source.metadata['label_scheme'])
  contrasts = tuple(source.metadata['contrasts'][:n_contrasts])
  for example in source.examples(['image', 'labels', 'lesion', 'subject_id']).as_numpy_iterator():
    kept = np.flatnonzero(example['labels'].any(axis=(0, 1)))
    ids = class_map.classes(example).numpy().transpose(2, 0, 1)[kept]
    image = example['image'][..., :n_contrasts].transpose(2, 0, 1, 3)[kept]
    subject = np.full(len(kept), example['subject_id'].decode())
    yield SliceSet(image, ids, kept, subject, classes, contrasts)


def patient_halves(subject_ids: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
  """Ten splits of the patients into halves, at random: which slices are in either, bool [n] each.

  Raises:
    ValueError: Fewer than two patients.
  """
  rng, patients = np.random.default_rng(seed), np.unique(subject_ids)
  if len(patients) < 2:
    raise ValueError(f'slices of {len(patients)} patient, expected two patients or more')
  firsts = [rng.permutation(patients)[: len(patients) // 2] for _ in range(_N_SPLITS)]
  found = [np.isin(subject_ids, first) for first in firsts]
  return [(is_first, ~is_first) for is_first in found]


def joined(sets: Sequence[SliceSet]) -> SliceSet:
  """Several sets of the same classes and contrasts, at least one, as one."""
  fields = ('image', 'ids', 'numbers', 'subject_ids')
  together = {name: np.concatenate([getattr(one, name) for one in sets]) for name in fields}
  return dataclasses.replace(sets[0], **together)
