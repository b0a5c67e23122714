"""A case of whatever kind as a page with a viewer."""

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np

from keras_itm.viewer.page import Page
from keras_itm.viewer.view import View, flat_facts
from launchers.console import say
from launchers.reports import case_view
from launchers.reports.stored_cases import read_case
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.sources import open_sources

_ENDING = '.nii.gz'
_LESION, _LABELS, _NAMES = 'lesion', 'labels', 'label_names'
_FACTS, _FACTS_OF_ALL = 'case.json', 'dataset.json'  # Of a case; of an export, in the folder above.
_TOLERANCE_MM = 1e-3
_ON_OWN_GRID = re.compile(r'_own(_\d+)?$')  # What `synthesize` also writes on a map's voxels.


@gin.configurable
def view(
  data_dir: str | None = None,
  *,
  case: str = '',
  image: Sequence[str] = (),
  mask: Sequence[str] = (),
  source: str = '',
  subject_id: str = '',
  output: str = gin.REQUIRED,
  show: bool = False,
) -> None:
  """Writes the page of one case: a folder, files, or an example of a built set.

  Args:
    data_dir: Where the data sets are.
    case: Folder of `*.nii.gz`: `lesion` is the mask, `labels` the anatomy, all others are images; the
      anatomy's names are in case.json, which `Case.save` leaves, or in the export's dataset.json.
    image: NIfTI or MGH files of one grid.
    mask: Masks on the grid of the images.
    source: `name/config:split` of a built set.
    subject_id: Case of the set; the first that is stored when ''.
    output: The page; ends in `.html`.
    show: Whether it is opened in the browser.

  Raises:
    InputError: Not one of the three kinds is given, or what is given cannot be read or shown.
  """
  if Path(output).suffix != '.html':
    raise InputError(f'output is {output!r}, expected a name that ends in .html')
  if sum(map(bool, (case, image, source))) != 1:
    kinds = {'--case': case, '--image': image, '--source': source}
    given = ' and '.join(flag for flag, value in kinds.items() if value) or 'none'
    raise InputError(f'{given} is given, expected one of --case, --image and --source')
  for flag, value, of in (('mask', mask, image), ('subject_id', subject_id, source)):
    if value and not of:
      raise InputError(f'--{flag} goes with {"--image" if flag == "mask" else "--source"} alone')
  if source:
    (opened,) = open_sources([source], data_dir, build=False)
    first = lambda: next(opened.examples().as_numpy_iterator())
    shown = case_view.of_example(opened, read_case(opened, subject_id) if subject_id else first())
  else:
    shown = _of_folder(Path(case).expanduser()) if case else _of_files(image, mask)
  path = Path(output).expanduser()
  with files.errors_named(path.parent):
    path.parent.mkdir(parents=True, exist_ok=True)
  case_view.write(path, shown)
  say(f'{path} shows {shown.title}')
  if show:
    Page(path).open()


def _of_folder(folder: Path) -> View:
  """A case as `Case.save` and exports leave it, in MNI space."""
  names = [path.name.removesuffix(_ENDING) for path in nifti.list_nifti(folder)]
  names = [name for name in names if not _ON_OWN_GRID.search(name)]
  images = [name for name in names if name not in (_LESION, _LABELS)]
  path = lambda name: str(folder / f'{name}{_ENDING}')
  facts, label_names = _facts_of(folder)
  masks = [path(_LESION)] if _LESION in names else []
  labels = path(_LABELS) if _LABELS in names else ''
  images = [path(name) for name in images]
  return _read(folder.resolve().name, images, masks, facts, 'MNI', labels, label_names)


def _facts_of(folder: Path) -> tuple[dict[str, str], list[str]]:
  """What is told of a case, and what its labels are called; nothing where neither file is."""
  path = folder / _FACTS
  if not path.exists():
    return {}, _names_of_export(folder.resolve().parent / _FACTS_OF_ALL)
  try:
    facts = dict(files.read_json(path))
    names = _texts(facts.pop(_NAMES, ()))
    return flat_facts(facts), names
  except (OSError, ValueError, TypeError) as error:
    raise InputError(f'{path}: cannot be read, expected the facts of a case') from error


def _names_of_export(path: Path) -> list[str]:
  """What an export calls its labels; nothing where the file is another program's."""
  try:
    return _texts(files.read_json(path)['label_scheme']['names'])
  except (OSError, ValueError, TypeError, KeyError):
    return []


def _texts(names: Iterable[Any]) -> list[str]:
  """The names; a ValueError where one is no text."""
  found = list(names)
  if not all(isinstance(name, str) for name in found):
    raise ValueError(f'{found} are no texts')
  return found


def _of_files(images: Sequence[str], masks: Sequence[str]) -> View:
  names = [Path(one).name for one in (*images, *masks)]
  alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names))
  shared = ''.join(letters[0] for letters in alike).rpartition('_')[0] if len(names) > 1 else ''
  return _read(shared or _stem(names[0]), images, masks, {'files': ', '.join(names)}, '')


def _read(
  title: str,
  images: Sequence[str],
  masks: Sequence[str],
  facts: dict[str, str],
  space: str,
  labels: str = '',
  label_names: Sequence[str] = (),
) -> View:
  shown: dict[str, Volume] = {}
  for path in images:
    found, name = nifti.read_contrasts(path), _stem(path).removeprefix(f'{title}_')
    for i, volume in enumerate(found, 1):
      shown[_unused(f'{name} {i}' if len(found) > 1 else name, shown)] = volume
  if not shown:
    raise InputError(f'{title}: holds no image, expected one beside {_LESION} and {_LABELS}')
  first = next(iter(shown.values()))
  marked: dict[str, Volume] = {}
  for path in masks:
    marked[_unused(_stem(path).removeprefix(f'{title}_'), marked)] = nifti.read_mask(path)
  mapped = {_LABELS: nifti.read_label_map(labels)} if labels else {}
  for name, volume in (*shown.items(), *marked.items(), *mapped.items()):
    _check_grid(name, volume, first)
  if not first.is_placed:
    facts = {**facts, 'place': 'not in the file: left and right are a guess'}
  data = lambda volumes: {name: volume.data for name, volume in volumes.items()}
  return case_view.make(
    title,
    data(shown),
    first.affine,
    data(marked),
    facts,
    space,
    labels=data(mapped).get(_LABELS),
    label_names=label_names,
  )


def _stem(path: str) -> str:
  name = Path(path).name
  ending = next((one for one in (*nifti.NIFTI_ENDINGS, *nifti.MGH_ENDINGS) if name.endswith(one)), '')
  return name.removesuffix(ending)


def _unused(name: str, taken: dict[str, Volume]) -> str:
  """The name, numbered where another volume has it."""
  return name if name not in taken else _unused(f'{name} {len(taken) + 1}', taken)


def _check_grid(name: str, volume: Volume, first: Volume) -> None:
  if volume.data.shape != first.data.shape:
    raise InputError(
      f'{name}: {volume.data.shape} voxels, expected {first.data.shape} as in the first image'
    )
  if volume.is_placed and first.is_placed:
    apart = np.abs(volume.affine - first.affine).max()
    if apart > _TOLERANCE_MM:
      raise InputError(
        f'{name}: its affine differs from that of the first image by {apart:.3g}, expected the same'
      )
