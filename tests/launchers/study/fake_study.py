"""A study made up in memory: the arms of the mini study with plausible numbers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.regimes import read_arms
from launchers.study.results import Result, Study, TestSet

TRANSLATORS = ('Pix2Pix10', 'Pix2Pix100', 'SPADE')
TERRITORIES = ('MCA frontal', 'lenticulostriate', 'MCA parietal', 'PCA cortical', 'ACA', 'basilar')
# Chances of the territories; about one case in 20 is in the last one.
_TERRITORY_CHANCES = (0.33, 0.22, 0.17, 0.13, 0.1, 0.05)
_VOXEL_ML = 0.072
_SIZES = {CLINICAL: 120}

# Test Dice in percent of the paper's Table 1.
_PUBLISHED = {
  'clinical': (68.7, 2.3),
  '10 clinical': (8.3, 5.3),
  '50 clinical': (16.4, 3.2),
  'clinical + lesion fusion': (70.8, 0.6),
  'clinical + Pix2Pix10': (79.4, 1.6),
  'clinical + Pix2Pix100': (73.5, 1.9),
  'clinical + SPADE': (78.1, 1.8),
  'Pix2Pix10': (50.8, 3.1),
  'Pix2Pix100': (58.0, 1.9),
  'SPADE': (54.2, 3.0),
  'Pix2Pix10, then 10 clinical': (62.1, 1.8),
  'Pix2Pix100, then 10 clinical': (65.1, 2.7),
  'SPADE, then 10 clinical': (67.1, 1.5),
  'Pix2Pix10, then 50 clinical': (69.2, 1.9),
  'Pix2Pix100, then 50 clinical': (73.7, 1.9),
  'SPADE, then 50 clinical': (70.5, 1.3),
}
# Expected Dice of a middling case.
_DICE = {
  'clinical': 0.66,
  '5 clinical': 0.24,
  '10 clinical': 0.35,
  '20 clinical': 0.46,
  '50 clinical': 0.58,
  'strong augmentation': 0.67,
  'clinical + lesion fusion': 0.68,
  'clinical + CarveMix': 0.665,
  'clinical + Pix2Pix10': 0.71,
  'clinical + Pix2Pix100': 0.69,
  'clinical + SPADE': 0.72,
  'Pix2Pix10': 0.5,
  'Pix2Pix100': 0.47,
  'SPADE': 0.52,
  'Pix2Pix10, then 10 clinical': 0.57,
  'Pix2Pix100, then 10 clinical': 0.56,
  'SPADE, then 10 clinical': 0.6,
  'Pix2Pix10, then 50 clinical': 0.65,
  'Pix2Pix100, then 50 clinical': 0.64,
  'SPADE, then 50 clinical': 0.67,
}


def mini_arms(translators: Sequence[str] = TRANSLATORS) -> tuple[Arm, ...]:
  """The arms of the paper and its baselines, 20 of them with its three translators."""
  arms = {'clinical': _arm({CLINICAL: ALL}, 'clinical', 20)}
  for count in (5, 10, 20, 50):
    arms[f'{count} clinical'] = _arm({CLINICAL: count}, 'few clinical cases', 20)
  strong = ('IntensityRanges.noise_sd = 0.03',)
  arms['strong augmentation'] = _arm({CLINICAL: ALL}, 'clinical', 20, bindings=strong)
  for name in ('lesion fusion', 'CarveMix'):
    sources = {CLINICAL: ALL, name: ALL}
    arms[f'clinical + {name}'] = _arm(sources, 'clinical + synthetic', 12)
  for name in translators:
    arms.update(_arms_of(name))
  for name, published in _PUBLISHED.items():
    arms[name]['published'] = published
  return read_arms(arms)


def _arms_of(translator: str) -> dict[str, dict[str, Any]]:
  both = {CLINICAL: ALL, translator: ALL}
  arms = {
    f'clinical + {translator}': _arm(both, 'clinical + synthetic', 12, system=translator),
    translator: _arm({translator: ALL}, 'synthetic', 12, system=translator),
  }
  for count in (10, 50):
    arms[f'{translator}, then {count} clinical'] = _arm(
      {CLINICAL: count},
      f'synthetic, then {count} clinical',
      8,
      system=translator,
      start=translator,
      reference=f'{count} clinical',
    )
  return arms


def _arm(sources: Mapping[str, int | str], group: str, epochs: int, **fields: Any) -> dict[str, Any]:
  return dict(learns_from=sources, group=group, epochs=epochs, evaluated_epochs=4, **fields)


def make(
  n_seeds: int = 3,
  arms: Sequence[Arm] | None = None,
  n_scored: int = 37,
  n_small: int = 11,
  n_negative: int = 24,
  missing: Collection[tuple[str, int]] = (),
  dice: Mapping[str, float] | None = None,
  rng_seed: int = 0,
) -> Study:
  """A study with case, seed, interaction and epoch effects on the logit of Dice.

  Args:
    n_seeds: Seeds 0, 1, ...
    arms: Those of the mini study when None.
    n_scored: Test lesions of at least 20 voxels.
    n_small: Smaller test lesions.
    n_negative: Test cases without lesion.
    missing: (arm's name, seed) of trainings that are not finished.
    dice: Arm's name -> expected Dice of a middling case, in place of the default.
    rng_seed: Another number gives other draws.
  """
  rng = np.random.default_rng(rng_seed)
  arms = mini_arms() if arms is None else tuple(arms)
  cases = _test_set(rng, n_scored, n_small, n_negative)
  expected = {arm.name: 0.6 for arm in arms} | _DICE | dict(dice or {})
  # Large lesions are easier; the rest of a case's difficulty is its own, the same in every arm.
  ease = 0.5 * np.log(np.maximum(cases.lesion_voxels, 1) / 150) + rng.normal(
    0, 0.5, len(cases.subject_id)
  )
  results = {}
  for arm in arms:
    by_arm = _logit(expected[arm.name]) + ease + rng.normal(0, 0.25, len(ease))
    for seed in range(n_seeds):
      result = _result(rng, arm, seed, by_arm + rng.normal(0, 0.08), cases)
      if (arm.name, seed) not in missing:
        results[arm.name, seed] = result
  return Study(arms, tuple(range(n_seeds)), cases, results)


def _logit(p: float) -> float:
  return np.log(p / (1 - p))


def _test_set(rng: np.random.Generator, n_scored: int, n_small: int, n_negative: int) -> TestSet:
  large = np.exp(rng.uniform(np.log(20), np.log(4000), n_scored)).astype(int)
  voxels = np.concatenate([large, rng.integers(1, 20, n_small), np.zeros(n_negative, int)])
  voxels = rng.permutation(voxels)
  territory = rng.choice(TERRITORIES, len(voxels), p=_TERRITORY_CHANCES)
  return TestSet(
    subject_id=np.array([f'phantom-test-{i:04d}' for i in range(len(voxels))]),
    lesion_volume_ml=voxels * _VOXEL_ML,
    lesion_voxels=voxels,
    territory=np.where(voxels > 0, territory, ''),
  )


def _result(
  rng: np.random.Generator, arm: Arm, seed: int, mean_logit: np.ndarray, cases: TestSet
) -> Result:
  metrics = _metrics(rng, len(arm.evaluated_range), mean_logit, cases)
  facts = {
    'arm': arm.name,
    'seed': seed,
    'sources': dict(arm.learns_from),
    'n_cases': {name: _SIZES.get(name, 400) if n == ALL else n for name, n in arm.learns_from.items()},
    'command': f'python -m launchers.run_study --gin_file=phantom_study_mini.gin --arm_index={seed}',
    'seconds': float(rng.uniform(60, 200)),
    'run': f'seed_{seed}/{arm.name}',
  }
  reached = float(metrics['dice'][:, cases.is_scored].mean()) if cases.is_scored.any() else 0.0
  return Result(arm.name, seed, facts, _curve(rng, arm, reached), metrics)


def _metrics(
  rng: np.random.Generator, n_epochs: int, mean_logit: np.ndarray, cases: TestSet
) -> dict[str, np.ndarray]:
  shape = (n_epochs, len(mean_logit))
  noisy = mean_logit + rng.normal(0, 0.3, shape[1]) + rng.normal(0, 0.15, shape)
  dice = 1 / (1 + np.exp(-noisy))
  volume = cases.lesion_volume_ml
  predicted = volume * np.exp(rng.normal(-0.1, 0.3, shape))
  false_ml = np.where(rng.random(shape) < 0.3, rng.exponential(0.8, shape), 0.0)
  predicted = np.where(volume > 0, predicted, false_ml)
  empty, silent = volume == 0, predicted == 0
  recall = np.clip(dice + rng.normal(0.1, 0.1, shape), 0.01, 1)
  precision = np.clip(dice + rng.normal(0, 0.1, shape), 0.01, 1)
  of_empty = lambda values: np.where(empty, np.where(silent, 1.0, 0.0), values)
  return {
    'dice': of_empty(dice),
    'lesion_precision': of_empty(precision),
    'lesion_recall': of_empty(recall),
    'lesion_f1': of_empty(2 * precision * recall / (precision + recall)),
    'volume_difference_ml': np.abs(predicted - volume),
    'count_difference': np.where(empty & silent, 0, rng.poisson(1.0, shape)).astype(float),
    'hausdorff95_mm': np.where(empty, np.where(silent, 0.0, 312.0), 40 * (1 - dice)),
    'predicted_volume_ml': predicted,
  }


def _curve(rng: np.random.Generator, arm: Arm, reached: float) -> dict[str, np.ndarray]:
  """Training ends a little above the test, which is measured every second and every evaluated epoch."""
  epoch = np.arange(1, arm.epochs + 1)
  start = 0.3 if arm.start else 0.02
  rise = start + (1 - start) * (1 - np.exp(-4 * epoch / arm.epochs))
  train = np.clip((reached + 0.1) * rise + rng.normal(0, 0.01, arm.epochs), 0, 1)
  test = np.clip(reached * rise + rng.normal(0, 0.015, arm.epochs), 0, 1)
  test[~np.isin(epoch, arm.evaluated_range) & (epoch % 2 == 1)] = np.nan
  return {
    'epoch': epoch.astype(float),
    'step': 40.0 * epoch,
    'dice': train,
    'loss': 1.3 * (1 - train),
    'test_dice': test,
    'test_loss': 1.4 * (1 - test),
  }
