"""CarveMix: a lesion with its surroundings, carved from one case, replaces the voxels of another.

Zhang et al. 2021, section 2. What is carved is brought to the brightness of its new surroundings, which
the publication leaves to later work. Volumes are [X, Y, Z] on one grid.
"""

import dataclasses

import numpy as np
from scipy import ndimage

_Box = tuple[slice, slice, slice]


@dataclasses.dataclass(frozen=True)
class Carving:
  """All of a case that may ever be carved from it.

  Attributes:
    box: Where it lies on the grid.
    image: float32 [x, y, z, C].
    labels: uint8 [x, y, z].
    lesion: uint8 [x, y, z].
    distance_mm: Signed distance to the lesion's border, float32 [x, y, z].
    depth_mm: Distance of the innermost voxel of the lesion from what is outside, above 0.
    level: Mean signal of what the lesion spares of the brain, float32 [C].
  """

  box: _Box
  image: np.ndarray
  labels: np.ndarray
  lesion: np.ndarray
  distance_mm: np.ndarray
  depth_mm: float
  level: np.ndarray


def signed_distance_mm(lesion: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
  """Distance to the nearest voxel on the other side of the border, below 0 inside the lesion.

  Args:
    lesion: 0 or 1; both occur.
    spacing_mm: Voxel size.

  Returns:
    float32, same shape; never 0.

  Raises:
    ValueError: The lesion is empty or fills the volume.
  """
  inside = lesion > 0
  if inside.all() or not inside.any():
    raise ValueError(f'the lesion has {inside.sum()} of {inside.size} voxels, expected a border')
  to_inside = ndimage.distance_transform_edt(~inside, spacing_mm)
  to_outside = ndimage.distance_transform_edt(inside, spacing_mm)
  return (to_inside - to_outside).astype(np.float32)


def prepare(
  image: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  level: np.ndarray,
  spacing_mm: tuple[float, float, float],
) -> Carving:
  """Cuts out the lesion of a case with as wide a margin as can be drawn.

  Args:
    image: [X, Y, Z, C].
    labels: [X, Y, Z].
    lesion: 0 or 1, [X, Y, Z].
    level: Mean signal of what the lesion spares of the brain, [C].
    spacing_mm: Voxel size.

  Raises:
    ValueError: The lesion is empty or fills the volume.
  """
  distance_mm = signed_distance_mm(lesion, spacing_mm)
  depth_mm = float(-distance_mm.min())
  box = ndimage.find_objects((distance_mm <= depth_mm).astype(np.uint8))[0]
  return Carving(
    box=box,
    image=image[box].copy(),
    labels=labels[box].copy(),
    lesion=lesion[box].copy(),
    distance_mm=distance_mm[box].copy(),
    depth_mm=depth_mm,
    level=level,
  )


def draw_margin_mm(rng: np.random.Generator, depth_mm: float) -> float:
  """The paper's lambda: uniform from -depth / 2 to 0 or, as often, uniform from 0 to depth.

  Args:
    rng: Source of randomness.
    depth_mm: The lesion's largest distance to its border, |min D| in the paper.
  """
  low, high = (-depth_mm / 2, 0.0) if rng.random() < 0.5 else (0.0, depth_mm)
  return float(rng.uniform(low, high))


def carve_mix(
  image: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  level: np.ndarray,
  carving: Carving,
  margin_mm: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Replaces the voxels of a case where another's signed distance is at most `margin_mm`.

  Args:
    image: Of the case that receives, [X, Y, Z, C].
    labels: [X, Y, Z].
    lesion: [X, Y, Z].
    level: Mean signal of what the lesion spares of the brain, [C]; what is carved is brought to it.
    carving: From the other case.
    margin_mm: Of the region around the lesion; below 0 only the lesion's core is taken.

  Returns:
    New image (not clipped), labels and lesion; x = x_i M + x_j (1 - M) for each of the three.
  """
  carved = carving.distance_mm <= margin_mm

  def mix(volume: np.ndarray, own: np.ndarray) -> np.ndarray:
    volume = volume.copy()
    volume[carving.box][carved] = own[carved]
    return volume

  own_image = carving.image * (level / carving.level)
  return mix(image, own_image), mix(labels, carving.labels), mix(lesion, carving.lesion)
