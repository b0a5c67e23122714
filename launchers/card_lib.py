"""Cards: what a stranger has to know of a bundle or a data set before it is used."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from keras_itm.bundle import BundleError, read_spec
from keras_itm.bundle_spec import JOINT_GENERATOR, LESION_GENERATOR, SEGMENTER, TRANSLATOR, BundleSpec
from keras_itm.callbacks import read_metrics
from keras_itm.checks import TrainingError
from keras_itm.packaged_bundles import folder_of
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.licences import SPDX
from stroke_tfds.preparation.files import package_version
from stroke_tfds.sources import SLICES, open_builder

_TASKS = {  # By which hubs find a kind of bundle.
  TRANSLATOR: 'image-to-image',
  LESION_GENERATOR: 'unconditional-image-generation',
  SEGMENTER: 'image-segmentation',
  JOINT_GENERATOR: 'unconditional-image-generation',
}
INTENDED_USE = 'Research on lesion segmentation and on synthetic training data for it.'
LIMITS = (
  'For research. No medical device: no decision about a patient may rest on it. What helps on these '
  'scans, or on simulated ones, need not help on those of another scanner or hospital.'
)


def card(what: str, data_dir: str | None = None, loaded_as: str = 'FOLDER') -> str:
  """The card of a bundle or a built set, as Markdown with a front matter.

  Args:
    what: Folder or name of a bundle, or TFDS name of a data set.
    data_dir: Where TFDS keeps its sets.
    loaded_as: How the card's readers name the bundle.

  Raises:
    InputError: Neither a bundle nor a built set, or files that are damaged.
  """
  try:
    folder = folder_of(what)
  except ValueError as error:
    raise InputError(str(error)) from error
  if not (folder / 'bundle.json').exists():
    meant = folder / 'bundle'
    if (meant / 'bundle.json').exists():
      raise InputError(f'{folder}: holds no bundle.json, expected a bundle such as {meant}')
    try:
      return _set_card(what, data_dir)
    except InputError:
      # In the data folder, a set's name is a folder, too.
      if not folder.is_dir():
        raise
    raise InputError(f'{folder}: holds no bundle.json, expected a bundle, or the name of a built set')
  try:
    return _bundle_card(folder, loaded_as)
  except (BundleError, TrainingError) as error:
    raise InputError(str(error)) from error


def _bundle_card(path: Path, loaded_as: str) -> str:
  spec = read_spec(path)
  appearances = spec.appearances.names if spec.appearances else ()
  matter = {
    **_licence_fields(spec.licences),
    'library_name': 'keras-itm',
    'pipeline_tag': _TASKS[spec.kind],
    'tags': ['keras', 'tensorflow', 'medical', 'mri', 'brain', 'synthetic-data'],
  }
  load = f'keras_itm.load_bundle({loaded_as!r}, {spec.kind!r})'
  return _page(
    matter,
    f'{spec.kind.replace("_", " ").capitalize()} of keras-itm',
    f'It {_does(spec, path)}. Fingerprint of its weights: `{spec.weights}`. Load it by `{load}`.',
    {
      'Data': _bullets(
        [
          f'learnt from: {", ".join(spec.trained_on) or "not known"}',
          f'fingerprint of these data: `{spec.training_set}`',
          f'licences of these data: {"; ".join(spec.licences) or "not known"}',
        ]
      ),
      'Images': _bullets(
        [
          *_grid_lines(spec.grid, spec.label_scheme),
          *_lines_of_lists(
            {
              'classes': spec.classes,
              'contrasts': spec.contrasts,
              'can be asked for': (*spec.conditions, *appearances),
            }
          ),
          *_range_lines(spec, path),
        ]
      ),
      'Scores': _scores(path),
      'Intended use': 'Research on synthetic training data for lesion segmentation.',
      'Limits': LIMITS,
      'Versions': _bullets([f'trained with TensorFlow {_tensorflow_of(path)}', _written_by()]),
      'Configuration': _gin(path),
    },
  )


def _set_card(name: str, data_dir: str | None) -> str:
  if ':' in name:
    raise InputError(f'{name}: a card is of a whole set, expected {name.partition(":")[0]}')
  info = open_builder(name, data_dir, build=False).info
  metadata = info.metadata
  n_cases = sum(split.num_examples for split in info.splits.values())
  matter = {
    **_licence_fields(metadata.get('licences', ())),
    'pretty_name': info.full_name,
    'task_categories': ['image-segmentation'],
    'tags': ['medical', 'mri', 'brain', *(['synthetic-data'] if metadata.get('made_from') else [])],
    'size_categories': [_size_category(n_cases)],
  }
  load = f"tfds.load('{info.name}/{info.config_name}', data_dir='FOLDER')"
  unit = 'slices' if metadata.get('unit') == SLICES else 'cases'
  splits = [f'`{name}`: {split.num_examples} {unit}' for name, split in sorted(info.splits.items())]
  made_from = metadata.get('made_from', ())
  return _page(
    matter,
    info.full_name,
    f'{info.description.strip()}\n\nLoad it by `{load}`.',
    {
      'Data': _bullets(
        [
          *splits,
          f'fingerprint `{metadata["fingerprint"]}`',
          *([f'made from: {", ".join(made_from)}'] if made_from else []),
          f'licences: {"; ".join(metadata.get("licences", ())) or "not known"}',
        ]
      ),
      'Images': _bullets(
        [
          *_image_lines(info),
          *_grid_lines(metadata['grid'], metadata['label_scheme'], unit == 'slices'),
          *_lines_of_lists({'classes': metadata.get('classes', ())}),
        ]
      ),
      'Intended use': INTENDED_USE,
      'Limits': LIMITS,
      'Versions': _bullets([f'version {info.version} of the data set', _written_by()]),
      'Citation': f'```bibtex\n{info.citation.strip()}\n```' if info.citation else '',
    },
  )


def _page(matter: Mapping[str, Any], title: str, about: str, sections: Mapping[str, str]) -> str:
  """Front matter, whose values are JSON and so YAML, and sections that say something."""
  lines = ['---', *(f'{name}: {json.dumps(value)}' for name, value in matter.items()), '---']
  parts = ['\n'.join(lines), f'# {title}', about]
  parts += [f'## {name}\n\n{text}' for name, text in sections.items() if text]
  return '\n\n'.join(parts)


def _bullets(lines: Iterable[str]) -> str:
  return '\n'.join(f'- {line}' for line in lines)


def _licence_fields(licences: Sequence[str]) -> dict[str, Any]:
  """One licence that hubs know, or `other` and its names."""
  if len(licences) == 1 and licences[0] in SPDX:
    return {'license': SPDX[licences[0]].lower()}
  return {'license': 'other', 'license_name': '; '.join(licences) or 'not known'}


def _does(spec: BundleSpec, path: Path) -> str:
  """What a bundle is good for."""
  if spec.kind == JOINT_GENERATOR:
    alone = not _makes_images(path)
    return 'draws the classes of slices alone' if alone else 'draws slices together with their classes'
  if spec.kind == TRANSLATOR:
    takes = 'slices of classes' if spec.classes else 'label maps of a brain with its lesion'
    unit = 'volume' if spec.whole_volumes else 'slice'
    return f'turns {takes} into images, {unit} by {unit}'
  if spec.kind == SEGMENTER:
    return f'segments lesions{" and tells their classes apart" if spec.classes else ""}'
  return 'invents lesion masks'


def _image_lines(info: tfds.core.DatasetInfo) -> list[str]:
  """Of a set; nothing where it has classes alone."""
  image = dict(info.features).get('image')
  if image is None:
    return ['no images, classes alone']
  scaling = info.metadata.get('intensity_scaling', 'percentile')
  contrasts = ', '.join(info.metadata['contrasts'])
  return [f'contrasts: {contrasts}, {np.dtype(image.np_dtype).name} in [0, 1], scaling {scaling}']


def _grid_lines(
  grid: Mapping[str, Any], scheme: Mapping[str, Any], of_slices: bool = False
) -> list[str]:
  placed = Grid.from_json(dict(grid))
  size = lambda values: ' x '.join(f'{value:g}' for value in values)
  shown = f'axial slices of {size(placed.shape[:2])} pixels, of ' if of_slices else ''
  return [
    f'grid {placed.name}: {shown}{size(placed.shape)} voxels of {size(placed.spacing_mm)} mm in MNI '
    'space, axes right, anterior, superior',
    f'label scheme {scheme["name"]}: {len(scheme["names"])} ids, background among them',
  ]


def _lines_of_lists(lists: Mapping[str, Sequence[str]]) -> list[str]:
  return [f'{name}: {", ".join(values)}' for name, values in lists.items() if values]


def _range_lines(spec: BundleSpec, path: Path) -> list[str]:
  if spec.kind == LESION_GENERATOR or (spec.kind == JOINT_GENERATOR and not _makes_images(path)):
    return []
  low, high = spec.intensity_range
  return [
    f'intensities in [{low:g}, {high:g}] at the side of the network, scaling {spec.intensity_scaling}'
  ]


def _scores(bundle: Path) -> str:
  """What the run that a bundle lies in has measured at its end."""
  run = bundle.parent
  scores: dict[str, float] = {}
  if bundle.name == 'bundle' and (run / 'metrics.csv').is_file():
    scores |= (read_metrics(run / 'metrics.csv') or [{}])[-1]
  if bundle.name == 'bundle' and (run / 'finished.json').is_file():
    try:
      scores |= json.loads((run / 'finished.json').read_text('utf-8'))
    except (ValueError, TypeError) as error:
      raise InputError(f'{run / "finished.json"}: damaged, expected results by name') from error
  numbers = {name: value for name, value in scores.items() if isinstance(value, int | float)}
  measured = sorted(numbers.keys() - {'step', 'seconds'})
  rows = [f'| {name} | {numbers[name]:.4g} |' for name in measured]
  return '\n'.join(['| measured in its training | |', '|---|---|', *rows]) if rows else ''


def _gin(bundle: Path) -> str:
  """The gin values of the training, where paths are only named by their end."""
  path = bundle / 'operative_config.gin'
  try:
    text = path.read_text('utf-8').strip() if path.is_file() else ''
  except UnicodeDecodeError as error:
    raise InputError(f'{path}: no text in UTF-8, expected gin values') from error
  text = re.sub(r"(['\"])[~/][^'\"]*?([^/'\"]+)/?\1", r'\1.../\2\1', text)
  return f'```python\n{text}\n```' if text else ''


def _tensorflow_of(bundle: Path) -> str:
  """The version that wrote a SavedModel."""
  return _graph_of(bundle).meta_info_def.tensorflow_version


def _makes_images(bundle: Path) -> bool:
  outputs = _graph_of(bundle).signature_def['serving_default'].outputs
  dimensions = outputs['image'].tensor_shape.dim if 'image' in outputs else ()
  return bool(dimensions) and dimensions[-1].size > 0


def _graph_of(bundle: Path) -> meta_graph_pb2.MetaGraphDef:
  model = saved_model_pb2.SavedModel()
  try:
    model.ParseFromString((bundle / 'saved_model.pb').read_bytes())
    return model.meta_graphs[0]
  except (OSError, DecodeError, IndexError) as error:
    raise InputError(f'{bundle}: its saved_model.pb cannot be read, expected a whole bundle') from error


def _written_by() -> str:
  return f'card written by keras-itm {package_version("keras-itm")}'


def _size_category(n_cases: int) -> str:
  """As hubs name sizes."""
  bounds = [(1000, 'n<1K'), (10_000, '1K<n<10K'), (100_000, '10K<n<100K')]
  return next((name for bound, name in bounds if n_cases < bound), '100K<n<1M')
