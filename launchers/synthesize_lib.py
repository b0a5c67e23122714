"""Synthetic cases on a label map of the user's own."""

from collections.abc import Sequence
from pathlib import Path

import gin
import numpy as np

import keras_itm
from keras_itm.bundle import check_takes_labels, load_bundle
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from keras_itm.case import Case
from keras_itm.synthesis import draw_appearance
from launchers.console import say
from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.scan_space import image_to_scan, mask_to_scan
from stroke_tfds.imaging.transform import IDENTITY
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_labels
from stroke_tfds.phantom.cohort import MIN_OVERLAP, brain_overlap


@gin.configurable
def synthesize(
  workdir: str,
  data_dir: str | None = None,
  *,
  label_map: str = '',
  translator: str = gin.REQUIRED,
  lesion_generator: str = gin.REQUIRED,
  n_cases: int = 1,
  seed: int = 0,
  appearance: Sequence[str] = (),
  on_own_grid: bool = False,
  viewer: bool = False,
) -> None:
  """Puts generated lesions into a SynthSeg or FreeSurfer map near MNI space and translates it.

  Leaves case_0000/image.nii.gz, labels.nii.gz, lesion.nii.gz and case.json on the generators' grid.

  Args:
    workdir: The run's folder.
    data_dir: Not used; every launcher takes it.
    label_map: NIfTI or MGH file of FreeSurfer's codes, whose header says where in MNI space it lies;
      the brain of the MNI152 template when ''.
    translator: Folder or name of a translator's bundle.
    lesion_generator: Folder or name of a lesion generator's bundle.
    n_cases: Lesions to draw, each with an appearance of its own where the translator has learnt such.
    seed: Of lesions and appearances.
    appearance: What all cases are asked for, `NAME=NUMBER` each, such as
      `DWI.lesion_to_parenchyma=1.6`.
    on_own_grid: Whether image and lesion are also written on the voxels of the map, as image_own.nii.gz
      (image_own_1.nii.gz and so on for the contrasts after the first) and lesion_own.nii.gz.
    viewer: Whether each folder also gets view.html, a page that shows the case.

  Raises:
    BundleError: A bundle cannot be used.
    InputError: The map cannot be read, has unknown codes or lies elsewhere; `on_own_grid` without one;
      an appearance that the translator has not learnt.
  """
  if on_own_grid and not label_map:
    raise InputError('--on_own_grid goes with --label_map alone')
  run = RunFolder(workdir)
  if run.is_finished():
    return
  bundles = load_bundle(translator, TRANSLATOR), load_bundle(lesion_generator, LESION_GENERATOR)
  check_takes_labels(bundles[0])
  asked = _numbers(appearance)
  try:
    draw_appearance(bundles[0], 0, seed=seed, asked=asked)
  except ValueError as error:
    raise InputError(str(error)) from error
  spec = bundles[0].spec
  if spec.label_scheme['name'] != ASEG28.name:
    raise InputError(
      f'{translator}: learnt the label scheme {spec.label_scheme["name"]}, expected {ASEG28.name}, '
      'which has the codes of a map'
    )
  grid = Grid.from_json(spec.grid)
  own = nifti.read_label_map(label_map) if label_map else None
  labels = map_on_grid(own, grid, label_map) if own else template_labels(grid)
  tissue = brain_tissue(grid)
  for index in range(n_cases):
    drawn = {'seed': seed, 'index': index, 'appearance': asked}
    case = keras_itm.synthesize(labels, *bundles, tissue=tissue, **drawn)
    folder = run.path / f'case_{index:04d}'
    case.save(folder)
    if viewer:
      case.view(folder / 'view.html')
    if own and on_own_grid:
      _save_on_own_grid(folder, case, grid, own, label_map)
    say(f'{folder}: a lesion of {int(case.lesion.sum()) * grid.voxel_volume_ml:.1f} ml')
  run.finish({'n_cases': n_cases})


def _numbers(texts: Sequence[str]) -> dict[str, float]:
  """Numbers by name, from `NAME=NUMBER` each."""
  found = {}
  for text in texts:
    name, _, number = text.partition('=')
    try:
      found[name] = float(number)
    except ValueError as error:
      message = f'appearance {text!r}, expected NAME=NUMBER such as DWI.lesion_to_parenchyma=1.6'
      raise InputError(message) from error
  return found


def map_on_grid(own: Volume, grid: Grid, name: str) -> np.ndarray:
  """A map of FreeSurfer's codes on a grid in MNI space, as ids of aseg28: uint8 of the grid's shape.

  Args:
    own: As read.
    grid: In MNI space.
    name: The file, named in errors.

  Raises:
    InputError: Unknown codes, a file that does not say where it lies, or a brain far from MNI's.
  """
  if not own.is_placed:
    raise InputError(f'{name}: its header does not say where it lies, expected a map in MNI space')
  ids = Volume(ASEG28.from_codes(own.data, name), own.affine)
  labels = resample_labels(ids, grid, len(ASEG28.names))
  overlap = brain_overlap(labels, template_labels(grid))
  if overlap < MIN_OVERLAP:
    raise InputError(
      f'{name}: overlaps the MNI152 brain with a Dice of {overlap:.2f}, expected {MIN_OVERLAP} or '
      'more: a brain near MNI space'
    )
  return labels


def _save_on_own_grid(folder: Path, case: Case, grid: Grid, own: Volume, name: str) -> None:
  """Image and lesion on the voxels of the map."""
  for i, image in enumerate(np.moveaxis(case.image, -1, 0)):
    values = image_to_scan(image, grid, own, IDENTITY)
    nifti.write_nifti(folder / f'image_own{f"_{i}" if i else ""}.nii.gz', values, own.affine)
  lesion = mask_to_scan(case.lesion, grid, own, IDENTITY)
  nifti.write_mask_like(folder / 'lesion_own.nii.gz', lesion, own, name)
