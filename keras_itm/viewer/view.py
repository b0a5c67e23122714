"""What a page of the viewer shows, checked."""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

MAX_BYTES = 2**28  # Of all volumes; a browser holds each of them several times.
MAX_AXIS = 2048  # What WebGL 2 takes nearly everywhere, of a table of colours too.
_SHOWN_PERCENTILES = (1, 99.9)


@dataclasses.dataclass(frozen=True)
class View:
  """A case for a page.

  Attributes:
    title: Heads the page.
    images: Name of each contrast -> finite numbers [X, Y, Z]; the first is shown first.
    affine: Voxel index to millimetres, [4, 4].
    masks: Name -> 0 or 1, [X, Y, Z]; where the first that is not empty lies, the crosshair begins.
    facts: Term -> what is told of the case, in this order.
    space: `MNI` where the millimetres are of that space; '' where they are of a scanner or unknown.
    hidden: Masks that are not shown at first.
    labels: Structure of each voxel, whole numbers [X, Y, Z], 0 where there is none; not shown at first.
    label_names: Of the structures, in the order of their ids, that of 0 too; they are called by their
      ids when empty.

  Raises:
    ValueError: No image, volumes of other shapes, values that cannot be shown or have no name, or too
      many of them.
  """

  title: str
  images: Mapping[str, np.ndarray]
  affine: np.ndarray
  masks: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
  facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
  space: str = 'MNI'
  hidden: Collection[str] = ()
  labels: np.ndarray | None = None
  label_names: Sequence[str] = ()

  def __post_init__(self):
    if not self.images:
      raise ValueError(f'{self.title}: no image, expected at least one')
    self._check_size()
    for name, image in self.images.items():
      if not np.isfinite(image).all():
        raise ValueError(f'{self.title}: {name} holds values that are not finite, expected an image')
    for name, mask in self.masks.items():
      if not np.isin(mask, (0, 1)).all():
        raise ValueError(f'{self.title}: {name} holds other values than 0 and 1, expected a mask')
    self._check_labels()
    if self.affine.shape != (4, 4) or not abs(np.linalg.det(self.affine)) > 0:
      raise ValueError(f'{self.title}: the affine {self.affine.tolist()} places no voxels')

  def _check_size(self) -> None:
    shape = self.shape
    if len(shape) != 3 or not all(0 < n <= MAX_AXIS for n in shape):
      raise ValueError(
        f'{self.title}: an image of {shape} voxels, expected three axes of at most {MAX_AXIS}'
      )
    labels = {} if self.labels is None else {'labels': self.labels}
    for name, volume in (*self.images.items(), *self.masks.items(), *labels.items()):
      if volume.shape != shape:
        raise ValueError(f'{self.title}: {name} has {volume.shape} voxels, expected {shape}')
    n_bytes = int(np.prod(shape)) * (4 * len(self.images) + len(self.masks) + 2 * len(labels))
    if n_bytes > MAX_BYTES:
      raise ValueError(
        f'{self.title}: {len(self.images)} images and {len(self.masks)} masks'
        f'{" with labels" * len(labels)} of {shape} voxels are '
        f'{n_bytes / 2**20:.0f} MiB, expected at most {MAX_BYTES / 2**20:.0f}'
      )

  def _check_labels(self) -> None:
    if self.labels is None:
      return
    n_known = min(len(self.label_names) or MAX_AXIS, MAX_AXIS)
    is_known = (self.labels >= 0) & (self.labels < n_known) & (self.labels == np.rint(self.labels))
    if not is_known.all():
      unknown = np.unique(self.labels[~is_known]).tolist()
      raise ValueError(
        f'{self.title}: labels {unknown[:5]} are unknown, '
        f'expected whole numbers from 0 to {n_known - 1}'
      )

  @property
  def structures(self) -> list[str]:
    """What each label up to the greatest is called."""
    n_labels = 0 if self.labels is None else int(self.labels.max()) + 1
    return list(self.label_names[:MAX_AXIS]) or [f'label {i}' for i in range(n_labels)]

  @property
  def shape(self) -> tuple[int, ...]:
    return next(iter(self.images.values())).shape

  @property
  def spacing_mm(self) -> np.ndarray:
    """Edges of a voxel, [3]."""
    return np.linalg.norm(self.affine[:3, :3], axis=0)

  def to_mm(self, index: np.ndarray) -> list[float]:
    """Where a voxel's centre is."""
    return (self.affine[:3, :3] @ index + self.affine[:3, 3]).tolist()

  def volume_ml(self, mask: np.ndarray) -> float:
    """How large a mask is."""
    return float(np.count_nonzero(mask) * abs(np.linalg.det(self.affine[:3, :3])) / 1000)


def middle_of(mask: np.ndarray) -> np.ndarray:
  """The voxel deepest inside a mask, in the slice that holds most of it.

  Args:
    mask: 0 or 1, [X, Y, Z], not empty; slices are along Z.

  Returns:
    int [3].
  """
  z = int(np.count_nonzero(mask, axis=(0, 1)).argmax())
  depth = ndimage.distance_transform_edt(np.pad(mask[..., z], 1))[1:-1, 1:-1]
  return np.array([*np.unravel_index(depth.argmax(), depth.shape), z])


def shown_range(image: np.ndarray) -> list[float]:
  """Least and greatest intensity that is told apart at first; single bright voxels do not move them."""
  low, high = (float(value) for value in np.percentile(image.astype(np.float32), _SHOWN_PERCENTILES))
  return [low, high] if low < high else [float(image.min()), float(image.max())]


def flat_facts(values: Mapping[str, Any]) -> dict[str, str]:
  """JSON values as terms and texts, those of a mapping inside in its place."""
  flat: dict[str, str] = {}
  for name, value in values.items():
    if isinstance(value, Mapping):
      flat |= flat_facts(value)
    else:
      flat[name.replace('_', ' ')] = value if isinstance(value, str) else json.dumps(value)
  return flat
