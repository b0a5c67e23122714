"""A trained segmenter on a scan of the user's own."""

from collections.abc import Mapping
from pathlib import Path

import gin
import nibabel as nib
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from keras_itm import lesions, metrics
from keras_itm.bundle import SEGMENTER, load_bundle
from launchers.reports import axial_view as view
from launchers.reports import style
from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti, registration, resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import normalise_dwi

_N_COLUMNS = 8


@gin.configurable
def segment(
  workdir: str,
  data_dir: str | None = None,
  *,
  bundle: str = gin.REQUIRED,
  image: str = gin.REQUIRED,
  mask: str = '',
  space: str = 'native',
) -> None:
  """Segments a DWI and, where a mask is given, compares the two.

  Leaves in the workdir: image.nii.gz and prediction.nii.gz on the segmenter's grid in MNI space,
  prediction.png, and the volumes and the Dice coefficient in finished.json.

  Args:
    workdir: The run's folder.
    data_dir: Not used; every launcher takes it.
    bundle: Folder of a segmenter's bundle.
    image: NIfTI file of a DWI, with the skull or without.
    mask: NIfTI file of an expert's mask in the same space; empty for none.
    space: 'native' registers the image to the MNI152 brain by an affine; 'mni' trusts its header.
  """
  run = RunFolder(workdir)
  if run.is_finished():
    return
  if space not in ('native', 'mni'):
    raise InputError(f'segment.space is {space!r}, expected native or mni')
  segmenter = load_bundle(bundle, SEGMENTER)
  grid = Grid.from_json(segmenter.spec.grid)
  scan = nifti.read_image(image)
  expert = nifti.read_mask(mask) if mask else None
  transform = registration.register_image(scan) if space == 'native' else None
  dwi = normalise_dwi(np.maximum(resample.resample_image(scan, grid, transform), 0))
  probability = segmenter.call(image=tf.constant(dwi[np.newaxis, ..., np.newaxis]))
  prediction = lesions.binarise(probability[0]).numpy()
  results = {'predicted_volume_ml': round(int(prediction.sum()) * grid.voxel_volume_ml, 3)}
  truth = None
  if expert:
    truth = resample.keep_volume(resample.resample_mask(expert, grid, transform))
    results['mask_volume_ml'] = round(int(truth.sum()) * grid.voxel_volume_ml, 3)
    results['dice'] = round(float(metrics.dice(truth[np.newaxis], prediction[np.newaxis])[0]), 4)
  _write_volumes(run.path, grid, {'image': dwi, 'prediction': prediction})
  with style.style():
    figure = _draw(grid, dwi, prediction, truth, results)
    figure.savefig(run.path / 'prediction.png', dpi=120)
  run.write_operative_config()
  run.finish(results)


def _write_volumes(folder: Path, grid: Grid, volumes: Mapping[str, np.ndarray]) -> None:
  for name, volume in volumes.items():
    nib.save(nib.Nifti1Image(volume, grid.affine), folder / f'{name}.nii.gz')


def _draw(
  grid: Grid,
  dwi: np.ndarray,
  prediction: np.ndarray,
  truth: np.ndarray | None,
  results: Mapping[str, float],
) -> Figure:
  """All axial slices in radiological convention: prediction hatched, expert mask outlined."""
  n_slices = dwi.shape[2]
  n_rows = -(-n_slices // _N_COLUMNS)
  size = (1.5 * _N_COLUMNS, 1.7 * n_rows + 0.4)
  figure = Figure(figsize=size, layout='constrained')
  for z, ax in enumerate(figure.subplots(n_rows, _N_COLUMNS, squeeze=False).flat):
    style.image_axes(ax)
    if z >= n_slices:
      continue
    view.show_slice(ax, dwi[..., z], grid)
    view.fill(ax, prediction[..., z], grid)
    if truth is not None:
      view.draw_outline(ax, truth[..., z], grid)
  facts = ', '.join(f'{name.replace("_", " ")} {value:g}' for name, value in results.items())
  outlined = ', outlined: expert mask' if truth is not None else ''
  figure.suptitle(f'Hatched: prediction{outlined}. {facts}.', fontsize=9)
  return figure
