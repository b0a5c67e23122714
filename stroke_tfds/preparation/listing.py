"""Lists an input folder once: which files belong to which subject."""

import dataclasses
import os
from pathlib import Path

from stroke_tfds.errors import InputError

_ENDINGS = ('.nii.gz', '.nii', '.mgz', '.mgh')


@dataclasses.dataclass
class Listed:
  """Files of a subject relative to the input folder, and what forbids to use them."""

  paths: list[str] = dataclasses.field(default_factory=list)
  problem: str = ''


def list_subjects(root: Path) -> dict[str, Listed]:
  """Images, masks and label maps of each subject, by the first `sub-*` in their path.

  Hidden folders are left out. Links to folders are not followed.

  Raises:
    InputError: No such folder; a folder outside all subjects that is a link or cannot be read.
  """
  if not root.is_dir():
    raise InputError(f'{root}: no such folder, expected the input')
  subjects: dict[str, Listed] = {}

  def refuse(path: str, reason: str) -> None:
    subject = _subject(os.path.relpath(path, root))
    if not subject:
      raise InputError(f'{path}: {reason}')
    subjects.setdefault(subject, Listed()).problem = f'a folder of it {reason}'

  def cannot_be_listed(error: OSError) -> None:
    refuse(error.filename, f'cannot be read: {error.strerror}')

  for folder, names, files in os.walk(root, onerror=cannot_be_listed):
    names[:] = sorted(name for name in names if not name.startswith('.'))
    for name in names:
      path = os.path.join(folder, name)
      if os.path.islink(path):
        refuse(path, 'is a link to a folder, which may lead outside the input; expected a folder')
      if folder == str(root) and name.startswith('sub-'):
        subjects.setdefault(name, Listed())
    for name in sorted(files):
      path = os.path.relpath(os.path.join(folder, name), root)
      subject = _subject(path)
      if subject and name.endswith(_ENDINGS) and not name.startswith('.'):
        subjects.setdefault(subject, Listed()).paths.append(Path(path).as_posix())
  return subjects


def without_ending(path: str) -> str:
  """The path without the ending of an image file."""
  return next((path[: -len(ending)] for ending in _ENDINGS if path.endswith(ending)), path)


def _subject(path: str) -> str:
  """The first folder `sub-*` of the path, else what its file's name begins with; '' for none."""
  *folders, name = Path(path).parts
  for folder in folders:
    if folder.startswith('sub-'):
      return folder
  if not name.startswith('sub-'):
    return ''
  return without_ending(name).split('_')[0]
