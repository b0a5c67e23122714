"""Voxels with their place in the world, and how the grids of two files relate."""

import dataclasses

import nibabel as nib
import numpy as np

from stroke_tfds.errors import InputError

_SAME_PLACE_MM = 0.1


@dataclasses.dataclass(frozen=True)
class Volume:
  """Voxels and where they are.

  Attributes:
    data: Shape (X, Y, Z); axes are RAS up to a rotation below 45 degrees.
    affine: Voxel index to world millimetres, shape (4, 4).
    is_placed: False when the file did not say where its voxels are; the affine is then a guess that
      is right about voxel sizes alone.
    stored_axes: Directions of the axes in the file that `data` was read from, such as 'LAS'.
  """

  data: np.ndarray
  affine: np.ndarray
  is_placed: bool = True
  stored_axes: str = 'RAS'

  @property
  def spacing_mm(self) -> np.ndarray:
    return np.linalg.norm(self.affine[:3, :3], axis=0)

  @property
  def voxel_volume_ml(self) -> float:
    return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000


def corners_mm(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
  """World coordinates of the centres of the eight corner voxels, shape (8, 3).

  Two affines differ most at one of these corners.
  """
  ends = [(0, n - 1) for n in shape[:3]]
  corners = np.stack(np.meshgrid(*ends, indexing='ij'), axis=-1).reshape(8, 3)
  return corners @ affine[:3, :3].T + affine[:3, 3]


def same_grid(a: Volume, b: Volume) -> bool:
  """Whether shapes are equal and every voxel is at the same place within 0.1 mm."""
  if a.data.shape[:3] != b.data.shape[:3]:
    return False
  between = corners_mm(a.data.shape, a.affine) - corners_mm(b.data.shape, b.affine)
  return bool(np.linalg.norm(between, axis=1).max() <= _SAME_PLACE_MM)


def on_grid_of(mask: Volume, image: Volume, name: str) -> Volume:
  """A mask where its image is, also when one of the two files does not say where it is.

  Two placed volumes need nothing: the mask is returned as it is, and is resampled in world space.
  Otherwise voxels belong together in the order in which the two files store them, whatever
  direction the missing position was guessed to have.

  Args:
    mask: Voxels to place.
    image: The volume that the mask was drawn on.
    name: What an error calls the mask, for instance its path or subject and role.

  Raises:
    InputError: One of the two is not placed and the files' shapes differ.
  """
  if mask.is_placed and image.is_placed:
    return mask
  mask_shape, image_shape = _stored_shape(mask), _stored_shape(image)
  if mask_shape != image_shape:
    unplaced = 'the mask' if image.is_placed else 'its image'
    raise InputError(
      f'{name}: shape {mask_shape} on an image of {image_shape} and the header of {unplaced} does '
      'not say where it is (qform_code = sform_code = 0), expected equal shapes or both headers set'
    )
  stored = _turn(mask.data, 'RAS', mask.stored_axes)
  data = _turn(stored, image.stored_axes, 'RAS')
  return dataclasses.replace(
    mask,
    data=data,
    affine=image.affine,
    is_placed=image.is_placed,
    stored_axes=image.stored_axes,
  )


def _stored_shape(volume: Volume) -> tuple[int, ...]:
  return _turn(volume.data, 'RAS', volume.stored_axes).shape


def _turn(data: np.ndarray, axes: str, wanted_axes: str) -> np.ndarray:
  """Permutes and flips a (X, Y, Z) array from one set of axis directions to another."""
  orientations = nib.orientations
  change = orientations.ornt_transform(
    orientations.axcodes2ornt(axes), orientations.axcodes2ornt(wanted_axes)
  )
  return orientations.apply_orientation(data, change)
