"""Real scans and masks to test on, where they are at hand.

The environment variable KERAS_ITM_SAMPLES names a folder with `soop_masks`, `isles22`, `healthy_dwi`
and `synthseg`; without it, tests that need them are skipped.
"""

import os
import unittest
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / 'shared' / 'data'


def _find() -> Path | None:
  named = os.environ.get('KERAS_ITM_SAMPLES')
  folder = Path(named) if named else _BESIDE
  if named and not folder.is_dir():
    raise FileNotFoundError(f'KERAS_ITM_SAMPLES is {named}: no such folder')
  return folder if folder.is_dir() else None


SAMPLES = _find()
needs_samples = unittest.skipUnless(SAMPLES, 'real samples are absent: set KERAS_ITM_SAMPLES')
