"""Bundles that data sets are drawn from: opened for them, and what they say of their own origins."""

from collections.abc import Mapping
from typing import Any

from keras_itm import bundle as bundles
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from stroke_tfds.errors import InputError, apart
from stroke_tfds.licences import UNKNOWN
from stroke_tfds.sources import Source


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
