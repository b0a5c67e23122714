"""The cases of a cohort: the input folder is listed once, each subject's files are matched by name.

Of tables only the columns `participant_id`, `group` and `split` of a BIDS input are looked at.
"""

import dataclasses
import re
from pathlib import Path

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import input_tables, listing
from stroke_tfds.preparation.layouts import (
  LESION,
  SEGMENTATION,
  UNDECLARED,
  Layout,
  choose_layout,
  describe,
  match,
)
from stroke_tfds.preparation.tables import HEALTHY, POSITIVE

_SESSION = re.compile(r'(?:^|[/_])(ses-[^/_.]+)')
_LABEL = re.compile(r'sub-[A-Za-z0-9]+')


@dataclasses.dataclass(frozen=True)
class Case:
  """One scan of a subject.

  Attributes:
    case_id: `sub-X`, or `sub-X_ses-01` where the subject has several sessions.
    subject: `sub-X`.
    group: 'positive', 'negative' or 'healthy'.
    split: As the input's participants table says, '' where it does not.
    files: Paths by role: contrasts, 'lesion', 'segmentation'.
    group_if_empty: Group of a positive case whose mask is empty; '' where that is an error.
  """

  case_id: str
  subject: str
  group: str
  split: str
  files: dict[str, Path]
  group_if_empty: str = ''


@dataclasses.dataclass(frozen=True)
class Problem:
  """A case that cannot be prepared; `where` is for the user's eyes and is stored nowhere."""

  case_id: str
  reason: str
  where: str = ''


def find_cases(
  source: str, root: Path, contrasts: tuple[str, ...], without_mask: str = ''
) -> tuple[list[Case], list[Problem]]:
  """Lists the cases of a cohort, sorted, and those that cannot be used.

  Args:
    source: A key of `LAYOUTS`.
    root: The input folder.
    contrasts: Images that each case must have.
    without_mask: Group of cases without mask or with an empty one, 'negative' or 'healthy'; when '',
      those without are of the layout's own group, and an empty mask is an error.

  Raises:
    InputError: No such folder, source or contrast, no subject in the folder, or nothing that says
      what cases without mask are.
  """
  layout = choose_layout(source, contrasts, without_mask)
  found = listing.list_subjects(root)
  table = input_tables.read_groups(root) if source == 'bids' else {}
  finder = _Finder(layout, root, contrasts, without_mask, table)
  for number, subject in enumerate(sorted({*found, *table}), 1):
    stand_in = f'sub-unnamed{number:03d}'
    finder.add(subject, subject if _LABEL.fullmatch(subject) else stand_in, found.get(subject))
  if not found:
    raise InputError(f'{root}: holds no folder sub-*, expected the layout of {source}')
  if layout.some_masks and not without_mask and not any(LESION in case.files for case in finder.cases):
    raise InputError(
      f'{root}: holds no lesion mask, expected {describe(layout.lesion)}; where none is right, '
      f'give --without_mask={layout.without_mask}'
    )
  undeclared = [case.case_id for case in finder.cases if case.group == UNDECLARED]
  if undeclared:
    raise InputError(
      f'{root}: no lesion mask is found for {len(undeclared)} of {len(finder.cases)} cases, such as '
      f'{undeclared[0]}, expected masks named as --help says; where none is right, give '
      '--without_mask=negative or healthy, or a column group in participants.tsv'
    )
  return finder.cases, finder.problems


class _Unusable(Exception):
  """Why a subject or one of its cases cannot be used."""


class _Finder:
  """Gathers the cases and the problems of one subject after the other."""

  def __init__(
    self,
    layout: Layout,
    root: Path,
    contrasts: tuple[str, ...],
    without_mask: str,
    table: dict[str, input_tables.Row],
  ):
    self._layout, self._root, self._contrasts = layout, root, contrasts
    self._without_mask, self._table = without_mask, table
    self.cases: list[Case] = []
    self.problems: list[Problem] = []

  def add(self, subject: str, case_id: str, listed: listing.Listed | None) -> None:
    """Adds all sessions of a subject; None when it has no folder."""
    try:
      listed = self._checked(subject, listed)
    except _Unusable as error:
      self.problems.append(Problem(case_id, str(error), subject))
      return
    raw = [path for path in listed.paths if not path.startswith('derivatives/')]
    sessions = sorted({name for path in raw for name in _SESSION.findall(path)}) or ['']
    if len(sessions) > 1 and self._stray_mask(subject, sessions, listed.paths):
      reason = f'{LESION}: a mask is of none of the {len(sessions)} sessions, expected one in its name'
      self.problems.append(Problem(case_id, reason, subject))
      return
    for number, session in enumerate(sessions, 1):
      paths = listed.paths
      if len(sessions) > 1:
        case_id = f'{subject}_ses-{number:02d}'
        paths = [path for path in paths if session in _SESSION.findall(path)]
      try:
        self.cases.append(self._case(case_id, subject, session, paths))
      except _Unusable as error:
        self.problems.append(Problem(case_id, str(error), f'{subject} {session}'.strip()))

  def _stray_mask(self, subject: str, sessions: list[str], paths: list[str]) -> bool:
    """Whether a mask belongs to no session; each session would pass for one without a mask."""
    strays = [path for path in paths if not {*sessions} & {*_SESSION.findall(path)}]
    return bool(match(strays, self._layout.lesion, {'subject': subject, 'session': ''}))

  def _checked(self, subject: str, listed: listing.Listed | None) -> listing.Listed:
    if not _LABEL.fullmatch(subject):
      raise _Unusable('its label holds other than letters and digits, expected sub-<letters, digits>')
    if listed is None:
      raise _Unusable('is in participants.tsv, but has no folder')
    if listed.problem:
      raise _Unusable(listed.problem)
    if self._table and subject not in self._table:
      raise _Unusable('has no row in participants.tsv, which gives groups or splits')
    if self._table and self._table[subject].problem:
      raise _Unusable(self._table[subject].problem)
    return listed

  def _case(self, case_id: str, subject: str, session: str, paths: list[str]) -> Case:
    names = {
      'subject': subject,
      'session': session,
      'folder': f'{subject}/{session}' if session else subject,
      'stem': f'{subject}_{session}' if session else subject,
    }
    files = {}
    for role in (*self._contrasts, LESION, SEGMENTATION):
      found = match(paths, self._layout.patterns(role), {**names, 'contrast': role})
      if len(found) > 1:
        raise _Unusable(f'{role}: {len(found)} files fit, expected one')
      if found:
        files[role] = self._root / found[0]
      elif role in self._contrasts:
        raise _Unusable(f'{role}: missing file, expected {describe(self._layout.patterns(role), role)}')
    row = self._table.get(subject, input_tables.Row())
    without_mask = self._without_mask or self._layout.without_mask
    group = row.group or (POSITIVE if LESION in files else without_mask)
    if LESION not in files and group in ('', POSITIVE):
      raise _Unusable(f'{LESION}: missing file, expected {describe(self._layout.lesion)}')
    if row.split == HEALTHY and group == POSITIVE:
      raise _Unusable('has a lesion and the split healthy, expected train or test')
    return Case(case_id, subject, group, row.split, files, '' if row.group else self._without_mask)
