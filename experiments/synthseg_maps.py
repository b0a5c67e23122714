"""Eight real label maps (SynthSeg): overlap with the template, and volumes kept on coarse voxels.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.synthseg_maps
Hardware: 2 CPU cores.
Time: 6 minutes.
Expected: registered by an affine, brains overlap with a Dice above .9; volumes kept within 9 %.

A row for each structure: Dice of the phantom's rule-based anatomy with the majority of the eight maps
(deformably registered, voxels of 1 mm), and the largest change of volume of any map on a grid's voxels
beside its own volume in them, by plain majority and by the vote that keeps volumes.
"""

import numpy as np

from experiments._common import samples, write_table
from stroke_tfds.imaging import nifti, registration, resample
from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy

N_LABELS = len(ASEG28.names)


def main() -> None:
  anatomy = template_anatomy()
  corner_mm = tuple(float(c) - 0.5 for c in anatomy.origin_mm)
  box = Grid('template', anatomy.labels.shape, (1.0, 1.0, 1.0), corner_mm)
  votes = np.zeros((N_LABELS, *box.shape), np.uint8)
  overlaps, changes = [], []
  for file in nifti.list_nifti(samples('synthseg')):
    codes = nifti.read_label_map(file)
    ids = Volume(ASEG28.from_codes(codes.data, file.name), codes.affine)
    affine = registration.register_labels(ids, ASEG28)
    overlaps.append(_dice(_pulled(ids, box, affine) > 0, anatomy.labels > 0))
    changes.append([_changes(ids, grid, affine) for grid in GRIDS.values()])
    warped = _pulled(ids, box, registration.register_labels(ids, ASEG28, deformable=True))
    for i in range(N_LABELS):
      votes[i] += warped == i
    print(f'{file.name}: brain Dice {overlaps[-1]:.3f}', flush=True)
  majority = votes.argmax(0)
  rows = [
    _row('brain, affine, least', dice=min(overlaps)),
    _row('brain, affine, most', dice=max(overlaps)),
  ]
  worst = np.abs(np.array(changes)).max(axis=0)  # [grids, votes, labels]
  for i, name in enumerate(ASEG28.names[1:], 1):
    rows.append(_row(name, _dice(majority == i, anatomy.labels == i), worst[..., i]))
  rows.append(_row('all structures, most', worst=worst[..., 1:].max(axis=-1)))
  write_table(__file__, rows)


def _row(name: str, dice: float | str = '', worst: np.ndarray | None = None) -> dict:
  row = {'structure': name, 'dice': dice}
  for g, grid in enumerate(GRIDS):
    for v, vote in enumerate(('plain', 'kept')):
      row[f'change_{vote}_{grid}'] = '' if worst is None else float(worst[g, v])
  return row


def _pulled(ids: Volume, box: Grid, transform) -> np.ndarray:
  return resample.resample_labels(ids, box, N_LABELS, transform)


def _changes(ids: Volume, grid: Grid, transform) -> np.ndarray:
  """Relative change of volume [plain majority or vote, label] from sub-voxels to the grid's voxels."""
  fine, factors = resample.subdivide(grid, ids.spacing_mm)
  labels = _pulled(ids, fine, transform)
  true = np.bincount(labels.ravel(), minlength=N_LABELS) / np.prod(factors)
  found = [
    np.bincount(vote(labels, factors, N_LABELS).ravel(), minlength=N_LABELS)
    for vote in (resample.block_vote, resample.volume_keeping_vote)
  ]
  return np.array(found) / np.maximum(true, 1) - 1


def _dice(one: np.ndarray, other: np.ndarray) -> float:
  return float(2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other)))


if __name__ == '__main__':
  main()
