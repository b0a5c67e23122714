"""Builders of data that the user puts into a folder, the `manual_dir` of TFDS."""

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import tensorflow_datasets as tfds

from stroke_tfds import builder, example, fingerprints
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.preprocessing import PERCENTILE
from stroke_tfds.label_schemes import ASEG28

Examples = Iterator[tuple[str, dict[str, Any]]]
_Config = TypeVar('_Config', bound='ManualDirConfig')
_Folder = TypeVar('_Folder', bound='Folder')


class Folder(Protocol):
  """What a folder holds, opened."""

  @property
  def fingerprint(self) -> str:
    """Changes whenever the data do."""


@dataclasses.dataclass
class ManualDirConfig(builder.StrictConfig):
  """What decides, with the folder, the bytes of the data set.

  A custom config's name ends in its fingerprint; it is known as soon as the config is made.

  Attributes:
    grid: Name of a grid, or its fields.
    seed: Of the division into splits, any whole number from 0.
    test_share: Share of the subjects with a lesion that the test split gets, rounded up; 0 for no such
      split.
  """

  grid: str | dict[str, Any] | Grid = 'mini'
  seed: int = 0
  test_share: float = 0.2

  def __post_init__(self):
    self.check_name()
    self.grid = get_grid(self.grid)
    self.check_count('seed', 0)
    if not (_is_number(self.test_share) and 0 <= self.test_share < 1):
      raise InputError(f'test_share is {self.test_share!r}, expected a number from 0 to below 1')
    self.check_more()
    self.complete_name()

  def check_more(self) -> None:
    """Checks the fields that a subclass adds."""

  def facts(self) -> dict[str, Any]:
    """All that changes the bytes, as JSON values."""
    return {'grid': get_grid(self.grid).to_json(), 'seed': self.seed, 'test_share': self.test_share}

  def check_share(self, field: str) -> None:
    """Refuses what is no number from 0 to 1."""
    value = getattr(self, field)
    if not (_is_number(value) and 0 <= value <= 1):
      raise InputError(f'{field} is {value!r}, expected a number from 0 to 1')

  @functools.cached_property
  def fingerprint(self) -> str:
    return fingerprints.fingerprint(self.facts())


def built_in_configs(config_class: type[_Config]) -> list[_Config]:
  """`mini` and `paper`."""
  return [
    config_class.built_in('mini', '64x64x16 voxels of 3x3x8 mm.'),
    config_class.built_in('paper', '128x128x32 voxels of 1.5x1.5x4 mm.', grid='mni_128x128x32'),
  ]


class ManualDirBuilder(builder.StrictBuilder, Generic[_Folder], skip_registration=True):  # type: ignore[call-arg]
  """Names its data by config and folder, and refuses to pass one folder's data for another's.

  The folder is known only to a build. Until then `fingerprint` in the metadata is the config's; a
  built set can be opened without the folder. Subclasses define `CONTENT`, `LICENCE`, `contrasts`,
  `open_folder` and `make_splits`.
  """

  CONFIG_KEY = 'config_fingerprint'
  CONTENT = ''  # What the folder has to be, for errors.
  LICENCE = ''  # Of the data in the folder.
  LABEL_SCHEME = ASEG28

  @property
  def contrasts(self) -> tuple[str, ...]:
    """Names of the image's channels."""
    raise NotImplementedError

  def open_folder(self, manual_dir: Path) -> _Folder:
    """Opens the folder, or raises an InputError."""
    raise NotImplementedError

  def make_splits(self, folder: _Folder) -> dict[str, Examples]:
    """Examples of each split that is not empty."""
    raise NotImplementedError

  def download_and_prepare(self, *, download_config: Any = None, **kwargs: Any) -> None:
    """Builds the set.

    Raises:
      InputError: The folder is missing or unfit, or the set is there but made from another folder.
    """
    manual_dir = download_config.manual_dir if download_config else None
    overwrites = download_config and download_config.download_mode.overwrite_dataset
    if manual_dir and self.is_prepared() and not overwrites:
      folder = self.open_folder(Path(manual_dir).expanduser())
      self.check_same(self.info.metadata['fingerprint'], self.name_data(folder), str(manual_dir))
    super().download_and_prepare(download_config=download_config, **kwargs)
    self.log_how_to_load()

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    metadata = example.metadata(
      config.grid, self.LABEL_SCHEME, self.contrasts, config.fingerprint, [self.LICENCE]
    )
    return self.make_info(
      config.grid, self.contrasts, {**metadata, self.CONFIG_KEY: config.fingerprint}
    )

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Examples]:
    try:
      manual_dir = Path(dl_manager.manual_dir)
    except AssertionError as error:  # TFDS found no folder, or an empty one.
      reason = str(error).split('. Create it')[0]
      raise InputError(
        f'{self.name} is built from {self.CONTENT}: name it by tfds build --imports stroke_tfds '
        f'{self.name}/{self.builder_config.name} --manual_dir DIR ({reason})'
      ) from error
    folder = self.open_folder(manual_dir)
    splits = self.make_splits(folder)
    self.info.metadata['fingerprint'] = self.name_data(folder)
    self.info.metadata['intensity_scaling'] = self.scaling_of(folder)
    return splits

  def scaling_of(self, folder: _Folder) -> str:
    """How its images were scaled."""
    del folder  # Those without images.
    return PERCENTILE

  def name_data(self, folder: _Folder) -> str:
    """The fingerprint of what config and folder together make."""
    own = {'config': self.builder_config.fingerprint, 'data': folder.fingerprint}
    return fingerprints.fingerprint(own)


def _is_number(value: Any) -> bool:
  return isinstance(value, int | float) and not isinstance(value, bool)
