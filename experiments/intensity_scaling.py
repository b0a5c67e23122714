"""What the two scalings of intensities leave of lesions, on the same simulated patients.

Command: python -m experiments.intensity_scaling
Hardware: 2 CPU cores.
Time: 3 minutes.
Expected: by the percentile 4 of 10 voxels of small lesions are saturated, by the medians hardly any;
  the percentile ties the brightness of parenchyma to the size of the lesion (correlation -.7).
"""

import numpy as np

from experiments._common import write_table
from stroke_eval.lesion_contrast import lesion_to_parenchyma
from stroke_tfds.builder import map_in_order
from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.imaging.preprocessing import SCALINGS
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom.lesions import grow_lesion
from stroke_tfds.phantom.subject import PATIENTS, Subject, simulate

GRID = GRIDS['mini']
N_SUBJECTS, MIN_VOXELS, SMALL_VOXELS = 55, 20, 250


def main() -> None:
  rows = []
  for scaling in SCALINGS:
    subjects = map_in_order(lambda seed, scaling=scaling: _simulated(seed, scaling), range(N_SUBJECTS))
    cases = [_facts(subject) for subject in subjects if subject.lesion.sum() >= MIN_VOXELS]
    rows.append({'scaling': scaling, 'n': len(cases), **_row(cases)})
  write_table(__file__, rows)


def _simulated(seed: int, scaling: str) -> Subject:
  rng = np.random.default_rng(seed)
  lesion = grow_lesion(rng)
  subject = simulate(rng, template_anatomy(), GRID, PATIENTS, lesion, scaling)
  # As stored.
  image = subject.image.astype(np.float16).astype(np.float32)
  return Subject(image, subject.labels, subject.lesion, subject.drawn)


def _facts(subject: Subject) -> dict[str, float]:
  image, lesion = subject.image[..., 0], subject.lesion > 0
  parenchyma = np.isin(subject.labels, ASEG28.parenchyma_ids)
  inside, median = image[lesion], np.median(image[parenchyma & ~lesion])
  return {
    'voxels': inside.size,
    'saturated': int((inside == 1).sum()),
    'spread': float(inside.std() / inside.mean()),
    'contrast': lesion_to_parenchyma(image, subject.lesion, parenchyma),
    'median': float(median),
    'measured_by': float(np.median(image[brain_tissue(GRID) & (image > 0)]) / median),
  }


def _row(cases: list[dict[str, float]]) -> dict[str, float]:
  of = {name: np.array([case[name] for case in cases]) for name in cases[0]}
  is_small = of['voxels'] <= SMALL_VOXELS
  saturated = lambda which: float(of['saturated'][which].sum() / of['voxels'][which].sum())
  return {
    'lesion_voxels_saturated': saturated(slice(None)),
    'of_small_lesions': saturated(is_small),
    'of_large_lesions': saturated(~is_small),
    'mean_of_cases': float((of['saturated'] / of['voxels']).mean()),
    'spread_within': float(of['spread'].mean()),
    'lesion_to_parenchyma': float(of['contrast'].mean()),
    'its_sd_between_cases': float(of['contrast'].std(ddof=1)),
    'healthy_median': float(of['median'].mean()),
    'healthy_median_sd': float(of['median'].std(ddof=1)),
    'correlation_with_log_volume': float(np.corrcoef(np.log(of['voxels']), of['median'])[0, 1]),
    'unit_to_healthy_median': float(of['measured_by'].mean()),
    'unit_to_healthy_median_sd': float(of['measured_by'].std(ddof=1)),
  }


if __name__ == '__main__':
  main()
