"""A label map of a brain, from FreeSurfer's codes, brought to a grid in MNI space."""

import dataclasses
import os

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti, registration
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28

MNI, NATIVE = SPACES = ('mni', 'native')
_SIDES = ('left ', 'right ')
_MIN_OVERLAP = 0.75  # Dice of a brain said to be in MNI space and the template's.


@dataclasses.dataclass(frozen=True)
class BrainMap:
  """A map on a grid.

  Attributes:
    labels: Ids of `aseg28`, uint8 [X, Y, Z] of the grid.
    volume: The map as read, with its codes.
    transform: From MNI space to the map's world.
  """

  labels: np.ndarray
  volume: Volume
  transform: Transform


def read_brain_map(
  path: str | os.PathLike[str], grid: Grid, template: np.ndarray, space: str, native_option: str
) -> BrainMap:
  """Reads a map and puts it on a grid.

  Args:
    path: NIfTI or MGH file of FreeSurfer's codes or of ids of `aseg28`.
    grid: In MNI space.
    template: The template's labels on it, uint8 [X, Y, Z].
    space: `mni` trusts the header; `native` registers the brain to the template's by an affine.
    native_option: What the user sets to have it registered.

  Raises:
    InputError: A file that cannot be read or does not say where it lies, no brain, unknown codes, a
      brain far from the template's or mirrored, or antspyx not installed.
  """
  volume = nifti.read_label_map(path)
  if not volume.is_placed:
    raise InputError(f'{path}: its header does not say where it lies, expected a map in MNI space')
  if not (volume.data > 0).any():
    raise InputError(f'{path}: holds background alone, expected a brain')
  ids = Volume(ASEG28.from_codes(volume.data, str(path)), volume.affine)
  transform = registration.register_labels(ids, ASEG28) if space == NATIVE else IDENTITY
  labels = resample_labels(ids, grid, len(ASEG28.names), transform)
  overlap = brain_overlap(labels, template)
  if overlap < _MIN_OVERLAP:
    remedy = f'; {native_option} registers it' if space == MNI else ''
    raise InputError(
      f'{path}: overlaps the MNI152 brain with a Dice of {overlap:.2f}, expected {_MIN_OVERLAP} or '
      f'more: a brain near MNI space{remedy}'
    )
  if _is_mirrored(labels, template):
    raise InputError(
      f'{path}: its left structures lie on the right of the MNI152 brain, expected a header that says '
      'which side is which, or labels that are not mirrored'
    )
  return BrainMap(labels, volume, transform)


def _is_mirrored(labels: np.ndarray, template: np.ndarray) -> bool:
  of = lambda ids, side: np.isin(ids, [i for i, n in enumerate(ASEG28.names) if n.startswith(side)])
  left, right, true_left, true_right = (of(ids, s) for ids in (labels, template) for s in _SIDES)
  same = np.count_nonzero(left & true_left) + np.count_nonzero(right & true_right)
  return np.count_nonzero(left & true_right) + np.count_nonzero(right & true_left) > same


def brain_overlap(labels: np.ndarray, template: np.ndarray) -> float:
  """Dice of two brains without the fluid around them, which label maps treat differently."""
  fluid = ASEG28.id_of('other CSF')
  one, other = ((ids > 0) & (ids != fluid) for ids in (labels, template))
  return 2 * np.count_nonzero(one & other) / max(np.count_nonzero(one) + np.count_nonzero(other), 1)
