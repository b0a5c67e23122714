"""What the mini grid and the draw of a test split do to 1,126 real lesion masks (SOOP, in MNI space).

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.soop_masks
Hardware: 2 CPU cores.
Time: 2 minutes.
Expected: no mask lost, volumes within a few per cent; the stratified draw a fifth as far from the rest.
"""

import math

import numpy as np

from experiments._common import samples, write_table
from keras_itm.lesions import MIN_VOXELS
from stroke_eval.statistics import ks_of_samples
from stroke_tfds.builder import map_in_order
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.resample import keep_volume, resample_mask
from stroke_tfds.preparation import splits

TEST_SHARE, SEED, N_PLAIN_DRAWS = 0.2, 0, 200
TOP_MM = 72  # Where the grid ends.


def main() -> None:
  files = nifti.list_nifti(samples('soop_masks') / 'lesions')
  names = [file.name for file in files]
  true_ml, kept_ml, half_ml, top_mm = np.array(list(map_in_order(_measure, files))).T
  inside = top_mm < TOP_MM
  rows = [{'what': 'masks', 'value': len(files)}]
  for name, ml in (('threshold of a half', half_ml), ('keep_volume', kept_ml)):
    ratio = ml / true_ml
    low, median, high = np.percentile(ratio, (5, 50, 95))
    rows += [
      {'what': f'volume ratio, {name}, median', 'value': float(median)},
      {'what': f'volume ratio, {name}, 5th percentile', 'value': float(low)},
      {'what': f'volume ratio, {name}, 95th percentile', 'value': float(high)},
      {'what': f'lesions lost, {name}', 'value': int((ml == 0).sum())},
    ]
  within = np.percentile(kept_ml[inside] / true_ml[inside], 5)
  rows.append(
    {'what': 'volume ratio, keep_volume, 5th percentile below z = 72 mm', 'value': float(within)}
  )
  large = kept_ml >= (MIN_VOXELS - 0.5) * get_grid('mini').voxel_volume_ml
  drawn = splits.draw(dict(zip(names, true_ml)), TEST_SHARE, SEED)
  stratified = _distance(kept_ml, np.isin(names, sorted(drawn)), large)
  plain = [_distance(kept_ml, _plain_draw(len(files), seed), large) for seed in range(N_PLAIN_DRAWS)]
  rows += [
    {'what': 'share of at least 20 voxels', 'value': float(large.mean())},
    {'what': 'masks in the test split', 'value': len(drawn)},
    {'what': 'KS distance of test to train, stratified draw', 'value': stratified},
    {'what': 'KS distance, plain draws, median', 'value': float(np.median(plain))},
    {'what': 'KS distance, plain draws, 95th percentile', 'value': float(np.percentile(plain, 95))},
  ]
  write_table(__file__, rows)


def _measure(file) -> tuple[float, float, float, float]:
  """Ml of the mask, and on mini with its volume kept and by a threshold of a half; its top in mm."""
  mask, grid = nifti.read_mask(file), get_grid('mini')
  share = resample_mask(mask, grid)
  voxels = np.count_nonzero(keep_volume(share)), np.count_nonzero(share >= 0.5)
  kept_ml, half_ml = (n * grid.voxel_volume_ml for n in voxels)
  top_mm = (np.argwhere(mask.data) @ mask.affine[:3, :3].T + mask.affine[:3, 3])[:, 2].max()
  return np.count_nonzero(mask.data) * mask.voxel_volume_ml, kept_ml, half_ml, float(top_mm)


def _plain_draw(n: int, seed: int) -> np.ndarray:
  is_test = np.zeros(n, bool)
  is_test[np.random.default_rng(seed).permutation(n)[: math.ceil(TEST_SHARE * n)]] = True
  return is_test


def _distance(ml: np.ndarray, is_test: np.ndarray, large: np.ndarray) -> float:
  return ks_of_samples(ml[is_test & large], ml[~is_test & large])


if __name__ == '__main__':
  main()
