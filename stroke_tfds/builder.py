"""What all builders of this package share: strict configs, and no reuse of another config's data."""

import collections
import dataclasses
import math
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging

from stroke_tfds import example
from stroke_tfds.disk_errors import disk_error
from stroke_tfds.errors import InputError
from stroke_tfds.files import locked
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.record_order import writer_in_order

_N_WORKERS = 2
_MAX_NAME = 100  # File systems take 255, with what is added to it.
_Config = TypeVar('_Config', bound='StrictConfig')
_Item = TypeVar('_Item')
_Result = TypeVar('_Result')


@dataclasses.dataclass
class StrictConfig(tfds.core.BuilderConfig):
  """A config whose fields may come from JSON: an unknown one is an error that names it.

  Subclasses are dataclasses, and define `fingerprint`.

  Attributes:
    RENAMED: Fields of earlier releases and what they are called now, for the error.
  """

  RENAMED: ClassVar[dict[str, str]] = {}

  name: str = ''

  def __new__(cls, *args, **fields):
    own = [field.name for field in dataclasses.fields(cls) if field.init]
    unknown = sorted(set(fields) - set(own))
    if unknown and unknown[0] in cls.RENAMED:
      raise InputError(f'config field {unknown[0]!r} is called {cls.RENAMED[unknown[0]]!r} now')
    if unknown:
      inherited = {field.name for field in dataclasses.fields(tfds.core.BuilderConfig)}
      known = ['name', *(field for field in own if field not in inherited)]
      raise InputError(f'config field {unknown[0]!r} is unknown, expected some of {known}')
    version = fields.get('version')
    is_sound = isinstance(version, tfds.core.Version) or version is None
    if not is_sound and not re.fullmatch(r'\d+\.\d+\.\d+', str(version)):
      raise InputError(f'version is {version!r}, expected one such as "1.0.0", or none')
    return super().__new__(cls)

  @classmethod
  def built_in(cls: type[_Config], name: str, description: str, **fields: Any) -> _Config:
    """A config that is known by `name` alone, without its fingerprint."""
    config = cls(description=description, **fields)
    config.name = name
    return config

  @property
  def fingerprint(self) -> str:
    """A hash of everything that changes the bytes of the data set."""
    raise NotImplementedError

  def complete_name(self) -> None:
    """Ends the name of a custom config in its fingerprint, once all other fields are set."""
    self.name = f'{self.name or "custom"}-{self.fingerprint}'

  def check_name(self) -> None:
    self.check_strings('name')
    if not re.fullmatch(rf'[\w.-]{{0,{_MAX_NAME}}}', self.name):
      raise InputError(
        f'name is {self.name!r}, expected at most {_MAX_NAME} letters, digits and any of _ . -'
      )

  def check_strings(self, *fields: str) -> None:
    for field in fields:
      if not is_text(getattr(self, field)):
        raise InputError(f'{field} is {getattr(self, field)!r}, expected a string in one line')

  def check_count(self, field: str, at_least: int) -> None:
    value = getattr(self, field)
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
      raise InputError(f'{field} is {value!r}, expected a whole number from {at_least}')

  def check_number(self, field: str, least: float, most: float) -> None:
    value = getattr(self, field)
    if not is_number(value) or not least <= value <= most:
      raise InputError(f'{field} is {value!r}, expected a number from {least} to {most}')


def is_text(value: Any) -> bool:
  """Whether a value is a string that can name a file in one line.

  It is without the character 0, breaks of lines and halves of characters.
  """
  return isinstance(value, str) and not re.search('[\0\n\r\ud800-\udfff]', value)


def is_number(value: Any) -> bool:
  """Whether a value is a finite number, and no truth value."""
  is_real = isinstance(value, (int, float)) and not isinstance(value, bool)
  return is_real and abs(value) < math.inf  # Whole numbers may have more digits than a float takes.


# TFDS has no types, so that mypy does not know this argument; the same in the classes below this one.
class StrictBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
  """A builder that refuses a folder of its name that holds other data."""

  CONFIG_KEY = 'fingerprint'  # Where the metadata hold the fingerprint of the config.
  HOMEPAGE = ''  # Of the data, or of the paper whose method makes them.

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    # `info` was read from the folder if there is one.
    stored = (self.info.metadata or {}).get(self.CONFIG_KEY)
    self.check_same(stored, self.builder_config.fingerprint)

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Builds the set, as the only one that does; what builds that were killed left is cleared.

    Raises:
      InputError: Another program builds it, the disk is full, or a folder cannot be written.
    """
    try:
      locks = self.data_dir_root / 'downloads'
      locks.mkdir(parents=True, exist_ok=True)
      with locked(Path(locks) / f'.{self.name}-{self.builder_config.name}.lock'):
        for left in Path(self.data_path).parent.glob('incomplete.*'):
          shutil.rmtree(left, ignore_errors=True)
        super().download_and_prepare(**kwargs)
    except (OSError, RuntimeError, tf.errors.OpError) as error:
      told = self.disk_error(error)
      if not told:
        raise
      raise InputError(told) from error

  def _example_writer(self) -> Any:
    return writer_in_order(super()._example_writer())

  def disk_error(self, error: Exception) -> str:
    """What to tell of an error of the disk; '' of another error."""
    return disk_error(error)

  def make_info(
    self, grid: Grid, contrasts: tuple[str, ...], metadata: Mapping[str, Any]
  ) -> tfds.core.DatasetInfo:
    """`info` by the example contract; the licence is that of all data behind the set."""
    return self.dataset_info_from_configs(
      features=example.features(grid, contrasts),
      supervised_keys=example.SUPERVISED_KEYS,
      metadata=tfds.core.MetadataDict(metadata),
      homepage=self.HOMEPAGE,
      license='; '.join(metadata['licences']),
    )

  def check_same(self, stored: str | None, expected: str, made_from: str = '') -> None:
    """Refuses the folder of this data set when it holds data of another fingerprint.

    Args:
      stored: Fingerprint of what is there.
      expected: Fingerprint of what is asked for.
      made_from: What an error calls the data asked for.
    """
    if stored != expected:
      wanted = f'{expected} made from {made_from}' if made_from else expected
      raise InputError(
        f'{self.data_path}: holds data of fingerprint {stored}, expected {wanted}; '
        'delete the folder or choose another data_dir'
      )

  def log_how_to_load(self) -> None:
    logging.info(
      "load it by tfds.load('%s/%s', data_dir='%s')",
      self.name,
      self.builder_config.name,
      self.data_dir_root,
    )


def map_in_order(
  make: Callable[[_Item], _Result], items: Iterable[_Item], n_workers: int = _N_WORKERS
) -> Iterator[_Result]:
  """Results of `make` in the order of `items`, computed a few ahead by threads."""
  with futures.ThreadPoolExecutor(n_workers) as pool:
    pending: collections.deque[futures.Future[_Result]] = collections.deque()
    for item in items:
      pending.append(pool.submit(make, item))
      if len(pending) > 2 * n_workers:
        yield pending.popleft().result()
    while pending:
      yield pending.popleft().result()
