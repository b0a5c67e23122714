"""What an expert's mask scores once it went to a segmenter's grid and back, on an ISLES'22 case.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.grid_ceiling
Hardware: 2 CPU cores.
Time: 1 minute.
Expected: Dice .72 on `mini`, .89 on `mni_128x128x32`; the mask holds 4.184 ml.
"""

import numpy as np

from experiments._common import samples, write_table
from stroke_eval import segmentation
from stroke_tfds.imaging import nifti, registration, resample
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.scan_space import mask_on_scan, mask_to_scan
from stroke_tfds.imaging.volume import on_grid_of

_CASE = 'sub-strokecase0009/ses-0001/sub-strokecase0009_ses-0001'


def main() -> None:
  folder = samples('isles22')
  scan = nifti.read_image(folder / 'rawdata' / f'{_CASE}_dwi.nii.gz')
  path = folder / 'derivatives' / f'{_CASE}_msk.nii.gz'
  expert = on_grid_of(nifti.read_mask(path), scan, str(path))
  truth, transform = mask_on_scan(expert, scan), registration.register_image(scan)
  rows = []
  for name in ('mini', 'mni_128x128x32'):
    grid = get_grid(name)
    on_grid = resample.lesion_voxels(resample.resample_mask(expert, grid, transform))
    back = mask_to_scan(on_grid, grid, scan, transform)
    measures = segmentation.measure(truth, back, np.linalg.norm(scan.affine[:3, :3], axis=0))
    ml = np.count_nonzero(expert.data) * expert.voxel_volume_ml
    rows.append({'grid': name, 'mask_ml': round(ml, 3), 'dice': round(measures['dice'], 3)})
  write_table(__file__, rows)


if __name__ == '__main__':
  main()
