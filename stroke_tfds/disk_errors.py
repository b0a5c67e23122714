"""What the system says of disks, folders and names of files, whoever met it, as one line."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.files import DISK_FULL

_FULL = (*DISK_FULL, errno.EFBIG)
_OF_DISK = (
  *(*_FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT, errno.ENOTDIR),
  *(errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
)
_MAX_TEXT = 300
_OPERATION = re.compile(r'\{\{.*?\}\}| *\[Op:.*')


@contextlib.contextmanager
def disk_errors_named() -> Iterator[None]:
  """Turns errors of the disk into one line; others pass.

  Raises:
    InputError: A full disk, a folder that cannot be written, a name that is too long, and so on.
  """
  try:
    yield
  except (OSError, RuntimeError, tf.errors.OpError) as error:
    told = disk_error(error)
    if not told:
      raise
    raise InputError(told) from error


def disk_error(error: BaseException) -> str:
  """What an error says of the disk and what is expected; '' of one that says nothing of it."""
  while type(error).__name__ == 'ExceptionProxy' and error.__context__:
    error = error.__context__  # Gin's stand-in has no number.
  while isinstance(error, RuntimeError) and error.__cause__:
    error = error.__cause__  # TFDS' stand-in.
  if isinstance(error, OSError) and error.errno in _OF_DISK:
    name = str(error.filename or '')[:_MAX_TEXT]
    return _advice(f'{name}{": " if name else ""}{os.strerror(error.errno)}')
  # TensorFlow's errors have none either.
  if isinstance(error, tf.errors.OpError) and any(os.strerror(n) in str(error) for n in _OF_DISK):
    return _advice(told_by_tensorflow(error))
  return ''


def told_by_tensorflow(error: tf.errors.OpError) -> str:
  """What an error of TensorFlow says, without the operation that met it."""
  text = ' '.join(str(error).split())
  return _OPERATION.sub('', text)[:_MAX_TEXT].strip()


def is_full(error: BaseException) -> bool:
  """Whether an error says that there is no room."""
  return disk_error(error).startswith('disk full')


def _advice(text: str) -> str:
  if any(os.strerror(number) in text for number in _FULL):
    return f'disk full: {text}; free some space, the same command goes on'
  return f'{text}; expected files and folders that can be used'
