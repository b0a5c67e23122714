"""Figures that tell whether a case lies on the template as it should, and what makes it suspicious."""

import dataclasses
import functools

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import brain_extraction, resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.lesion_size import MAX_LESION_ML
from stroke_tfds.imaging.mni152 import template_t1
from stroke_tfds.imaging.preprocessing import head_mask
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import signal
from stroke_tfds.phantom.anatomy import template_labels

# Chosen on real scans: the good ones reach .94 to .97, .59 to .67 and .41 to .64.
MIN_BRAIN_DICE = 0.85
MIN_TEMPLATE_CORRELATION = 0.35
MIN_SIGNAL_CORRELATION = 0.15
MIN_LABELS_DICE = 0.8
MIN_COVERAGE = 0.75  # Scans of a part of the brain are good for some uses: look and decide.
VOLUME_KEPT = (0.9, 1.1)
MIN_DWI_CONTRAST = 1.0
MAX_ADC_CONTRAST = 1.0
MAX_OUTSIDE_BRAIN = 0.25
MAX_LESION_SHARE = 0.4  # Of the head in the image, at times skull and all.
MAX_UNNAMED_SHARE = 0.3
STROKE_WITHOUT_MASK = 'stroke_without_mask'  # 1 where there are signs of a stroke that nobody drew.

_OF_A_LESION = ('lesion_outside_brain', 'lesion_contrast_dwi')
_PROTOCOL = signal.Protocol(te_ms=90, b_value=1000, noise=0)


@dataclasses.dataclass(frozen=True)
class Template:
  """The MNI152 template on a grid.

  Attributes:
    grid: Where the voxels are.
    labels: uint8 ids of aseg28.
    t1: T1-weighted intensity, float32, 0 outside the brain.
  """

  grid: Grid
  labels: np.ndarray
  t1: np.ndarray

  @property
  def brain(self) -> np.ndarray:
    return self.labels > 0


@functools.lru_cache(maxsize=4)
def load_template(grid: Grid) -> Template:
  """The template's labels and T1 contrast on `grid`; takes seconds."""
  t1 = resample.resample_image(template_t1(masked=False), grid)
  return Template(grid, template_labels(grid), t1)


def measure_image(
  image: np.ndarray, labels: np.ndarray | None, coverage: np.ndarray, template: Template
) -> dict[str, float]:
  """How well image and labels lie on the template.

  Args:
    image: First contrast, [0, 1], shape (X, Y, Z).
    labels: From the case's own segmentation, uint8, shape (X, Y, Z); None where there is none.
    coverage: Where the scan has voxels, bool, shape (X, Y, Z).
    template: On the same grid.

  Returns:
    coverage: Share of the template's brain that the scan covers.
    brain_dice: Dice of the image's brain, its skull left out, and the template's, where covered.
    labels_dice: The same of the case's own labels, if there are any.
    template_correlation: Pearson correlation with the T1 template in the covered part of its brain.
    signal_correlation: The same with the DWI that the template's labels would give.
  """
  inside = template.brain & coverage
  expected = signal.dwi_signal(signal.mean_tissues(), _PROTOCOL)[template.labels]
  figures = {
    'coverage': np.count_nonzero(inside) / np.count_nonzero(template.brain),
    'brain_dice': brain_dice(image, coverage, template),
    'template_correlation': _correlation(image[inside], template.t1[inside]),
    'signal_correlation': _correlation(image[inside], expected[inside]),
  }
  if labels is not None:
    figures['labels_dice'] = _dice(labels > 0, inside)
  return _rounded(figures)


def brain_dice(image: np.ndarray, coverage: np.ndarray, template: Template) -> float:
  """Of the image's brain and the template's, see `measure_image`."""
  return _dice(_image_brain(image, template.grid) & coverage, template.brain & coverage)


