"""What the scripts share: where the samples are, and the table that a script leaves."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MEASUREMENTS = ROOT / 'docs' / 'measurements'


def samples(name: str) -> Path:
  """A folder of real samples: soop_masks, isles22, healthy_dwi or synthseg.

  Raises:
    SystemExit: KERAS_ITM_SAMPLES names no folder that has it.
  """
  folder = Path(os.environ.get('KERAS_ITM_SAMPLES', '')) / name
  if 'KERAS_ITM_SAMPLES' not in os.environ or not folder.is_dir():
    raise SystemExit(f'KERAS_ITM_SAMPLES: expected a folder that holds {name}')
  return folder


def write_table(script: str, rows: Sequence[Mapping[str, Any]]) -> Path:
  """Writes docs/measurements/NAME.csv of a script (its `__file__`), floats to four digits; prints it."""
  file = MEASUREMENTS / f'{Path(script).stem}.csv'
  file.parent.mkdir(exist_ok=True)
  with file.open('w', newline='') as stream:
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator='\n')
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
  print(file.read_text(), end='')
  return file


def _cell(value: Any) -> Any:
  if not isinstance(value, float):
    return value
  return f'{value:.4g}' if math.isfinite(value) else ''
