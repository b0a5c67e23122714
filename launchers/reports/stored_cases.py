"""Reads the cases that figures show: examples of data sets, and what segmenters predicted of them."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_eval.survey import unpack
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source

Example = Mapping[str, Any]


def read_examples(source: Source, subject_ids: Collection[str]) -> dict[str, Example]:
  """Some examples of a split by subject.

  Raises:
    InputError: One is not in the split.
  """
  found = dict(_matching(source, frozenset(subject_ids)))
  missing = sorted(set(subject_ids) - set(found))
  if missing:
    raise InputError(f'data set {source}: no subject {missing[0]!r}')
  return found


def read_case(source: Source, subject_id: str) -> Example:
  """A case by its name."""
  return read_examples(source, [subject_id])[subject_id]


def name_of(example: Example) -> str:
  """Subject of an example."""
  return example['subject_id'].decode()


def first_contrast(example: Example) -> np.ndarray:
  """Image of an example, float32 (X, Y, Z)."""
  return example['image'][..., 0].astype(np.float32)


def read_predictions(
  run: Path, subject_ids: Collection[str], shape: tuple[int, int, int], command: str
) -> dict[str, np.ndarray]:
  """Predicted masks of some test cases, uint8 of `shape`, by subject.

  Raises:
    InputError: The file or a case is not there, or has another number of voxels.
  """
  path = run / 'test_predictions.npz'
  if not path.exists():
    raise InputError(f'{path}: not there, expected the predicted masks; run: {command}')
  n_bytes = -(-int(np.prod(shape)) // 8)
  masks = {}
  with np.load(path, allow_pickle=False) as stored:
    for subject_id in subject_ids:
      if subject_id not in stored:
        raise InputError(f'{path}: no prediction for {subject_id!r}')
      bits = stored[subject_id]
      if bits.shape != (n_bytes,):
        raise InputError(
          f'{path}: {subject_id!r} has {bits.shape} bytes, expected {n_bytes} for a grid of {shape}'
        )
      masks[subject_id] = unpack(bits, shape)
  return masks


def _matching(source: Source, wanted: frozenset[str]) -> Iterator[tuple[str, Example]]:
  n_left = len(wanted)
  for example in tfds.as_numpy(source.examples()):
    if not n_left:
      return
    subject_id = example['subject_id'].decode()
    if subject_id in wanted:
      n_left -= 1
      yield subject_id, example
