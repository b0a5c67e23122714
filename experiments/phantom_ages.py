"""The phantom's infarcts beside real ones: contrast before intensities are cut, and number of parts.

The row of this version of phantom_stroke is measured; those of other versions stay as they are.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.phantom_ages
Hardware: 2 CPU cores.
Time: 8 minutes.
Expected: spread within lesions about .17 (2.0.0 had .16), between cases .21 (.19); of lesions of 20
  voxels or more on the mini grid, a quarter in one part, as of real masks; 4.4 parts (real 4.2).
"""

import csv
from unittest import mock

import numpy as np
from scipy import ndimage

from experiments._common import MEASUREMENTS, samples, write_table
from stroke_eval.lesion_contrast import lesion_to_parenchyma
from stroke_tfds.builder import map_in_order
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.imaging.resample import lesion_voxels, resample_image, resample_mask
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import subject
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom.lesions import grow_lesion
from stroke_tfds.phantom_stroke.phantom_stroke_dataset_builder import Builder

N_IMAGES, N_MASKS, FEWEST_VOXELS = 60, 300, 20
GRID = GRIDS['mini']
CASE = 'sub-strokecase0009/ses-0001/sub-strokecase0009_ses-0001'


def main() -> None:
  version = f'phantom_stroke {Builder.VERSION}'
  file = MEASUREMENTS / 'phantom_ages.csv'
  kept = {row['lesions']: row for row in csv.DictReader(file.open())} if file.exists() else {}
  measured = [_phantoms(version), _real_masks(), _real_scan()]
  kept |= {row['lesions']: row for row in measured}
  write_table(__file__, [kept[name] for name in sorted(kept)])


def _phantoms(version: str) -> dict:
  images, contrasts = {}, []
  record = subject.record

  def recorded(*arguments):
    images['last'] = record(*arguments)
    return images['last']

  masks = []
  with mock.patch.object(subject, 'record', recorded):
    for seed in range(N_IMAGES):
      made = _simulated(seed)
      masks.append(made.lesion)
      if made.lesion.sum() >= FEWEST_VOXELS:
        parenchyma = np.isin(made.labels, ASEG28.parenchyma_ids)
        contrasts.append(_contrast(images['last'], made.lesion > 0, parenchyma))
  with mock.patch.object(subject, 'record', lambda *_: np.ones(GRID.shape, np.float32)):
    masks += [_simulated(seed).lesion for seed in range(N_IMAGES, N_MASKS)]
  return {'lesions': version, **_summary(np.array(contrasts)), **_parts(masks)}


def _simulated(seed: int) -> subject.Subject:
  rng = np.random.default_rng([16, seed])
  made = None
  while made is None or not made.lesion.any():
    made = subject.simulate(rng, template_anatomy(), GRID, subject.PATIENTS, grow_lesion(rng))
  return made


def _real_masks() -> dict:
  on_grid = lambda file: lesion_voxels(resample_mask(nifti.read_mask(file), GRID))
  masks = list(map_in_order(on_grid, nifti.list_nifti(samples('soop_masks') / 'lesions')))
  return {'lesions': 'real masks', **_summary(None), **_parts(masks)}


def _real_scan() -> dict:
  """One case, on voxels as large as those of the mini grid along its own axes, placed in four ways."""
  folder = samples('isles22')
  images = [nifti.read_image(folder / f'rawdata/{CASE}_{kind}.nii.gz') for kind in ('dwi', 'adc')]
  mask = nifti.read_mask(folder / f'derivatives/{CASE}_msk.nii.gz')
  dwi, adc = (image.data for image in images)
  brain = (dwi > 0) & (adc > 0)
  solid = brain & (adc < 1.1 * np.median(adc[brain])) & ~(mask.data > 0)
  scale = np.diag([*mask.spacing_mm, 1.0])
  place = lambda data: Volume(data.astype(np.float32), scale)
  found = []
  for corner in ((-1.0, -1.0, -1.0), (0.0, 0.0, 1.0), (1.0, -1.0, 3.0), (-0.5, 1.0, 5.0)):
    extent = np.multiply(dwi.shape, mask.spacing_mm)
    x, y, z = (int(n) for n in extent // GRID.spacing_mm)
    grid = Grid('scan', (x, y, z), GRID.spacing_mm, corner)
    lesion = resample_mask(place(mask.data > 0), grid) >= 0.5
    parenchyma = resample_image(place(solid), grid) > 0.7
    found.append(_contrast(resample_image(place(dwi), grid), lesion, parenchyma))
  row = _summary(np.array(found)) | {'n': 1, 'its_sd_between_cases': ''}
  return {'lesions': 'real scan', **row, **_parts(None)}


def _contrast(image: np.ndarray, lesion: np.ndarray, parenchyma: np.ndarray) -> list[float]:
  inside, healthy = image[lesion], image[parenchyma & ~lesion]
  below = np.mean(inside < np.median(healthy))
  return [inside.std() / inside.mean(), lesion_to_parenchyma(image, lesion, parenchyma), below]


def _summary(contrasts: np.ndarray | None) -> dict:
  names = (
    'n',
    'spread_within',
    'lesion_to_parenchyma',
    'its_sd_between_cases',
    'lesions_below_parenchyma',
    'their_voxels_below',
  )
  if contrasts is None:
    return dict.fromkeys(names, '')
  spread, ratio, below = contrasts.T
  values = (spread.mean(), ratio.mean(), ratio.std(ddof=1), np.mean(ratio < 1), below.mean())
  return dict(zip(names, (len(ratio), *map(float, values))))


def _parts(masks: list[np.ndarray] | None) -> dict:
  """Parts whose voxels share faces, and volume."""
  names = (
    'n_masks',
    'single',
    'single_of_20',
    'components_of_20',
    'ml_5',
    'ml_25',
    'ml_50',
    'ml_75',
    'ml_95',
  )
  if masks is None:
    return dict.fromkeys(names, '')
  there = [mask for mask in masks if mask.any()]
  voxels = np.array([int(mask.sum()) for mask in there])
  parts = np.array([ndimage.label(mask)[1] for mask in there])
  large = parts[voxels >= FEWEST_VOXELS]
  ml = np.percentile(voxels * GRID.voxel_volume_ml, (5, 25, 50, 75, 95))
  values = (np.mean(parts == 1), np.mean(large == 1), large.mean(), *ml)
  return dict(zip(names, (len(there), *map(float, values))))


if __name__ == '__main__':
  main()
