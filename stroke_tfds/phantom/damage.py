"""What strokes leave in one subject: the infarct that experts outline, and scars that they do not."""

import dataclasses
from typing import Any

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import block_mean
from stroke_tfds.phantom import ages, artefacts
from stroke_tfds.phantom.body import PARENCHYMA
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.growth import Lesion
from stroke_tfds.phantom.lesions import grow_lesion
from stroke_tfds.phantom.signal import Protocol, Tissues, dwi_signal

_FADING_MM = 1.2


@dataclasses.dataclass(frozen=True)
class Damage:
  """What happened to the tissue of a subject, on the fine grid.

  Attributes:
    tissue: Label of each voxel, uint8 (X, Y, Z).
    infarct: What the acute stroke did, or None.
    infarct_share: How much of each voxel is infarcted, float32 (X, Y, Z); 0 outside parenchyma.
    scar: What an earlier stroke left, or None.
    scar_share: How much of each voxel is scar, as above.
  """

  tissue: np.ndarray
  infarct: ages.Infarct | None
  infarct_share: np.ndarray
  scar: ages.Scar | None
  scar_share: np.ndarray

  def facts(self, grid: Grid) -> dict[str, Any]:
    """For the provenance: age of the infarct or None, ml of scars.

    Args:
      grid: The fine grid.
    """
    scar_ml = float(self.scar_share.sum(dtype=np.float64)) * grid.voxel_volume_ml
    age_days = round(self.infarct.age_days, 2) if self.infarct else None
    return {'age_days': age_days, 'old_infarct_ml': round(scar_ml, 2)}

  def mask(self, factors: tuple[int, int, int], labels: np.ndarray) -> np.ndarray:
    """The infarct as `outline` gives it; arguments as there."""
    return outline(self.infarct_share, self.tissue, factors, labels)

  def gain(
    self, rng: np.random.Generator, lattice: Lattice, tissues: Tissues, protocol: Protocol
  ) -> np.ndarray:
    """What multiplies the signal of healthy tissue in each voxel, float32 (X, Y, Z)."""
    gain = np.ones(self.tissue.shape, np.float32)
    for lesion, share in ((self.scar, self.scar_share), (self.infarct, self.infarct_share)):
      if lesion is None:
        continue
      softened = _softened(share, lattice.grid.spacing_mm) * PARENCHYMA[self.tissue]
      where = softened > 0
      before = _at(tissues, self.tissue[where])
      if isinstance(lesion, ages.Scar):
        after = lesion.signal(before, protocol, _depth_mm(share, lattice.grid.spacing_mm)[where])
      else:
        severity = artefacts.severity(rng, lattice)[where]
        spots = ages.bleeding_spots(rng, lattice)[where] if lesion.bleeds else np.zeros_like(severity)
        after = dwi_signal(lesion.tissues(before, severity, spots), protocol)
      gain[where] += softened[where] * (after / dwi_signal(before, protocol) - 1)
    return gain


def outline(
  share: np.ndarray, tissue: np.ndarray, factors: tuple[int, int, int], labels: np.ndarray
) -> np.ndarray:
  """What an expert outlines, uint8 of the shape of `labels`.

  Voxels of parenchyma, half of whose tissue or more is diseased: a sulcus through a voxel takes nothing
  from a lesion. Single voxels that touch the rest of it at an edge or a corner alone are not outlined.

  Args:
    share: How much of each fine voxel is diseased; 0 outside parenchyma.
    tissue: Label of each fine voxel.
    factors: How many fine voxels make a voxel, along each axis.
    labels: Label of each voxel, (X, Y, Z).
  """
  diseased = block_mean(share, factors)
  solid = block_mean(PARENCHYMA[tissue], factors)
  return _tidied((diseased > 0) & (diseased >= 0.5 * solid) & (PARENCHYMA[labels] > 0))


def draw_damage(
  rng: np.random.Generator,
  at: np.ndarray,
  tissue: np.ndarray,
  lesion: Lesion | None,
  scar_chance: float,
) -> Damage:
  """Damage of a subject.

  Args:
    rng: Source of randomness.
    at: Template coordinates of each fine voxel, (3, X, Y, Z).
    tissue: Label of each fine voxel, (X, Y, Z).
    lesion: The infarct, in template space, or None.
    scar_chance: How likely an earlier stroke is; 0 for healthy subjects.
  """
  solid = PARENCHYMA[tissue]
  infarct, scar = None, None
  infarct_share = scar_share = np.zeros_like(solid)
  if scar_chance > 0 and rng.random() < scar_chance:
    scar = ages.draw_scar(rng)
    scar_share = sample_lesion(grow_lesion(rng, ages.draw_scar_ml(rng)), at) * solid
  if lesion:
    infarct = ages.draw_infarct(rng)
    infarct_share = sample_lesion(lesion, at) * solid * (1 - scar_share)
  return Damage(tissue, infarct, infarct_share, scar, scar_share)


def sample_lesion(lesion: Lesion, at: np.ndarray) -> np.ndarray:
  """The lesion's fraction at template coordinates `at` (3, X, Y, Z), float32, 0 outside its box."""
  to_index = np.linalg.inv(lesion.affine).astype(np.float32)
  index = [sum(to_index[axis, k] * at[k] for k in range(3)) + to_index[axis, 3] for axis in range(3)]
  near = np.ones(at.shape[1:], bool)
  for component, n in zip(index, lesion.fraction.shape):
    near &= (component > -1) & (component < n)
  fraction = np.zeros(at.shape[1:], np.float32)
  points = [component[near] for component in index]
  fraction[near] = ndimage.map_coordinates(
    lesion.fraction, points, order=1, mode='grid-constant', output=np.float32
  )
  return fraction


def _softened(fraction: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
  """A lesion whose damage fades at its border, where experts draw a line; arrays (X, Y, Z)."""
  found = ndimage.find_objects((fraction > 0).astype(np.uint8))
  softened = np.zeros_like(fraction)
  if found:
    box = tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in found[0])
    sigma = np.divide(_FADING_MM, spacing_mm)
    softened[box] = ndimage.gaussian_filter(fraction[box], sigma, truncate=2)
  return softened


def _depth_mm(fraction: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
  """Distance from the border inside a lesion, 0 outside and in fluid of sulci; (X, Y, Z)."""
  found = ndimage.find_objects((fraction > 0).astype(np.uint8))
  depth_mm = np.zeros(fraction.shape, np.float32)
  if found:
    box = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in found[0])
    depth_mm[box] = ndimage.distance_transform_edt(fraction[box] >= 0.5, sampling=spacing_mm)
  return depth_mm


def _tidied(mask: np.ndarray) -> np.ndarray:
  """Without single voxels that touch a larger part at an edge or a corner alone; uint8 (X, Y, Z)."""
  parts, n_parts = ndimage.label(mask)
  wholes, _ = ndimage.label(mask, np.ones((3, 3, 3)))
  sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[parts] * mask
  largest = np.zeros(wholes.max() + 1, int)
  np.maximum.at(largest, wholes.ravel(), sizes.ravel())
  return (mask & ((sizes > 1) | (largest[wholes] == 1))).astype(np.uint8)


def _at(tissues: Tissues, ids: np.ndarray) -> Tissues:
  """The constants of each of `ids`."""
  return Tissues(tissues.density[ids], tissues.t2_ms[ids], tissues.adc[ids])
