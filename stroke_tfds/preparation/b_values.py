"""What the .bval file beside a scan says of its diffusion weighting."""

from pathlib import Path

from stroke_tfds.preparation import listing

_LEAST = 200  # s/mm2; below, nothing of a stroke shows but its water.
_MAX_BYTES = 2**20


def why_unweighted(scan: Path) -> str:
  """Why the scan is no diffusion-weighted one, '' where nothing says so.

  Args:
    scan: NIfTI file; the .bval beside it has its name.
  """
  path = Path(f'{listing.without_ending(str(scan))}.bval')
  if not path.is_file():  # A link to content that was not downloaded is none either.
    return ''
  try:
    values = [float(text) for text in path.read_bytes()[:_MAX_BYTES].decode().split()]
  except (OSError, UnicodeDecodeError, ValueError):
    return 'its .bval holds other than numbers, expected b-values in s/mm2'
  if values and max(values) < _LEAST:
    return (
      f'its .bval says b = {max(values):g} s/mm2, which is no diffusion-weighted image; '
      'expected a trace-weighted one, b near 1000 s/mm2'
    )
  return ''
