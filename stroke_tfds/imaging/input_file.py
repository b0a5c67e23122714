"""Opening a file that a stranger names: where it may lie, and how many of its bytes are believed."""

import contextlib
import errno
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from stroke_tfds.errors import InputError

MAX_OTHER_BYTES = 2**24  # Header extensions before the voxels, tags after them.
_CHUNK_BYTES = 2**20
_GZIP_MAGIC = b'\x1f\x8b'
# What other files under the name of an image begin with, and what they are.
_KINDS = (
  (
    b'/annex/objects/',
    'a git-annex pointer without the content: get it by datalad get',
  ),
  (
    b'../.git/annex/',
    'a git-annex link stored as text: get the content by datalad get',
  ),
  (b'version https://git-lfs', 'a Git LFS pointer without the content: get it by git lfs pull'),
  (b'<', 'a web page or XML'),
  (b'PK\x03\x04', 'a zip archive'),
  (b'NRRD', 'an NRRD image'),
)
_DICOM_MARK = slice(128, 132)


def locate(path: str | os.PathLike, root: Path | None = None) -> Path:
  """The regular file at `path`, with links resolved.

  Raises:
    InputError: It is missing, not a regular file, not permitted, or lies outside `root`.
  """
  given = Path(path).expanduser()
  try:
    file = given.resolve(strict=True)
    is_regular = stat.S_ISREG(file.stat().st_mode)
    inside = root is None or file.is_relative_to(Path(root).expanduser().resolve())
  except FileNotFoundError as error:
    found = 'a link to a file that is absent' if os.path.islink(given) else 'no such file'
    raise InputError(f'{path}: {found}, expected a NIfTI or MGH file') from error
  except (OSError, RuntimeError) as error:  # A loop of links is the latter before Python 3.13.
    raise InputError(f'{path}: {reason(error)}, expected a NIfTI or MGH file') from error
  if not inside:
    raise InputError(
      f'{path}: is a link that leads outside the input folder, expected a file inside it'
    )
  if not is_regular:
    raise InputError(f'{path}: is not a regular file, expected a NIfTI or MGH file')
  return file


def kind_of(block: bytes) -> str:
  """What a file is that begins with `block` (132 bytes or more, where it has them); '' if unknown."""
  if not block:
    return 'an empty file'
  if block[_DICOM_MARK] == b'DICM':
    return 'a DICOM file'
  return next((kind for start, kind in _KINDS if block.lstrip().startswith(start)), '')


@contextlib.contextmanager
def opened(name: str, file: Path) -> Iterator[io.BufferedIOBase]:
  """The file's bytes, unpacked if they are gzip; damage met while reading becomes one line on `name`.

  The bytes decide, not the name: unpacked files keep `.gz` in their names, and packed ones lose it.
  """
  try:
    with open(file, 'rb') as raw:
      zipped = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
      raw.seek(0)
      with gzip.GzipFile(fileobj=raw) if zipped else contextlib.nullcontext(raw) as stream:
        yield stream
  except EOFError as error:
    raise InputError(f'{name}: truncated, its gzip stream has no end; expected a whole file') from error
  except (gzip.BadGzipFile, zlib.error) as error:
    found = reason(error).partition(' (')[0]  # In brackets follow bytes of the file.
    raise InputError(f'{name}: corrupt gzip ({found}), expected a sound file') from error
  except OSError as error:
    raise InputError(f'{name}: {reason(error)}, expected a file that can be read') from error


def read_voxel_bytes(name: str, stream: io.BufferedIOBase, n_skip: int, n_bytes: int) -> bytearray:
  """Skips `n_skip` bytes, reads `n_bytes` and sees that little follows.

  Memory grows with what the file holds, not with what its header announces. The stream is read to its
  end, where gzip keeps the checksum.

  Raises:
    InputError: The file holds less, or much more, than its header announces.
  """
  _skip(stream, n_skip)
  voxels = bytearray()
  while len(voxels) < n_bytes:
    chunk = stream.read(min(_CHUNK_BYTES, n_bytes - len(voxels)))
    if not chunk:
      raise InputError(
        f'{name}: truncated, holds {len(voxels)} bytes of voxels, expected {n_bytes} from its header'
      )
    voxels += chunk
  if _skip(stream, MAX_OTHER_BYTES + 1) > MAX_OTHER_BYTES:
    raise InputError(
      f'{name}: goes on for more than {MAX_OTHER_BYTES} bytes after its voxels, '
      f'expected the {n_bytes} bytes that its header announces'
    )
  return voxels


def _skip(stream: io.BufferedIOBase, n_bytes: int) -> int:
  """Reads on without keeping; the number of bytes that there were."""
  n_left = n_bytes
  while n_left and (chunk := stream.read(min(_CHUNK_BYTES, n_left))):
    n_left -= len(chunk)
  return n_bytes - n_left


def reason(error: Exception) -> str:
  """What an error says, in one line and without the path that an OSError repeats."""
  if isinstance(error, PermissionError):
    return 'permission denied'
  if isinstance(error, RuntimeError) or getattr(error, 'errno', None) == errno.ELOOP:
    return 'a loop of links'
  text = getattr(error, 'strerror', None) or str(error)
  return ' '.join(text.split()) or type(error).__name__
