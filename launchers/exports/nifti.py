"""Plain NIfTI: a folder for each case, a table of cases, and what the voxels mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from launchers.exports.cases import ExportCase
from launchers.exports.layout import LABELS, LESION, Export, as_json
from stroke_tfds.files import csv_text


class NiftiLayout:
  """`CASE/dwi.nii.gz`, `CASE/lesion.nii.gz`, `CASE/labels.nii.gz`, cases.csv, dataset.json."""

  def check(self, output: Path, contrasts: Sequence[str]) -> None:
    """Any name will do."""

  def volumes(self, case: ExportCase, contrasts: Sequence[str]) -> Mapping[str, str]:
    return {what: f'{case.name}/{what}.nii.gz' for what in (*contrasts, LESION, LABELS)}

  def texts(self, export: Export) -> Mapping[str, str]:
    rows = [{'case': case.name, **case.row()} for case in export.cases]
    return {'cases.csv': csv_text(rows, list(rows[0])), 'dataset.json': as_json(export.facts())}
