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


def mask_to_scan(
  mask: np.ndarray, grid: Grid, scan: Volume, transform: Transform, n_classes: int = 1
) -> np.ndarray:
  """Brings a mask back: the scan's voxels nearest to it, of the volume that it has in the scan.

  Where the scan is finer than the grid its outline is smooth, by linear interpolation. No mask is lost
  for its size: of one that touches the scan at least a voxel stays.

  Args:
    mask: uint8 on `grid`: 0 outside of a lesion, then its classes from 1 to n_classes.
    grid: In MNI space.
    scan: What was registered.
    transform: From MNI space to the scan's world, an affine.
    n_classes: How many classes there are.

  Returns:
    uint8 of the shape of `scan.data`: 0 or 1, or classes.

  Raises:
    ValueError: The transform is none that can be turned round.
  """
  target = voxel_grid(scan)
  back = _from_scan(scan, target, transform)
  volume = resample.lesion_voxels(resample.resample_mask(Volume(mask > 0, grid.affine), target, back))
  inside = resample.highest(image_to_scan(mask > 0, grid, scan, transform), int(volume.sum()))
  if n_classes == 1:
    return inside
  shares = [image_to_scan(mask == k, grid, scan, transform) for k in range(1, n_classes + 1)]
  return inside * (1 + np.argmax(shares, axis=0)).astype(np.uint8)


def image_to_scan(image: np.ndarray, grid: Grid, scan: Volume, transform: Transform) -> np.ndarray:
  """Brings intensities back by linear interpolation; arguments and errors as for `mask_to_scan`.

  Returns:
    float32 of the shape of `scan.data`; 0 outside the grid.
  """
  target = voxel_grid(scan)
  placed = Volume(image.astype(np.float32), grid.affine)
  return resample.resample_image(placed, target, _from_scan(scan, target, transform))


def mask_on_scan(mask: Volume, scan: Volume, n_classes: int = 1) -> np.ndarray:
  """A mask drawn in the world of a scan, on any grid, on the voxels of the scan.

  Args:
    mask: 0 outside of a lesion, then its classes from 1 to n_classes.
    scan: The scan.
    n_classes: How many classes there are.

  Returns:
    uint8 of the shape of `scan.data`: 0 or 1, or classes.
  """
  if mask.data.shape == scan.data.shape:
    apart_mm = corners_mm(scan.data.shape, mask.affine) - corners_mm(scan.data.shape, scan.affine)
    if np.abs(apart_mm).max() < _SAME_MM:
      return mask.data.astype(np.uint8)
  target = voxel_grid(scan)
  return resample.resample_classes(mask, n_classes, target, Transform(_to_world(scan, target)))


def _from_scan(scan: Volume, target: Grid, transform: Transform) -> Transform:
  """From millimetres of `voxel_grid` to MNI space."""
  if not transform.is_affine:
    raise ValueError('the transform has a displacement, expected an affine')
  return Transform(np.linalg.inv(transform.matrix) @ _to_world(scan, target))


def _to_world(scan: Volume, target: Grid) -> np.ndarray:
  """From millimetres of `voxel_grid` to the scan's world, shape (4, 4)."""
  return scan.affine @ np.linalg.inv(target.affine)
