"""One subject of a glioma cohort, from a seed: skull-stripped T1, T1CE, T2 and FLAIR images."""

from collections.abc import Sequence

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import scale
from stroke_tfds.imaging.resample import block_mean
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom import artefacts, signal, structural_signal
from stroke_tfds.phantom.anatomy import Anatomy
from stroke_tfds.phantom.body import PARENCHYMA, Body, Cohort, draw_body
from stroke_tfds.phantom.damage import outline
from stroke_tfds.phantom.structural_signal import CONTRASTS, Relaxation
from stroke_tfds.phantom.subject import Subject
from stroke_tfds.phantom.tumours import NON_ENHANCING, Tumour

PATIENTS = Cohort((1.5, 1.5), (0.62, 0.85), (-0.8, 1.2), 0.0)
_BLUR_MM = 0.5
_EVENNESS = 0.35  # Exponent of how uneven a tumour is.
_NECROSIS = (0.95, 2600.0, 220.0)  # Proton density, T1 and T2 in ms.
_ENHANCING = (0.84, 1500.0, 110.0)
_SOLID_CORE = (0.86, 1800.0, 170.0)  # Of a tumour that does not enhance.
_OEDEMA = (1.12, 1.55, 1.9)  # The same relative to the tissue that swells.
_GADOLINIUM = (0.35, 0.8)  # mmol/l in enhancing tumour.
_DENSEST = 0.97


def simulate(
  rng: np.random.Generator,
  anatomy: Anatomy,
  grid: Grid,
  cohort: Cohort,
  tumour: Tumour | None,
  scaling: str,
  contrasts: Sequence[str] = CONTRASTS,
) -> Subject:
  """Warps an anatomy and a tumour alike, and records images of them.

  Args:
    rng: Source of randomness.
    anatomy: What is warped.
    grid: Where the voxels are.
    cohort: Of the subject.
    tumour: In template space, or None.
    scaling: See `imaging.preprocessing`.
    contrasts: Some of `CONTRASTS`; an image does not depend on which others are recorded.

  Returns:
    Labels are ids of aseg28_tumour, and `lesion` is 1 where they are those of a tumour.

  Raises:
    InputError: The grid holds no brain, or no voxel of the tumour.
  """
  body = draw_body(rng, anatomy, grid, cohort, tumour.push if tumour else None)
  labels, lesion, shares = _find_tumour(body, tumour)
  is_brain = block_mean((_brain(body) > 0).astype(np.float32), body.factors) >= 0.5
  if not is_brain.any() or (tumour and not lesion.any()):
    lacks = 'voxel of the tumour' if is_brain.any() else 'brain'
    raise InputError(f'grid {grid.name}: holds no {lacks}, expected a finer one that covers the brain')
  scan = _Scan(rng, body, cohort, tumour, shares)
  images = {name: scan.record(name) for name in CONTRASTS if name in contrasts}
  channels = [scale(images[name], is_brain, grid, scaling) for name in contrasts]
  drawn = {'ventricles_mm': round(body.ventricles_mm, 3), **(tumour.facts if tumour else {})}
  return Subject(np.stack(channels, -1), labels, lesion, drawn)


def _brain(body: Body) -> np.ndarray:
  """Tissue of each fine voxel without the scalp."""
  return np.where(body.tissue == signal.SCALP_ID, 0, body.tissue)


def _find_tumour(body: Body, tumour: Tumour | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Labels and lesion on the grid, and the share of each class in fine voxels, (3, X, Y, Z)."""
  labels = body.labels()
  if not tumour:
    empty = np.zeros((3, *body.tissue.shape), np.float32)
    return labels, np.zeros_like(labels), empty
  shares = tumour.shares(body.at) * PARENCHYMA[body.tissue]
  lesion = outline(shares.sum(0), body.tissue, body.factors, labels)
  most = np.stack([block_mean(share, body.factors) for share in shares]).argmax(0)
  first = ASEG28_TUMOUR.lesion_class_ids[0]
  return np.where(lesion > 0, first + most, labels).astype(np.uint8), lesion, shares


class _Scan:
  """What all images of a session share: tissue, coil, tumour."""

  def __init__(
    self,
    rng: np.random.Generator,
    body: Body,
    cohort: Cohort,
    tumour: Tumour | None,
    shares: np.ndarray,
  ):
    self._body, self._tissue = body, _brain(body)
    self._relaxation = structural_signal.draw_relaxation(rng)
    self._damage = artefacts.old_damage(rng, body.lattice, rng.uniform(*cohort.old_damage))
    self._bias = signal.coil_bias(rng, body.lattice)
    self._where = shares.any(0)
    self._shares = shares[:, self._where]
    uneven = artefacts.severity(rng, body.lattice)[self._where] ** _EVENNESS
    self._classes = self._tumour_tissues(tumour.kind if tumour else '', uneven)
    self._gadolinium = rng.uniform(*_GADOLINIUM) * uneven
    # One for each contrast, whether it is recorded or not.
    self._seeds = dict(zip(CONTRASTS, rng.integers(2**63, size=len(CONTRASTS))))

  def record(self, contrast: str) -> np.ndarray:
    """What the scanner records, with fluid of the skull and without the skull, (X, Y, Z)."""
    rng, body = np.random.default_rng(self._seeds[contrast]), self._body
    sequence = structural_signal.draw_sequence(rng, contrast)
    healthy = sequence.signal(self._relaxation)
    change = (sequence.signal(self._relaxation.old_damage()) - healthy) * PARENCHYMA
    image = healthy[self._tissue] + change[self._tissue] * self._damage
    necrosis, oedema, enhancing = self._classes
    if contrast == 'T1CE':
      enhancing = enhancing.enhanced(self._gadolinium)
    tumour = [sequence.signal(tissue) for tissue in (necrosis, oedema, enhancing)]
    image[self._where] *= 1 - self._shares.sum(0)
    image[self._where] += sum(share * signal for share, signal in zip(self._shares, tumour))
    image *= signal.texture(rng, body.lattice) * self._bias
    image = signal.blur_in_plane(block_mean(image, body.factors), body.spacing_mm, _BLUR_MM)
    return signal.add_rician_noise(rng, image, sequence.noise * healthy[1], body.spacing_mm)

  def _tumour_tissues(self, kind: str, uneven: np.ndarray) -> tuple[Relaxation, Relaxation, Relaxation]:
    """Necrotic core, oedema and enhancing tumour in each place of the tumour, before gadolinium."""
    before = self._relaxation.at(self._tissue[self._where])
    fixed = lambda density, t1_ms, t2_ms: Relaxation(
      np.full_like(uneven, density), t1_ms * uneven**0.3, t2_ms * uneven**0.6
    )
    density, t1_factor, t2_factor = _OEDEMA
    oedema = Relaxation(
      np.minimum(before.density * density, _DENSEST),
      before.t1_ms * t1_factor**uneven,
      before.t2_ms * t2_factor**uneven,
    )
    core = _SOLID_CORE if kind == NON_ENHANCING else _NECROSIS
    return fixed(*core), oedema, fixed(*_ENHANCING)
