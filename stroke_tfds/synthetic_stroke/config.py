"""What a synthetic data set is made from, checked and named."""

import copy
import dataclasses

from keras_itm import bundle as bundles
from keras_itm import lesions
from stroke_tfds import builder
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, fingerprint, open_sources

_UNNAMED = 'unnamed'
_NUMBERS = {'num_volumes': 1, 'seed': 0, 'min_voxels': 1, 'max_draws': 1}  # With the least of each.


@dataclasses.dataclass
class SyntheticStrokeConfig(builder.StrictConfig):
  """Which generators, which healthy brains, how many volumes.

  Attributes:
    name: A word in front of the fingerprint; made from the rest where it is not given.
    translator: Folder of the translator's bundle.
    lesion_generator: Folder of the lesion generator's bundle.
    healthy: Brains to put lesions into, `name/config` (split healthy) or `name/config:split`.
    healthy_dir: TFDS data folder of the healthy brains; that of the new set when empty.
    num_volumes: How many volumes; more than there are healthy brains use them again.
    seed: Of lesions and latents.
    min_voxels: Smaller lesions are drawn again.
    max_draws: Draws for one brain before the build gives up.
    level: Whether all slices of a volume get one brightness, see `keras_itm.slice_levels`; the paper
      leaves them as they are.
    fingerprint: Empty until `resolve`.
  """

  translator: str = ''
  lesion_generator: str = ''
  healthy: str = ''
  healthy_dir: str = ''
  num_volumes: int = 0
  seed: int = 0
  min_voxels: int = lesions.MIN_VOXELS
  max_draws: int = 100
  level: bool = True
  fingerprint: str = dataclasses.field(default='', init=False)

  def __post_init__(self):
    # TFDS wants a name before the fingerprint can be known.
    self.name = self.name or _UNNAMED

  def resolve(self, data_dir: str | None = None) -> 'SyntheticStrokeConfig':
    """Checks everything and completes the name by a fingerprint of all that changes the bytes.

    Args:
      data_dir: TFDS data folder of the new set.

    Raises:
      InputError: A missing or unfit bundle or healthy set, a number out of its range.
    """
    if self.fingerprint:
      return self
    self._check_numbers()
    source = self.open_healthy(data_dir)
    facts = {
      'translator': self.load('translator', source).fingerprint,
      'lesion_generator': self.load('lesion_generator', source).fingerprint,
      'healthy': fingerprint([source]),
      **{name: getattr(self, name) for name in _NUMBERS},
      'level': self.level,
    }
    resolved = copy.copy(self)
    resolved.fingerprint = builder.fingerprint(facts)
    stem = self.name if self.name != _UNNAMED else f'n{self.num_volumes}_seed{self.seed}'
    resolved.name = f'{stem}-{resolved.fingerprint}'
    return resolved

  def open_healthy(self, data_dir: str | None) -> Source:
    text = self.healthy if ':' in self.healthy else f'{self.healthy}:healthy'
    return open_sources([text], self.healthy_dir or data_dir, build=False)[0]

  def load(self, kind: str, source: Source) -> bundles.Bundle:
    """Opens the bundle of a kind and checks that it fits the healthy set."""
    return load_fitting_bundle(getattr(self, kind), kind, source)

  def _check_numbers(self) -> None:
    for name in ('translator', 'lesion_generator', 'healthy'):
      if not getattr(self, name):
        raise InputError(
          f'synthetic_stroke needs {name!r}; give --config \'{{"translator": "W1/bundle", '
          '"lesion_generator": "W2/bundle", "healthy": "phantom_stroke/mini", "num_volumes": 8, '
          '"seed": 0}\''
        )
    if not isinstance(self.level, bool):
      raise InputError(f'level is {self.level!r}, expected true or false')
    for name, least in _NUMBERS.items():
      value = getattr(self, name)
      if not isinstance(value, int) or value < least:
        raise InputError(f'{name} is {value!r}, expected a whole number of at least {least}')


def load_fitting_bundle(path: str, kind: str, source: Source) -> bundles.Bundle:
  """Opens a bundle for use on a data set.

  Raises:
    InputError: A missing, broken or unsafe bundle, or one for another grid or label scheme.
  """
  try:
    bundle = bundles.load_bundle(path, kind)
  except bundles.BundleError as error:
    raise InputError(f'{kind} {error}') from error
  for key in ('grid', 'label_scheme'):
    made_for, needed = getattr(bundle.spec, key), source.metadata[key]
    if made_for != needed:
      raise InputError(
        f'{kind} {bundle.path} was trained for the {key} {made_for}, but {source.name} has {needed}'
      )
  return bundle
