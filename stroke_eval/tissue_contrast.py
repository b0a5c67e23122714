"""How a scan looks, in numbers: contrasts, noise and histogram relative to white matter.

Both kinds of scan are measured alike: inside the brain, in voxels of their label maps. Labels that
a registration has carried over are off by a few millimetres, so medians of whole structures are
taken, and white matter is measured where it is deep.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from stroke_eval.lesion_contrast import lesion_to_parenchyma
from stroke_eval.plain_values import plain
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid

REGIONS = ('brain', 'parenchyma', 'lesion')
EDGES = np.linspace(0, 3, 76)  # Of the histograms, in units of white matter.
_STRIP_MM = (7.0, 5.5)  # Closing, then opening, of parenchyma and ventricles.
_DEEP_MM, _LESION_MARGIN_MM = 3.0, 4.5  # In plane; at least one voxel.
_LARGE_ML = 1.0
_MAD_TO_DEVIATION = 1.4826
# A voxel is part of the mean over 3x3 that is taken from it.
_HIGH_PASS = math.sqrt(9 / 8)


@dataclasses.dataclass(frozen=True)
class TissueContrast:
  """One scan, or the median of several; NaN for what could not be measured.

  Attributes:
    grey: Cerebral cortex / white matter.
    deep_grey: Putamen / white matter.
    pallidum: Pallidum / white matter; dark by its iron.
    cerebellum: Cerebellar cortex / cerebral white matter.
    fluid: Lateral ventricles / white matter, 10th percentile: without their borders.
    noise: Deviation from the mean of 3x3 neighbours in deep white matter, relative to it.
    lesion_to_parenchyma: As `lesion_contrast` defines it, in the stripped brain.
    lesion_spread: Deviation inside a lesion of at least 1 ml, relative to its mean.
  """

  grey: float
  deep_grey: float
  pallidum: float
  cerebellum: float
  fluid: float
  noise: float
  lesion_to_parenchyma: float
  lesion_spread: float

  def to_json(self) -> dict[str, float | None]:
    """Rounded, None for what could not be measured."""
    return plain(dataclasses.asdict(self), digits=4)


@dataclasses.dataclass(frozen=True)
class Scan:
  """A scan cut to its brain, in units of its white matter.

  Attributes:
    image: (X, Y, Z), 0 outside the brain.
    regions: Region of `REGIONS` -> mask (X, Y, Z).
    contrast: Its numbers.
  """

  image: np.ndarray
  regions: Mapping[str, np.ndarray]
  contrast: TissueContrast


def measure(
  image: np.ndarray, labels: np.ndarray, lesion: np.ndarray, grid: Grid, scheme: Mapping[str, Any]
) -> Scan:
  """Strips a scan to its brain and measures it.

  Args:
    image: Intensities of any scale, (X, Y, Z).
    labels: Label map, (X, Y, Z).
    lesion: 0 or 1, (X, Y, Z).
    grid: Where the voxels are.
    scheme: `label_scheme` of a data set's metadata.

  Raises:
    InputError: No deep white matter in the labels, or it is dark.
  """
  image, lesion = image.astype(np.float32), lesion > 0
  of = lambda name: np.isin(labels, [i for i, n in enumerate(scheme['names']) if n.endswith(name)])
  parenchyma = np.isin(labels, scheme['parenchyma_ids'])
  brain = _strip(parenchyma | of('ventricle'), grid) & (image > 0)
  away = brain & ~_near(lesion, grid)
  deep = _eroded(of('cerebral white matter') & away, _voxels(_DEEP_MM, grid))
  white = float(np.median(image[deep])) if deep.any() else 0.0
  if white <= 0:
    raise InputError('no signal in deep white matter, expected a head that fits its label map')
  image = np.where(brain, image / white, 0)
  median = lambda name: _at(np.median, image[of(name) & away])
  inside = image[lesion & brain]
  is_large = inside.size * grid.voxel_volume_ml >= _LARGE_ML
  contrast = TissueContrast(
    grey=median('cerebral cortex'),
    deep_grey=median('putamen'),
    pallidum=median('pallidum'),
    cerebellum=median('cerebellar cortex'),
    fluid=_at(lambda v: np.percentile(v, 10), image[_eroded(of('lateral ventricle') & away, 1)]),
    noise=_noise(image, deep),
    lesion_to_parenchyma=lesion_to_parenchyma(image, lesion & brain, parenchyma & brain),
    lesion_spread=_at(np.std, inside) / _at(np.mean, inside) if is_large else math.nan,
  )
  return Scan(image, dict(zip(REGIONS, (brain, parenchyma & brain, lesion & brain))), contrast)


def median_contrast(contrasts: Sequence[TissueContrast]) -> TissueContrast:
  """The median of each number over the scans that have it."""
  rows = np.array([dataclasses.astuple(contrast) for contrast in contrasts])
  return TissueContrast(*(_at(np.median, column[np.isfinite(column)]) for column in rows.T))


def densities(scans: Sequence[Scan]) -> dict[str, np.ndarray]:
  """Histogram of each region over `EDGES`, area 1, every scan with the same weight; or all 0."""
  found = {}
  for region in REGIONS:
    counts = [np.histogram(_clipped(s.image[s.regions[region]]), EDGES)[0] for s in scans]
    shares = [count / count.sum() for count in counts if count.sum()]
    found[region] = np.mean(shares, 0) / np.diff(EDGES) if shares else np.zeros(len(EDGES) - 1)
  return found


def _strip(solid: np.ndarray, grid: Grid) -> np.ndarray:
  """The brain with fluid in its sulci but not around it, as skull stripping leaves it."""
  reach = lambda mask: ndimage.distance_transform_edt(mask, sampling=grid.spacing_mm)
  closing_mm, opening_mm = _STRIP_MM
  grown = np.pad(reach(~solid) <= closing_mm, 6, mode='edge')
  brain = (reach(grown) > opening_mm)[6:-6, 6:-6, 6:-6] | solid
  return np.stack([ndimage.binary_fill_holes(axial) for axial in np.moveaxis(brain, 2, 0)], -1)


def _voxels(distance_mm: float, grid: Grid) -> int:
  return max(1, round(distance_mm / grid.spacing_mm[0]))


def _near(mask: np.ndarray, grid: Grid) -> np.ndarray:
  return ndimage.binary_dilation(mask, iterations=_voxels(_LESION_MARGIN_MM, grid))


def _eroded(mask: np.ndarray, n_voxels: int) -> np.ndarray:
  """Erosion within each axial slice."""
  return ndimage.binary_erosion(mask, np.ones((3, 3, 1)), n_voxels)


def _noise(image: np.ndarray, where: np.ndarray) -> float:
  rest = (image - ndimage.uniform_filter(image, (3, 3, 1)))[where]
  deviation = _MAD_TO_DEVIATION * np.median(np.abs(rest - np.median(rest)))
  return float(_HIGH_PASS * deviation)


def _clipped(values: np.ndarray) -> np.ndarray:
  """What is brighter than the last edge counts in the last bin."""
  return np.minimum(values, EDGES[-1])


def _at(statistic, values: np.ndarray) -> float:
  return float(statistic(values)) if values.size else math.nan
