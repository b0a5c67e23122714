"""A SynthSeg or FreeSurfer label map of the user's own, on a generator's grid and back."""

import dataclasses
import os

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.brain_map import SPACES, read_brain_map
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.scan_space import image_to_scan, mask_to_scan
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.phantom.anatomy import template_labels


@dataclasses.dataclass(frozen=True)
class OwnMap:
  """A map on a grid in MNI space, and the way back to its own voxels.

  Attributes:
    labels: Ids of `aseg28`, uint8 [X, Y, Z] of the grid.
    grid: Where these are.
    volume: The map as read, FreeSurfer's codes.
    transform: From MNI space to the map's world.
  """

  labels: np.ndarray = dataclasses.field(repr=False)
  grid: Grid
  volume: Volume = dataclasses.field(repr=False)
  transform: Transform = dataclasses.field(repr=False)

  def image_back(self, image: np.ndarray) -> np.ndarray:
    """Intensities [X, Y, Z] of the grid on the voxels of the map, RAS; float32, 0 outside the grid."""
    return image_to_scan(image, self.grid, self.volume, self.transform)

  def mask_back(self, mask: np.ndarray) -> np.ndarray:
    """A mask [X, Y, Z] of the grid on the voxels of the map, RAS; uint8, of the volume it has there."""
    return mask_to_scan(mask, self.grid, self.volume, self.transform)


def read_map(
  path: str | os.PathLike[str], grid: str | dict | Grid = 'mini', space: str = 'mni'
) -> OwnMap:
  """Reads a label map for a generator:

      own = stroke_tfds.read_map('synthseg.nii.gz', 'mini', space='native')
      case = keras_itm.synthesize(own.labels, 'runs/translator', 'runs/lesion_gan/bundle', seed=0)
      lesion = own.mask_back(case.lesion)

  Args:
    path: NIfTI or MGH file of FreeSurfer's codes.
    grid: Of the generators, by name, as `info.metadata['grid']` has it, or a `Grid`.
    space: 'mni' trusts the header; 'native' registers the brain to the MNI152 template by an affine.

  Raises:
    InputError: A file that cannot be read or does not say where it lies, unknown codes, a brain far
      from the template's, or antspyx not installed.
  """
  if space not in SPACES:
    raise InputError(f'space is {space!r}, expected one of {list(SPACES)}')
  grid = get_grid(grid)
  found = read_brain_map(path, grid, template_labels(grid), space, '--space=native')
  return OwnMap(found.labels, grid, found.volume, found.transform)
