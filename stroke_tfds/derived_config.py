"""What configs of derived sets share: how many volumes, and a name that ends in their origins."""

import copy
import dataclasses
from typing import Any, TypeVar

from stroke_tfds import builder, fingerprints
from stroke_tfds.sources import MIN_VOXELS

_UNNAMED = 'unnamed'
_Config = TypeVar('_Config', bound='DerivedConfig')


@dataclasses.dataclass
class DerivedConfig(builder.StrictConfig):
  """How many volumes to derive; subclasses say from what.

  Attributes:
    name: A word in front of the fingerprint; by default `n8_seed0` of 8 volumes and seed 0.
    num_volumes: How many volumes.
    seed: Of all that is drawn.
    min_voxels: Lesions are at least as large.
    fingerprint: Empty until `resolve`.
  """

  num_volumes: int = 0
  seed: int = 0
  min_voxels: int = MIN_VOXELS
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
    counts = {field: getattr(self, field) for field in ('num_volumes', 'seed', 'min_voxels')}
    resolved = copy.copy(self)
    resolved.fingerprint = fingerprints.fingerprint({**self.origins(data_dir), **counts})
    stem = self.name if self.name != _UNNAMED else f'n{self.num_volumes}_seed{self.seed}'
    resolved.name = '-'.join([stem, *self.remarks(), resolved.fingerprint])
    return resolved

  def remarks(self) -> list[str]:
    """Words of the name that say what a user of the set should know."""
    return []

  def check_fields(self) -> None:
    """Refuses values that no set can be built with."""
    for field, least in (('num_volumes', 1), ('seed', 0), ('min_voxels', 1)):
      self.check_count(field, least)

  def origins(self, data_dir: str | None) -> dict[str, Any]:
    """JSON values that change with all that the volumes are derived from."""
    raise NotImplementedError
