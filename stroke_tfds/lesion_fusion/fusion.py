"""Real lesions in healthy scans by their relative signal increase (Federau et al. 2020).

Coordinates are MNI millimetres: donors and healthy scans lie in the same space already.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.brightness import with_neighbours
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import lesion_voxels
from stroke_tfds.phantom import deformation
from stroke_tfds.phantom.fields import Lattice

# How far a lesion is moved and bent on its way, so that a donor never gives the same lesion twice: its
# centre by about 6 mm along each axis (standard deviation).
_SPREAD = deformation.WarpSpread(rotation_deg=4.0, scale=0.06, shift_mm=3.0, octaves=((30.0, 3.0),))
_LATTICE_MM = 12.0
_MIN_REFERENCE_VOXELS = 10
_LEAST_SIGNAL = 1e-3
_RIM_VOXELS = 2


@dataclasses.dataclass(frozen=True)
class RelativeLesion:
  """A lesion and how much it raises the signal, cut out of its scan with a rim around it.

  Attributes:
    mask: float32 [x, y, z], 1 inside the lesion.
    reach: float32 [x, y, z], 1 where it changes the signal: inside and in neighbours, which it fills in
      part.
    gain: float32 [x, y, z, C], intensity relative to the same tissue without lesion; beyond the reach
      that of the nearest voxel within.
    corner_mm: MNI coordinates of the centre of the first voxel.
    spacing_mm: Voxel size.
  """

  mask: np.ndarray
  reach: np.ndarray
  gain: np.ndarray
  corner_mm: np.ndarray
  spacing_mm: np.ndarray


def pool_sides(names: Sequence[str]) -> np.ndarray:
  """For each label the first of the same structure: left and right are one; [n labels]."""
  plain = [name.removeprefix('left ').removeprefix('right ') for name in names]
  return np.array([plain.index(name) for name in plain])


def expected_signal(
  image: np.ndarray, labels: np.ndarray, spared: np.ndarray, structures: np.ndarray
) -> np.ndarray:
  """What each voxel would show without lesion: the mean of its structure where there is none.

  A structure of which the lesion spares fewer than 10 voxels counts as parenchyma in general, as does
  all that is no parenchyma.

  Args:
    image: [X, Y, Z, C].
    labels: [X, Y, Z].
    spared: Parenchyma away from the lesion, bool [X, Y, Z], not empty.
    structures: Of each label, from `pool_sides`.

  Returns:
    float32 [X, Y, Z, C].
  """
  of_voxel = structures[labels]
  count = np.bincount(of_voxel[spared], minlength=len(structures))
  is_known = count >= _MIN_REFERENCE_VOXELS
  channels = []
  for channel in np.moveaxis(image, -1, 0):
    total = np.bincount(of_voxel[spared], channel[spared], minlength=len(structures))
    mean = np.where(is_known, total / np.maximum(count, 1), total.sum() / count.sum())
    channels.append(mean[of_voxel])
  return np.stack(channels, -1).astype(np.float32)


def cut_out(image: np.ndarray, expected: np.ndarray, lesion: np.ndarray, grid: Grid) -> RelativeLesion:
  """Takes a lesion out of its scan.

  The gain goes one way for the whole lesion: a furrow in a bright lesion is no loss of signal.

  Args:
    image: [X, Y, Z, C].
    expected: The same without lesion, from `expected_signal`.
    lesion: 0 or 1, [X, Y, Z], not empty.
    grid: Where the voxels are.
  """
  reach = with_neighbours(lesion)
  box = ndimage.find_objects(reach.astype(np.uint8))[0]
  gain = image[box] / np.maximum(expected[box], _LEAST_SIGNAL)
  is_raised = np.median(gain[lesion[box] > 0], axis=0) >= 1
  gain = np.where(is_raised, np.maximum(gain, 1), np.minimum(gain, 1))
  spacing_mm = np.asarray(grid.spacing_mm)
  nearest = ndimage.distance_transform_edt(
    ~reach[box], spacing_mm, return_distances=False, return_indices=True
  )
  return RelativeLesion(
    mask=(lesion[box] > 0).astype(np.float32),
    reach=reach[box].astype(np.float32),
    gain=gain[tuple(nearest)].astype(np.float32),
    corner_mm=np.array([axis[part.start] for axis, part in zip(grid.coordinates_mm(), box)]),
    spacing_mm=spacing_mm,
  )


def draw_way(rng: np.random.Generator, lattice: Lattice) -> tuple[np.ndarray, bool]:
  """A small random deformation and affine, in half of the cases mirrored left to right.

  Returns:
    float32 (3, X, Y, Z): where in its own scan the donor shows what comes to each voxel, in mm; and
    whether it is mirrored.
  """
  velocity = deformation.random_velocity(rng, lattice, _SPREAD)
  matrix, shift_mm = deformation.random_affine(rng, _SPREAD)
  at_mm = deformation.template_coordinates(lattice, velocity, matrix, shift_mm)
  is_mirrored = bool(rng.random() < 0.5)
  if is_mirrored:
    at_mm[0] *= -1
  return at_mm, is_mirrored


def pull(donor: RelativeLesion, at_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Brings a lesion to a grid, linear between its voxels.

  Args:
    donor: The lesion.
    at_mm: For each voxel where to look in the donor's scan, (3, X, Y, Z).

  Returns:
    The share of each voxel that the lesion fills, float32 [X, Y, Z], and what it multiplies the signal
    by, float32 [X, Y, Z, C], 1 away from it.
  """
  along = (-1, 1, 1, 1)
  index = (at_mm - donor.corner_mm.reshape(along)) / donor.spacing_mm.reshape(along)
  near = np.all((index > -1) & (index < np.reshape(donor.mask.shape, along)), axis=0)
  points = index[:, near]
  look_up = lambda values, mode: ndimage.map_coordinates(
    values, points, order=1, mode=mode, output=np.float32
  )
  fraction = np.zeros(near.shape, np.float32)
  fraction[near] = look_up(donor.mask, 'grid-constant')
  weight = look_up(donor.reach, 'grid-constant')
  gain = np.ones((*near.shape, donor.gain.shape[-1]), np.float32)
  for channel in range(gain.shape[-1]):
    gain[near, channel] += weight * (look_up(donor.gain[..., channel], 'nearest') - 1)
  return fraction, gain


def fuse(
  image: np.ndarray, fraction: np.ndarray, gain: np.ndarray, is_parenchyma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Changes the signal of a healthy scan where a lesion shall be.

  The lesion keeps the volume that it has in parenchyma. Around it the signal changes in fluid and at
  the brain's surface too: what such a voxel shows is from the tissue in it. Away from it nothing
  changes: a focus too small to be kept would be a bright spot that is no lesion.

  Args:
    image: Healthy scan, [X, Y, Z, C] in [0, 1].
    fraction: Share of each voxel that the lesion fills, [X, Y, Z].
    gain: What it multiplies the signal by, [X, Y, Z, C].
    is_parenchyma: Where a lesion may be, bool [X, Y, Z].

  Returns:
    Image, float32 [X, Y, Z, C], not clipped, and lesion, uint8 [X, Y, Z].
  """
  lesion = lesion_voxels(fraction * is_parenchyma)
  near = ndimage.binary_dilation(lesion, iterations=_RIM_VOXELS)
  return np.where(near[..., np.newaxis], image * gain, image), lesion


def lattice_of(grid: Grid) -> Lattice:
  """Control points of the deformations that `draw_way` draws."""
  return Lattice(grid, _LATTICE_MM)
