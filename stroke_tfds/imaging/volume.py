"""Voxels with their place in the world, and how the grids of two files relate."""

import dataclasses

import nibabel as nib
import numpy as np

from stroke_tfds.errors import InputError


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


def on_grid_of(volume: Volume, image: Volume, name: str) -> Volume:
  """A mask, label map or contrast where its image is, also when a file does not say where that is.

  Two placed volumes need nothing: `volume` is returned as it is, and is resampled in world space.
  Otherwise voxels belong together in the order in which the two files store them, whatever
  direction the missing position was guessed to have.

  Args:
    volume: Voxels to place.
    image: What was drawn on, or belongs to the same scan.
    name: What an error calls the volume, for instance its path or subject and role.

  Raises:
    InputError: One of the two is not placed and the files' shapes differ.
  """
  if volume.is_placed and image.is_placed:
    return volume
  shape, image_shape = _stored_shape(volume), _stored_shape(image)
  if shape != image_shape:
    unplaced = 'its header' if image.is_placed else 'the header of its image'
    raise InputError(
      f'{name}: shape {shape} on an image of {image_shape} and {unplaced} does not say where it is '
      '(qform_code = sform_code = 0), expected equal shapes or both headers set'
    )
  stored = as_stored(volume.data, volume)
  data = _turn(stored, image.stored_axes, 'RAS')
  return dataclasses.replace(
    volume,
    data=data,
    affine=image.affine,
    is_placed=image.is_placed,
    stored_axes=image.stored_axes,
  )


def as_stored(data: np.ndarray, volume: Volume) -> np.ndarray:
  """Voxels on the grid of a volume, in the order in which its file stores them."""
  return _turn(data, 'RAS', volume.stored_axes)


def _stored_shape(volume: Volume) -> tuple[int, ...]:
  return as_stored(volume.data, volume).shape


def _turn(data: np.ndarray, axes: str, wanted_axes: str) -> np.ndarray:
  """Permutes and flips a (X, Y, Z) array from one set of axis directions to another."""
  orientations = nib.orientations
  change = orientations.ornt_transform(
    orientations.axcodes2ornt(axes), orientations.axcodes2ornt(wanted_axes)
  )
  return orientations.apply_orientation(data, change)
