"""Under which licences data are, and what is made of them."""

from collections.abc import Iterable

from stroke_tfds.sources import Source

# Begins an entry in place of a licence that is not known, or of a data set; none has such a name.
UNKNOWN = 'unknown: '
# Licences as data sets of this package write them -> identifiers of the SPDX list.
SPDX = {
  'Apache 2.0': 'Apache-2.0',
  'CC0': 'CC0-1.0',
  'CC BY 4.0': 'CC-BY-4.0',
  'CC BY-SA 4.0': 'CC-BY-SA-4.0',
  'CC BY-NC 4.0': 'CC-BY-NC-4.0',
}


def licences_of(sources: Iterable[Source]) -> list[str]:
  """The licences of all data behind sources, each once; `unknown: NAME` for a set that does not say."""
  found = [one for source in sources for one in _stated(source)]
  return list(dict.fromkeys(found))


def _stated(source: Source) -> list[str]:
  # Sets that were built before they said it have none in their metadata.
  return source.metadata.get('licences') or [f'{UNKNOWN}{source.name}']
