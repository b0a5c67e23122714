"""The cases that a synthetic one was made from, as its provenance names them."""

from collections.abc import Sequence

import numpy as np

from launchers.reports.stored_cases import Example, read_case
from stroke_tfds import sources
from stroke_tfds.errors import InputError
from stroke_tfds.provenance import HEALTHY_PARENT, PATIENT, Origin
from stroke_tfds.sources import Source


def find(origin: Origin, made: Example, made_in: Source, data_dir: str | None) -> Example | None:
  """The case, or None where it is not at hand.

  It is looked for in the data set that the provenance names and in no other, since subjects of two
  cohorts can share a name. A parent whose anatomy was kept has the label map of what was made from
  it; a case that has another one is not taken for it.

  Args:
    origin: Which case.
    made: The synthetic case.
    made_in: Its data set.
    data_dir: TFDS data folder.
  """
  try:
    (source,) = sources.open_sources([origin.source], data_dir, build=False)
    sources.check_agreement([made_in, source])
    found = read_case(source, origin.subject)
  except InputError:
    return None
  if origin.role in (HEALTHY_PARENT, PATIENT) and not np.array_equal(found['labels'], made['labels']):
    return None
  return found


def missing_note(missing: Sequence[Origin]) -> str:
  """What readers of a figure are told of the cases that it lacks, at least one."""
  named = '; '.join(dict.fromkeys(map(str, missing)))
  return f'Not shown, since not in the data folder as provenance names it: {named}.'
