"""The real cases that generators learnt from, to hold synthetic ones against."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from keras_itm.bundle_spec import TRANSLATOR
from stroke_tfds import generators
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, check_agreement

_FEATURES = ('image', 'labels', 'lesion', 'subject_id')
# Data set and subject.
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class RealCase:
  """A case that a generator learnt from.

  Attributes:
    key: Data set and subject.
    image: float32 [X, Y, Z, C]; None where only the lesion generator learnt from it, or where it shows
      nothing, as in sets of masks.
    labels: uint8 [X, Y, Z].
    lesion: 0 or 1, uint8 [X, Y, Z].
  """

  key: Key
  image: np.ndarray | None
  labels: np.ndarray
  lesion: np.ndarray


@dataclasses.dataclass(frozen=True)
class TrainingCases:
  """What two generators learnt from; to go over it reads it anew, one case after another.

  Attributes:
    translator: Sources of the translator.
    lesion_generator: Sources of the lesion generator; a case of both comes once.
  """

  translator: Sequence[Source]
  lesion_generator: Sequence[Source]

  def __iter__(self) -> Iterator[RealCase]:
    seen: set[Key] = set()
    shown = ((source, True) for source in self.translator)
    hidden = ((source, False) for source in self.lesion_generator)
    for source, has_image in itertools.chain(shown, hidden):
      for stored in source.examples(_FEATURES).as_numpy_iterator():
        key = source.name, stored['subject_id'].decode()
        if key not in seen:
          seen.add(key)
          image = stored['image'].astype(np.float32)
          shows = has_image and image.min() < image.max()
          yield RealCase(key, image if shows else None, stored['labels'], stored['lesion'])


def open_training(path: str, kind: str, healthy: Source, data_dir: str | None) -> list[Source]:
  """The sets that a generator was trained on, which its cases are audited against.

  Raises:
    InputError: As of `generators.open_training`, or they are of another grid.
  """
  sources = generators.open_training(path, kind, data_dir)
  if kind == TRANSLATOR:
    check_agreement([healthy, *sources])
  elif sources[0].grid != healthy.grid:
    raise InputError(
      f'{sources[0].name} has the grid {sources[0].grid}, expected {healthy.grid} as {healthy.name}'
    )
  return sources
