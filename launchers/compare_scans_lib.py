"""Real scans and simulated ones side by side."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gin

from launchers.console import say
from launchers.reports import style
from launchers.reports.scans_figure import scans_figure
from launchers.run_folder import output_folder
from stroke_eval import chosen_cases
from stroke_eval.plain_values import plain
from stroke_eval.statistics.kolmogorov_smirnov import ks_of_histograms
from stroke_eval.tissue_contrast import REGIONS, Scan, densities, measure, median_contrast
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.sources import Source, open_sources

_Example = Mapping[str, Any]


@gin.configurable
def compare_scans(
  workdir: str,
  data_dir: str | None = None,
  *,
  real: str = gin.REQUIRED,
  simulated: str = gin.REQUIRED,
  n_shown: int = 3,
  max_scans: int = 40,
) -> None:
  """Measures scans of two sources alike, and draws some of each.

  Leaves scans.json, scans.csv and scans.png in the workdir, over those of an earlier comparison.

  Args:
    workdir: Output folder.
    data_dir: TFDS data folder.
    real: Source of real scans, `name/config:split`.
    simulated: Source of simulated ones on the same grid.
    n_shown: Scans of each source in the figure: the first ones, with a lesion where there are such.
    max_scans: How many of each source are measured, the first ones.

  Raises:
    InputError: A source without examples, sources of different grids, or a workdir that is a file.
  """
  if n_shown < 1 or max_scans < n_shown:
    raise InputError(f'n_shown {n_shown}, max_scans {max_scans}: expected 1 <= n_shown <= max_scans')
  folder = output_folder(workdir)
  sources = dict(zip(('real', 'simulated'), open_sources([real, simulated], data_dir)))
  names, scans = {}, {}
  for kind, source in sources.items():
    names[kind], scans[kind] = _measure_all(source, max_scans)
    say(f'{source}: {len(scans[kind])} scans')
  note = f'Real: {_summary(real, scans["real"])}; simulated: {_summary(simulated, scans["simulated"])}.'
  write_comparison(folder, scans, n_shown, sources['real'].grid, note)
  files.write_csv(folder / 'scans.csv', _rows(names, scans))


def write_comparison(
  folder: Path, scans: Mapping[str, Sequence[Scan]], n_shown: int, grid: Grid, note: str
) -> dict[str, Any]:
  """Writes scans.json and scans.png of scans 'real' and 'simulated'; returns what the JSON holds."""
  contrasts = {kind: median_contrast([scan.contrast for scan in of]) for kind, of in scans.items()}
  histograms = {kind: densities(of) for kind, of in scans.items()}
  apart = {r: ks_of_histograms(histograms['real'][r], histograms['simulated'][r]) for r in REGIONS}
  facts = {
    'note': note,
    **{kind: {'n_scans': len(of), **contrasts[kind].to_json()} for kind, of in scans.items()},
    'histogram_distance': plain(apart, digits=4),
  }
  (folder / 'scans.json').write_text(json.dumps(facts, indent=2) + '\n')
  shown = {kind: _shown(of, n_shown) for kind, of in scans.items()}
  with style.style():
    scans_figure(shown, contrasts, histograms, grid, note).savefig(folder / 'scans.png', dpi=150)
  say(json.dumps(facts, indent=2))
  return facts


def _measure_all(source: Source, n: int) -> tuple[list[str], list[Scan]]:
  """Subjects and scans of a source; the first contrast alone."""
  names, scans = [], []
  for case in source.examples().take(n).as_numpy_iterator():
    names.append(case['subject_id'].decode())
    scans.append(_measure(source, case))
  return names, scans


def _measure(source: Source, case: _Example) -> Scan:
  volumes = case['image'][..., 0], case['labels'], case['lesion']
  try:
    return measure(*volumes, source.grid, source.metadata['label_scheme'])
  except InputError as error:
    raise InputError(f'{source}, {case["subject_id"].decode()}: {error}') from error


def _shown(scans: Sequence[Scan], n: int) -> list[Scan]:
  voxels = [int(scan.regions['lesion'].sum()) for scan in scans]
  return [scans[i] for i in chosen_cases.lesions_first(voxels, n)]


def _summary(source: str, scans: Sequence[Scan]) -> str:
  n_with = sum(bool(scan.regions['lesion'].any()) for scan in scans)
  return f'{source}, n = {len(scans)}, {n_with} with a lesion, medians'


def _rows(
  names: Mapping[str, Sequence[str]], scans: Mapping[str, Sequence[Scan]]
) -> list[dict[str, Any]]:
  """A row for each scan; None for what could not be measured."""
  return [
    {'kind': kind, 'subject_id': name, **scan.contrast.to_json()}
    for kind in scans
    for name, scan in zip(names[kind], scans[kind])
  ]
