"""The phantom's lesions beside 1,126 real ones (SOOP): volume, components, sides.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.phantom_lesions
Hardware: 2 CPU cores.
Time: 6 minutes.
Expected: KS distance of volume about .03, of components about .1; fewer lesions on both sides.
"""

import numpy as np
from scipy import ndimage

from experiments._common import samples, write_table
from stroke_eval.statistics import ks_of_samples
from stroke_tfds.builder import map_in_order
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import keep_volume, resample_mask
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.phantom.lesions import grow_lesion

N_DRAWS, BILATERAL_SHARE = 800, 0.1
# All of the brain in voxels of 2 mm.
GRID = Grid('2 mm', (96, 116, 96), (2.0, 2.0, 2.0), (-96.0, -132.0, -78.0))
PERCENTILES = (5, 25, 50, 75, 95)


def main() -> None:
  files = nifti.list_nifti(samples('soop_masks') / 'lesions')
  facts = {
    'real': np.array(list(map_in_order(lambda file: _facts(nifti.read_mask(file)), files))),
    'phantom': np.array([_drawn(seed) for seed in range(N_DRAWS)]),
  }
  rows = [_column(name, *of.T) for name, of in facts.items()]
  distance = lambda i: ks_of_samples(facts['real'][:, i], facts['phantom'][:, i])
  rows.append({**dict.fromkeys(rows[0], ''), 'lesions': 'KS distance'})
  rows[-1] |= {'ml_50': distance(0), 'components_mean': distance(1)}
  write_table(__file__, rows)


def _drawn(seed: int) -> np.ndarray:
  lesion = grow_lesion(np.random.default_rng(seed))
  return _facts(Volume(lesion.fraction >= 0.5, lesion.affine))


def _facts(mask: Volume) -> np.ndarray:
  """Millilitres, components on 2 mm whose voxels share faces, and the share left of the midline."""
  ml = np.count_nonzero(mask.data) * mask.voxel_volume_ml
  voxels = keep_volume(resample_mask(mask, GRID))
  left = voxels[GRID.coordinates_mm()[0] < 0].sum() / max(int(voxels.sum()), 1)
  return np.array([ml, ndimage.label(voxels)[1], left])


def _column(name: str, ml: np.ndarray, components: np.ndarray, left: np.ndarray) -> dict:
  is_left, is_right = left > 1 - BILATERAL_SHARE, left < BILATERAL_SHARE
  return {
    'lesions': name,
    'n': len(ml),
    **{f'ml_{p}': float(v) for p, v in zip(PERCENTILES, np.percentile(ml, PERCENTILES))},
    'components_mean': float(components.mean()),
    'components_median': float(np.median(components)),
    'left': float(is_left.mean()),
    'right': float(is_right.mean()),
    'both': float((~is_left & ~is_right).mean()),
  }


if __name__ == '__main__':
  main()
