"""Folders: cohorts as hospitals name them, and prepared folders that something changed."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from launchers.reports.quality.page import write_page
from stroke_tfds.bids_stroke.bids_stroke_dataset_builder import Builder
from stroke_tfds.preparation.find_cases import find_cases
from stroke_tfds.preparation.folder import PreparedFolder
from stroke_tfds.preparation.tables import (
  CaseRecord,
  Participant,
  read_participants,
  read_records,
  write_participants,
  write_records,
)
from stroke_tfds.prepared import PreparedConfig
from tests import prepared_folder
from tests.campaigns.kinds import Kind
from tests.campaigns.mutations import TEXTS, mutate_bytes, mutate_json, mutate_text, to_bytes

_TABLE = (
  'participant_id\tage\tgroup\tsplit\nsub-1\t50\tpositive\ttrain\nsub-2\t60\tnegative\thealthy\n'
  'sub-3\t60\tn/a\tn/a\n'
)
_FILES = (
  '{s}/dwi/{s}_dwi.nii.gz',
  'derivatives/masks/{s}/{s}_lesion_mask.nii.gz',
  '{s}/ses-1/dwi/{s}_ses-1_dwi.nii.gz',
  '{s}/ses-1/dwi/{s}_ses-1_adc.nii.gz',
  '{s}/dwi/{s}_rec-TRACE_dwi.nii.gz',
  '{s}/{s}_ses-1_msk.nii',
  'derivatives/x/{s}/aseg.mgz',
)
_SPECIAL = ('', '', '', '', '', 'folder', 'link_out', 'link_loop', 'fifo_table', 'fifo', 'not_there')
_ODD_FILES = (b'', b'[' * 100000, b'{"a":' * 50000, b'1' * 5000, b'\xff\xfe', b'null')


class Cohorts(Kind):
  """Names of files and folders, and participants.tsv."""

  SHARE = 6

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    names = [self._name(rng, s, file) for s in ('sub-1', 'sub-2', 'sub-3') for file in _FILES]
    names = [name for name in names if rng.random() < 0.4]
    table, special = self._table(rng), rng.choice(_SPECIAL)
    odd = lambda *sound: rng.choice([*sound, rng.choice(TEXTS)])
    source, without_mask = odd('bids', 'bids', 'soop', 'isles22'), odd('', 'negative', 'healthy')
    contrasts = rng.choice([('dwi',), ('dwi', 'adc'), (rng.choice(TEXTS),), ()])

    def find() -> None:
      root = self._lay_out(names, table, special)
      cases, problems = find_cases(source, root, contrasts, without_mask)
      people = [Participant(c.subject, c.case_id, c.group, c.split, 'prepared') for c in cases]
      write_participants(self.work / 'p.tsv', people)
      write_records(self.work / 'c.tsv', [CaseRecord(p.case_id, 'failed', p.reason) for p in problems])
      read_participants(self.work / 'p.tsv')
      read_records(self.work / 'c.tsv')

    return find

  def _name(self, rng: random.Random, subject: str, file: str) -> str:
    label = 'sub-' + rng.choice(TEXTS)[:60] if rng.random() < 0.2 else subject
    text = file.format(s=label)
    return mutate_text(rng, text) if rng.random() < 0.2 else text

  def _table(self, rng: random.Random) -> bytes | None:
    text = rng.choice([None, _TABLE, _TABLE])
    if text is None or rng.random() < 0.2:
      return text and text.encode()
    kind = rng.randrange(4)
    if kind == 0:
      text = mutate_text(rng, text, ['\t', '"', 'sub-1', '\ufeff', 'participant_id', 'x' * 140000])
    elif kind == 1:
      rows = [row.split('\t') for row in text.splitlines()]
      row = rng.choice(rows)
      row[rng.randrange(len(row))] = rng.choice(TEXTS)
      text = '\n'.join('\t'.join(row) for row in rows)
    elif kind == 2:
      return mutate_bytes(rng, text.encode())
    else:
      text = text.replace('\n', rng.choice(['\r', '\r\n', '\0', '']))
    return text.encode('utf-8', 'surrogatepass')

  def _lay_out(self, names: list[str], table: bytes | None, special: str) -> Path:
    root = self.work / 'cohort'
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name in names:
      _touch(root, name)
    tsv = root / 'participants.tsv'
    if table is not None and not tsv.exists():
      tsv.write_bytes(table)
    elif special == 'folder':
      tsv.mkdir(exist_ok=True)
    elif special in ('link_out', 'link_loop') and not tsv.exists():
      tsv.symlink_to('/etc/passwd' if special == 'link_out' else tsv)
    elif special == 'fifo_table' and not tsv.exists():
      os.mkfifo(tsv)
    if special == 'fifo':
      (root / 'sub-9' / 'dwi').mkdir(parents=True)
      os.mkfifo(root / 'sub-9' / 'dwi' / 'sub-9_dwi.nii.gz')
    return root / 'x' if special == 'not_there' else root


class PreparedFolders(Kind):
  """Prepared folders with a changed JSON file or table, through the builder over them."""

  SHARE = 9

  def set_up(self) -> None:
    self.root = self.work / 'prepared'
    prepared_folder.write_folder(self.root, prepared_folder.cohort(3, 2))
    config = PreparedConfig(name='x', grid=prepared_folder.TINY)
    self.builder = Builder(config=config, data_dir=str(self.work / 'data'))
    files = [file for file in sorted(self.root.rglob('*')) if file.suffix in ('.json', '.tsv')]
    self.content = {file: file.read_bytes() for file in files}

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    file = rng.choice(list(self.content))
    content = rng.choice(_ODD_FILES) if index % 97 == 0 else self._changed(rng, file)

    def read() -> None:
      try:
        file.write_bytes(content)
        self.read()
      finally:
        file.write_bytes(self.content[file])

    return read

  def _changed(self, rng: random.Random, file: Path) -> bytes:
    content = self.content[file]
    if file.suffix == '.json' and rng.random() < 0.85:
      return to_bytes(mutate_json(rng, json.loads(content)))
    if rng.random() < 0.5:
      text = mutate_text(rng, content.decode(), ['\t', '\n', 'sub-p0', '"'])
      return text.encode('utf-8', 'surrogatepass')
    return mutate_bytes(rng, content)

  def read(self) -> None:
    """What `tfds build` reads of the folder."""
    folder = self.builder.open_folder(self.root)
    assert folder.records is not None
    for case in folder.cases[:2]:
      folder.load(case.case_id)
    self.builder.name_data(folder)
    for examples in self.builder.make_splits(folder).values():
      next(iter(examples))


class QualityPages(PreparedFolders):
  """The same folders on their page, where nothing of them may be live HTML."""

  SHARE = 2

  def read(self) -> None:
    page = write_page(PreparedFolder(self.root))
    assert '<script>alert' not in Path(page).read_text(), 'live HTML'


def _touch(root: Path, name: str) -> None:
  """Makes an empty file, where the file system knows such a name below the folder."""
  path = os.fsencode(root) + b'/' + name.encode('utf-8', 'surrogatepass').replace(b'\0', b'')
  if b'/../' in path or path.endswith(b'/..'):
    return
  try:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb'):
      pass
  except (OSError, ValueError):
    return
