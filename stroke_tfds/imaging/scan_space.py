"""From a grid in MNI space back to the voxels of the scan that was brought there."""

import numpy as np

from stroke_tfds.imaging import resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume, corners_mm

_SAME_MM = 1e-2  # Nearer than this are the corners of one and the same grid.


def voxel_grid(scan: Volume) -> Grid:
  """The voxels of a scan, however it is turned, as a box of their size with its corner at 0."""
  n_x, n_y, n_z = scan.data.shape
  x_mm, y_mm, z_mm = (float(mm) for mm in scan.spacing_mm)
  return Grid('scan', (n_x, n_y, n_z), (x_mm, y_mm, z_mm), (0.0, 0.0, 0.0))


def mask_to_scan(mask: np.ndarray, grid: Grid, scan: Volume, transform: Transform) -> np.ndarray:
  """Brings a mask back: the scan's voxels nearest to it, of the volume that it has in the scan.

  Where the scan is finer than the grid its outline is smooth, by linear interpolation. No mask is lost
  for its size: of one that touches the scan at least a voxel stays.

  Args:
    mask: uint8 of 0 and 1 on `grid`.
    grid: In MNI space.
    scan: What was registered.
    transform: From MNI space to the scan's world, an affine.

  Returns:
    uint8 of 0 and 1 of the shape of `scan.data`.

  Raises:
    ValueError: The transform is none that can be turned round.
  """
  target = voxel_grid(scan)
  back = _from_scan(scan, target, transform)
  volume = resample.lesion_voxels(resample.resample_mask(Volume(mask, grid.affine), target, back))
  return resample.highest(image_to_scan(mask, grid, scan, transform), int(volume.sum()))


def image_to_scan(image: np.ndarray, grid: Grid, scan: Volume, transform: Transform) -> np.ndarray:
  """Brings intensities back by linear interpolation; arguments and errors as for `mask_to_scan`.

  Returns:
    float32 of the shape of `scan.data`; 0 outside the grid.
  """
  target = voxel_grid(scan)
  placed = Volume(image.astype(np.float32), grid.affine)
  return resample.resample_image(placed, target, _from_scan(scan, target, transform))


def mask_on_scan(mask: Volume, scan: Volume) -> np.ndarray:
  """A mask drawn in the world of a scan, on any grid, on the voxels of the scan: uint8 of 0 and 1."""
  if mask.data.shape == scan.data.shape:
    apart_mm = corners_mm(scan.data.shape, mask.affine) - corners_mm(scan.data.shape, scan.affine)
    if np.abs(apart_mm).max() < _SAME_MM:
      return mask.data.astype(np.uint8)
  target = voxel_grid(scan)
  return resample.lesion_voxels(
    resample.resample_mask(mask, target, Transform(_to_world(scan, target)))
  )


def _from_scan(scan: Volume, target: Grid, transform: Transform) -> Transform:
  """From millimetres of `voxel_grid` to MNI space."""
  if not transform.is_affine:
    raise ValueError('the transform has a displacement, expected an affine')
  return Transform(np.linalg.inv(transform.matrix) @ _to_world(scan, target))


def _to_world(scan: Volume, target: Grid) -> np.ndarray:
  """From millimetres of `voxel_grid` to the scan's world, shape (4, 4)."""
  return scan.affine @ np.linalg.inv(target.affine)