def measure_lesion(
  image: np.ndarray,
  contrasts: tuple[str, ...],
  fraction: np.ndarray,
  labels: np.ndarray,
  grid: Grid,
  native_ml: float,
  volume_ratio: np.ndarray,
) -> dict[str, float]:
  """What became of the lesion.

  Args:
    image: [0, 1], shape (X, Y, Z, C).
    contrasts: Names of the C channels.
    fraction: Share of each voxel that the lesion fills, shape (X, Y, Z).
    labels: uint8, shape (X, Y, Z).
    grid: Where the voxels are.
    native_ml: The mask's volume as drawn.
    volume_ratio: Volume in the scan per volume on the grid, shape (X, Y, Z).

  Returns:
    lesion_native_ml, lesion_ml: Volume as drawn and on the grid, ml.
    volume_kept: Volume on the grid with the registration's scaling divided out, per volume as drawn.
    lesion_outside_brain: Share of the lesion outside all labels.
    lesion_contrast_<name>: Mean inside the lesion, voxels weighted by `fraction`, per mean of the
      parenchyma without it.
  """
  voxel_ml = grid.voxel_volume_ml
  figures = {
    'lesion_native_ml': native_ml,
    'lesion_ml': fraction.sum(dtype=float) * voxel_ml,
    'volume_kept': (fraction * volume_ratio).sum(dtype=float) * voxel_ml / native_ml,
    'lesion_outside_brain': fraction[labels == 0].sum(dtype=float) / fraction.sum(dtype=float),
  }
  rest = np.isin(labels, ASEG28.parenchyma_ids) & (fraction == 0)
  for name, channel in zip(contrasts, np.moveaxis(image, -1, 0)):
    outside = channel[rest].mean(dtype=float) if rest.any() else 0.0
    if outside > 0:
      figures[f'lesion_contrast_{name}'] = np.average(channel, weights=fraction) / outside
  return _rounded(figures)


def suspicions(figures: dict[str, float]) -> dict[str, str]:
  """Figures that a person should look at, with what was expected; empty for a good case."""
  limits = {
    'coverage': (MIN_COVERAGE, np.inf),
    'brain_dice': (MIN_BRAIN_DICE, np.inf),
    'labels_dice': (MIN_LABELS_DICE, np.inf),
    'template_correlation': (MIN_TEMPLATE_CORRELATION, np.inf),
    'signal_correlation': (MIN_SIGNAL_CORRELATION, np.inf),
    'volume_kept': VOLUME_KEPT,
    'lesion_outside_brain': (0, MAX_OUTSIDE_BRAIN),
    'lesion_contrast_dwi': (MIN_DWI_CONTRAST, np.inf),
    'lesion_contrast_adc': (0, MAX_ADC_CONTRAST),
    STROKE_WITHOUT_MASK: (0, 0),
  }
  found = {}
  for name, (low, high) in limits.items():
    value = figures.get(name)
    if value is not None and not low <= value <= high:
      wanted = f'at least {low:g}' if value < low else f'at most {high:g}'
      found[name] = f'expected {wanted}'
  return found


def check_size(lesion: Volume, image: Volume, is_named: bool) -> None:
  """Refuses what is too large for a lesion, such as the mask of a brain.

  Args:
    lesion: Mask, on any grid.
    image: The first contrast.
    is_named: Whether the mask's name says that it is a lesion's.

  Raises:
    InputError: It fills too much of the head.
  """
  lesion_ml = np.count_nonzero(lesion.data) * lesion.voxel_volume_ml
  head_ml = np.count_nonzero(head_mask(np.maximum(image.data, 0))) * image.voxel_volume_ml
  share = MAX_LESION_SHARE if is_named else MAX_UNNAMED_SHARE
  if lesion_ml > min(MAX_LESION_ML, share * head_ml):
    advice = '' if is_named else '; a lesion as large has the word lesion in its name'
    raise InputError(
      f'the mask has {lesion_ml:.0f} ml, {lesion_ml / head_ml:.0%} of the head, expected a lesion '
      f'of at most {MAX_LESION_ML} ml and {share:.0%}: it may be the mask of a brain or tissue{advice}'
    )


def check_unnamed(figures: dict[str, float]) -> None:
  """Refuses a mask whose name does not say that it is a lesion's, if it does not look like one.

  Args:
    figures: Of `measure_lesion`.

  Raises:
    InputError: It lies outside the brain, or is not brighter than the rest of it.
  """
  found = [name for name in suspicions(figures) if name in _OF_A_LESION]
  if found:
    values = ', '.join(f'{name} is {figures[name]:g}' for name in found)
    raise InputError(
      f'the name of the mask does not say that it is a lesion, nor does it look like one ({values}); '
      'expected a bright one in the brain, or the word lesion in its name'
    )


def _image_brain(image: np.ndarray, grid: Grid) -> np.ndarray:
  try:
    even = brain_extraction.even_intensities(Volume(image, grid.affine))
    return brain_extraction.brain_mask(even, np.asarray(grid.spacing_mm))
  except InputError:  # An image without anything like a brain overlaps with nothing.
    return np.zeros(image.shape, bool)


def _dice(a: np.ndarray, b: np.ndarray) -> float:
  return 2 * np.count_nonzero(a & b) / max(np.count_nonzero(a) + np.count_nonzero(b), 1)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
  """Pearson; 0 where one of the two does not vary."""
  if a.size < 2 or not (np.ptp(a) > 0 and np.ptp(b) > 0):
    return 0.0
  return float(np.corrcoef(a, b)[0, 1])


def _rounded(figures: dict[str, float]) -> dict[str, float]:
  return {name: round(float(value), 4) for name, value in figures.items()}
