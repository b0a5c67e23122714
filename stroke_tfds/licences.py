"""Under which licences data are, and what is made of them."""

from collections.abc import Iterable

from stroke_tfds.sources import Source

# Begins an entry in place of a licence that is not known, or of a data set; none has such a name.
UNKNOWN = 'unknown: '


def licences_of(sources: Iterable[Source]) -> list[str]:
  """The licences of all data behind sources, each once; `unknown: NAME` for a set that does not say."""
  found = [one for source in sources for one in _stated(source)]
  return list(dict.fromkeys(found))


def _stated(source: Source) -> list[str]:
  # Sets that were built before they said it have none in their metadata.
  return source.metadata.get('licences') or [f'{UNKNOWN}{source.name}']
