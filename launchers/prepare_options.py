"""What the flags of `prepare_data` say, checked before any case is read."""

import dataclasses
import importlib.util
import json
from pathlib import Path

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.preprocessing import PERCENTILE
from stroke_tfds.preparation import dicom
from stroke_tfds.preparation.case import REGISTRATIONS
from stroke_tfds.preparation.folder import Settings
from stroke_tfds.preparation.layouts import DWI


@dataclasses.dataclass(frozen=True)
class Options:
  """What the flags of `prepare_data` say; `grid` is a name or JSON, `without_mask` may be ''.

  `series` holds texts CONTRAST=PATTERN.
  """

  source: str
  input: str
  output: str
  workers: int = 1
  contrasts: tuple[str, ...] = ('dwi',)
  registration: str = 'syn'
  grid: str = 'mni_128x128x32'
  without_mask: str = ''
  intensity_scaling: str = PERCENTILE
  viewer: bool = False
  series: tuple[str, ...] = ()


def folders(options: Options) -> tuple[Path, Path]:
  """Input and output.

  Raises:
    InputError: One lies inside the other: what is written would be read as input the next time.
  """
  root, output = Path(options.input).expanduser(), Path(options.output).expanduser()
  inside, outside = output.resolve(), root.resolve()
  if inside.is_relative_to(outside) or outside.is_relative_to(inside):
    raise InputError(f'output {output} and input {root}: one lies inside the other, expected two apart')
  return root, output


def read_settings(options: Options) -> Settings:
  """What every case of the folder is prepared with.

  Raises:
    InputError: A value that is none of its kind, or a registration whose package is not there.
  """
  if options.registration not in REGISTRATIONS:
    raise InputError(f'registration is {options.registration!r}, expected one of {REGISTRATIONS}')
  if options.contrasts[:1] != (DWI,):
    raise InputError(
      f'contrasts is {",".join(options.contrasts)!r}, expected {DWI} first: it is what is registered'
    )
  if options.workers < 1:
    raise InputError(f'workers is {options.workers}, expected at least 1')
  if options.registration != 'none':
    _require_ants()
  read_patterns(options)
  return Settings(
    options.source,
    options.contrasts,
    options.registration,
    read_grid(options.grid),
    options.intensity_scaling,
  )


def read_patterns(options: Options) -> dict[str, str]:
  """Patterns of DICOM series by contrast.

  Raises:
    InputError: One that is none, is of a contrast that is not asked for, or of another source.
  """
  if options.series and options.source != dicom.SOURCE:
    raise InputError(f'series is {",".join(options.series)!r}, expected none for {options.source}')
  patterns = {}
  for text in options.series:
    contrast, _, pattern = text.partition('=')
    if contrast not in options.contrasts or contrast in patterns or not pattern:
      wanted = ','.join(f'{name}=PATTERN' for name in options.contrasts)
      raise InputError(f'series is {text!r}, expected some of {wanted}, each once')
    patterns[contrast] = pattern
  return patterns


def _require_ants() -> None:
  if importlib.util.find_spec('ants') is None:
    raise InputError(
      'registration needs antspyx, which is not installed: pip install "keras-itm[ants]"; '
      'scans in MNI space need none: --registration=none'
    )


def read_grid(text: str) -> Grid:
  """A grid by name or by its fields as JSON.

  Raises:
    InputError: An unknown name, or fields that do not make a grid.
  """
  if not text.lstrip().startswith('{'):
    return get_grid(text)
  try:
    return get_grid(json.loads(text))
  except (json.JSONDecodeError, RecursionError) as error:
    raise InputError(f'grid {text[:80]!r}: {error}, expected a name or a JSON object') from error
