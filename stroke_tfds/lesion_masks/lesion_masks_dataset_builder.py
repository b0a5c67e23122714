"""lesion_masks: a folder of lesion masks in MNI space, to train a lesion generator on."""

import collections
import dataclasses
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import builder, example, manual_dir
from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import fingerprint, hash_files, hash_mask
from stroke_tfds.imaging import input_file, nifti
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.lesion_size import check_volume
from stroke_tfds.imaging.resample import lesion_voxels, resample_mask
from stroke_tfds.phantom.anatomy import template_anatomy, template_labels
from stroke_tfds.preparation import splits

_MOST_NAMED = 20
_CONTRASTS = ('none',)  # No set of images has it, so that the two are never mixed.
_LABEL = re.compile(r'sub-[A-Za-z0-9]+')
_HASH_LENGTH = 12


@dataclasses.dataclass(frozen=True)
class Mask:
  """A mask on the grid.

  Attributes:
    lesion: 0 and 1 as packed bits.
    volume_ml: Volume before resampling.
    sha256: Of the voxels before resampling, and where they are.
  """

  lesion: np.ndarray
  volume_ml: float
  sha256: str


class MaskFolder:
  """NIfTI masks whose world coordinates are MNI's, by name without ending."""

  def __init__(self, path: Path):
    """Lists the masks.

    Raises:
      InputError: No folder, no mask, or two masks of one name.
    """
    self.path = path
    self.files: dict[str, Path] = {}
    for file in nifti.list_nifti(path):
      name = _stem(file)
      if name in self.files:
        raise InputError(f'{file}: the same mask as {self.files[name].name}, expected one of the two')
      self.files[name] = file

  @functools.cached_property
  def fingerprint(self) -> str:
    """A hash of all files.

    Raises:
      InputError: One of them cannot be read.
    """
    try:
      return hash_files(list(self.files.values()))
    except OSError as error:
      raise InputError(f'{error.filename}: {input_file.reason(error)}, expected a mask') from error

  def read(self, grid: Grid) -> dict[str, Mask]:
    """All masks on the grid.

    Raises:
      InputError: Masks that are damaged, empty, too large, lie elsewhere, or are another subject's as
        well; names them, up to 20.
    """
    found = builder.map_in_order(lambda file: _read(file, grid), list(self.files.values()))
    masks = dict(zip(self.files, found))
    unfit = [str(mask) for mask in masks.values() if isinstance(mask, InputError)]
    fit = {name: mask for name, mask in masks.items() if not isinstance(mask, InputError)}
    unfit += self._of_two_subjects(fit)
    if unfit:
      more = [f'and {len(unfit) - _MOST_NAMED} more'] if len(unfit) > _MOST_NAMED else []
      told = '; '.join([*unfit[:_MOST_NAMED], *more])
      raise InputError(f'{len(unfit)} of {len(masks)} masks are unfit: {told}')
    return fit

  def _of_two_subjects(self, masks: dict[str, Mask]) -> list[str]:
    """What to say of each mask that an earlier subject has too: one could train, the other test."""
    said: list[str] = []
    first: dict[str, str] = {}
    for name, mask in masks.items():
      other = first.setdefault(mask.sha256, name)
      if _subject(other) != _subject(name):
        said.append(
          f'{self.files[name]}: has the voxels of {self.files[other].name}, another subject, '
          'expected each lesion once'
        )
    return said


