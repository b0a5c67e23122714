"""The cases of a cohort: the input folder is listed once, each subject's files are matched by name.

Of tables only the columns `participant_id`, `group` and `split` of a BIDS input are looked at, and the
one that says who of SOOP had a stroke.
"""

import dataclasses
import re
from pathlib import Path

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import b_values, input_tables, listing, sessions
from stroke_tfds.preparation.layouts import (
  DWI,
  LESION,
  SEGMENTATION,
  UNDECLARED,
  Layout,
  choose_layout,
  describe,
  find_lesions,
  find_segmentations,
  match,
)
from stroke_tfds.preparation.tables import HEALTHY, POSITIVE

LABEL = re.compile(r'sub-[A-Za-z0-9]+')
_NOT_CODED = ('', '0', '0.0', 'no', 'n', 'false')


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
    session: `ses-Y` as in the input, or the name of a folder of DICOM files; for the owner's eyes
      alone, stored in no data set.
    lesion_is_named: Whether a word tells that the mask is a lesion's; else it is the only mask.
    stroke_without_mask: Whether a case without mask has a sign of a stroke: it is not healthy.
  """

  case_id: str
  subject: str
  group: str
  split: str
  files: dict[str, Path]
  group_if_empty: str = ''
  session: str = ''
  lesion_is_named: bool = True
  stroke_without_mask: bool = False


@dataclasses.dataclass(frozen=True)
class Problem:
  """A case that cannot be prepared; `where` is for the user's eyes and is stored nowhere."""

  case_id: str
  reason: str
  where: str = ''
  session: str = ''


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
    InputError: No such folder, source or contrast, no subject in the folder, nothing that says what
      cases without mask are, or a table that cannot be read.
  """
  layout = choose_layout(source, contrasts, without_mask)
  found = listing.list_subjects(root)
  table = input_tables.read_groups(root) if layout.has_table else {}
  coded = _read_coded(layout, root)
  finder = _Finder(layout, root, contrasts, without_mask, table, coded or set())
  for number, subject in enumerate(sorted({*found, *table}), 1):
    stand_in = f'sub-unnamed{number:03d}'
    finder.add(subject, subject if LABEL.fullmatch(subject) else stand_in, found.get(subject))
  if not found:
    raise InputError(f'{root}: holds no folder sub-*, expected the layout of {source}')
  if layout.some_masks and not without_mask and not any(LESION in case.files for case in finder.cases):
    raise InputError(
      f'{root}: holds no lesion mask, expected {describe(layout.lesion)}; where none is right, '
      f'give --without_mask={layout.without_mask}'
    )
  if coded is None and not without_mask and any(LESION not in case.files for case in finder.cases):
    raise InputError(
      f'{root}: holds no participants.tsv with the column {layout.coded_in}, expected it, as it '
      'says which cases without a mask had a stroke; where there is none, give --without_mask=negative'
    )
  undeclared = [case.case_id for case in finder.cases if case.group == UNDECLARED]
  if undeclared:
    raise InputError(
      f'{root}: no lesion mask is found for {len(undeclared)} of {len(finder.cases)} cases, such as '
      f'{undeclared[0]}, expected masks named as --help says; where none is right, give '
      '--without_mask=negative or healthy, or a column group in participants.tsv'
    )
  return finder.cases, finder.problems


def _read_coded(layout: Layout, root: Path) -> set[str] | None:
  """Subjects of whom the table says that they had a stroke; None where it does not say of anybody."""
  if not layout.coded_in:
    return set()
  rows = input_tables.read_columns(root, (layout.coded_in,))
  if not rows:
    return None
  return {subject for subject, row in rows if row[layout.coded_in].lower() not in _NOT_CODED}


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
    coded: set[str],
  ):
    self._layout, self._root, self._contrasts = layout, root, contrasts
    self._without_mask, self._table, self._coded = without_mask, table, coded
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
    numbered = sessions.in_order(raw)
    try:
      self._check_strays(subject, numbered, listed.paths)
    except _Unusable as error:
      self.problems.append(Problem(case_id, str(error), subject))
      return
    for number, session in enumerate(numbered, 1):
      paths = listed.paths
      if len(numbered) > 1:
        case_id = f'{subject}_ses-{number:02d}'
        paths = [path for path in paths if session in sessions.labels_in(path)]
      try:
        self.cases.append(self._case(case_id, subject, session, paths))
      except _Unusable as error:
        where = f'{subject} {session}'.strip()
        self.problems.append(Problem(case_id, str(error), where, session))

  def _check_strays(self, subject: str, numbered: list[str], paths: list[str]) -> None:
    """Refuses files that are of no session where there are sessions: nobody knows whose they are."""
    strays = [path for path in paths if not {*numbered} & {*sessions.labels_in(path)}]
    names = _names(subject, '')
    # Each session would pass for one without a mask.
    if len(numbered) > 1 and find_lesions(self._layout, strays, names).paths:
      raise _Unusable(
        f'{LESION}: a mask is of none of the {len(numbered)} sessions, expected one in its name'
      )
    for role in self._contrasts:
      if any(numbered) and match(strays, self._layout.patterns(role), {**names, 'contrast': role}):
        raise _Unusable(f'{role}: lies beside folders of sessions, expected all scans in such folders')

  def _checked(self, subject: str, listed: listing.Listed | None) -> listing.Listed:
    if not LABEL.fullmatch(subject):
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
    names = _names(subject, session)
    found = {
      role: match(paths, self._layout.patterns(role), {**names, 'contrast': role})
      for role in self._contrasts
    }
    lesions = find_lesions(self._layout, paths, names)
    found[LESION] = lesions.paths
    found[SEGMENTATION] = find_segmentations(self._layout, paths, names)
    files = self._files(found)
    row = self._table.get(subject, input_tables.Row())
    without_mask = self._without_mask or self._layout.without_mask
    group = row.group or (POSITIVE if LESION in files else without_mask)
    if LESION not in files and group in ('', POSITIVE):
      raise _Unusable(f'{LESION}: missing file, expected {describe(self._layout.lesion)}')
    if row.split == HEALTHY and group == POSITIVE:
      raise _Unusable('has a lesion and the split healthy, expected train or test')
    has_sign = subject in self._coded or bool(match(paths, self._layout.other_lesions, names))
    return Case(
      case_id,
      subject,
      group,
      row.split,
      files,
      group_if_empty='' if row.group else self._without_mask,
      session=session,
      lesion_is_named=lesions.are_named or LESION not in files,
      stroke_without_mask=has_sign and group != POSITIVE,
    )

  def _files(self, found: dict[str, list[str]]) -> dict[str, Path]:
    """The one file of each role."""
    files = {}
    for role, paths in found.items():
      if len(paths) > 1:
        raise _Unusable(f'{role}: {len(paths)} files fit, expected one')
      if paths:
        files[role] = self._root / paths[0]
      elif role in self._contrasts:
        raise _Unusable(f'{role}: missing file, expected {describe(self._layout.patterns(role), role)}')
    unweighted = b_values.why_unweighted(files[DWI]) if DWI in files else ''
    if unweighted:
      raise _Unusable(f'{DWI}: {unweighted}')
    return files


def _names(subject: str, session: str) -> dict[str, str]:
  """What the braces of patterns stand for."""
  return {
    'subject': subject,
    'session': session,
    'folder': f'{subject}/{session}' if session else subject,
    'stem': f'{subject}_{session}' if session else subject,
  }
