"""What Croissant, the format of MLCommons for data sets, says of a built one."""

import json
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import numpy as np
import tensorflow_datasets as tfds

from launchers.card_lib import INTENDED_USE, LIMITS
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.licences import SPDX
from stroke_tfds.preparation.files import sha256
from stroke_tfds.sources import open_builder

NAME = 'croissant.json'
# Croissant names formats without a registered type by a page about them.
_FORMATS = {
  'tfrecord': 'https://www.tensorflow.org/tutorials/load_data/tfrecord',
  'array_record': 'https://github.com/google/array_record',
}
_SHARDS = 'shards'


def write_croissant(name: str, data_dir: str | None = None) -> Path:
  """Writes `croissant.json` into the folder of a built set.

  Args:
    name: TFDS name of the set.
    data_dir: Where TFDS keeps its sets.

  Returns:
    The file.

  Raises:
    InputError: No such set, or one of which a file is missing.
  """
  builder = open_builder(name, data_dir, build=False)
  stored = [Path(file) for split in builder.info.splits.values() for file in split.filepaths]
  missing = [file for file in stored if not file.is_file()]
  if missing:
    raise InputError(f'{missing[0]}: not there, expected all files of {name}; build it again')
  described = metadata(builder.info, Path(builder.data_path))
  path = Path(builder.data_path) / NAME
  files.write_whole(path, f'{json.dumps(described.to_json(), indent=2)}\n'.encode())
  return path


def metadata(info: tfds.core.DatasetInfo, folder: Path) -> mlc.Metadata:
  """The same as an object, checked by mlcroissant; files are named relative to the folder."""
  facts = info.metadata
  licences = facts.get('licences', ())
  load = f"tfds.load('{info.full_name}', data_dir='FOLDER')"
  return mlc.Metadata(
    name=info.full_name.replace('/', '-'),
    description=f'{info.description.strip()}\n\nRead it by {load}.',
    version=str(info.version),
    license=[f'https://spdx.org/licenses/{SPDX[one]}' if one in SPDX else one for one in licences],
    url=info.homepage or None,
    cite_as=info.citation or None,
    keywords=['MRI', 'brain', 'segmentation', *facts['contrasts']],
    data_limitations=[LIMITS],
    data_use_cases=[INTENDED_USE],
    data_manipulation_protocol=json.dumps(
      {key: facts[key] for key in ('fingerprint', 'grid', 'made_from') if key in facts}
    ),
    distribution=[*_file_objects(folder), _shards(info)],
    record_sets=[_cases(info), _splits(info), _ids(info)],
  )


def _file_objects(folder: Path) -> Iterator[mlc.FileObject]:
  for path in sorted(folder.iterdir()):
    if path.is_file() and path.name != NAME and not path.name.startswith('.'):
      yield mlc.FileObject(
        id=path.name,
        name=path.name,
        content_url=path.name,
        content_size=f'{path.stat().st_size} B',
        encoding_formats=[_format_of(path.name)],
        sha256=sha256(path),
      )


def _format_of(name: str) -> str:
  found = [page for ending, page in _FORMATS.items() if f'.{ending}-' in name]
  return found[0] if found else mimetypes.guess_type(name)[0] or 'text/plain'


def _shards(info: tfds.core.DatasetInfo) -> mlc.FileSet:
  ending = info.file_format.file_suffix
  return mlc.FileSet(
    id=_SHARDS,
    name=_SHARDS,
    description='Examples as TFDS stores them; features.json says how each is encoded.',
    encoding_formats=[_FORMATS[ending]],
    includes=[f'{info.name}-*.{ending}-*'],
  )


def _cases(info: tfds.core.DatasetInfo) -> mlc.RecordSet:
  split = mlc.Source(
    file_set=_SHARDS,
    extract=mlc.Extract(file_property=mlc.FileProperty.filename),
    transforms=[mlc.Transform(regex=rf'^{info.name}-(.+)\.\w+-\d+-of-\d+$')],
  )
  fields = [
    mlc.Field(
      id='cases/split',
      name='split',
      data_types=[mlc.DataType.TEXT],
      source=split,
      references=mlc.Source(field='splits/name'),
    )
  ]
  fields += [_field(name, feature) for name, feature in sorted(info.features.items())]
  key = 'slice_id' if 'slice_id' in info.features else 'subject_id'
  return mlc.RecordSet(id='cases', name='cases', key=f'cases/{key}', fields=fields)


def _field(name: str, feature: tfds.features.FeatureConnector) -> mlc.Field:
  is_text = isinstance(feature, tfds.features.Text)
  kind = 'TEXT' if is_text else np.dtype(feature.np_dtype).name.upper()
  shape = ','.join(map(str, feature.shape))
  return mlc.Field(
    id=f'cases/{name}',
    name=name,
    description=feature.doc.desc,
    data_types=[getattr(mlc.DataType, kind)],
    is_array=bool(shape) or None,
    array_shape=shape or None,
    source=mlc.Source(file_set=_SHARDS, extract=mlc.Extract(column=name)),
  )


def _splits(info: tfds.core.DatasetInfo) -> mlc.RecordSet:
  counted = 'n_slices' if 'slice_id' in info.features else 'n_cases'
  rows = [{'name': name, counted: split.num_examples} for name, split in sorted(info.splits.items())]
  return _table('splits', 'name', rows, data_types=[mlc.DataType.SPLIT])


def _ids(info: tfds.core.DatasetInfo) -> mlc.RecordSet:
  """What the ids of `labels` are, or those of the `classes` of slices."""
  of_slices = 'classes' in info.features
  names = info.metadata['classes'] if of_slices else info.metadata['label_scheme']['names']
  rows = [{'id': i, 'name': name} for i, name in enumerate(names)]
  return _table('classes' if of_slices else 'structures', 'id', rows)


def _table(name: str, key: str, rows: list[dict[str, Any]], **options: Any) -> mlc.RecordSet:
  """A record set whose records stand in the file itself."""
  types = {str: mlc.DataType.TEXT, int: mlc.DataType.INTEGER}
  fields = [
    mlc.Field(id=f'{name}/{column}', name=column, data_types=[types[type(value)]])
    for column, value in rows[0].items()
  ]
  data = [{f'{name}/{column}': value for column, value in row.items()} for row in rows]
  return mlc.RecordSet(id=name, name=name, key=f'{name}/{key}', fields=fields, data=data, **options)
