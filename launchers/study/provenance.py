"""Keeps the test cases out of all that a study learns from."""

import hashlib
from collections.abc import Iterable, Mapping

from stroke_tfds import sources
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source


def check_untouched(test: Source, learnt: Mapping[str, Iterable[Source]], data_dir: str | None) -> None:
  """Refuses a study whose test cases were learnt from, however indirectly.

  A case is known by its voxels, so that it is also found in another data set or under another name.

  Args:
    test: The test cases.
    learnt: What for -> what is learnt from. Of a set that was made from others (`made_from` in its
      metadata) these are looked at as well.
    data_dir: Where those others are.

  Raises:
    InputError: A test case is among them, or a set is not there to be looked at.
  """
  tested = images(test)
  seen: dict[str, dict[str, str]] = {}
  for purpose, given in learnt.items():
    for source in _with_origins(given, data_dir):
      if str(source) not in seen:
        seen[str(source)] = images(source)
      found = seen[str(source)]
      for digest in tested.keys() & found.keys():
        raise InputError(
          f'{purpose}: {source} holds {found[digest]!r}, which is the test case {tested[digest]!r} of '
          f'{test}; expected test cases that nothing was trained on'
        )


def images(source: Source) -> dict[str, str]:
  """Subject by a digest of its image."""
  stored = source.examples(['image', 'subject_id']).as_numpy_iterator()
  return {
    hashlib.sha256(example['image'].tobytes()).hexdigest(): example['subject_id'].decode()
    for example in stored
  }


def _with_origins(given: Iterable[Source], data_dir: str | None) -> list[Source]:
  """The sources and all that they were made from."""
  waiting, found = list(given), {}
  while waiting:
    source = waiting.pop()
    if str(source) not in found:
      found[str(source)] = source
      texts = source.metadata.get('made_from', ())
      waiting += [sources.open_sources([text], data_dir, build=False)[0] for text in texts]
  return list(found.values())
