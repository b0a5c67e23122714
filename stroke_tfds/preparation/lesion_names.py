"""Which file of a subject is its lesion, by name: stroke cohorts hold masks of many other things.

A name is read from its end: the last part that tells decides, so `sub-1_brain_lesion_mask` is a lesion
and `sub-1_lesion_brain_mask` is none. Parts that describe the scan (`acq-stroke`) tell nothing.
"""

import dataclasses
import enum
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from stroke_tfds.preparation import listing

_LESION = re.compile('lesion|stroke|infarct')
_LESION_FOLDER = re.compile('lesion|infarct')  # Studies are called after strokes, with all their masks.
_NO_LESION = re.compile(
  '(non|no|peri|contra|without)-?(lesion|stroke|infarct)|(lesion|stroke|infarct)s?-?(free|brain|head)'
)
_OTHER = re.compile(
  'brain|head|skull|strip|ventric|cortex|cortical|tissue|vessel|cerebell|thalam|hemisph|parenchym'
  '|background|foreground|healthy|normal|penumbra|fmriprep|freesurfer|fastsurfer|synthseg|samseg'
)
_OTHER_WORDS = {'bet', 'hdbet', 'csf', 'wm', 'gm', 'wmh', 'eye', 'eyes', 'fov', 'air', 'icv', 'tiv'}
_OF_THE_SCAN = re.compile('(acq|rec|dir|run|echo|part|ce|ses|task|space|res|den|chunk|mod)-')
_MASK = re.compile('mask|msk')
_MASK_END = re.compile('(mask|msk|roi|dseg|lesions?|strokes?|infarcts?)$')
_SAYS_WHAT = re.compile('(desc|label)-')
_DERIVED = 'derivatives'


class _Kind(enum.Enum):
  LESION = enum.auto()
  OTHER = enum.auto()
  UNTOLD = enum.auto()


@dataclasses.dataclass(frozen=True)
class Found:
  """Files that can be the lesion; `are_named` says whether a word tells so, or there is no other."""

  paths: list[str]
  are_named: bool


def find_lesions(paths: Iterable[str], subject: str) -> Found:
  """Masks of a lesion among the files of a subject.

  Args:
    paths: Relative to the input folder, with endings.
    subject: `sub-X`.

  Returns:
    Files whose name holds a telling word (lesion, stroke, infarct); else those in a folder that is
    called after lesions; else plain masks that nothing tells of, to be looked at with suspicion.
  """
  named: list[str] = []
  in_folder: list[str] = []
  plain: list[str] = []
  for path in sorted(paths):
    *folders, name = PurePosixPath(listing.without_ending(path).lower()).parts
    first, *parts = name.split('_')
    if first != subject.lower() or not parts or not folders or not _MASK_END.search(parts[-1]):
      continue
    kind = _kind_of_name(parts)
    if kind is _Kind.LESION:
      named.append(path)
    elif kind is _Kind.UNTOLD and _MASK.fullmatch(parts[-1]) and not any(map(_SAYS_WHAT.match, parts)):
      of_folder = _kind_of_folders(folders)
      if of_folder is not _Kind.OTHER:
        (in_folder if of_folder is _Kind.LESION else plain).append(path)
  return Found(named or in_folder or plain, bool(named or in_folder))


def is_named_lesion(path: str) -> bool:
  """Whether the file's name says that it is a lesion."""
  _, *parts = PurePosixPath(listing.without_ending(path).lower()).name.split('_')
  return bool(parts and _MASK_END.search(parts[-1])) and _kind_of_name(parts) is _Kind.LESION


def _kind_of_name(parts: list[str]) -> _Kind:
  for part in reversed([part for part in parts if not _OF_THE_SCAN.match(part)]):
    if _NO_LESION.search(part):
      return _Kind.OTHER
    if _LESION.search(part):
      return _Kind.LESION
    if _is_other(part):
      return _Kind.OTHER
  return _Kind.UNTOLD


def _kind_of_folders(folders: list[str]) -> _Kind:
  """Of those in `derivatives`, the nearest one that tells."""
  if folders[0] != _DERIVED:
    return _Kind.UNTOLD
  for folder in reversed([f for f in folders[1:] if not f.startswith(('sub-', 'ses-'))]):
    is_lesion, is_other = bool(_LESION_FOLDER.search(folder)), _is_other(folder)
    if is_lesion != is_other:
      return _Kind.LESION if is_lesion else _Kind.OTHER
  return _Kind.UNTOLD


def _is_other(part: str) -> bool:
  return bool(_OTHER.search(part)) or bool(_OTHER_WORDS & {*re.split('[^a-z]+', part)})
