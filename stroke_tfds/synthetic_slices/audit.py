"""Finds drawn slices that copy one of a training patient.

A slice is held against those of all training patients: how much nearer it is to one of them than to any
other (`slice_nearness`, the ratio). The limit comes from the training patients themselves, each held
against all others: nearer than `nearest_quantile` of their slices is as near as hardly any real person
comes to another.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from stroke_tfds import slice_nearness
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.generators import WITHOUT_AUDIT
from stroke_tfds.sources import Source

_MOST_CALIBRATED = 512  # Slices, evenly spread; all are compared with.
FEWEST_PATIENTS = 3  # Patients: one, the nearest other, and another.


class SliceAudit:
  """The slices that generators learnt from, and how near people come to one another.

  Attributes:
    limit: Slices of a lower ratio are copies.
    n_training: Training slices.
  """

  def __init__(
    self, training: Sequence[Source], classes: Sequence[str], n_contrasts: int, nearest_quantile: float
  ):
    """Reads the training patients.

    Args:
      training: Volumes that the generators learnt from.
      classes: That slices have.
      n_contrasts: That they have; with none, classes are compared.
      nearest_quantile: Of the ratios of real people.

    Raises:
      InputError: Fewer than three patients, or classes that the data do not tell.
    """
    self._n_classes, self._n_contrasts = len(classes), n_contrasts
    class_map = None if n_contrasts else _class_map(training[0], classes)
    found = [part for source in training for part in self._slices(source, class_map)]
    n_patients = len({subject for _, subject in found})
    if n_patients < FEWEST_PATIENTS:
      raise InputError(
        f'the generators learnt from {n_patients} patient(s), expected at least {FEWEST_PATIENTS} to '
        f'say how near people come to one another; {WITHOUT_AUDIT}'
      )
    self._learnt = np.concatenate([part for part, _ in found])
    self._subjects = np.concatenate([np.full(len(part), subject) for part, subject in found])
    self.n_training = len(self._learnt)
    some = np.linspace(0, self.n_training - 1, min(self.n_training, _MOST_CALIBRATED)).astype(int)
    ratios = self._ratios(self._learnt[some], own=self._subjects[some])
    self.limit = float(np.quantile(ratios[np.isfinite(ratios)], nearest_quantile))

  def copies(self, image: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Which slices are copies, bool [n]; image [n, X, Y, C], classes [n, X, Y]."""
    is_copy = self._ratios(slice_nearness.blocks(image, classes, self._n_classes)) < self.limit
    # Of nobody, where classes are compared: background alone.
    return is_copy & (classes.any(axis=(1, 2)) | bool(self._n_contrasts))

  def report(self, n_rejected: int) -> dict[str, Any]:
    """For the metadata of a set: the limit, and how many draws were copies."""
    return {'n_training': self.n_training, 'limit': round(self.limit, 4), 'rejected': n_rejected}

  def _ratios(self, drawn: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    return slice_nearness.nearness(drawn, self._learnt, self._subjects, own).ratios

  def _slices(self, source: Source, class_map: ClassMap | None) -> Iterator[tuple[np.ndarray, str]]:
    """Blocks of the slices of each patient with any label, and the patient."""
    features = ['image', 'labels', 'lesion', 'subject_id']
    for example in source.examples(features).as_numpy_iterator():
      kept = np.flatnonzero(example['labels'].any(axis=(0, 1)))
      image = example['image'][..., : self._n_contrasts].transpose(2, 0, 1, 3)[kept]
      labels = class_map.classes(example).numpy() if class_map else example['labels']
      ids = labels.transpose(2, 0, 1)[kept]
      subject = f'{source.name} {example["subject_id"].decode()}'
      yield slice_nearness.blocks(image, ids, self._n_classes), subject


def _class_map(source: Source, classes: Sequence[str]) -> ClassMap:
  found = ClassMap.from_scheme(source.metadata['label_scheme'])
  if found.names != tuple(classes):
    raise InputError(
      f'the generators draw the classes {list(classes)}, expected {list(found.names)} as {source.name} '
      f'has them by default; {WITHOUT_AUDIT}'
    )
  return found
