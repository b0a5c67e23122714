"""The contrasts of one scan: where they lie, and their intensities on a grid."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from stroke_tfds.errors import InputError, naming
from stroke_tfds.imaging import resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import head_mask, scale, scale_adc
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume, on_grid_of
from stroke_tfds.preparation.layouts import ADC

_COVERED = 0.5  # Share of a voxel.


def place(images: Mapping[str, Volume]) -> dict[str, Volume]:
  """Each contrast where its header says, or, where that says nothing, on the voxels of the first.

  Args:
    images: Volumes by role, the one that is registered first.

  Raises:
    InputError: The header of the first does not place it, the first is a mask, or another without a
      place has another shape.
  """
  role, reference = next(iter(images.items()))
  if not reference.is_placed:
    raise InputError(
      f'{role}: its header does not say where the image lies (qform and sform codes are 0), '
      'expected one of them above 0'
    )
  low, high = reference.data.min(), reference.data.max()
  if ((reference.data == low) | (reference.data == high)).all():
    raise InputError(f'{role}: holds {low:g} and {high:g} alone, as a mask does, expected a scan')
  return {role: on_grid_of(volume, reference, role) for role, volume in images.items()}


def coverage(reference: Volume, grid: Grid, transform: Transform) -> np.ndarray:
  """Voxels of the grid of which half or more lies on the voxels of a scan, bool (X, Y, Z).

  Args:
    reference: The scan, whatever it shows.
    grid: Where the voxels are.
    transform: From MNI space to the world of the scan.
  """
  field = dataclasses.replace(reference, data=np.ones(reference.data.shape, np.uint8))
  return resample.resample_mask(field, grid, transform) >= _COVERED


def on_grid(images: Mapping[str, Volume], grid: Grid, transform: Transform, scaling: str) -> np.ndarray:
  """Each contrast scaled inside the head that the first one shows; an ADC keeps its unit.

  Args:
    images: As `place` gives them.
    grid: Where the voxels shall be.
    transform: From MNI space to the world of the scan.
    scaling: Of images without a unit, `percentile` or `parenchyma_median`.

  Returns:
    float32 in [0, 1], shape (X, Y, Z, C).

  Raises:
    InputError: Nothing of the first falls on the grid, or intensities that cannot be scaled.
  """
  channels, head = [], None
  for role, volume in images.items():
    values = np.maximum(resample.resample_image(volume, grid, transform), 0)
    if head is None:
      if not values.any():
        raise InputError(f'{role}: no intensity above 0 falls on the grid, expected a head there')
      head = head_mask(values)
    if role == ADC:
      channels.append(naming(role, scale_adc, values, head))
    else:
      channels.append(naming(role, scale, values, head, grid, scaling))
  return np.stack(channels, -1)
