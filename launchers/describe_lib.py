"""The networks of a configuration, built at their own size and measured."""

import inspect
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import gin
import tensorflow as tf

from keras_itm.multiply_adds import count_multiply_adds
from launchers.train_itm_lib import count_labels, train_itm
from launchers.train_lesion_gan_lib import train_lesion_gan
from launchers.train_style_gan_lib import build_networks, train_style_gan
from launchers.train_unet_lib import build_network, train_unet
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.sources import find_builder

_TOTAL = 'total'


def describe(data_dir: str | None = None) -> None:
  """Prints name, trainable weights and multiply-adds for one example of each network.

  Where the configuration defines `published_parameters = {'generator': 41.8e6}`, the published number
  stands beside; the name `total` asks for the sum of all networks.

  Args:
    data_dir: Where a data set is looked up that no builder of this package makes.

  Raises:
    InputError: The configuration is not one of a training, or a published number has no network.
  """
  found = configured_training(data_dir)
  rows = [
    {
      'network': name,
      'parameters': sum(weight.shape.num_elements() for weight in network.trainable_weights),
      'multiply_adds': count_multiply_adds(network, found.grid.shape),
    }
    for name, network in found.networks.items()
  ]
  published = _published()
  if _TOTAL in published:
    sums = {key: sum(row[key] for row in rows) for key in ('parameters', 'multiply_adds')}
    rows.append({'network': _TOTAL, **sums})
  names = [row['network'] for row in rows]
  for name in published:
    if name not in names:
      raise InputError(f'published_parameters names {name!r}, expected some of {[*names, _TOTAL]}')
  for row in rows:
    known = {'published': published[row['network']]} if row['network'] in published else {}
    print(json.dumps({**row, **known}))


class ConfiguredTraining(NamedTuple):
  """A training as the gin configuration has it.

  Attributes:
    networks: By name.
    grid: Of its data set.
    values: Of its root's parameters, defaults included.
  """

  networks: dict[str, tf.keras.Model]
  grid: Grid
  values: dict[str, Any]


def configured_training(data_dir: str | None = None) -> ConfiguredTraining:
  """What the gin configuration trains.

  Raises:
    InputError: The configuration is not one of exactly one training, or its data set is unknown.
  """
  found = {root: bound for root in _NETWORKS if (bound := gin.get_bindings(root))}
  if len(found) != 1:
    expected = ' or '.join(root.__name__ for root in _NETWORKS)
    raise InputError(
      f'the configuration sets {[root.__name__ for root in found] or "no training"}, expected one of '
      f'{expected}; name a --gin_file such as pix2pix10_mini.gin'
    )
  [(root, bound)] = found.items()
  values = {name: p.default for name, p in inspect.signature(root).parameters.items()} | bound
  missing = [name for name, value in values.items() if value is gin.REQUIRED]
  if missing:
    raise InputError(f'the configuration gives no {root.__name__}.{missing[0]}, expected a value')
  # Built or not: the size of its grid is known.
  name = values['sources'][0].partition(':')[0]
  metadata = find_builder(name, data_dir).info.metadata
  grid = Grid.from_json(metadata['grid'])
  return ConfiguredTraining(_NETWORKS[root](values, grid, metadata), grid, values)


def _translator(values: dict[str, Any], grid: Grid, metadata: dict) -> dict[str, tf.keras.Model]:
  n_contrasts = len(metadata['contrasts'])
  # Appearances follow the labels.
  scheme = metadata['label_scheme']
  classes = ClassMap.from_scheme(scheme, values['groups']) if values['by_classes'] else None
  n_labels = count_labels(metadata, classes) + n_contrasts * len(values['appearance'])
  return values['networks'](shape=grid.shape, n_labels=n_labels, n_contrasts=n_contrasts)


def _lesion_gan(values: dict[str, Any], grid: Grid, metadata: dict) -> dict[str, tf.keras.Model]:
  return {
    'generator': values['generator'](shape=grid.shape, latent_size=values['latent_size']),
    'critic': values['critic'](shape=grid.shape),
  }


def _style_gan(values: dict[str, Any], grid: Grid, metadata: dict) -> dict[str, tf.keras.Model]:
  classes = ClassMap.from_scheme(metadata['label_scheme'], values['groups'])
  n_classes = len(classes.names)
  n_contrasts = len(metadata['contrasts']) if values['n_contrasts'] is None else values['n_contrasts']
  # A training measures them; here it matters that there are some.
  tones = [[0.0] * n_contrasts] * n_classes if values['class_tones'] and n_contrasts else ()
  return build_networks(
    grid.shape[:2],
    classes,
    n_contrasts,
    len(values['conditions']),
    class_shares=[1 / n_classes] * n_classes,
    class_tones=tones,
    **{name: values[name] for name in ('mapping', 'generator', 'discriminator', 'lesion_gain')},
  )


def _unet(values: dict[str, Any], grid: Grid, metadata: dict) -> dict[str, tf.keras.Model]:
  return {'network': build_network(values['network'], grid, metadata, values['by_slices'])}


_NETWORKS: dict[Callable[..., None], Callable[..., dict[str, tf.keras.Model]]] = {
  train_itm: _translator,
  train_lesion_gan: _lesion_gan,
  train_style_gan: _style_gan,
  train_unet: _unet,
}


def _published() -> dict[str, float]:
  try:
    published = gin.query_parameter('%published_parameters')
  except ValueError:  # Gin's way to say that no such value is given.
    return {}
  if not isinstance(published, dict):
    raise InputError(f'published_parameters is {published!r}, expected numbers by name of a network')
  return published
