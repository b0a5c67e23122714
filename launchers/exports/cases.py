"""The cases of an export: what each is called in its files, and what it was made from."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stroke_tfds.errors import InputError
from stroke_tfds.provenance import is_derived, origins_of
from stroke_tfds.sources import Source

_FEATURES = ('subject_id', 'lesion_volume_ml', 'provenance')
_SESSION = re.compile(r'(?P<subject>.*)_ses-(?P<session>[0-9A-Za-z]+)')


@dataclasses.dataclass(frozen=True)
class ExportCase:
  """A case of a source.

  Attributes:
    subject: BIDS label, letters and digits alone, without `sub-`.
    session: BIDS label without `ses-`; '' where a subject has one scan.
    source: `name/config:split`.
    subject_id: What the example calls it.
    is_synthetic: Whether it was made from other cases.
    parents: Examples that a synthetic case has its anatomy, scan or lesion of, as these are called.
    lesion_volume_ml: 0 without lesion.
  """

  subject: str
  session: str
  source: str
  subject_id: str
  is_synthetic: bool
  parents: tuple[str, ...]
  lesion_volume_ml: float

  @property
  def name(self) -> str:
    """What its files begin with, as BIDS has it."""
    return f'sub-{self.subject}' + (f'_ses-{self.session}' if self.session else '')

  def row(self) -> dict[str, Any]:
    """For tables: where the case comes from."""
    return {
      'source': self.source,
      'subject_id': self.subject_id,
      'kind': 'synthetic' if self.is_synthetic else 'original',
      'parents': ' '.join(self.parents),
      'lesion_volume_ml': f'{self.lesion_volume_ml:g}',
    }


def read_cases(sources: Sequence[Source]) -> list[ExportCase]:
  """The cases in the order of the sources and, in each, of their names.

  Where two sources have a case of the same name, those of the later one begin in `set2x`, or as it is
  numbered among the sources.

  Raises:
    InputError: Two sources hold the same example.
  """
  cases: list[ExportCase] = []
  held: dict[tuple[str, str], Source] = {}
  for number, source in enumerate(sources, start=1):
    found = sorted(_read(source), key=lambda case: case.subject_id)
    for case in found:
      first = held.setdefault((_set_name(source), case.subject_id), source)
      if first is not source:
        raise InputError(f'{first} and {source} both hold {case.subject_id!r}, expected it in one')
    taken = {case.name for case in cases}
    if any(case.name in taken for case in found):
      found = [dataclasses.replace(case, subject=f'set{number}x{case.subject}') for case in found]
    cases += found
  _check_names(cases)
  return cases


def _set_name(source: Source) -> str:
  return source.builder.info.full_name


def _read(source: Source) -> Iterator[ExportCase]:
  for example in source.examples(_FEATURES).as_numpy_iterator():
    subject_id, facts = example['subject_id'].decode(), json.loads(example['provenance'])
    subject, session = split_id(subject_id)
    yield ExportCase(
      subject=_label(subject),
      session=session,
      source=str(source),
      subject_id=subject_id,
      is_synthetic=is_derived(facts),
      parents=_parents(facts),
      lesion_volume_ml=float(example['lesion_volume_ml']),
    )


def split_id(subject_id: str) -> tuple[str, str]:
  """Subject and session of an example's name; '' for one without session."""
  match = _SESSION.fullmatch(subject_id)
  return (match['subject'], match['session']) if match else (subject_id, '')


def _label(text: str) -> str:
  return re.sub('[^0-9A-Za-z]', '', text.removeprefix('sub-'))


def _parents(facts: Mapping[str, Any]) -> tuple[str, ...]:
  return tuple(dict.fromkeys(origin.subject for origin in origins_of(facts)))


def _check_names(cases: Sequence[ExportCase]) -> None:
  """Refuses names that are alike once they are labels; file systems may not tell case apart."""
  held: dict[str, ExportCase] = {}
  for case in cases:
    first = held.setdefault(case.name.lower(), case)
    if first is not case or not case.subject:
      raise InputError(
        f'{case.source}: {case.subject_id!r} and {first.subject_id!r} of {first.source} would both be '
        f'{case.name!r}, expected names that differ in letters and digits'
      )
