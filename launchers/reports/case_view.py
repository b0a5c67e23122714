"""Cases of data sets as pages with a viewer."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_itm.viewer.page import render
from keras_itm.viewer.view import View, flat_facts
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.resample import lesion_voxels
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.preparation.folder import PreparedFolder
from stroke_tfds.sources import Source


def make(
  title: str,
  images: Mapping[str, np.ndarray],
  affine: np.ndarray,
  masks: Mapping[str, np.ndarray],
  facts: Mapping[str, str],
  space: str = 'MNI',
  hidden: Collection[str] = (),
  labels: np.ndarray | None = None,
  label_names: Sequence[str] = (),
) -> View:
  """A `View`, or an InputError where it refuses what is shown."""
  try:
    return View(title, images, affine, masks, facts, space, hidden, labels, label_names)
  except ValueError as error:
    raise InputError(str(error)) from error


def write(path: Path, view: View) -> None:
  """Writes the page of a case whole, or replaces it.

  Raises:
    InputError: The disk is full, or the file cannot be written.
  """
  files.write_whole(path, render(view))


def of_example(
  source: Source, example: Mapping[str, Any], predictions: Mapping[str, np.ndarray] | None = None
) -> View:
  """An example of a built set with what is known of it.

  Args:
    source: Where it is from.
    example: As stored.
    predictions: Masks that were found in it, by whom; hidden at first, under the lesion or its classes.
  """
  subject_id, metadata = example['subject_id'].decode(), source.metadata
  facts = {
    'data set': f'{source} {source.builder.version}',
    'grid': source.grid.name,
    'fingerprint': metadata['fingerprint'],
    'licences': ', '.join(metadata.get('licences', ())),
    'scaling': source.intensity_scaling,
    **flat_facts(json.loads(example['provenance'])),
  }
  images = dict(zip(metadata['contrasts'], np.moveaxis(example['image'], -1, 0)))
  scheme = metadata['label_scheme']
  lesions = _lesions(scheme, example)
  found = {f'found by {name}': mask for name, mask in (predictions or {}).items()}
  title = f'{subject_id}, {source}'
  return make(
    title,
    images,
    source.grid.affine,
    lesions | found,
    facts,
    hidden=set(found),
    labels=example['labels'],
    label_names=scheme['names'],
  )


def of_prepared(folder: PreparedFolder, case_id: str) -> View:
  """A prepared case, with what its quality figures are."""
  image, labels, fraction, sidecar = folder.load(case_id)
  facts = {
    'group': sidecar['group'],
    'labels from': sidecar['labels_from'],
    'grid': folder.grid.name,
    'scaling': folder.settings['intensity_scaling'],
    'registration': folder.settings['registration'],
    **flat_facts(sidecar['quality']),
  }
  images = dict(zip(map(str.upper, folder.contrasts), np.moveaxis(image, -1, 0)))
  return make(
    case_id,
    images,
    folder.grid.affine,
    {'lesion': lesion_voxels(fraction)},
    facts,
    labels=labels,
    label_names=ASEG28.names,
  )


def _lesions(scheme: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """The lesion, or each of its classes."""
  classes = {scheme['names'][i]: example['labels'] == i for i in scheme.get('lesion_class_ids', ())}
  return classes or {'lesion': example['lesion']}
