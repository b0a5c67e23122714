"""Which real cases a set of recombined ones is made from, checked and named."""

import copy
import dataclasses
import json
from typing import ClassVar

from stroke_tfds import builder
from stroke_tfds.errors import InputError
from stroke_tfds.sources import MIN_VOXELS, Source, check_agreement, fingerprint, open_sources

_UNNAMED = 'unnamed'


@dataclasses.dataclass
class RecombinedConfig(builder.StrictConfig):
  """Which real cases, how many volumes.

  Attributes:
    name: A word in front of the fingerprint; made from the rest where it is not given.
    clinical: Cases with lesions, `name/config` (split train) or `name/config:split`.
    num_volumes: How many volumes.
    seed: Of all that is drawn.
    min_voxels: Donors' lesions and made ones have at least as many voxels.
    clinical_dir: TFDS data folder of the clinical cases; that of the new set when empty.
    fingerprint: Empty until `resolve`.
  """

  # Fields that name a data set and the split each means by itself; the first is that of the parents.
  SOURCES: ClassVar[dict[str, str]] = {'clinical': 'train'}

  clinical: str = ''
  num_volumes: int = 0
  seed: int = 0
  min_voxels: int = MIN_VOXELS
  clinical_dir: str = ''
  fingerprint: str = dataclasses.field(default='', init=False)

  def __post_init__(self):
    self.check_name()
    # TFDS wants a name before the fingerprint can be known.
    self.name = self.name or _UNNAMED

  def resolve(self, data_dir: str | None = None) -> 'RecombinedConfig':
    """Checks everything and completes the name by a fingerprint of all that changes the bytes.

    Args:
      data_dir: TFDS data folder of the new set.

    Raises:
      InputError: A missing or unfit data set, a number out of its range.
    """
    if self.fingerprint:
      return self
    self._check_fields()
    sources = self.open_sources(data_dir)
    facts = {field: fingerprint([source]) for field, source in sources.items()}
    facts.update({name: getattr(self, name) for name in ('num_volumes', 'seed', 'min_voxels')})
    resolved = copy.copy(self)
    resolved.fingerprint = builder.fingerprint(facts)
    stem = self.name if self.name != _UNNAMED else f'n{self.num_volumes}_seed{self.seed}'
    resolved.name = f'{stem}-{resolved.fingerprint}'
    return resolved

  def open_sources(self, data_dir: str | None) -> dict[str, Source]:
    """The data set of each field that names one.

    Raises:
      InputError: A set that is not there, or sets that differ in grid, label scheme or contrasts.
    """
    opened = {}
    for field, split in self.SOURCES.items():
      text, folder = getattr(self, field), getattr(self, f'{field}_dir') or data_dir
      text = text if ':' in text else f'{text}:{split}'
      opened[field] = open_sources([text], folder, build=False)[0]
    check_agreement(list(opened.values()))
    return opened

  def _check_fields(self) -> None:
    self.check_strings(*self.SOURCES, *(f'{field}_dir' for field in self.SOURCES))
    for field in self.SOURCES:
      if not getattr(self, field):
        fields = {field: f'phantom_stroke/mini:{split}' for field, split in self.SOURCES.items()}
        usage = json.dumps({**fields, 'num_volumes': 8, 'seed': 0})
        raise InputError(f"{field} is empty, expected a data set; give --config '{usage}'")
    for field, least in (('num_volumes', 1), ('seed', 0), ('min_voxels', 1)):
      self.check_count(field, least)
