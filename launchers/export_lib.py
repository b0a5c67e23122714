"""Data sets as files that other tools read."""

import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gin
import tqdm

from launchers.console import say
from launchers.exports.bids import BidsLayout
from launchers.exports.cases import ExportCase, read_cases
from launchers.exports.folder import ExportFolder
from launchers.exports.layout import Export, Layout
from launchers.exports.nifti import NiftiLayout
from launchers.exports.nnunet import NnunetLayout
from launchers.subject_pool import available_cores
from stroke_tfds.builder import map_in_order
from stroke_tfds.errors import InputError
from stroke_tfds.sources import open_sources

FORMATS: dict[str, type[Layout]] = {'nnunet': NnunetLayout, 'bids': BidsLayout, 'nifti': NiftiLayout}


@gin.configurable
def export(
  data_dir: str | None = None,
  *,
  source: Sequence[str] = gin.REQUIRED,
  format: str = gin.REQUIRED,
  output: str = gin.REQUIRED,
  workers: int = 0,
) -> None:
  """Writes every case of built data sets as NIfTI, with what a format says of all of them.

  The same call goes on where one was killed, and writes the same bytes.

  Args:
    data_dir: Where the data sets are.
    source: `name/config:split` texts of sets that agree in grid, label scheme, contrasts and scaling.
    format: `nnunet`, `bids` or `nifti`.
    output: The folder; new, or an export of the same sources and format.
    workers: Cases at a time; as many as cores when 0.

  Raises:
    InputError: Unknown format or set, sets that do not agree, an output that holds something else.
  """
  if format not in FORMATS:
    raise InputError(f'format is {format!r}, expected one of {", ".join(FORMATS)}')
  if not isinstance(workers, int) or workers < 0:
    raise InputError(f'workers is {workers!r}, expected a whole number from 0')
  sources = open_sources(source, data_dir, build=False)
  asked = Export(sources, read_cases(sources))
  path = Path(output).expanduser()
  folder = ExportFolder(path, format, FORMATS[format](), asked)
  with folder.locked():
    _write_all(folder, asked, workers or available_cores())
  _warn_of_shared_origins(asked)
  if format == 'nnunet':
    _warn_of_no_folds(path)
  say(f'{path} holds {len(asked.cases)} cases')


def _write_all(folder: ExportFolder, asked: Export, n_workers: int) -> None:
  """Writes what is missing."""
  missing = folder.missing()
  say(f'{len(asked.cases)} cases: {len(asked.cases) - len(missing)} done, {len(missing)} to write')
  signal.signal(signal.SIGTERM, signal.default_int_handler)  # As batch queues end a job.
  done = map_in_order(lambda pair: folder.write_case(*pair), _examples(asked, missing), n_workers)
  for _ in tqdm.tqdm(done, total=len(missing), unit='case', file=sys.stderr, disable=not missing):
    pass
  folder.write_texts()


def _examples(asked: Export, missing: Sequence[ExportCase]) -> Iterator[tuple[ExportCase, Any]]:
  """The missing cases with their voxels."""
  wanted = {(case.source, case.subject_id): case for case in missing}
  for source in asked.sources:
    if any(case.source == str(source) for case in missing):
      for example in source.examples().as_numpy_iterator():
        case = wanted.get((str(source), example['subject_id'].decode()))
        if case:
          yield case, example


def _warn_of_no_folds(path: Path) -> None:
  """nnU-Net draws folds of its own where it is given none."""
  if not (path / 'splits_final.json').exists():
    say(
      'no splits_final.json: folds need original cases of two subjects or more, and nnU-Net would draw '
      'its own over all cases, synthetic ones too: train with nnUNetv2_train ... all'
    )


def _warn_of_shared_origins(asked: Export) -> None:
  """Says which synthetic cases owe something to the original ones beside them."""
  originals = {one.name for one in asked.sources if not one.metadata.get('made_from')}
  for source in asked.sources:
    shared = [text for text in source.metadata.get('made_from', ()) if text.split(':')[0] in originals]
    if shared:
      say(
        f'{source} was made from {", ".join(shared)}, and original cases of that set are here too: '
        'score on cases that it was not made from'
      )
