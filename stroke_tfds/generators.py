"""Bundles that data sets are drawn from: opened for them, and what they say of their own origins."""

from collections.abc import Mapping
from typing import Any

from keras_itm import bundle as bundles
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from stroke_tfds.errors import InputError, apart
from stroke_tfds.licences import UNKNOWN
from stroke_tfds.sources import Source, fingerprint, open_sources

# At the end of what a set says that cannot be audited.
WITHOUT_AUDIT = 'or give "audit": false to build without a look at copies'


def open_bundle(path: str, kind: str) -> bundles.Bundle:
  """Opens a bundle.

  Raises:
    InputError: It is missing, broken, unsafe or of another kind.
  """
  try:
    return bundles.load_bundle(path, kind)
  except bundles.BundleError as error:
    raise InputError(f'{kind} {error}') from error


def load_fitting_bundle(path: str, kind: str, source: Source) -> bundles.Bundle:
  """Opens a bundle for use on a data set.

  Raises:
    InputError: A missing, broken or unsafe bundle, one that does not fit, see `check_fits`, or a
      translator of classes.
  """
  bundle = open_bundle(path, kind)
  if kind == TRANSLATOR:
    try:
      bundles.check_takes_labels(bundle)
    except bundles.BundleError as error:
      raise InputError(f'{kind} {error}') from error
  check_fits(bundle, source)
  return bundle


def check_fits(bundle: bundles.Bundle, source: Source) -> None:
  """Refuses a bundle for another sort of data than a data set has.

  Raises:
    InputError: Another grid, label scheme or scaling of intensities, which lesion generators have none
      of.
  """
  kind = bundle.spec.kind
  keys = ['grid', 'label_scheme'] + ['intensity_scaling'] * (kind != LESION_GENERATOR)
  for key in keys:
    trained_for, needed = getattr(bundle.spec, key), source.agreed[key]
    if trained_for != needed:
      found, needed = apart(trained_for, needed)
      raise InputError(
        f'{kind} {bundle.path} was trained for the {key} {found}, but {source.name} has {needed}'
      )


def origins(paths: Mapping[str, str]) -> dict[str, list[str]]:
  """`made_from` and `licences` of all that generators learnt from, each once.

  A generator that does not know has an entry `unknown: KIND FINGERPRINT`, in place of a data set, which
  has no such name, or of a licence.

  Args:
    paths: Folder of each kind's bundle.
  """
  found: dict[str, list[Any]] = {'made_from': [], 'licences': []}
  for kind, path in paths.items():
    spec = bundles.read_spec(path, kind)
    unknown = [f'{UNKNOWN}{kind} {spec.weights}']
    found['made_from'] += spec.trained_on or unknown
    found['licences'] += spec.licences or unknown
  return {name: list(dict.fromkeys(values)) for name, values in found.items()}


def open_training(path: str, kind: str, data_dir: str | None) -> list[Source]:
  """The sets that a generator was trained on, which what it draws is audited against.

  Raises:
    InputError: The bundle does not name them, or they are not there or not the same.
  """
  spec = bundles.read_spec(path, kind)
  if not spec.trained_on:
    raise InputError(
      f'{kind} {path} does not say what it was trained on, expected trained_on in its bundle.json: '
      f'train it again or export it with trained_on; {WITHOUT_AUDIT}'
    )
  try:
    sources = open_sources(spec.trained_on, data_dir, build=False)
  except InputError as error:
    raise InputError(f'{kind} {path}, what it was trained on: {error}; {WITHOUT_AUDIT}') from error
  found = fingerprint(sources)
  if spec.training_set and found != spec.training_set:
    raise InputError(
      f'{kind} {path} was trained on data of fingerprint {spec.training_set}, but '
      f'{", ".join(spec.trained_on)} in {sources[0].builder.data_dir_root} are {found}: expected the '
      f'same data there; {WITHOUT_AUDIT}'
    )
  return sources
