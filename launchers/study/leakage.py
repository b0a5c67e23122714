"""Keeps the test cases out of all that a study learns from."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_itm.lesions import MIN_VOXELS
from stroke_tfds import sources
from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import hash_array
from stroke_tfds.licences import UNKNOWN
from stroke_tfds.provenance import is_derived
from stroke_tfds.sources import Source

_FEATURES = ('image', 'lesion', 'subject_id', 'provenance')
_Key = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class CaseKeys:
  """What the cases of a set are known by.

  Attributes:
    subjects: What a case is known by -> its subject. A case has the key ('image', digest) unless its
      image is constant, ('lesion', digest) where the lesion has 20 voxels or more, since smaller ones
      can be alike by chance, and ('patient', source, name) where its provenance names the patient.
    derived: Subject of a case that was made from others; empty where there is none.
  """

  subjects: Mapping[_Key, str]
  derived: str


def check_no_leakage(
  test: Source, learnt: Mapping[str, Iterable[Source]], data_dir: str | None
) -> None:
  """Refuses a study whose test cases were learnt from, however indirectly.

  A case is known by its image, its lesion and its patient, so that it is also found in another data
  set, under another name, or by another scan.

  Args:
    test: The test cases.
    learnt: What for -> what is learnt from. Of a set that was made from others (`made_from` in its
      metadata) these are looked at as well.
    data_dir: Where those others are.

  Raises:
    InputError: A test case is among them, a set is not there to be looked at, or does not say what it
      was made from.
  """
  tested = read(test)
  seen: dict[str, CaseKeys] = {}
  for purpose, given in learnt.items():
    for source in _with_origins(purpose, given, data_dir):
      if str(source) not in seen:
        seen[str(source)] = read(source)
      keys = seen[str(source)]
      _check_named(purpose, source, keys)
      if shared := first_shared(keys, tested):
        learnt_case, test_case, reason = shared
        raise InputError(
          f'{purpose}: {source} holds {learnt_case!r}, which is the test case {test_case!r} of {test} '
          f'({reason}); expected test cases that nothing was trained on'
        )


def first_shared(one: CaseKeys, other: CaseKeys) -> tuple[str, str, str] | None:
  """A case of both: what each calls it, and how it was known again."""
  for key in sorted(one.subjects.keys() & other.subjects.keys()):
    return one.subjects[key], other.subjects[key], _reason(key)
  return None


def _check_named(purpose: str, source: Source, keys: CaseKeys) -> None:
  """Refuses a set of derived cases that does not say what they were made from."""
  if keys.derived and not source.metadata.get('made_from'):
    raise InputError(
      f'{purpose}: {source} has no made_from in its metadata, but {keys.derived!r} in it was made from '
      'other cases; expected a set that names them all: delete it and build it again'
    )


def read(source: Source) -> CaseKeys:
  """Goes over a set once."""
  subjects, derived = {}, ''
  for example in source.examples(_FEATURES).as_numpy_iterator():
    subject, facts = example['subject_id'].decode(), json.loads(example['provenance'])
    subjects |= dict.fromkeys(_keys(example, facts), subject)
    if is_derived(facts):
      derived = derived or subject
  return CaseKeys(subjects, derived)


def _keys(example: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[_Key]:
  """All that a case is known by."""
  image, lesion = example['image'], example['lesion']
  if image.min() < image.max():
    yield 'image', hash_array(image)
  if np.count_nonzero(lesion) >= MIN_VOXELS:
    yield 'lesion', hash_array(lesion)
  if facts.get('source') and facts.get('subject'):
    yield 'patient', facts['source'], facts['subject']


def _reason(key: _Key) -> str:
  """How a case was known again."""
  kind, *rest = key
  if kind == 'patient':
    source, name = rest
    return f'the same patient, {name!r} of {source} in both; rename one where they are two'
  return f'the same {kind} in every voxel'


def _with_origins(purpose: str, given: Iterable[Source], data_dir: str | None) -> list[Source]:
  """The sources and all that they were made from."""
  waiting, found = list(given), {}
  while waiting:
    source = waiting.pop()
    if str(source) not in found:
      found[str(source)] = source
      for text in source.metadata.get('made_from', ()):
        if text.startswith(UNKNOWN):
          raise InputError(
            f'{purpose}: {source} was made by a {text.removeprefix(UNKNOWN)}, whose bundle does '
            'not say what it was trained on; train that again and build the set with it'
          )
        waiting += sources.open_sources([text], data_dir, build=False)
  return list(found.values())
