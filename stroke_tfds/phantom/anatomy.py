"""Anatomies: label maps in MNI space that subjects are warped from."""

import dataclasses
import functools

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import anatomy_rules as rules
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.signal import SCALP_ID

_SHELL_MM = 2  # Fluid between the template's brain mask and the skull.
_SCALP_MM = (7.0, 12.0)  # Distance of the scalp from the brain.
_SULCUS_SIGMA_MM = 1.5
# A label map shows its sulci as open as they are: what shrinks further is only what stands out.
_LABEL_MAP_SOLIDITY = (0.55, 1.0)
_CISTERN_MM = 4.0  # Gaps in the brain no wider than twice this hold fluid.
_TEMPLATE_VENTRICLES_ML = 25.0
_EXCESS_MM = 13.0  # Push that widens the ventricles e-fold.
_FLUID_BELOW = 0.6  # Solidity of the youngest brain's fluid.
_VENTRICLE_BELOW = 0.8  # The same within the envelope of the ventricles.
_PULL_SIGMA_MM = 6.0
_IS_CORTEX = np.array(['cortex' in name for name in ASEG28.names] + [False])


@dataclasses.dataclass(frozen=True)
class Anatomy:
  """A label map whose voxels are cubes of 1 mm, axes RAS.

  Attributes:
    name: Short name; the file's for real anatomies.
    labels: aseg28 ids, uint8 of shape (X, Y, Z).
    origin_mm: MNI coordinate of the centre of voxel (0, 0, 0).
    solidity: Share of tissue rather than fluid in and around each voxel, uint8 with 255 for
      tissue alone; uncertain in sulci, which open first when a brain shrinks.
  """

  name: str
  labels: np.ndarray
  origin_mm: np.ndarray
  solidity: np.ndarray

  @functools.cached_property
  def _head(self) -> np.ndarray:
    """The labels with fluid in the gaps and a scalp around them, uint8 like `labels`."""
    step = 2
    outside = self.labels[::step, ::step, ::step] == 0
    distance_mm = step * ndimage.distance_transform_edt(outside).astype(np.float32)
    added = np.zeros(outside.shape, np.uint8)
    added[(distance_mm > _SCALP_MM[0]) & (distance_mm < _SCALP_MM[1])] = SCALP_ID
    grown = distance_mm <= _CISTERN_MM
    added[step * ndimage.distance_transform_edt(grown) > _CISTERN_MM] = ASEG28.id_of('other CSF')
    added = np.repeat(np.repeat(np.repeat(added, step, 0), step, 1), step, 2)
    added = added[tuple(slice(n) for n in self.labels.shape)]
    return np.where(self.labels == 0, added, self.labels)

  @functools.cached_property
  def ventricle_excess_mm(self) -> float:
    """About how far the lateral ventricles are wider than the template's; never below 0."""
    ids = [ASEG28.id_of(f'{side} lateral ventricle') for side in ('left', 'right')]
    volume_ml = np.count_nonzero(np.isin(self.labels, ids)) / 1000
    wider = max(volume_ml / _TEMPLATE_VENTRICLES_ML, 1.0)
    return float(_EXCESS_MM * np.log(wider)) if wider > 1.05 else 0.0

  @functools.cached_property
  def _ventricle_pull(self) -> np.ndarray:
    """Unit-height field that points to the lateral ventricles, on every second voxel."""
    ids = [ASEG28.id_of(f'{side} lateral ventricle') for side in ('left', 'right')]
    inside = np.isin(self.labels[::2, ::2, ::2], ids).astype(np.float32)
    pull = np.stack(np.gradient(ndimage.gaussian_filter(inside, _PULL_SIGMA_MM / 2)))
    return pull / max(float(np.linalg.norm(pull, axis=0).max()), 1e-6)

  def ventricle_growth(self, lattice: Lattice) -> np.ndarray:
    """Velocity that widens the ventricles, at most 1 mm; (3, x, y, z) on the lattice."""
    points = np.meshgrid(*lattice.coordinates_mm(), indexing='ij')
    index = [(p - o) / 2 for p, o in zip(points, self.origin_mm)]
    return np.stack(
      [ndimage.map_coordinates(c, index, order=1, output=np.float32) for c in self._ventricle_pull]
    )

  def sample(self, at_mm: np.ndarray, atrophy: float) -> np.ndarray:
    """Tissue at MNI coordinates.

    Args:
      at_mm: Shape (3, X, Y, Z).
      atrophy: Cortex with less tissue around it than this share (0 to 1) has become fluid.

    Returns:
      aseg28 ids and `SCALP_ID`, uint8 of shape (X, Y, Z).
    """
    flat = np.zeros(at_mm.shape[1:], np.int32)
    for component, start, n in zip(at_mm, self.origin_mm, self.labels.shape):
      step = np.rint(component - np.float32(start)).astype(np.int32)
      flat = flat * n + np.clip(step, 0, n - 1, out=step)
    tissue = self._head.ravel().take(flat)
    thin = self.solidity.ravel().take(flat) < np.uint8(255 * atrophy)
    return np.where(thin & _IS_CORTEX[tissue], ASEG28.id_of('other CSF'), tissue).astype(np.uint8)


