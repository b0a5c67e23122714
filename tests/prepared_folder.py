"""Small prepared folders, written as `launchers.prepare_data` writes them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.preparation.folder import PreparedFolder, Settings
from stroke_tfds.preparation.tables import NEGATIVE, POSITIVE, PREPARED, Participant

# Twice as fine as TINY, so that builders have to resample.
FINE = Grid('fine', (32, 32, 8), (6.0, 6.0, 16.0), (-96.0, -114.0, -56.0))
TINY = {
  'name': 'tiny',
  'shape': [16, 16, 4],
  'spacing_mm': [12.0, 12.0, 32.0],
  'corner_mm': [-96.0, -114.0, -56.0],
}


def participant(
  case_id: str, group: str = POSITIVE, split: str = '', status: str = PREPARED
) -> Participant:
  return Participant(case_id.split('_')[0], case_id, group, split, status)


def cohort(n_positive: int, n_negative: int = 0) -> list[Participant]:
  """`sub-p0` ... and `sub-n0` ..., one case each."""
  positive = [participant(f'sub-p{i}') for i in range(n_positive)]
  return positive + [participant(f'sub-n{i}', NEGATIVE) for i in range(n_negative)]


def write_folder(
  path: Path,
  cases: Iterable[Participant],
  *,
  source: str = 'bids',
  contrasts: tuple[str, ...] = ('dwi',),
  grid: Grid = FINE,
  seed: int = 0,
  scaling: str = 'percentile',
) -> PreparedFolder:
  """Writes random images; a lesion of 2 x 2 x 2 voxels at (16, 16, 4) if positive, and two labels."""
  rng = np.random.default_rng(seed)
  settings = Settings(source, contrasts, 'none', grid, scaling)
  folder = PreparedFolder.create(path, settings)
  labels = np.ones(grid.shape, np.uint8)
  labels[: grid.shape[0] // 2] = 2
  lesion = np.zeros(grid.shape, np.float32)
  lesion[16:18, 16:18, 4:6] = 1
  cases = list(cases)
  for case in cases:
    image = rng.random((*grid.shape, len(contrasts)), np.float32)
    fraction = lesion if case.group == POSITIVE else None
    sidecar = {'group': case.group, 'labels_from': 'template', 'inputs': '', 'quality': {}}
    sidecar |= {'seconds': 0.0, 'suspicions': {}, 'image_sha256': ''}
    folder.write_case(case.case_id, image, labels, fraction, sidecar)
  folder.write_tables(cases, [])
  return PreparedFolder(path)
