"""Arms of a study on further test sets, such as real cohorts: nothing is trained or chosen on them."""

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_itm.bundle import load_bundle
from keras_itm.bundle_spec import SEGMENTER
from launchers.stages import slug
from launchers.study.arms import Arm
from launchers.study.claims import claims_of, comparisons
from launchers.study.external_sets import ExternalTest
from launchers.study.summary import Claim
from stroke_eval import segmentation
from stroke_eval.held_out_cases import HeldOutCases
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.scan_space import mask_on_scan, mask_to_scan
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import on_grid_of
from stroke_tfds.preparation import contrasts
from stroke_tfds.preparation.find_cases import find_cases
from stroke_tfds.preparation.folder import PreparedFolder
from stroke_tfds.preparation.layouts import LESION
from stroke_tfds.sources import Source, fingerprint
from stroke_tfds.texts import cell_text

_MEASURES = ('dice', 'lesion_voxels', 'lesion_volume_ml', 'predicted_volume_ml')
_NATIVE = ('native_dice', 'native_ceiling')
Row = dict[str, Any]


class NativeScans:
  """The cases of a prepared folder where they were scanned.

  Args:
    test: With `prepared` and `input`.

  Raises:
    InputError: Folders that are none.
  """

  def __init__(self, test: ExternalTest):
    self._folder = PreparedFolder(test.prepared)
    found, _ = find_cases(
      self._folder.settings['source'],
      Path(test.input).expanduser(),
      self._folder.contrasts,
      without_mask='negative',
    )
    self._cases = {case.case_id: case for case in found}

  def measure(self, case_id: str, truth: np.ndarray, prediction: np.ndarray, grid) -> Row:
    """Dice in the scan, and what the true mask scores once it was on the grid; empty where unknown.

    Args:
      case_id: As in the prepared folder.
      truth: The mask on the grid, uint8 [X, Y, Z].
      prediction: The same of the segmenter.
      grid: Where both are.
    """
    case = self._cases.get(case_id)
    # A displacement is not stored, and cannot be turned round without.
    matrix = self._folder.sidecar(case_id)['transform'].get('mni_to_scan') if case else None
    if case is None or LESION not in case.files or matrix is None:
      return dict.fromkeys(_NATIVE, '')
    roles = self._folder.contrasts
    scan = contrasts.place({role: nifti.read_image(case.files[role]) for role in roles})[roles[0]]
    path = case.files[LESION]
    expert = mask_on_scan(on_grid_of(nifti.read_mask(path), scan, path.name), scan)
    spacing_mm = np.linalg.norm(scan.affine[:3, :3], axis=0)
    back = lambda mask: mask_to_scan(mask, grid, scan, Transform(np.array(matrix)))
    dice = lambda mask: round(segmentation.measure(expert, back(mask), spacing_mm)['dice'], 6)
    return dict(zip(_NATIVE, (dice(prediction), dice(truth))))


class ExternalCases:
  """The cases of an external test in memory.

  Args:
    name: Of the test.
    test: What it is.
    source: The opened set.

  Raises:
    InputError: No case with a lesion, or folders of scans that are none.
  """

  def __init__(self, name: str, test: ExternalTest, source: Source):
    self._source = source
    # Another file where Dice in the scans is asked for as well.
    parts = [slug(name), fingerprint([source]), *(['in_scans'] if test.prepared else [])]
    self._file = f'{"-".join(parts)}.csv'
    examples = list(source.examples().as_numpy_iterator())
    self._truth = {example['subject_id'].decode(): example['lesion'] for example in examples}
    self._cases = HeldOutCases(examples, source.grid, 1, f'external test {name!r}')
    self._native = NativeScans(test) if test.prepared else None

  def rows(self, run: Path) -> list[Row]:
    """One for each case, from the bundle of a finished run; kept in the run's folder.

    Raises:
      InputError: A damaged table of an earlier start. Or BundleError: the bundle cannot be used.
    """
    file = run / 'external' / self._file
    if not file.exists():
      file.parent.mkdir(exist_ok=True)
      files.write_csv(file, self._measure(run))
    return _read_rows(file)

  def _measure(self, run: Path) -> list[Row]:
    bundle = load_bundle(run / 'bundle', SEGMENTER)
    predict = lambda image: bundle.call(image=tf.constant(image[np.newaxis], tf.float32)).numpy()[0]
    results = self._cases.measure(predict)
    rows = []
    for row in results.rows:
      name = row['subject_id']
      native = dict.fromkeys(_NATIVE, '')
      if self._native and self._truth[name].any():
        native = self._native.measure(name, self._truth[name], results.masks[name], self._source.grid)
      rows.append({'subject_id': name, **{key: row[key] for key in _MEASURES}, **native})
    return rows


@dataclasses.dataclass(frozen=True)
class ExternalResult:
  """The finished arms on an external test.

  Attributes:
    text: The set, `name/config:split`.
    subject_id: Cases with a lesion [n].
    dice: Arm -> Dice on the grid [seeds, n].
    native: Arm -> Dice in the scans [seeds, n], NaN where that is not known; empty without scans.
    ceiling: What the true masks score in the scans once they were on the grid [n], NaN likewise.
    false_positive_ml: Arm -> mean volume predicted in cases without lesion; None where there are none.
  """

  text: str
  subject_id: tuple[str, ...]
  dice: Mapping[str, np.ndarray]
  native: Mapping[str, np.ndarray]
  ceiling: np.ndarray
  false_positive_ml: Mapping[str, float | None]


def evaluate(cases: ExternalCases, text: str, runs: Mapping[str, Sequence[Path]]) -> ExternalResult:
  """Tests the arms.

  Args:
    cases: Of the test.
    text: The set.
    runs: Arm -> folder of its run for each seed.
  """
  rows = {arm: [cases.rows(run) for run in folders] for arm, folders in runs.items()}
  first = next(iter(rows.values()))[0]
  positive = [i for i, row in enumerate(first) if float(row['lesion_voxels']) > 0]
  column = lambda arm, key, at: np.array(
    [[float(seed[i][key] or 'nan') for i in at] for seed in rows[arm]]
  )
  negative = [i for i in range(len(first)) if i not in set(positive)]
  native = {arm: column(arm, 'native_dice', positive) for arm in rows}
  has_native = any(np.isfinite(values).any() for values in native.values())
  mean_ml = lambda arm: float(column(arm, 'predicted_volume_ml', negative).mean())
  return ExternalResult(
    text,
    tuple(first[i]['subject_id'] for i in positive),
    {arm: column(arm, 'dice', positive).round(9) for arm in rows},
    native if has_native else {},
    column(next(iter(rows)), 'native_ceiling', positive)[0],
    {arm: mean_ml(arm) if negative else None for arm in rows},
  )


def claims(result: ExternalResult, arms: Sequence[Arm]) -> dict[str, tuple[Claim, ...]]:
  """Arm -> what is said of its Dice on the grid; nothing with fewer than two cases."""
  if len(result.subject_id) < 2:
    return {}
  return claims_of(result.dice, comparisons(arms, result.dice))


def _read_rows(file: Path) -> list[Row]:
  try:
    with file.open(newline='') as stream:
      rows = [{key: cell_text(cell) for key, cell in row.items()} for row in csv.DictReader(stream)]
    for row in rows:
      [float(row[key]) for key in _MEASURES]
      [float(row[key] or 'nan') for key in _NATIVE]
    if rows:
      return rows
    raise ValueError('no row')
  except (ValueError, KeyError, TypeError, csv.Error) as error:
    raise InputError(f'{file}: damaged ({error!r}); delete it, the command makes it anew') from error
