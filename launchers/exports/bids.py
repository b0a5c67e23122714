"""A data set of BIDS derivatives in MNI space."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from launchers.exports.cases import ExportCase
from launchers.exports.layout import GENERATED_BY, LABELS, LESION, Export, as_json, source_facts
from stroke_tfds.errors import InputError
from stroke_tfds.files import csv_text
from stroke_tfds.preparation.folder import SPACE

_BIDS_VERSION = '1.10.1'
_NONE = 'n/a'
# Contrast -> data type, entity and suffix; what BIDS calls dwi is a series of directions with a table.
_NAMES = {
  'DWI': ('dwi', '', 'trace'),
  'ADC': ('dwi', '', 'ADC'),
  'FLAIR': ('anat', '', 'FLAIR'),
  'T1': ('anat', '', 'T1w'),
  'T1CE': ('anat', '_ce-gadolinium', 'T1w'),
  'T2': ('anat', '', 'T2w'),
}
# Of participants.tsv and sessions.tsv, each of which begins with its own id.
_COLUMNS = {
  'participant_id': 'Subject.',
  'session_id': 'Session.',
  'source': 'TFDS data set and split that the case comes from.',
  'subject_id': 'What that data set calls it.',
  'kind': 'Original, or synthetic: made from other cases.',
  'parents': 'Cases that a synthetic one has its anatomy, scan or lesion of.',
  'lesion_volume_ml': 'Volume of the lesion in ml; 0 without lesion.',
}


class BidsLayout:
  """`sub-X[/ses-Y]/dwi/sub-X[_ses-Y]_space-MNI152NLin2009aSym_desc-lesion_mask.nii.gz` and so on.

  In place of `desc-lesion_mask`, `desc-preproc_trace` is the DWI, `desc-preproc_ADC` the ADC and `dseg`
  the label map.
  """

  def check(self, output: Path, contrasts: Sequence[str]) -> None:
    for name in contrasts:
      if name not in _NAMES:
        raise InputError(f'contrast {name!r} has no name in BIDS, expected some of {list(_NAMES)}')

  def volumes(self, case: ExportCase, contrasts: Sequence[str]) -> Mapping[str, str]:
    path = lambda datatype, entity, ending: '/'.join(
      (*case.name.split('_'), datatype, f'{case.name}{entity}_space-{SPACE}_{ending}.nii.gz')
    )
    images = {name: _NAMES[name] for name in contrasts}
    of_masks = images[contrasts[0]][0]
    return {
      **{name: path(kind, part, f'desc-preproc_{end}') for name, (kind, part, end) in images.items()},
      LESION: path(of_masks, '', 'desc-lesion_mask'),
      LABELS: path(of_masks, '', 'dseg'),
    }

  def texts(self, export: Export) -> Mapping[str, str]:
    scheme = export.metadata['label_scheme']
    names = [{'index': i, 'name': name} for i, name in enumerate(scheme['names'])]
    described = {name: {'Description': text} for name, text in _COLUMNS.items()}
    return {
      'README.md': _readme(export),
      'dseg.tsv': csv_text(names, ['index', 'name'], delimiter='\t'),
      **_sidecars(export),
      **_sessions(export.cases),
      'participants.tsv': _table(_participants(export.cases), 'participant_id'),
      'participants.json': as_json({k: v for k, v in described.items() if k != 'session_id'}),
      'dataset_description.json': as_json(_description(export)),
    }


def _participants(cases: Sequence[ExportCase]) -> list[dict[str, Any]]:
  """A row for each subject; what differs between its sessions stands in their table alone."""
  rows: dict[str, dict[str, Any]] = {}
  for case in cases:
    found, row = rows.setdefault(case.subject, {}), case.row()
    found |= {key: value if found.get(key, value) == value else _NONE for key, value in row.items()}
  return [{'participant_id': f'sub-{subject}', **row} for subject, row in rows.items()]


def _sessions(cases: Sequence[ExportCase]) -> dict[str, str]:
  """A table for each subject with sessions."""
  rows: dict[str, list[dict[str, Any]]] = {}
  for case in cases:
    if case.session:
      rows.setdefault(case.subject, []).append({'session_id': f'ses-{case.session}', **case.row()})
  return {
    f'sub-{subject}/sub-{subject}_sessions.tsv': _table(sessions, 'session_id')
    for subject, sessions in rows.items()
  }


def _table(rows: Sequence[Mapping[str, Any]], first: str) -> str:
  names = [first, *list(_COLUMNS)[2:]]
  filled = [{name: row[name] or _NONE for name in names} for row in rows]
  return csv_text(filled, names, delimiter='\t')


def _sidecars(export: Export) -> dict[str, str]:
  """What BIDS asks for beside images: one file for all of a kind, which lies at the top."""
  scaling = export.metadata['intensity_scaling']
  images: dict[str, list[str]] = {}
  for name in export.contrasts:
    images.setdefault(f'desc-preproc_{_NAMES[name][2]}', []).append(name)
  texts = {
    **{
      ending: f'{" and ".join(names)} on a grid in MNI space, 0 to 1 (scaling {scaling})'
      for ending, names in images.items()
    },
    'desc-lesion_mask': 'Lesion: 1, else 0',
    'dseg': f'Structures of the scheme {export.metadata["label_scheme"]["name"]}, see dseg.tsv',
  }
  return {
    f'space-{SPACE}_{ending}.json': as_json(
      {
        'Description': text,
        **({'SkullStripped': export.is_skull_stripped} if 'preproc' in ending else {}),
        **({'Type': 'Lesion'} if ending == 'desc-lesion_mask' else {}),
      }
    )
    for ending, text in texts.items()
  }


def _description(export: Export) -> dict[str, Any]:
  return {
    'Name': 'Cases exported by keras-itm',
    'BIDSVersion': _BIDS_VERSION,
    'DatasetType': 'derivative',
    'License': '; '.join(export.licences),
    'GeneratedBy': [GENERATED_BY],
    'SourceDatasets': [
      {'URL': facts['homepage'], 'Version': f'{facts["source"]} {facts["version"]}'}
      for facts in map(source_facts, export.sources)
    ],
    'Export': export.facts(),
  }


def _readme(export: Export) -> str:
  lines = [f'- {source}' for source in export.sources]
  n_synthetic = sum(case.is_synthetic for case in export.cases)
  return '\n'.join(
    [
      '# Cases exported by keras-itm\n',
      f'{len(export.cases)} cases, {n_synthetic} of them synthetic, of these TFDS data sets:\n',
      *lines,
      f'\nLicences: {"; ".join(export.licences)}. `participants.tsv` says which case is synthetic',
      'and what it was made from; `Export` in `dataset_description.json` has grid and fingerprints.\n',
    ]
  )
