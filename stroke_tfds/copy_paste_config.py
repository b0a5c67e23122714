"""Which real cases a set of recombined ones is made from, checked and named."""

import dataclasses
import json
from typing import Any, ClassVar

from stroke_tfds.derived_config import MadeConfig
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, check_agreement, fingerprint, open_sources


@dataclasses.dataclass
class RecombinedConfig(MadeConfig):
  """Which real cases; donors' lesions, too, have at least `min_voxels` voxels.

  Attributes:
    clinical: Cases with lesions, `name/config` (split train) or `name/config:split`.
    clinical_dir: TFDS data folder of the clinical cases; that of the new set when empty.
  """

  # Fields that name a data set and the split each means by itself; the first is that of the parents.
  SOURCES: ClassVar[dict[str, str]] = {'clinical': 'train'}

  clinical: str = ''
  clinical_dir: str = ''

  def origins(self, data_dir: str | None) -> dict[str, Any]:
    return {field: fingerprint([source]) for field, source in self.open_sources(data_dir).items()}

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

  def check_fields(self) -> None:
    self.check_strings(*self.SOURCES, *(f'{field}_dir' for field in self.SOURCES))
    for field in self.SOURCES:
      if not getattr(self, field):
        fields = {field: f'phantom_stroke/mini:{split}' for field, split in self.SOURCES.items()}
        usage = json.dumps({**fields, 'num_volumes': 8, 'seed': 0})
        raise InputError(f"{field} is empty, expected a data set; give --config '{usage}'")
    super().check_fields()
