"""A trained segmenter on a scan of the user's own."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from keras_itm import lesions, metrics
from keras_itm.bundle import Bundle, load_bundle
from keras_itm.bundle_spec import SEGMENTER, BundleSpec
from launchers.console import say
from launchers.reports import style
from launchers.reports.axial_view import shown_contrast
from launchers.reports.segmentation_figure import segmentation_figure
from launchers.run_folder import RunFolder
from stroke_eval.segmentation import region_column, region_dice
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti, registration, resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.lesion_classes import BRATS_LABELS, read_classes
from stroke_tfds.imaging.lesion_size import check_volume
from stroke_tfds.imaging.scan_space import mask_on_scan, mask_to_scan
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume, on_grid_of
from stroke_tfds.label_schemes import TUMOUR_CLASSES, lesion_regions
from stroke_tfds.preparation import contrasts as contrasts_lib
from stroke_tfds.preparation import quality
from stroke_tfds.preparation.layouts import ADC, DWI

_LEAST_ON_SCAN = 0.9  # Of a lesion that reaches the border of a field of view, a little may be cut off.


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

  A prediction is 0 outside of lesions and 1 in them; of a segmenter that tells classes of lesions
  apart it holds these, from 1 in the order of the bundle's `classes`, and a mask may do so too.

  Leaves in the workdir prediction_native.nii.gz on the voxels of the first image's file; image.nii.gz
  and prediction.nii.gz on the segmenter's grid in MNI space, the contrasts after the first as
  image_ADC.nii.gz and so on; transform.json, the affine between the two spaces and how well the brain
  lies on MNI152's (`brain_dice`; a warning where it is low); prediction.png, slices of the scan;
  volumes and Dice in finished.json. Those without `_mni` in their names are counted in the scan:
  `dice_ceiling` is what the mask itself scores once it was on the grid, so that no segmenter on this
  grid does much better.

  Args:
    workdir: The run's folder.
    data_dir: Not used; every launcher takes it.
    bundle: Folder of a segmenter's bundle.
    image: NIfTI file of a DWI, with the skull or without; for a segmenter of several contrasts one
      file for each. They are one scan's, each where its header says.
    mask: NIfTI file of an expert's mask in the same space; empty for none. Classes are those of the
      bundle, or of BraTS of any year; of 0 and 1 it says where any lesion is.
    contrasts: What each image is, in any order; that of the bundle when empty. An ADC is read in any of
      its units.
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
  files_of = _by_contrast(segmenter, paths, contrasts)
  say(', '.join(f'{role}: {path}' for role, path in files_of.items()))
  first, first_path = next(iter(files_of.items()))
  grid = Grid.from_json(segmenter.spec.grid)
  images = contrasts_lib.place({role: nifti.read_image(path) for role, path in files_of.items()})
  scan = images[first]
  expert = _read_mask(mask, scan, segmenter.spec) if mask else None
  transform = registration.register_image(scan) if space == 'native' else IDENTITY
  values = contrasts_lib.on_grid(images, grid, transform, segmenter.spec.intensity_scaling)
  brain_dice = _brain_dice(values[..., 0], scan, grid, transform)
  if brain_dice < quality.MIN_BRAIN_DICE:
    remedy = '; --space=native registers the scan' if space == 'mni' else ''
    say(
      f'warning: {first_path}: its brain overlaps that of MNI152 with a Dice of {brain_dice:.2f}, '
      f'expected {quality.MIN_BRAIN_DICE} or more: what is found may not be a lesion{remedy}'
    )
  probability = segmenter.call(image=tf.constant(values[np.newaxis]))
  prediction = lesions.classify(probability[0]).numpy()
  classes = segmenter.spec.classes[1:]
  native = mask_to_scan(prediction, grid, scan, transform, max(len(classes), 1))
  _write_volumes(run.path, grid, dict(zip(files_of, np.moveaxis(values, -1, 0))), prediction)
  nifti.write_like(run.path / 'prediction_native.nii.gz', native, scan, first_path)
  _write_transform(run.path / 'transform.json', transform, brain_dice)
  results = _measure(scan, grid, transform, expert, prediction, native)
  results |= _measure_classes(segmenter.spec, scan, expert, native)
  truth = expert.on_scan if expert else None
  with style.style():
    figure = segmentation_figure(_shown(images), native, truth, results, classes)
    figure.savefig(run.path / 'prediction.png', dpi=120)
  run.write_operative_config()
  run.finish(results)


@dataclasses.dataclass(frozen=True)
class _Expert:
  """An expert's mask, as read and on the scan: 0 outside of lesions, then classes to `n_classes`."""

  volume: Volume
  on_scan: np.ndarray
  n_classes: int


def _by_contrast(segmenter: Bundle, paths: Sequence[str], contrasts: Sequence[str]) -> dict[str, str]:
  """Contrast, in the order of the segmenter -> file."""
  known = [name.lower() for name in segmenter.spec.contrasts]
  expected = segmenter.n_contrasts or len(paths)
  if len(paths) != expected or not paths:
    shown = f' ({", ".join(known)})' if known else ''
    raise InputError(
      f'{segmenter.path}: segments {expected} contrasts{shown}, {len(paths)} images are given; '
      'expected one --image for each'
    )
  roles = [name.lower() for name in contrasts] or known or [DWI, ADC][:expected]
  if known and sorted(roles) != sorted(known):
    raise InputError(f'contrasts is {roles}, expected {known}, those of {segmenter.path}')
  if len(roles) != expected or len(set(roles)) != expected:
    raise InputError(
      f'contrasts is {roles}, expected {expected} different names, such as dwi and adc, in the order '
      f'in which {segmenter.path} learnt them, which it does not say'
    )
  files_of = dict(zip(roles, paths))
  return {role: files_of[role] for role in known or roles}