class Builder(manual_dir.ManualDirBuilder[MaskFolder]):
  """Masks of real lesions on the anatomy of the template; all images are 0."""

  VERSION = tfds.core.Version('2.0.0')
  HOMEPAGE = 'https://arxiv.org/abs/2010.02745'
  LICENCE = 'that of the masks'
  RELEASE_NOTES = {
    '2.0.0': 'Masks and subjects without a BIDS label are named by hashes, no longer by their files.',
    '1.0.0': 'Initial release.',
  }
  MANUAL_DOWNLOAD_INSTRUCTIONS = """\
  A folder of NIfTI masks (*.nii, *.nii.gz; 0 and 1) in MNI space. The file name up to its first
  underscore is the subject: sub-1_lesion.nii.gz and sub-1_ses-02_lesion.nii.gz are of one. Then:
  tfds build --imports stroke_tfds lesion_masks/mini --manual_dir DIR
  """
  BUILDER_CONFIGS = manual_dir.built_in_configs(manual_dir.ManualDirConfig)
  CONTENT = 'a folder of NIfTI masks in MNI space'
  contrasts = _CONTRASTS

  def open_folder(self, manual_dir: Path) -> MaskFolder:
    return MaskFolder(manual_dir)

  def make_splits(self, folder: MaskFolder) -> dict[str, manual_dir.Examples]:
    config = self.builder_config
    masks = folder.read(config.grid)
    subjects_ml: dict[str, float] = collections.defaultdict(float)
    for name, mask in masks.items():
      subjects_ml[_subject(name)] += mask.volume_ml
    test = splits.draw(subjects_ml, config.test_share, config.seed)
    if len(test) == len(subjects_ml):
      raise InputError(
        f'{folder.path}: test_share {config.test_share} of {len(subjects_ml)} subject(s) leaves none '
        'to train, expected more subjects or a smaller test_share'
      )
    parts: dict[str, dict[str, Mask]] = {'train': {}, 'test': {}}
    for name, mask in masks.items():
      parts['test' if _subject(name) in test else 'train'][name] = mask
    # TFDS cannot write a split without examples.
    return {split: self._generate_examples(part) for split, part in parts.items() if part}

  def _generate_examples(self, masks: dict[str, Mask]) -> Iterator[tuple[str, dict[str, Any]]]:
    grid = self.builder_config.grid
    image, labels = np.zeros((*grid.shape, 1), np.float16), template_labels(grid)
    for (subject, mask_id), mask in zip(_anonymous(masks), masks.values()):
      lesion = np.unpackbits(mask.lesion, count=labels.size).reshape(grid.shape)
      yield (
        mask_id,
        example.make_example(
          image,
          labels,
          lesion,
          grid=grid,
          subject_id=mask_id,
          provenance={
            'source': self.name,
            'subject': subject,
            'anatomy': template_anatomy().name,
            'volume_ml': round(mask.volume_ml, 6),
          },
        ),
      )


def _stem(file: Path) -> str:
  return file.name.removesuffix('.gz').removesuffix('.nii')


def _subject(name: str) -> str:
  return name.split('_')[0]


def _anonymous(masks: dict[str, Mask]) -> list[tuple[str, str]]:
  """Subject and id of each mask: names of files, but for BIDS labels, may be those of patients.

  All masks of a subject are given; the order is theirs.
  """
  hashes: dict[str, list[str]] = collections.defaultdict(list)
  for name, mask in masks.items():
    hashes[_subject(name)].append(mask.sha256)
  found, used = [], collections.Counter[str]()
  for name, mask in masks.items():
    label = _subject(name)
    if not _LABEL.fullmatch(label):
      label = f'subject-{fingerprint(sorted(hashes[label]))}'
    mask_id = f'{label}_{mask.sha256[:_HASH_LENGTH]}'
    used[mask_id] += 1
    found.append((label, mask_id if used[mask_id] == 1 else f'{mask_id}_{used[mask_id]}'))
  return found


def _read(file: Path, grid: Grid) -> Mask | InputError:
  """A mask, or what is wrong with it."""
  try:
    mask = nifti.read_mask(file)
    if not mask.is_placed:
      raise InputError(f'{file}: its header does not say where it is, expected MNI coordinates')
    if not mask.data.any():
      raise InputError(f'{file}: the mask is empty, expected a lesion')
    volume_ml = check_volume(mask, str(file))
    lesion = lesion_voxels(resample_mask(mask, grid))
    if not lesion.any():
      raise InputError(f'{file}: the lesion is outside the grid {grid.name}, expected MNI coordinates')
  except InputError as error:
    return error
  return Mask(np.packbits(lesion), volume_ml, hash_mask(mask))
