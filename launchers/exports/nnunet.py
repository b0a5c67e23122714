"""A raw folder of nnU-Net v2 (Isensee et al. 2021); its folds keep synthetic cases to training."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from launchers.exports.cases import ExportCase, split_id
from launchers.exports.layout import CLASSES, Export, as_json
from stroke_tfds.errors import InputError
from stroke_tfds.files import csv_text

_MAX_FOLDS = 5
_SEED = 12345  # nnU-Net's own.


class NnunetLayout:
  """`imagesTr/CASE_0000.nii.gz` for each contrast, `labelsTr/CASE.nii.gz`, what nnU-Net asks for."""

  def check(self, output: Path, contrasts: Sequence[str]) -> None:
    if not re.fullmatch(r'Dataset\d{3}_\w+', output.name):
      raise InputError(
        f'{output}: nnU-Net finds no data set of this name, expected one such as '
        f'{output.parent / "Dataset501_Stroke"}'
      )

  def volumes(self, case: ExportCase, contrasts: Sequence[str]) -> Mapping[str, str]:
    images = {name: f'imagesTr/{case.name}_{i:04d}.nii.gz' for i, name in enumerate(contrasts)}
    return {**images, CLASSES: f'labelsTr/{case.name}.nii.gz'}

  def texts(self, export: Export) -> Mapping[str, str]:
    rows = [{'case': case.name, **case.row()} for case in export.cases]
    folds = make_folds(export.cases)
    description = {
      'channel_names': {str(i): name for i, name in enumerate(export.contrasts)},
      'labels': {'background': 0, **export.lesion_classes},
      'numTraining': len(export.cases),
      'file_ending': '.nii.gz',
      'licence': '; '.join(export.licences),
      'keras_itm': export.facts(),
    }
    return {
      'cases.csv': csv_text(rows, list(rows[0])),
      **({'splits_final.json': as_json(folds)} if folds else {}),
      'dataset.json': as_json(description),
    }


def make_folds(cases: Sequence[ExportCase]) -> list[dict[str, list[str]]]:
  """Folds for cross-validation over the subjects of original cases, as nnU-Net keeps them.

  All scans of a subject are in one fold's validation part. A synthetic case is never in one, and not in
  the training part of a fold that validates on a subject which it has its anatomy, scan or lesion of.

  Returns:
    A `train` and a `val` list of names for each of at most five folds; none where there are fewer than
    two subjects to divide.
  """
  subjects = sorted({case.subject for case in cases if not case.is_synthetic})
  n_folds = min(_MAX_FOLDS, len(subjects))
  if n_folds < 2:
    return []
  order = np.random.default_rng(_SEED).permutation(subjects)
  return [_fold(cases, set(order[i::n_folds])) for i in range(n_folds)]


def _fold(cases: Sequence[ExportCase], held_out: set[str]) -> dict[str, list[str]]:
  """The fold that validates on some subjects."""
  validation = [case for case in cases if not case.is_synthetic and case.subject in held_out]
  known_as = {split_id(case.subject_id)[0] for case in validation}
  is_child = lambda case: any(split_id(parent)[0] in known_as for parent in case.parents)
  train = [case for case in cases if case not in validation and not is_child(case)]
  return {part: sorted(c.name for c in of) for part, of in (('train', train), ('val', validation))}
