"""One case from its files to volumes on the grid."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stroke_tfds.errors import InputError, naming
from stroke_tfds.fingerprints import fingerprint, hash_voxels
from stroke_tfds.imaging import nifti, registration, resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume, on_grid_of
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.preparation import contrasts, quality
from stroke_tfds.preparation.files import package_version
from stroke_tfds.preparation.find_cases import Case
from stroke_tfds.preparation.folder import VERSION, Settings
from stroke_tfds.preparation.layouts import LESION, SEGMENTATION
from stroke_tfds.preparation.tables import POSITIVE

REGISTRATIONS = ('syn', 'affine', 'none')
_MAX_TISSUE = 6  # Of the classes of tissue that segmentations tell apart.
_IN_MNI = '_space-mni'
_PACKAGES = ('keras-itm', 'antspyx', 'nibabel', 'numpy', 'scipy')


@dataclasses.dataclass(frozen=True)
class Prepared:
  """A case on the grid.

  Attributes:
    image: float32 in [0, 1], shape (X, Y, Z, C).
    labels: uint8 ids of aseg28, shape (X, Y, Z).
    lesion_fraction: Share of each voxel that the lesion fills, float32; None without a lesion.
    facts: The sidecar, as `folder` describes it, but for seconds, inputs and outputs.
  """

  image: np.ndarray
  labels: np.ndarray
  lesion_fraction: np.ndarray | None
  facts: dict[str, Any]


def hash_inputs(case: Case) -> str:
  """A hash that changes with the case's group or with role, size or time of one of its files."""
  stats = []
  for role, path in sorted(case.files.items()):
    try:
      stat = path.stat()
      stats.append([role, stat.st_size, stat.st_mtime_ns])
    except OSError:  # Reading it will say what is wrong.
      stats.append([role, -1, -1])
  return fingerprint([case.group, case.lesion_is_named, case.stroke_without_mask, stats])


def prepare_case(case: Case, settings: Settings, root: Path, template: quality.Template) -> Prepared:
  """Reads, registers, resamples and scales one case.

  Args:
    case: Its files.
    settings: What to make of them.
    root: The input folder, which no file may lie outside.
    template: On the grid of the settings.

  Raises:
    InputError: A file is unfit; the message begins with its role and names no path.
  """
  _check_spaces(case, settings)
  scan = _Scan(case, settings.contrasts, root)
  transform = _register(scan, settings.registration)
  image = contrasts.on_grid(scan.images, settings.grid, transform, settings.intensity_scaling)
  coverage = contrasts.coverage(scan.reference, settings.grid, transform)
  labels = np.where(coverage, _labels(scan, transform, template), 0).astype(np.uint8)
  fraction = _fraction(scan, settings.grid, transform)
  own_labels = None if scan.segmentation is None else labels
  figures = quality.measure_image(image[..., 0], own_labels, coverage, template)
  if scan.lesion is not None and fraction is not None:
    figures |= quality.measure_lesion(
      image,
      settings.contrasts,
      fraction,
      labels,
      settings.grid,
      native_ml=float(np.count_nonzero(scan.lesion.data)) * scan.lesion.voxel_volume_ml,
      volume_ratio=transform.volume_ratio(settings.grid),
    )
    if not case.lesion_is_named:
      naming(LESION, quality.check_unnamed, figures)
  if case.stroke_without_mask:
    figures[quality.STROKE_WITHOUT_MASK] = 1.0
  return Prepared(image, labels, fraction, _facts(settings, scan, transform, figures))