def _read_mask(path: str, scan: Volume, spec: BundleSpec) -> _Expert:
  """With classes where the segmenter has them and the mask holds any but 1."""
  n_classes = len(spec.classes[1:])
  if n_classes > 1:
    known = BRATS_LABELS if spec.classes[1:] == TUMOUR_CLASSES else [range(1, n_classes + 1)]
    volume = read_classes(path, known)
    n_classes = n_classes if volume.data.max() > 1 else 1
  else:
    volume, n_classes = nifti.read_mask(path), 1
  mask = on_grid_of(volume, scan, path)
  check_volume(mask, path)
  _check_on_scan(mask, scan, path)
  return _Expert(mask, mask_on_scan(mask, scan, n_classes), n_classes)


def _check_on_scan(mask: Volume, scan: Volume, path: str) -> None:
  """Refuses a mask of another scan, as headers have it."""
  to_scan = np.linalg.inv(scan.affine) @ mask.affine
  voxels = np.argwhere(mask.data > 0) @ to_scan[:3, :3].T + to_scan[:3, 3]
  is_on_scan = ((voxels > -1) & (voxels < scan.data.shape)).all(axis=1)
  if len(voxels) and is_on_scan.mean() < _LEAST_ON_SCAN:
    raise InputError(
      f'{path}: {is_on_scan.mean():.0%} of its lesion lies on the scan, expected the whole lesion'
    )


def _measure(
  scan: Volume,
  grid: Grid,
  transform: Transform,
  expert: _Expert | None,
  prediction: np.ndarray,
  native: np.ndarray,
) -> dict[str, float]:
  """Volumes of any lesion in ml and Dice, in the scan and, where the name says so, in MNI space."""
  results = {'predicted_volume_ml': _ml(native, scan.voxel_volume_ml)}
  if expert:
    truth = expert.on_scan
    mask = dataclasses.replace(expert.volume, data=expert.volume.data > 0)
    on_grid = resample.resample_classes(mask, 1, grid, transform)
    results |= {
      'mask_volume_ml': _ml(mask.data, mask.voxel_volume_ml),
      'dice': round(_dice(truth > 0, native > 0), 4),
      'dice_ceiling': round(_dice(truth > 0, mask_to_scan(on_grid, grid, scan, transform)), 4),
    }
  results['predicted_volume_ml_mni'] = _ml(prediction, grid.voxel_volume_ml)
  if expert:
    results['mask_volume_ml_mni'] = _ml(on_grid, grid.voxel_volume_ml)
    results['dice_mni'] = round(_dice(on_grid, prediction > 0), 4)
  return results


def _measure_classes(
  spec: BundleSpec,
  scan: Volume,
  expert: _Expert | None,
  native: np.ndarray,
) -> dict[str, float]:
  """Volumes in ml of the predicted classes and Dice of classes and unions, in the scan."""
  results = {
    region_column(name, 'predicted_volume_ml'): _ml(native == k, scan.voxel_volume_ml)
    for k, name in enumerate(spec.classes[1:], 1)
  }
  if expert and expert.n_classes > 1:
    regions = lesion_regions(spec.label_scheme)
    for name, dice in region_dice(expert.on_scan, native, regions).items():
      results[region_column(name)] = round(dice, 4)
  return results


def _shown(images: Mapping[str, Volume]) -> Volume:
  """The contrast in which lesions are seen best, on the voxels of the first."""
  first, best = next(iter(images.values())), list(images.values())[shown_contrast(list(images))]
  if best.data.shape != first.data.shape or not np.allclose(best.affine, first.affine):
    return first
  return best


def _ml(mask: np.ndarray, voxel_ml: float) -> float:
  return round(int(np.count_nonzero(mask)) * voxel_ml, 3)


def _dice(truth: np.ndarray, prediction: np.ndarray) -> float:
  return float(metrics.dice(truth[np.newaxis], prediction[np.newaxis])[0])


def _write_volumes(
  folder: Path, grid: Grid, images: Mapping[str, np.ndarray], prediction: np.ndarray
) -> None:
  for number, (role, values) in enumerate(images.items()):
    name = f'image_{role}' if number else 'image'
    nifti.write_nifti(folder / f'{name}.nii.gz', np.ascontiguousarray(values), grid.affine)
  nifti.write_nifti(folder / 'prediction.nii.gz', prediction, grid.affine)


def _brain_dice(image: np.ndarray, scan: Volume, grid: Grid, transform: Transform) -> float:
  """How well the scan's brain on the grid, [X, Y, Z], lies on the template's."""
  covered = contrasts_lib.coverage(scan, grid, transform)
  return round(quality.brain_dice(image, covered, quality.load_template(grid)), 4)


def _write_transform(path: Path, transform: Transform, brain_dice: float) -> None:
  facts: dict[str, Any] = {
    'unit': 'mm, axes RAS+, as the affines of the NIfTI files',
    'mni_to_scan': transform.matrix.tolist(),
    'scan_to_mni': np.linalg.inv(transform.matrix).tolist(),
    'brain_dice': brain_dice,
  }
  files.write_whole(path, (json.dumps(facts, indent=2) + '\n').encode())
