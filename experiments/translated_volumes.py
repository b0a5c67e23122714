"""What translated volumes lack of real ones: one brightness of all slices, and bright healthy tissue.

Command: make demo && python -m experiments.translated_volumes
Hardware: 2 CPU cores.
Time: 3 minutes after the demo.
Expected: gains of slices vary more than in scans until they are equalized; a quarter of the healthy
  tissue above 1.6 medians in translations, with keep_scan four fifths.

`gain_sd` is the deviation of a slice's brightness against its tissue, of the median volume. Bright
tissue is parenchyma 6 mm or more from the lesion, in units of its median; clusters share faces.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from experiments._common import DATA_DIR, build, demo_bundle, write_table
from keras_itm.lesions import MIN_VOXELS
from keras_itm.slice_brightness import slice_gains
from stroke_tfds.sources import Source, open_sources

N_VOLUMES, SEED = 64, 0
BRIGHT, CLUSTER_ABOVE, CLUSTER_VOXELS, MARGIN_MM = 1.6, 1.4, 20, 6.0


def main() -> None:
  phantom = build('phantom_stroke/mini')
  synthetic = {
    'translator': str(demo_bundle('translator')),
    'lesion_generator': str(demo_bundle('lesion_generator')),
    'healthy': phantom,
    'num_volumes': N_VOLUMES,
    'seed': SEED,
    'audit': False,
  }
  fusion = {'clinical': f'{phantom}:train', 'healthy': f'{phantom}:healthy'}
  fusion |= {'num_volumes': N_VOLUMES, 'seed': SEED}
  sets = {
    'clinical cases': phantom,
    'translated, slices as they come': build(
      'synthetic_stroke', {**synthetic, 'equalize_slice_brightness': False}
    ),
    'translated': build('synthetic_stroke', synthetic),
    'translated, keep_scan': build('synthetic_stroke', {**synthetic, 'keep_scan': True}),
    'lesion fusion': build('lesion_fusion', fusion),
  }
  opened = open_sources([f'{name}:train' for name in sets.values()], str(DATA_DIR))
  write_table(__file__, [_row(name, source) for name, source in zip(sets, opened)])


def _row(name: str, source: Source) -> dict:
  parenchyma_ids = source.metadata['label_scheme']['parenchyma_ids']
  cases = source.examples(features=('image', 'labels', 'lesion')).as_numpy_iterator()
  spacing_mm = source.grid.spacing_mm
  measured = [
    _measure(case, parenchyma_ids, spacing_mm) for case in cases if case['lesion'].sum() >= MIN_VOXELS
  ]
  gain_sd, bright, clusters = np.array(measured).T
  return {
    'learns_from': name,
    'volumes': len(measured),
    'gain_sd': float(np.median(gain_sd)),
    'bright_percent': float(100 * bright.mean()),
    'bright_clusters': float(clusters.mean()),
  }


def _measure(
  case: dict[str, np.ndarray], parenchyma_ids: Sequence[int], spacing_mm: Sequence[float]
) -> tuple[float, float, int]:
  """Deviation of the slices' gains, share of bright tissue, and its clusters."""
  image = case['image'][..., 0].astype(np.float32)
  healthy = np.isin(case['labels'], parenchyma_ids) & (case['lesion'] == 0)
  gains = slice_gains(image, case['labels'], healthy)
  # Beside a lesion voxels hold some of it.
  away = ndimage.distance_transform_edt(case['lesion'] == 0, sampling=spacing_mm) > MARGIN_MM
  healthy &= away
  relative = np.where(healthy, image / np.median(image[healthy]), 0)
  clusters = np.bincount(ndimage.label(relative > CLUSTER_ABOVE)[0].ravel())[1:]
  n_clusters = int((clusters >= CLUSTER_VOXELS).sum())
  return float(gains.std()), float((relative[healthy] > BRIGHT).mean()), n_clusters


if __name__ == '__main__':
  main()
