"""Where a registration starts: the best of many rigid placements of a scan on the template.

A scan that covers a slab of the head has its centre of mass far from the brain's, and the optimiser
of a registration finds its way only from nearby. The score of a placement is the mutual information
over the scan's own voxels: all placements are judged on the same voxels, however much of the
template these cover.
"""

import itertools

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.volume import Volume

_SEARCH_MM = 5.0
_N_BINS = 32
_PITCH_DEG = (-20, -10, 0, 10, 20)
_SHIFT_Y_MM = (-12, 0, 12)
_SHIFT_Z_MM = tuple(range(-54, 55, 6))


def best_placement(scan: Volume, counts: np.ndarray, template: Volume) -> np.ndarray:
  """The rigid placement of highest mutual information.

  Args:
    scan: Intensities of a brain, 0 outside.
    counts: bool of the scan's shape, False where a voxel shall not count.
    template: Intensities of the brain in MNI space, 0 outside.

  Returns:
    Affine from the scan's world to MNI millimetres, shape (4, 4).
  """
  coarse = isotropic(scan, _SEARCH_MM)
  counted = isotropic(Volume(counts.astype(np.float32), scan.affine), _SEARCH_MM).data > 0.5
  world_mm = coarse.affine @ np.stack([*np.nonzero(counted), np.ones(counted.sum())])
  bins = _bins(coarse.data[counted], scan.data.max())
  blurred = ndimage.gaussian_filter(template.data, _SEARCH_MM / 2 / template.spacing_mm)
  placements = list(_placements(_centre_mm(coarse), _centre_mm(template)))
  to_index = np.linalg.inv(template.affine)
  scores = []
  for placement in placements:
    at = (to_index @ placement @ world_mm)[:3]
    shown = ndimage.map_coordinates(blurred, at, order=1, mode='constant', cval=0)
    scores.append(_mutual_information(bins, _bins(shown, template.data.max())))
  return placements[int(np.argmax(scores))]


def isotropic(volume: Volume, spacing_mm: float) -> Volume:
  """The same box in voxels of about `spacing_mm` along each axis, by linear interpolation."""
  extent_mm = np.asarray(volume.data.shape) * volume.spacing_mm
  shape = np.maximum(np.rint(extent_mm / spacing_mm), 1).astype(int)
  step = np.asarray(volume.data.shape) / shape
  data = volume.data.astype(np.float32)
  if np.any(step > 1.5):  # Average what would be skipped.
    data = ndimage.uniform_filter(data, np.maximum(np.rint(step), 1).astype(int), mode='nearest')
  offset = (step - 1) / 2
  data = ndimage.affine_transform(data, np.diag(step), offset, tuple(shape), order=1, mode='nearest')
  index = np.diag([*step, 1.0])
  index[:3, 3] = offset
  return Volume(data, volume.affine @ index)


def _placements(from_mm: np.ndarray, to_mm: np.ndarray):
  for pitch, y, z in itertools.product(_PITCH_DEG, _SHIFT_Y_MM, _SHIFT_Z_MM):
    angle = np.deg2rad(pitch)
    placement = np.eye(4)
    placement[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    placement[:3, 3] = to_mm + np.array([0, y, z]) - placement[:3, :3] @ from_mm
    yield placement


def _centre_mm(volume: Volume) -> np.ndarray:
  centre = ndimage.center_of_mass(volume.data > 0.2 * volume.data.max())
  return volume.affine[:3, :3] @ centre + volume.affine[:3, 3]


def _bins(values: np.ndarray, top: float) -> np.ndarray:
  return np.clip(values / top * _N_BINS, 0, _N_BINS - 1).astype(int)


def _mutual_information(one: np.ndarray, other: np.ndarray) -> float:
  counts = np.bincount(one * _N_BINS + other, minlength=_N_BINS**2).reshape(_N_BINS, _N_BINS)
  joint = counts / counts.sum()
  apart = np.outer(joint.sum(1), joint.sum(0))
  seen = joint > 0
  return float(np.sum(joint[seen] * np.log(joint[seen] / apart[seen])))
