"""Checks of what was generated, each beside the same number of the real data."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from keras_itm import lesions
from keras_itm.lesions import MIN_VOXELS
from stroke_eval.lesion_contrast import RING_MM, brighter_share
from stroke_eval.lesion_sets import nearest_dice, nearest_other_dice
from stroke_eval.plain_values import plain
from stroke_eval.statistics.kolmogorov_smirnov import ks_of_samples
from stroke_eval.survey import Survey
from stroke_eval.two_sample import FEWEST, TwoSample

# Masks that are compared with one another; more of them would cost memory and change little.
_MAX_COMPARED = 200
MOST_TOLD_APART = 0.8
_GAPS_TOLD = 3


@dataclasses.dataclass(frozen=True)
class Check:
  """A line of the sanity table.

  Attributes:
    key: Name in summary.json.
    text: What was measured.
    generated: Its value for the generated data; NaN where it could not be measured.
    real: The same for the training data, where that makes sense.
    form: How both are written.
    expected: Range outside which somebody should look; empty where the report has no opinion.
    is_good: Whether the value is in that range; None without range or value.
  """

  key: str
  text: str
  generated: float
  real: float | None
  form: Callable[[float], str]
  expected: str = ''
  is_good: bool | None = None


def check_all(real: Survey, synthetic: Survey) -> list[Check]:
  """The sanity table of a synthetic set, beside the set that its generators learnt from.

  Args:
    real: Training cases.
    synthetic: Synthetic cases, with `lesion_draw_voxels` in their provenance.
  """
  return [*_volumes(real, synthetic), *_shapes(real, synthetic), *_images(real, synthetic)]


def check_told_apart(found: TwoSample | None, healthy: TwoSample | None = None) -> Check:
  """Whether a classifier tells synthetic volumes from real ones that no generator saw.

  Args:
    found: Of the synthetic volumes; None where either kind is too few.
    healthy: Of real healthy ones against the same volumes. Lesions drawn into healthy anatomies keep
      what these differ by from patients', so that their value is what a perfect generator has.
  """
  return Check(
    'told_apart_auc',
    _classifier(found, healthy),
    found.auc if found else math.nan,
    healthy.auc if healthy else None,
    '{:.2f}'.format,
    f'at most {MOST_TOLD_APART:.2f}',
    found.auc <= MOST_TOLD_APART if found else None,
  )


def _classifier(found: TwoSample | None, healthy: TwoSample | None) -> str:
  """What was told apart, or why nothing was."""
  if not found:
    return (
      'area under the curve of a classifier of synthetic and held-out clinical volumes: not measured, '
      f'it needs {FEWEST} of each with a lesion, no two of one anatomy'
    )
  low, high = found.interval
  features = ', '.join(f'{gap.name} {gap.auc:.2f}' for gap in found.gaps[:_GAPS_TOLD])
  beside = f'; beside it {healthy.n_synthetic} healthy volumes as they are' if healthy else ''
  return (
    f'area under the curve of a classifier of {found.n_synthetic} synthetic and {found.n_real} '
    f'held-out clinical volumes, .5 is chance, 95 % interval {low:.2f} to {high:.2f}; given away most '
    f'by, each alone: {features}{beside}'
  )


def to_numbers(checks: list[Check]) -> dict[str, float | None]:
  """The table as `key` and `key_real`, for summary.json; None for what could not be measured."""
  numbers = {}
  for check in checks:
    numbers[check.key] = plain(check.generated)
    if check.real is not None:
      numbers[f'{check.key}_real'] = plain(check.real)
  return numbers


def draw_pass_share(draws: Sequence[Sequence[int]], min_voxels: int) -> tuple[float, int]:
  """Share of all lesion draws with at least `min_voxels` voxels, and the number of draws.

  Args:
    draws: For each synthetic volume the voxels of every draw that was made for it.
    min_voxels: The bound below which a lesion is drawn again.
  """
  voxels = [v for volume in draws for v in volume]
  return (float(np.mean(np.array(voxels) >= min_voxels)) if voxels else np.nan), len(voxels)


def percent(value: float) -> str:
  return f'{100 * value:.1f} %'


def _volumes(real: Survey, synthetic: Survey) -> list[Check]:
  draws = [facts.get('lesion_draw_voxels', []) for facts in synthetic.provenance]
  share, n_draws = draw_pass_share(draws, MIN_VOXELS)
  real_ml = real.volumes_ml[real.with_lesion(MIN_VOXELS)]
  synthetic_ml = synthetic.volumes_ml[synthetic.with_lesion(MIN_VOXELS)]
  real_median, synthetic_median = _median(real_ml), _median(synthetic_ml)
  factor = synthetic_median / real_median
  distance = ks_of_samples(synthetic_ml, real_ml)
  ml = '{:.1f} ml'.format
  return [
    _judged(
      'lesion_draw_pass_share',
      f'lesion draws with at least {MIN_VOXELS} voxels in parenchyma (n = {n_draws} draws)',
      share,
      _mean(real.voxels[real.with_lesion()] >= MIN_VOXELS),
      percent,
      'at least 50 %',
      share >= 0.5,
    ),
    _judged(
      'median_lesion_ml',
      f'median volume of lesions of at least {MIN_VOXELS} voxels',
      synthetic_median,
      real_median,
      ml,
      'within a factor of 2 of real',
      0.5 <= factor <= 2,
    ),
    Check(
      'lesion_volume_ks',
      'Kolmogorov-Smirnov distance of the two volume distributions (0 to 1)',
      distance,
      None,
      '{:.2f}'.format,
    ),
  ]


def _shapes(real: Survey, synthetic: Survey) -> list[Check]:
  real_masks, synthetic_masks = (s.masks(_some(s.with_lesion(MIN_VOXELS))) for s in (real, synthetic))
  synthetic_pairs, real_pairs = (_pairwise(masks) for masks in (synthetic_masks, real_masks))
  enough = len(synthetic_masks) > 0 and len(real_masks) > 1
  nearest = _median(nearest_dice(synthetic_masks, real_masks)) if enough else np.nan
  nearest_real = _median(nearest_other_dice(real_masks)) if enough else np.nan
  dice = '{:.3f}'.format
  return [
    _judged(
      'lesion_pairwise_dice',
      f'mean Dice between two lesions, low is diverse (n = {len(synthetic_masks)} generated, '
      f'{len(real_masks)} real)',
      synthetic_pairs,
      real_pairs,
      dice,
      'at most twice the real value',
      synthetic_pairs <= 2 * real_pairs,
    ),
    _judged(
      'lesion_nearest_dice',
      'median over lesions of the highest Dice with any (other) training lesion or its mirror image',
      nearest,
      nearest_real,
      dice,
      'at most 0.8: no copies',
      nearest <= 0.8,
    ),
    _judged(
      'lesion_voxels_outside_parenchyma',
      'lesion voxels outside parenchyma',
      float(synthetic.outside_voxels.sum()),
      float(real.outside_voxels.sum()),
      '{:,.0f}'.format,
      '0 generated',
      not synthetic.outside_voxels.any(),
    ),
  ]


def _images(real: Survey, synthetic: Survey) -> list[Check]:
  share, n = brighter_share(synthetic.lesion_means, synthetic.ring_means)
  real_share, n_real = brighter_share(real.lesion_means, real.ring_means)
  return [
    _judged(
      'brighter_lesion_share',
      f'volumes whose mean lesion intensity exceeds that of the parenchyma within '
      f'{RING_MM:g} mm around it (n = {n} synthetic, {n_real} real)',
      share,
      real_share,
      percent,
      'at least 95 %',
      share >= 0.95,
    ),
    Check(
      'lesion_to_ring',
      'median of mean lesion intensity over that of the parenchyma around it',
      _median(synthetic.lesion_to_ring),
      _median(real.lesion_to_ring),
      '{:.2f}'.format,
    ),
  ]


def _judged(key, text, generated, real, form, expected, is_good) -> Check:
  is_measured = math.isfinite(generated) and math.isfinite(real)
  return Check(key, text, generated, real, form, expected, bool(is_good) if is_measured else None)


def _some(positions: np.ndarray) -> np.ndarray:
  """At most _MAX_COMPARED positions, evenly spread over all."""
  if len(positions) <= _MAX_COMPARED:
    return positions
  return positions[np.linspace(0, len(positions) - 1, _MAX_COMPARED).astype(int)]


def _pairwise(masks: np.ndarray) -> float:
  return float(lesions.pairwise_dice(masks)) if len(masks) > 1 else np.nan


def _median(values: np.ndarray) -> float:
  values = values[np.isfinite(values)]
  return float(np.median(values)) if values.size else np.nan


def _mean(values: np.ndarray) -> float:
  return float(np.mean(values)) if values.size else np.nan
