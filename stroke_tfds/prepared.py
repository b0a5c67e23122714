"""Builders over folders that `launchers.prepare_data` made."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from stroke_tfds import builder, example, manual_dir
from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import fingerprint
from stroke_tfds.imaging.brightness import scale_again
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import PARENCHYMA_MEDIAN
from stroke_tfds.imaging.resample import lesion_voxels, resample_image, resample_labels
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.preparation import splits
from stroke_tfds.preparation.folder import PreparedFolder
from stroke_tfds.preparation.quality import STROKE_WITHOUT_MASK
from stroke_tfds.preparation.tables import POSITIVE, SUSPICIOUS, Participant

_TOLERANCE_MM = 1e-3


@dataclasses.dataclass
class PreparedConfig(manual_dir.ManualDirConfig):
  """What decides, with the prepared folder, the bytes of the data set.

  Attributes:
    contrasts: Which contrasts of the folder make the channels of the image.
    negatives_in_test: Share of the patients without a lesion that the test split gets, rounded up; the
      others are in `healthy`.
    exclude: Ids of cases to leave out.
    with_suspicious: Whether the data set holds the cases that participants.tsv calls suspicious, such
      as badly registered ones.
  """

  contrasts: Sequence[str] = ('dwi',)
  negatives_in_test: float = 1.0
  exclude: Sequence[str] = ()
  with_suspicious: bool = False

  def check_more(self) -> None:
    self.check_share('negatives_in_test')
    if not isinstance(self.with_suspicious, bool):
      raise InputError(f'with_suspicious is {self.with_suspicious!r}, expected true or false')
    if not _is_list_of_strings(self.exclude):
      raise InputError(
        f'exclude is {self.exclude!r}, expected a list such as ["sub-1", "sub-2_ses-01"]'
      )
    self.exclude = tuple(sorted(set(self.exclude)))
    given = self.contrasts
    if not _is_list_of_strings(given) or not all(name.isalnum() for name in given):
      raise InputError(f'contrasts is {given!r}, expected a list such as ["dwi", "adc"]')
    self.contrasts = tuple(name.lower() for name in given)
    if not self.contrasts or len(set(self.contrasts)) < len(self.contrasts):
      raise InputError(f'contrasts is {given!r}, expected one or more names, each once')

  def facts(self) -> dict[str, Any]:
    return {
      **super().facts(),
      'contrasts': list(self.contrasts),
      'negatives_in_test': self.negatives_in_test,
      'exclude': list(self.exclude),
      'with_suspicious': self.with_suspicious,
    }


class PreparedBuilder(manual_dir.ManualDirBuilder[PreparedFolder], skip_registration=True):  # type: ignore[call-arg]
  """Examples of a prepared folder, the `manual_dir`; splits as `splits.divide` says."""

  SOURCE = ''  # Layout that the folder was prepared from; '' for any.
  CONTENT = 'a folder made by python -m launchers.prepare_data'

  @property
  def contrasts(self) -> tuple[str, ...]:
    return tuple(name.upper() for name in self.builder_config.contrasts)

  def open_folder(self, manual_dir: Path) -> PreparedFolder:
    """Opens a prepared folder and checks that it fits the config."""
    folder = PreparedFolder(manual_dir)
    source, scheme = folder.settings.get('source'), folder.settings.get('label_scheme')
    if self.SOURCE and source != self.SOURCE:
      raise InputError(
        f'{folder.path}: was prepared with --source={source}, the data set {self.name} expected '
        f'--source={self.SOURCE}'
      )
    if scheme != ASEG28.name:
      raise InputError(f'{folder.path}: has the label scheme {scheme}, expected {ASEG28.name}')
    wanted = self.builder_config.contrasts
    if not set(wanted) <= set(folder.contrasts):
      raise InputError(
        f'{folder.path}: holds the contrasts {list(folder.contrasts)}, expected {list(wanted)}; '
        f'prepare it again with --contrasts={",".join(wanted)} or give other contrasts in --config'
      )
    _check_grid(folder, self.builder_config.grid)
    return folder

  def make_splits(self, folder: PreparedFolder) -> dict[str, manual_dir.Examples]:
    config, used = self.builder_config, set(self._case_ids(folder))
    quality = {case.case_id: folder.sidecar(case.case_id)['quality'] for case in folder.cases}
    divided = splits.divide(
      folder.cases,
      {case_id: figures.get('lesion_ml', 0.0) for case_id, figures in quality.items()},
      test_share=config.test_share,
      negatives_in_test=config.negatives_in_test,
      seed=config.seed,
      not_healthy={case_id for case_id, figures in quality.items() if figures.get(STROKE_WITHOUT_MASK)},
    )
    # Cases are left out after the draw, so that the others stay where they are.
    kept = {split: [c for c in cases if c.case_id in used] for split, cases in divided.items()}
    _report_suspicious(folder, config)
    if not any(kept.values()) or (divided['train'] and not kept['train']):
      what = 'the split train' if any(kept.values()) else 'all cases'
      raise InputError(
        f'{folder.path}: the config leaves out {what}, expected some that stay; '
        '"with_suspicious": true in --config takes suspicious cases in'
      )
    # TFDS cannot write a split without examples.
    return {split: self._generate_examples(folder, cases) for split, cases in kept.items() if cases}

  def scaling_of(self, folder: PreparedFolder) -> str:
    return folder.intensity_scaling

  def name_data(self, folder: PreparedFolder) -> str:
    # Which cases are suspicious is no part of the folder's fingerprint.
    return fingerprint({'data': super().name_data(folder), 'cases': self._case_ids(folder)})

  def _case_ids(self, folder: PreparedFolder) -> list[str]:
    """The cases that the config does not leave out."""
    config = self.builder_config
    unknown = sorted(set(config.exclude) - {case.case_id for case in folder.cases})
    if unknown:
      raise InputError(
        f'exclude names {unknown[0]}, expected a case id of {folder.path}/participants.tsv'
      )
    return [
      case.case_id
      for case in folder.cases
      if case.case_id not in config.exclude and (config.with_suspicious or case.status != SUSPICIOUS)
    ]

  def _generate_examples(self, folder: PreparedFolder, cases: list[Participant]) -> manual_dir.Examples:
    for stored in builder.map_in_order(functools.partial(self._make, folder), cases):
      yield stored['subject_id'], stored

  def _make(self, folder: PreparedFolder, case: Participant) -> dict[str, Any]:
    """A case as an example on the grid of the config."""
    config = self.builder_config
    stored, labels, fraction, sidecar = folder.load(case.case_id)
    positions = [folder.contrasts.index(name) for name in config.contrasts]
    place = lambda data: Volume(data, folder.grid.affine)
    channels = [resample_image(place(stored[..., i]), config.grid) for i in positions]
    image = np.clip(np.stack(channels, -1), 0, 1)
    if folder.intensity_scaling == PARENCHYMA_MEDIAN and config.grid != folder.grid:
      # The unit is measured on the grid of the set, as that of a scan on a segmenter's grid.
      image = scale_again(image, self.contrasts, config.grid, PARENCHYMA_MEDIAN)
    lesion = lesion_voxels(resample_image(place(fraction), config.grid))
    if case.group == POSITIVE and not lesion.any():
      raise InputError(
        f'{case.case_id}: is positive but has no lesion on the grid {config.grid.name}; expected one, '
        f'or leave it out by --config with "exclude": ["{case.case_id}"]'
      )
    return example.make_example(
      image,
      resample_labels(place(labels), config.grid, len(ASEG28.names)),
      lesion,
      grid=config.grid,
      subject_id=case.case_id,
      provenance={
        'source': folder.settings['source'],
        'preparation': folder.settings['version'],
        'registration': folder.settings['registration'],
        'labels_from': sidecar['labels_from'],
        'subject': case.participant_id,
        'case_id': case.case_id,
        'group': case.group,
      },
    )


def _report_suspicious(folder: PreparedFolder, config: PreparedConfig) -> None:
  cases = [case for case in folder.cases if case.case_id not in config.exclude]
  n_suspicious, are_used = sum(case.status == SUSPICIOUS for case in cases), config.with_suspicious
  if not n_suspicious:
    return
  logging.warning(
    '%d of %d cases are suspicious and %s: look at %s/quality.html; "with_suspicious": %s in --config '
    '%s, "exclude" leaves single cases out',
    n_suspicious,
    len(cases),
    'used all the same' if are_used else 'left out',
    folder.path,
    'false' if are_used else 'true',
    'leaves them out' if are_used else 'takes them in',
  )


def _is_list_of_strings(value: Any) -> bool:
  return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _check_grid(folder: PreparedFolder, grid: Grid) -> None:
  """Refuses a grid that asks for more than the folder holds."""
  held_low_mm, held_high_mm = _ends_mm(folder.grid)
  low_mm, high_mm = _ends_mm(grid)
  fits = (
    np.all(held_low_mm <= low_mm + _TOLERANCE_MM)
    and np.all(held_high_mm >= high_mm - _TOLERANCE_MM)
    and np.all(np.asarray(folder.grid.spacing_mm) <= np.asarray(grid.spacing_mm) + _TOLERANCE_MM)
  )
  if not fits:
    raise InputError(
      f'{folder.path}: was prepared on the grid {folder.grid.to_json()}, expected one that covers '
      f'{grid.to_json()} with voxels no larger; prepare it again with --grid={grid.name}'
    )


def _ends_mm(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
  """Lower and upper edge of a grid along each axis."""
  low = np.asarray(grid.corner_mm)
  return low, low + np.asarray(grid.shape) * grid.spacing_mm
