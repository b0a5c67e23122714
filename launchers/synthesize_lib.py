"""Synthetic cases on a label map of the user's own."""

from collections.abc import Sequence
from pathlib import Path

import gin
import numpy as np

import keras_itm
from keras_itm.bundle import check_takes_labels, load_bundle
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from keras_itm.case import Case, check_agreement
from keras_itm.synthesis import LesionDrawError, draw_appearance, is_image
from launchers.console import say
from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError, first_line
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.own_map import OwnMap, read_map
from stroke_tfds.phantom.anatomy import template_labels


@gin.configurable
def synthesize(
  workdir: str,
  data_dir: str | None = None,
  *,
  label_map: str = '',
  space: str = 'mni',
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
    space: 'mni' trusts that header; 'native' registers the map's brain to the template by an affine.
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
      bundles of two grids, an appearance that the translator has not learnt, an image that shows
      nothing, a number below its least.
  """
  if on_own_grid and not label_map:
    raise InputError('--on_own_grid goes with --label_map alone')
  if space != 'mni' and not label_map:
    raise InputError(f'--space={space} goes with --label_map alone')
  for name, count, least in (('n_cases', n_cases, 1), ('seed', seed, 0)):
    if count < least:
      raise InputError(f'synthesize.{name} is {count}, expected a whole number from {least}')
  run = RunFolder(workdir)
  if run.is_finished():
    return
  bundles = load_bundle(translator, TRANSLATOR), load_bundle(lesion_generator, LESION_GENERATOR)
  check_takes_labels(bundles[0])
  asked = _numbers(appearance)
  try:
    check_agreement(*bundles)
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
  own = read_map(label_map, grid, space) if label_map else None
  labels = own.labels if own else template_labels(grid)
  tissue = brain_tissue(grid)
  for index in range(n_cases):
    drawn = {'seed': seed, 'index': index, 'appearance': asked}
    try:
      case = keras_itm.synthesize(labels, *bundles, tissue=tissue, **drawn)
    except (ValueError, LesionDrawError) as error:
      raise InputError(f'{label_map or "template"}: {first_line(error)}') from error
    if not is_image(case.image, labels, case.lesion, spec.label_scheme['parenchyma_ids']):
      raise InputError(f'{translator}: draws an image that is dark or not finite, expected a brain')
    folder = run.path / f'case_{index:04d}'
    case.save(folder)
    if viewer:
      case.view(folder / 'view.html')
    if own and on_own_grid:
      _save_on_own_grid(folder, case, own, label_map)
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


def _save_on_own_grid(folder: Path, case: Case, own: OwnMap, name: str) -> None:
  """Image and lesion on the voxels of the map."""
  for i, image in enumerate(np.moveaxis(case.image, -1, 0)):
    path = folder / f'image_own{f"_{i}" if i else ""}.nii.gz'
    nifti.write_like(path, own.image_back(image), own.volume, name)
  nifti.write_like(folder / 'lesion_own.nii.gz', own.mask_back(case.lesion), own.volume, name)
