"""What configs of derived sets share: a seed, and a name that ends in their origins."""

import copy
import dataclasses
from typing import Any, TypeVar

from stroke_tfds import builder, fingerprints
from stroke_tfds.sources import MIN_VOXELS

_UNNAMED = 'unnamed'
_Config = TypeVar('_Config', bound='DerivedConfig')


@dataclasses.dataclass
class DerivedConfig(builder.StrictConfig):
  """Subclasses say what is derived from what.

  Attributes:
    name: A word in front of the fingerprint; by default the numbers of what is derived and the seed.
    seed: Of all that is drawn.
    fingerprint: Empty until `resolve`.
  """

  seed: int = 0
  fingerprint: str = dataclasses.field(default='', init=False)

  def __post_init__(self):
    self.check_name()
    # TFDS wants a name before the fingerprint can be known.
    self.name = self.name or _UNNAMED

  def resolve(self: _Config, data_dir: str | None = None) -> _Config:
    """Checks everything and completes the name by a fingerprint of all that changes the bytes.

    Args:
      data_dir: TFDS data folder of the new set.

    Raises:
      InputError: Something that it is derived from is missing or unfit, or a number is out of range.
    """
    if self.fingerprint:
      return self
    self.check_fields()
    resolved = copy.copy(self)
    values = {**self.origins(data_dir), **self.counts(), 'seed': self.seed}
    resolved.fingerprint = fingerprints.fingerprint(values)
    stem = self.name if self.name != _UNNAMED else f'{self.count_name()}_seed{self.seed}'
    resolved.name = '-'.join([stem, *self.remarks(), resolved.fingerprint])
    return resolved

  def counts(self) -> dict[str, int]:
    """Numbers of what is derived, by field."""
    raise NotImplementedError

  def count_name(self) -> str:
    """How many are derived, as a word of the name."""
    raise NotImplementedError

  def remarks(self) -> list[str]:
    """Words of the name that say what a user of the set should know."""
    return []

  def check_fields(self) -> None:
    """Refuses values that no set can be built with."""
    self.check_count('seed', 0)

  def origins(self, data_dir: str | None) -> dict[str, Any]:
    """JSON values that change with all that the set is derived from."""
    raise NotImplementedError


@dataclasses.dataclass
class DerivedVolumesConfig(DerivedConfig):
  """How many volumes to derive, called `n8_seed0` of 8 volumes and seed 0.

  Attributes:
    num_volumes: How many volumes.
    min_voxels: Lesions are at least as large.
  """

  num_volumes: int = 0
  min_voxels: int = MIN_VOXELS

  def counts(self) -> dict[str, int]:
    return {'num_volumes': self.num_volumes, 'min_voxels': self.min_voxels}

  def count_name(self) -> str:
    return f'n{self.num_volumes}'

  def check_fields(self) -> None:
    self.check_count('num_volumes', 1)
    self.check_count('min_voxels', 1)
    super().check_fields()
