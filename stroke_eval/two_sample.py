"""Can synthetic volumes be told from real ones? A two-sample test by a classifier.

A classifier that sees the features of real and of synthetic volumes should be at chance: area under
its curve (AUC) .5. At 1 every volume gives itself away, whatever a page of pictures looks like. The
features are fixed here, before any generator is looked at:

| name | what it is |
|---|---|
| `autocorrelation_x1` to `_x4`, `_y4`, `_z1` | of second differences at a lag in voxels; shows a grid |
| `power_1` to `power_4` | share of the spectrum in plane by quarters of the radius, logarithm |
| `spread`, `skewness`, `kurtosis`, `low`, `high` | of parenchyma; 1st and 99.5th percentile |
| `cortex_to_white`, `deep_to_white`, `cerebellum_to_white` | medians of tissues |
| `cortex_spread`, `white_spread` | deviation within a tissue, relative to its mean |
| `slice_difference` | mean absolute difference of neighbouring slices |
| `bright_share`, `bright_clusters` | tissue above 1.6 outside lesions; connected parts above 1.4 |
| `lesion_to_parenchyma`, `lesion_spread` | of the lesion; mean and deviation, each relative |

Intensities are in medians of parenchyma outside lesions, so that another scaling alone gives nothing
away. Axes are (X, Y, Z); a feature that a volume lacks is NaN, and the median of all stands in for it.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage, stats

from stroke_eval.lesion_contrast import lesion_to_parenchyma
from stroke_eval.plain_values import plain
from stroke_eval.translation import Anatomy, slice_difference

BRIGHT, BRIGHT_CLUSTER = 1.6, 1.4  # In medians of parenchyma.
_LAGS = {0: (1, 2, 3, 4), 1: (1, 2, 3, 4), 2: (1,)}
_BANDS = 4
_N_FOLDS, _N_REPEATS, _N_RESAMPLES = 5, 4, 1000
FEWEST = 2 * _N_FOLDS
_OUTLIER = 5.0  # Deviations.


@dataclasses.dataclass(frozen=True)
class FeatureGap:
  """How far one feature alone tells synthetic from real.

  Attributes:
    name: As in the table above.
    auc: Chance that a synthetic volume has the higher value; .5 is none, 0 and 1 are certain.
    real: Median over real volumes.
    synthetic: Median over synthetic volumes.
  """

  name: str
  auc: float
  real: float
  synthetic: float


@dataclasses.dataclass(frozen=True)
class TwoSample:
  """The outcome of a test.

  Attributes:
    auc: Of the classifier on volumes it did not see; .5 is chance.
    interval: 95 %, by resampling volumes.
    gaps: Every feature, those that give most away first.
    n_real: Real volumes.
    n_synthetic: Synthetic volumes.
  """

  auc: float
  interval: tuple[float, float]
  gaps: tuple[FeatureGap, ...]
  n_real: int
  n_synthetic: int

  def to_json(self) -> dict[str, Any]:
    return plain(dataclasses.asdict(self), digits=4)


def measure(
  image: np.ndarray, labels: np.ndarray, lesion: np.ndarray, scheme: Mapping[str, Any]
) -> dict[str, float]:
  """The features of a volume.

  Args:
    image: One contrast of any scale, (X, Y, Z).
    labels: Label map, (X, Y, Z); 0 is outside the head's structures.
    lesion: 0 or 1, (X, Y, Z).
    scheme: `label_scheme` of a data set's metadata.

  Raises:
    ValueError: Parenchyma outside the lesion is missing or dark, or values are not finite.
  """
  if not np.isfinite(image).all():
    raise ValueError('values that are not finite, expected finite ones alone')
  lesion = lesion > 0
  anatomy = Anatomy.of(scheme)
  parenchyma = np.isin(labels, anatomy.parenchyma_ids)
  healthy = parenchyma & ~lesion
  unit = float(np.median(image[healthy])) if healthy.any() else 0.0
  if unit <= 0:
    raise ValueError(
      'no signal in parenchyma outside the lesion, expected a volume that fits its labels'
    )
  image = np.asarray(image, np.float64) / unit
  of = lambda name: np.isin(labels, [i for i, n in enumerate(scheme['names']) if n.endswith(name)])
  return {
    **_autocorrelations(image, labels > 0),
    **_powers(image, labels > 0),
    **_histogram(image[healthy]),
    **_tissues(image, healthy, of),
    'slice_difference': slice_difference(image, labels > 0),
    'bright_share': float(np.mean(image[healthy] > BRIGHT)),
    'bright_clusters': float(ndimage.label(healthy & (image > BRIGHT_CLUSTER))[1]),
    'lesion_to_parenchyma': lesion_to_parenchyma(image, lesion, parenchyma),
    'lesion_spread': _relative_spread(image[lesion]),
  }


def measure_if_sound(
  image: np.ndarray, labels: np.ndarray, lesion: np.ndarray, scheme: Mapping[str, Any]
) -> dict[str, float] | None:
  """As `measure`; None for a volume that has no features, as it is dark or not finite."""
  try:
    return measure(image, labels, lesion, scheme)
  except ValueError:
    return None


def compare(
  real: Sequence[Mapping[str, float]],
  synthetic: Sequence[Mapping[str, float] | None],
  seed: int = 0,
  *,
  twins: bool = False,
) -> TwoSample:
  """Tests whether a classifier tells two kinds of volumes apart.

  Logistic regression on standardised values, clipped so that no outlier leads, cross-validated in five
  folds, four times over. The interval resamples volumes of both kinds, not the classifiers.

  Args:
    real: Features by `measure` of each real volume; none that the generator learnt from.
    synthetic: The same of synthetic ones; None for one without features, which gives itself away.
    seed: Of folds and resampling.
    twins: Whether volume i of both kinds shows one anatomy: they are held out together then, as a
      classifier that knows one would take the other for it.

  Raises:
    ValueError: Fewer than ten volumes of a kind with features, other features, or twins of different
      numbers.
  """
  if twins and len(real) != len(synthetic):
    raise ValueError(f'{len(real)} real and {len(synthetic)} synthetic twins, expected as many')
  if twins:
    real = [row for row, twin in zip(real, synthetic) if twin is not None]
  made = [row for row in synthetic if row is not None]
  for kind, rows in (('real', real), ('synthetic', made)):
    if len(rows) < FEWEST:
      raise ValueError(f'{len(rows)} {kind} volumes, expected at least {FEWEST}')
  names = list(real[0])
  if any(list(row) != names for row in (*real, *made)):
    raise ValueError('volumes with different features, expected those of one `measure`')
  values = np.array([[row[name] for name in names] for row in (*real, *made)], float)
  values = np.where(np.isfinite(values), values, _column_medians(values))
  is_synthetic = np.arange(len(values)) >= len(real)
  anatomies = np.tile(np.arange(len(real)), 2) if twins else None
  scores = _held_out_scores(values, is_synthetic, anatomies, seed)
  told = np.append(scores[is_synthetic], np.full(len(synthetic) - len(made), np.inf))
  gaps = [
    FeatureGap(name, _auc(s, r), float(np.median(r)), float(np.median(s)))
    for name, r, s in zip(names, values[~is_synthetic].T, values[is_synthetic].T)
  ]
  return TwoSample(
    auc=_auc(told, scores[~is_synthetic]),
    interval=_interval(told, scores[~is_synthetic], seed),
    gaps=tuple(sorted(gaps, key=lambda gap: -abs(gap.auc - 0.5))),
    n_real=len(real),
    n_synthetic=len(told),
  )


def _autocorrelations(image: np.ndarray, head: np.ndarray) -> dict[str, float]:
  found = {}
  for axis, lags in _LAGS.items():
    along = np.moveaxis(image, axis, 0)
    inside = np.moveaxis(head, axis, 0)
    difference = np.diff(along, 2, axis=0)
    valid = inside[2:] & inside[1:-1] & inside[:-2]
    for lag in lags:
      both = valid[lag:] & valid[:-lag]
      pair = difference[lag:][both], difference[:-lag][both]
      found[f'autocorrelation_{"xyz"[axis]}{lag}'] = _correlation(*pair)
  return found


def _powers(image: np.ndarray, head: np.ndarray) -> dict[str, float]:
  """Of axial slices with structures, without frequencies up to a 16th of the highest."""
  slices = np.moveaxis(np.where(head, image, 0), 2, 0)[head.any((0, 1))]
  power = (np.abs(np.fft.fft2(slices - slices.mean((1, 2), keepdims=True))) ** 2).sum(0)
  radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in power.shape), indexing='ij')) / 0.5
  edges = [1 / 16, *(np.arange(1, _BANDS + 1) / _BANDS)]
  shares = [power[(radius > low) & (radius <= high)].sum() for low, high in itertools.pairwise(edges)]
  shares = np.log(np.maximum(shares, 1e-12) / max(sum(shares), 1e-12))
  return {f'power_{i + 1}': float(share) for i, share in enumerate(shares)}


def _histogram(values: np.ndarray) -> dict[str, float]:
  low, high = np.percentile(values, (1, 99.5))
  return {
    'spread': float(np.std(values)),
    'skewness': float(stats.skew(values)),
    'kurtosis': float(stats.kurtosis(values)),
    'low': float(low),
    'high': float(high),
  }


def _tissues(image: np.ndarray, healthy: np.ndarray, of) -> dict[str, float]:
  values = lambda name: image[of(name) & healthy]
  cortex, white = values('cerebral cortex'), values('cerebral white matter')
  ratio = lambda tissue: _median(tissue) / (_median(white) or math.nan)
  return {
    'cortex_to_white': ratio(cortex),
    'deep_to_white': ratio(values('putamen')),
    'cerebellum_to_white': ratio(values('cerebellar cortex')),
    'cortex_spread': _relative_spread(cortex),
    'white_spread': _relative_spread(white),
  }


def _held_out_scores(
  values: np.ndarray, is_synthetic: np.ndarray, anatomies: np.ndarray | None, seed: int
) -> np.ndarray:
  """Mean log odds of each volume from classifiers that saw neither it nor its anatomy."""
  from sklearn import linear_model, model_selection, pipeline, preprocessing

  scores = np.zeros(len(values))
  for repeat in range(_N_REPEATS):
    kind = model_selection.StratifiedKFold if anatomies is None else model_selection.GroupKFold
    folds = kind(_N_FOLDS, shuffle=True, random_state=seed + repeat)
    for learnt, held_out in folds.split(values, is_synthetic, anatomies):
      classifier = pipeline.make_pipeline(
        preprocessing.RobustScaler(unit_variance=True),
        preprocessing.FunctionTransformer(np.clip, kw_args={'a_min': -_OUTLIER, 'a_max': _OUTLIER}),
        linear_model.LogisticRegression(class_weight='balanced', max_iter=1000),
      )
      classifier.fit(values[learnt], is_synthetic[learnt])
      scores[held_out] += classifier.decision_function(values[held_out]) / _N_REPEATS
  return scores


def _column_medians(values: np.ndarray) -> np.ndarray:
  """Of what is finite; 0 where nothing is."""
  return np.array(
    [_median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in values.T]
  )


def _interval(synthetic: np.ndarray, real: np.ndarray, seed: int) -> tuple[float, float]:
  rng = np.random.default_rng(seed)
  draw = lambda values: rng.choice(values, len(values))
  low, high = np.percentile(
    [_auc(draw(synthetic), draw(real)) for _ in range(_N_RESAMPLES)], (2.5, 97.5)
  )
  return float(low), float(high)


def _auc(synthetic: np.ndarray, real: np.ndarray) -> float:
  """The chance that a value of the first kind is the higher one; ties count half."""
  ranks = stats.rankdata(np.concatenate([synthetic, real]))
  n, m = len(synthetic), len(real)
  return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
  if a.size < 2 or not a.std() or not b.std():
    return math.nan
  return float(np.corrcoef(a, b)[0, 1])


def _relative_spread(values: np.ndarray) -> float:
  return float(np.std(values) / np.mean(values)) if values.size > 1 and np.mean(values) else math.nan


def _median(values: np.ndarray) -> float:
  return float(np.median(values)) if values.size else math.nan