@functools.cache
def template_anatomy() -> Anatomy:
  """The MNI152 template, divided into the structures of aseg28."""
  from nilearn import datasets  # Slow to import.

  template = datasets.load_mni152_template(resolution=1)
  grey = datasets.load_mni152_gm_template(resolution=1)
  white = datasets.load_mni152_wm_template(resolution=1)
  origin_mm = template.affine[:3, 3]
  middle = int(-origin_mm[0])  # Index of the midline, x = 0.
  left = [np.asarray(image.dataobj, np.float32)[middle::-1] for image in (template, grey, white)]
  solidity = _template_solidity(*left)
  half = _label_half(solidity, left[2] > left[1], left[0] > 0, origin_mm[1:])
  labels = np.concatenate([half[:0:-1], _mirrored(half)])
  solidity = np.concatenate([solidity[:0:-1], solidity])
  return Anatomy('mni152', labels, origin_mm, np.rint(255 * solidity).astype(np.uint8))


def template_labels(grid: str | Grid) -> np.ndarray:
  """The template's structures on a grid, aseg28 ids, uint8 of the grid's shape; not to be changed.

  Args:
    grid: Or the name of one.
  """
  return _template_labels(get_grid(grid))


@functools.lru_cache(maxsize=4)
def _template_labels(grid: Grid) -> np.ndarray:
  anatomy = template_anatomy()
  affine = np.eye(4)
  affine[:3, 3] = anatomy.origin_mm
  labels = resample_labels(Volume(anatomy.labels, affine), grid, len(ASEG28.names))
  labels.setflags(write=False)
  return labels


def label_map_solidity(labels: np.ndarray) -> np.ndarray:
  """Solidity of a label map, uint8: low where little tissue is nearby, and where banks of a sulcus
  meet without fluid between them, so that cortex seems thicker than it is."""
  solid = np.isin(labels, ASEG28.parenchyma_ids)
  nearby = ndimage.gaussian_filter(solid.astype(np.float32), _SULCUS_SIGMA_MM, truncate=3)
  low, high = _LABEL_MAP_SOLIDITY
  solidity = np.where(nearby > 0, low + (high - low) * nearby, 0)
  cortex = np.isin(labels, [i for i, name in enumerate(ASEG28.names) if 'cerebral cortex' in name])
  depth_mm = ndimage.distance_transform_edt(~(solid & ~cortex))[cortex].astype(np.float32)
  solidity[cortex] = np.minimum(solidity[cortex], 1 - 0.12 * (depth_mm - 1.8))
  return np.rint(255 * np.clip(solidity, 0, 1)).astype(np.uint8)


def _template_solidity(t1: np.ndarray, grey: np.ndarray, white: np.ndarray) -> np.ndarray:
  """Solidity in [0, 1]: what both the tissue maps and the T1 intensity call tissue."""
  fluid_t1, grey_t1 = 0.27, 0.63  # Intensities of the template.
  return np.clip(np.minimum(grey + white, (t1 - fluid_t1) / (grey_t1 - fluid_t1)), 0, 1)


def _label_half(
  solidity: np.ndarray, is_white: np.ndarray, brain: np.ndarray, origin_yz_mm: np.ndarray
) -> np.ndarray:
  """Left ids of one half brain, whose first axis is the distance from the midline."""
  axes = tuple(
    start + np.arange(n, dtype=np.float32) for start, n in zip((0, *origin_yz_mm), brain.shape)
  )
  id_of = lambda name: ASEG28.id_of(name if name in ASEG28.names else f'left {name}')
  labels = np.zeros(brain.shape, np.uint8)
  labels[ndimage.binary_dilation(brain, iterations=_SHELL_MM)] = id_of('other CSF')
  solid = brain & (solidity >= _FLUID_BELOW)
  below = rules.below_tentorium(axes)
  for where, region in ((~below, 'cerebral'), (below, 'cerebellar')):
    labels[solid & where & ~is_white] = id_of(f'{region} cortex')
    labels[solid & where & is_white] = id_of(f'{region} white matter')
  labels[solid & rules.BRAIN_STEM.contains(axes)] = id_of('brain stem')
  for name, tubes in reversed(rules.SOLIDS.items()):
    tissue = solid & ~is_white if name in rules.GREY_ALONE else solid
    labels[tissue & rules.inside(tubes, axes)] = id_of(name)
  fluid = brain & (solidity < _VENTRICLE_BELOW)
  labels[fluid & rules.inside(rules.LATERAL_VENTRICLE_ENVELOPE, axes)] = id_of('lateral ventricle')
  midline = rules.inside(rules.THIRD_VENTRICLE + rules.FOURTH_VENTRICLE, axes)
  labels[fluid & midline] = id_of('third and fourth ventricle')
  return labels


def _mirrored(left: np.ndarray) -> np.ndarray:
  """Left ids to right ids, by the names of the scheme."""
  swapped = [name.replace('left ', 'right ') for name in ASEG28.names]
  return np.array([ASEG28.id_of(name) for name in swapped], np.uint8)[left]
