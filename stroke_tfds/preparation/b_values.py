"""What the .bval file beside a scan says of its diffusion weighting."""

from pathlib import Path

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import listing

_LEAST = 200  # s/mm2; below, nothing of a stroke shows but its water.
_MAX_BYTES = 2**20


def read(scan: Path) -> list[float]:
  """The b-values of the volumes of a scan; none without a file.

  Args:
    scan: NIfTI file; the .bval beside it has its name.

  Raises:
    InputError: It holds other than numbers.
  """
  path = Path(f'{listing.without_ending(str(scan))}.bval')
  if not path.is_file():  # A link to content that was not downloaded is none either.
    return []
  try:
    return [float(text) for text in path.read_bytes()[:_MAX_BYTES].decode().split()]
  except (OSError, UnicodeDecodeError, ValueError) as error:
    raise InputError('its .bval holds other than numbers, expected b-values in s/mm2') from error


def why_unweighted(scan: Path) -> str:
  """Why the scan is no diffusion-weighted one, '' where nothing says so.

  Args:
    scan: NIfTI file; the .bval beside it has its name.
  """
  try:
    values = read(scan)
  except InputError as error:
    return str(error)
  if values and max(values) < _LEAST:
    return (
      f'its .bval says b = {max(values):g} s/mm2, which is no diffusion-weighted image; '
      'expected a trace-weighted one, b near 1000 s/mm2'
    )
  return ''