class _Scan:
  """The volumes of a case as read; `lesion` and `segmentation` are None where there is none.

  `group` is the case's, but for one whose mask is empty where that has a group of its own.
  """

  def __init__(self, case: Case, names: tuple[str, ...], root: Path):
    read = lambda role, reader: _read(case, role, reader, root)
    images = {role: read(role, nifti.read_image) for role in names}
    self.images = contrasts.place(images)
    self.reference = self.images[names[0]]
    self.group = case.group
    self.lesion = self._read_lesion(case, read)
    self.segmentation = None
    if SEGMENTATION in case.files:
      volume = read(SEGMENTATION, nifti.read_label_map)
      _refuse_tissues(volume.data)
      ids = ASEG28.from_codes(volume.data, SEGMENTATION)
      self.segmentation = self._placed(SEGMENTATION, dataclasses.replace(volume, data=ids))
      if not ids.any():
        raise InputError(f'{SEGMENTATION}: holds background only, expected structures of the brain')

  def _read_lesion(self, case: Case, read: Callable[..., Volume]) -> Volume | None:
    if LESION not in case.files:
      return None
    mask = self._placed(LESION, read(LESION, nifti.read_mask))
    if mask.data.any():
      if case.group != POSITIVE:
        raise InputError(f'{LESION}: the mask is not empty in a {case.group} case, expected no lesion')
      naming(LESION, quality.check_size, mask, self.reference, case.lesion_is_named)
      return mask
    if case.group == POSITIVE:
      if not case.group_if_empty:
        raise InputError(
          f'{LESION}: the mask is empty in a positive case, expected a lesion; where none is right, '
          'say so by --without_mask=negative (or by the group, where participants.tsv gives it)'
        )
      self.group = case.group_if_empty
    return None

  def _placed(self, role: str, volume: Volume) -> Volume:
    return on_grid_of(volume, self.reference, role)


def _check_spaces(case: Case, settings: Settings) -> None:
  """Refuses what is named as in MNI space beside a scan that is yet to be brought there."""
  is_in_mni = lambda role: _IN_MNI in case.files[role].name.lower()
  if settings.registration == 'none' or is_in_mni(settings.contrasts[0]):
    return
  for role in (*settings.contrasts, LESION, SEGMENTATION):
    if role in case.files and is_in_mni(role):
      raise InputError(
        f'{role}: its name says that it is in MNI space, expected the space of {settings.contrasts[0]}'
      )


def _refuse_tissues(codes: np.ndarray) -> None:
  # No structure of FreeSurfer's has the code 1.
  if codes.max() <= _MAX_TISSUE and (codes == 1).any():
    raise InputError(
      f'{SEGMENTATION}: holds the labels {np.unique(codes).tolist()}, which are classes of tissue; '
      'expected codes of FreeSurfer, such as those of aseg or SynthSeg'
    )


def _facts(
  settings: Settings, scan: _Scan, transform: Transform, figures: dict[str, float]
) -> dict[str, Any]:
  matrix = np.round(transform.matrix, 6).tolist()
  return {
    'group': scan.group,
    'versions': {name: package_version(name) for name in _PACKAGES} | {'preparation': VERSION},
    'settings': settings.to_json(),
    'transform': {
      'kind': settings.registration,
      'affine_part' if settings.registration == 'syn' else 'mni_to_scan': matrix,
    },
    'labels_from': 'template' if scan.segmentation is None else 'segmentation',
    'quality': figures,
    'suspicions': quality.suspicions(figures),
    'image_sha256': hash_voxels(scan.reference),
  }


def _read(case: Case, role: str, reader: Callable[..., Volume], root: Path) -> Volume:
  path = case.files[role]
  try:
    return reader(path, root=root)
  except InputError as error:
    raise InputError(f'{role}: {str(error).removeprefix(f"{path}: ")}') from error


def _register(scan: _Scan, kind: str) -> Transform:
  if kind == 'none':
    return IDENTITY
  return naming(
    next(iter(scan.images)),
    registration.register_image,
    scan.reference,
    deformable=kind == 'syn',
    lesion=scan.lesion,
  )


def _labels(scan: _Scan, transform: Transform, template: quality.Template) -> np.ndarray:
  if scan.segmentation is None:
    return template.labels
  labels = resample.resample_labels(scan.segmentation, template.grid, len(ASEG28.names), transform)
  if not labels.any():
    raise InputError(f'{SEGMENTATION}: nothing of it falls on the grid, expected a brain there')
  return labels


def _fraction(scan: _Scan, grid: Grid, transform: Transform) -> np.ndarray | None:
  if scan.lesion is None:
    return None
  fraction = resample.resample_mask(scan.lesion, grid, transform)
  if not fraction.any():
    raise InputError(f'{LESION}: nothing of the mask falls on the grid, expected a lesion there')
  return fraction
