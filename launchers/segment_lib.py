"""A trained segmenter on a scan of the user's own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from keras_itm import lesions, metrics
from keras_itm.bundle import Bundle, load_bundle
from keras_itm.bundle_spec import SEGMENTER
from launchers.reports import style
from launchers.reports.segmentation_figure import segmentation_figure
from launchers.run_folder import RunFolder
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti, registration, resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.lesion_size import check_volume
from stroke_tfds.imaging.scan_space import mask_on_scan, mask_to_scan
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume, on_grid_of
from stroke_tfds.preparation import contrasts as contrasts_lib
from stroke_tfds.preparation.layouts import ADC, DWI


@gin.configurable
def segment(
  workdir: str,
  data_dir: str | None = None,
  *,
  bundle: str = gin.REQUIRED,
  image: str | Sequence[str] = gin.REQUIRED,
  mask: str = '',
  contrasts: Sequence[str] = (),
  space: str = 'native',
) -> None:
  """Segments a scan and, where a mask is given, compares the two.

  Leaves in the workdir prediction_native.nii.gz on the voxels of the first image's file; image.nii.gz
  and prediction.nii.gz on the segmenter's grid in MNI space, the contrasts after the first as
  image_ADC.nii.gz and so on; transform.json, the affine between the two spaces; prediction.png, slices
  of the scan; volumes and Dice in finished.json. Those without `_mni` in their names are counted in
  the scan: `dice_ceiling` is what the mask itself scores once it was on the grid, so that no segmenter
  on this grid does much better.

  Args:
    workdir: The run's folder.
    data_dir: Not used; every launcher takes it.
    bundle: Folder of a segmenter's bundle.
    image: NIfTI file of a DWI, with the skull or without; for a segmenter of several contrasts one
      file for each, in its order. They are one scan's, each where its header says.
    mask: NIfTI file of an expert's mask in the same space; empty for none.
    contrasts: What the images are; dwi, adc when empty. An ADC is read in any of its units.
    space: 'native' registers the first image to the MNI152 brain by an affine; 'mni' trusts its header.

  Raises:
    BundleError: The bundle cannot be used.
    InputError: A file is unfit, or images are not as many as the bundle has contrasts.
  """
  run = RunFolder(workdir)
  if run.is_finished():
    return
  if space not in ('native', 'mni'):
    raise InputError(f'segment.space is {space!r}, expected native or mni')
  paths = [image] if isinstance(image, str) else list(image)
  segmenter = load_bundle(bundle, SEGMENTER)
  roles = _roles(segmenter, paths, contrasts)
  grid = Grid.from_json(segmenter.spec.grid)
  read = {role: nifti.read_image(path) for role, path in zip(roles, paths)}
  images = contrasts_lib.place(read)
  scan = images[roles[0]]
  expert = _read_mask(mask, scan) if mask else None
  transform = registration.register_image(scan) if space == 'native' else IDENTITY
  values = contrasts_lib.on_grid(images, grid, transform, segmenter.spec.intensity_scaling)
  probability = segmenter.call(image=tf.constant(values[np.newaxis]))
  prediction = lesions.binarise(probability[0]).numpy()
  native = mask_to_scan(prediction, grid, scan, transform)
  _write_volumes(run.path, grid, dict(zip(roles, np.moveaxis(values, -1, 0))), prediction)
  nifti.write_mask_like(run.path / 'prediction_native.nii.gz', native, scan, paths[0])
  _write_transform(run.path / 'transform.json', transform)
  results = _measure(scan, grid, transform, expert, prediction, native)
  truth = mask_on_scan(expert, scan) if expert else None
  with style.style():
    segmentation_figure(scan, native, truth, results).savefig(run.path / 'prediction.png', dpi=120)
  run.write_operative_config()
  run.finish(results)


def _roles(segmenter: Bundle, paths: Sequence[str], contrasts: Sequence[str]) -> list[str]:
  """What each image is, in order."""
  expected = segmenter.n_contrasts or len(paths)
  if len(paths) != expected or not paths:
    raise InputError(
      f'{segmenter.path}: segments {expected} contrasts, {len(paths)} images are given; '
      'expected one --image for each, in the order of the training set'
    )
  roles = list(contrasts) or [DWI, ADC][:expected]
  if len(roles) != expected or len(set(roles)) != expected:
    raise InputError(f'contrasts is {roles}, expected {expected} different names, such as dwi and adc')
  return roles


def _read_mask(path: str, scan: Volume) -> Volume:
  mask = on_grid_of(nifti.read_mask(path), scan, path)
  check_volume(mask, path)
  return mask


def _measure(
  scan: Volume,
  grid: Grid,
  transform: Transform,
  expert: Volume | None,
  prediction: np.ndarray,
  native: np.ndarray,
) -> dict[str, float]:
  """Volumes in ml and Dice, in the scan and, where the name says so, in MNI space."""
  ml = lambda mask, voxel_ml: round(int(np.count_nonzero(mask)) * voxel_ml, 3)
  results = {'predicted_volume_ml': ml(native, scan.voxel_volume_ml)}
  if expert:
    truth = mask_on_scan(expert, scan)
    on_grid = resample.lesion_voxels(resample.resample_mask(expert, grid, transform))
    results |= {
      'mask_volume_ml': ml(expert.data, expert.voxel_volume_ml),
      'dice': round(_dice(truth, native), 4),
      'dice_ceiling': round(_dice(truth, mask_to_scan(on_grid, grid, scan, transform)), 4),
    }
  results['predicted_volume_ml_mni'] = ml(prediction, grid.voxel_volume_ml)
  if expert:
    results['mask_volume_ml_mni'] = ml(on_grid, grid.voxel_volume_ml)
    results['dice_mni'] = round(_dice(on_grid, prediction), 4)
  return results


def _dice(truth: np.ndarray, prediction: np.ndarray) -> float:
  return float(metrics.dice(truth[np.newaxis], prediction[np.newaxis])[0])


def _write_volumes(
  folder: Path, grid: Grid, images: Mapping[str, np.ndarray], prediction: np.ndarray
) -> None:
  for number, (role, values) in enumerate(images.items()):
    name = f'image_{role}' if number else 'image'
    nifti.write_nifti(folder / f'{name}.nii.gz', np.ascontiguousarray(values), grid.affine)
  nifti.write_nifti(folder / 'prediction.nii.gz', prediction, grid.affine)


def _write_transform(path: Path, transform: Transform) -> None:
  facts: dict[str, Any] = {
    'unit': 'mm, axes RAS+, as the affines of the NIfTI files',
    'mni_to_scan': transform.matrix.tolist(),
    'scan_to_mni': np.linalg.inv(transform.matrix).tolist(),
  }
  files.write_whole(path, (json.dumps(facts, indent=2) + '\n').encode())
