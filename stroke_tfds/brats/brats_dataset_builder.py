"""brats: gliomas of the BraTS challenges, in four contrasts and with three classes of tumour."""

import collections
import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import builder, example, manual_dir
from stroke_tfds.brats.folder import SEGMENTATION, BratsFolder, Case
from stroke_tfds.errors import InputError, naming
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.brain_alignment import align_brain
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.preprocessing import PARENCHYMA_MEDIAN, check_scaling, scale
from stroke_tfds.imaging.resample import resample_classes, resample_image, resample_mask
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom.anatomy import template_labels
from stroke_tfds.phantom.structural_signal import CONTRASTS, check_contrasts
from stroke_tfds.preparation import splits

_COVERED = 0.5  # Share of a voxel inside the brain from which on it has intensity and label.


@dataclasses.dataclass
class BratsConfig(manual_dir.ManualDirConfig):
  """What decides, with the folder of cases, the bytes of the data set.

  Attributes:
    contrasts: Which of T1, T1CE, T2 and FLAIR make the channels of the image.
    intensity_scaling: 'parenchyma_median' or 'percentile', see `imaging.preprocessing`.
  """

  contrasts: Sequence[str] = CONTRASTS
  intensity_scaling: str = PARENCHYMA_MEDIAN

  def check_more(self) -> None:
    self.contrasts = check_contrasts(self.contrasts)
    check_scaling(self.intensity_scaling)

  def facts(self) -> dict[str, Any]:
    own = {'contrasts': list(self.contrasts), 'intensity_scaling': self.intensity_scaling}
    return {**super().facts(), **own}


class Builder(manual_dir.ManualDirBuilder[BratsFolder]):
  """Skull-stripped, co-registered scans of glioma patients."""

  VERSION = tfds.core.Version('1.0.0')
  HOMEPAGE = 'https://www.synapse.org/brats'
  LICENCE = 'that of the BraTS challenge'
  RELEASE_NOTES = {'1.0.0': 'Initial release.'}
  MANUAL_DOWNLOAD_INSTRUCTIONS = """\
  1. Download the training data of a BraTS challenge on gliomas (2018 or later) and unpack them.
  2. tfds build --imports stroke_tfds brats/mini --manual_dir DIR
  """
  BUILDER_CONFIGS = [
    *manual_dir.built_in_configs(BratsConfig),
    BratsConfig.built_in('slices_256', '256x256x160 voxels of 1 mm.', grid='mni_256x256x160'),
  ]
  CONTENT = 'a folder of cases of a BraTS challenge'
  LABEL_SCHEME = ASEG28_TUMOUR

  @property
  def contrasts(self) -> tuple[str, ...]:
    return tuple(self.builder_config.contrasts)

  def open_folder(self, manual_dir: Path) -> BratsFolder:
    return BratsFolder(manual_dir, self.contrasts)

  def scaling_of(self, folder: BratsFolder) -> str:
    return self.builder_config.intensity_scaling

  def make_splits(self, folder: BratsFolder) -> dict[str, manual_dir.Examples]:
    config = self.builder_config
    subjects_ml: dict[str, float] = collections.defaultdict(float)
    for case_id, volume_ml in folder.measure().items():
      subjects_ml[folder.cases[case_id].subject] += volume_ml
    test = splits.draw(subjects_ml, config.test_share, config.seed)
    if len(test) == len(subjects_ml):
      raise InputError(
        f'{folder.path}: test_share {config.test_share} of {len(subjects_ml)} patient(s) leaves none '
        'to train, expected more patients or a smaller test_share'
      )
    parts: dict[str, list[Case]] = {'train': [], 'test': []}
    for case in folder.cases.values():
      parts['test' if case.subject in test else 'train'].append(case)
    # TFDS cannot write a split without examples.
    return {split: self._generate_examples(part) for split, part in parts.items() if part}

  def _generate_examples(self, cases: list[Case]) -> manual_dir.Examples:
    for stored in builder.map_in_order(functools.partial(make_example, self.builder_config), cases):
      yield stored['subject_id'], stored


def make_example(config: BratsConfig, case: Case) -> dict[str, Any]:
  """A case on the grid of a config.

  Raises:
    InputError: A file is damaged, or holds no brain or tumour on the grid; names it.
  """
  grid = get_grid(config.grid)
  images = {name: nifti.read_image(case.files[name]) for name in config.contrasts}
  first = next(iter(images.values()))
  brain = dataclasses.replace(first, data=np.any([i.data > 0 for i in images.values()], axis=0))
  source = str(case.files[config.contrasts[0]])
  transform = naming(source, align_brain, brain)
  covered = resample_mask(brain, grid, transform) >= _COVERED
  if not covered.any():
    raise InputError(f'{source}: nothing of the brain falls on the grid {grid.name}, expected it there')
  channels = [
    naming(str(case.files[name]), _on_grid, image, covered, grid, transform, config.intensity_scaling)
    for name, image in images.items()
  ]
  labels, lesion = naming(str(case.files[SEGMENTATION]), _labels, case, covered, grid, transform)
  return example.make_example(
    np.stack(channels, -1),
    labels,
    lesion,
    grid=grid,
    subject_id=case.case_id,
    provenance={
      'source': 'brats',
      'subject': case.subject,
      'labels_from': 'template',
      'mni_to_scan': np.round(transform.matrix, 6).tolist(),
    },
  )


def _on_grid(
  image: Volume, covered: np.ndarray, grid: Grid, transform: Transform, scaling: str
) -> np.ndarray:
  """Intensities in [0, 1] on the grid, 0 outside the brain."""
  positive = dataclasses.replace(image, data=np.maximum(image.data, 0))
  values = resample_image(positive, grid, transform)
  return scale(values, covered, grid, scaling)


def _labels(
  case: Case, covered: np.ndarray, grid: Grid, transform: Transform
) -> tuple[np.ndarray, np.ndarray]:
  """Ids of aseg28_tumour, anatomy from the template, and the lesion, which keeps its volume."""
  n_classes = len(ASEG28_TUMOUR.lesion_classes)
  classes = resample_classes(case.read_classes(), n_classes, grid, transform)
  if not classes.any():
    raise InputError(f'nothing of the tumour falls on the grid {grid.name}, expected it there')
  anatomy = np.where(covered, template_labels(grid), 0)
  labels = np.where(classes > 0, ASEG28_TUMOUR.n_anatomy - 1 + classes, anatomy)
  return labels.astype(np.uint8), (classes > 0).astype(np.uint8)
