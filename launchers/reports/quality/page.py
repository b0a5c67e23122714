"""The page on which prepared cases are looked at, one row of slices each, worst first."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tqdm

from launchers.reports import case_view, style
from launchers.reports.page import environment, style_sheet
from launchers.reports.quality import numbers
from launchers.reports.quality.frame import Frame, template_frame
from launchers.reports.quality.strip import TEMPLATE, draw_case, read_stamp
from stroke_tfds.files import write_whole
from stroke_tfds.fingerprints import fingerprint
from stroke_tfds.preparation import files
from stroke_tfds.preparation.folder import PreparedFolder
from stroke_tfds.preparation.tables import FAILED, GROUPS, PREPARED, SUSPICIOUS, CaseRecord

_PICTURES = 'quality'
_LOOK = 1  # Changes when strips are drawn differently, so that they are drawn again.


@dataclasses.dataclass(frozen=True)
class Row:
  """A case with its strip.

  Attributes:
    case_id: Whose it is.
    facts: Group, split and where the labels are from, as far as they are known.
    figures: Its quality figures.
    badness: Place in the order.
    picture: Address of the strip beside the page.
    size: Width and height of the strip in pixels.
    viewer: Address of the case's own page beside the page; '' without.
  """

  case_id: str
  facts: Sequence[str]
  figures: Sequence[numbers.QualityFigure]
  badness: float
  picture: str
  size: tuple[int, int]
  viewer: str


def write_page(folder: PreparedFolder, *, viewer: bool = False) -> Path:
  """Draws the strips that are missing or whose volumes have changed, and writes quality.html.

  What the page leads to no longer is deleted: strips and pages of cases that the folder does not hold,
  and all pages of cases when none are asked for.

  Args:
    folder: The cases.
    viewer: Whether each case also gets a page with a viewer, which holds its volumes.

  Returns:
    The page.

  Raises:
    InputError: A prepared file is missing or damaged, or the disk is full.
  """
  records = folder.records
  usable = [record for record in records if record.status != FAILED]
  splits = {case.case_id: case.split for case in folder.cases}
  frame = template_frame(folder.grid)
  files.make_folder(folder.path / _PICTURES)
  rows = {status: [] for status in (SUSPICIOUS, PREPARED)}
  for record in tqdm.tqdm(usable, desc='quality page', unit='case', disable=None):
    sidecar = folder.sidecar(record.case_id)
    size = _update_picture(folder, sidecar, frame)
    address = _write_viewer(folder, record.case_id) if viewer else ''
    row = _row(sidecar, splits.get(record.case_id, ''), folder.contrasts, size, address)
    rows[record.status].append(row)
  linked = {row.picture for found in rows.values() for row in found}
  linked |= {row.viewer for found in rows.values() for row in found}
  _delete_others(folder.path, linked)
  page = folder.path / 'quality.html'
  files.write_text(page, _render(folder, records, rows, frame))
  return page


def _row(
  sidecar: dict[str, Any],
  split: str,
  contrasts: Sequence[str],
  size: tuple[int, int],
  viewer: str,
) -> Row:
  case_id, suspicions = sidecar['case_id'], sidecar['suspicions']
  facts = [sidecar['group'], *([f'split {split}'] if split else [])]
  facts.append(f'labels from the {sidecar["labels_from"]}')
  return Row(
    case_id,
    facts,
    numbers.written(sidecar['quality'], suspicions, contrasts),
    numbers.badness(sidecar['quality']),
    f'{_PICTURES}/{case_id}.png',
    size,
    viewer,
  )


def _write_viewer(folder: PreparedFolder, case_id: str) -> str:
  """Writes the page of a case; its address beside the quality page."""
  address = f'{_PICTURES}/{case_id}.html'
  case_view.write(folder.path / address, case_view.of_prepared(folder, case_id))
  return address


def _update_picture(folder: PreparedFolder, sidecar: dict[str, Any], frame: Frame) -> tuple[int, int]:
  """Draws a strip unless there is one of the same volumes; its width and height in pixels."""
  case_id = sidecar['case_id']
  path = folder.path / _PICTURES / f'{case_id}.png'
  stamp = fingerprint([_LOOK, sidecar['outputs'], folder.grid.to_json()])
  drawn_from, size = read_stamp(path)
  if drawn_from == stamp:
    return size
  contrasts = [name.upper() for name in folder.contrasts]
  image, labels, fraction, _ = folder.load(case_id)
  write_whole(path, draw_case(image, labels, fraction, frame, contrasts, stamp))
  return read_stamp(path)[1]


def _delete_others(folder: Path, linked: set[str]) -> None:
  for path in (folder / _PICTURES).glob('sub-*'):
    if path.suffix in ('.png', '.html') and f'{_PICTURES}/{path.name}' not in linked:
      path.unlink()


def _render(
  folder: PreparedFolder, records: list[CaseRecord], rows: dict[str, list[Row]], frame: Frame
) -> str:
  in_order = lambda status: sorted(rows[status], key=lambda row: (-row.badness, row.case_id))
  usable = [record for record in records if record.status != FAILED]
  groups = [case.group for case in folder.cases]
  histograms = numbers.histograms(
    [record.quality for record in usable],
    [record.status == SUSPICIOUS for record in usable],
    folder.contrasts,
  )
  template = environment().get_template('quality/template.html')
  return template.render(
    settings=folder.settings,
    contrasts=[name.upper() for name in folder.contrasts],
    grid=folder.grid,
    n_cases=len(records),
    groups=[(name, groups.count(name)) for name in GROUPS if name in groups],
    failed=[record for record in records if record.status == FAILED],
    suspicious=in_order(SUSPICIOUS),
    prepared=in_order(PREPARED),
    histograms=histograms,
    widest=max((row.size[0] for found in rows.values() for row in found), default=1),
    levels_mm=[f'{style.signed(level, 0)} mm' for level in frame.levels_mm],
    lesion_colour=style.OUTLINE,
    template_colour=TEMPLATE,
    report_style=style_sheet(),
  )
