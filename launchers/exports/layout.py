"""What a format says: where each volume of a case is, and what tells of all of them."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy import ndimage

from launchers.exports.cases import ExportCase
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.licences import licences_of
from stroke_tfds.preparation.files import package_version
from stroke_tfds.sources import Source

# Volumes beside the contrasts; `classes` numbers those of the lesion from 1, or is the lesion itself.
LESION, LABELS, CLASSES = 'lesion', 'labels', 'classes'
# Signal farther from the brain than template and patient differ is a scalp's.
_SKULL_MM, _SIGNAL, _SKULL_ML = 12.0, 0.02, 20.0


@dataclasses.dataclass(frozen=True)
class Export:
  """What is exported: sources that agree, and all of their cases."""

  sources: Sequence[Source]
  cases: Sequence[ExportCase]

  @property
  def metadata(self) -> dict[str, Any]:
    """What all sources have in common, as their metadata have it."""
    return self.sources[0].agreed

  @property
  def grid(self) -> Grid:
    return self.sources[0].grid

  @property
  def contrasts(self) -> list[str]:
    return self.metadata['contrasts']

  @property
  def lesion_classes(self) -> dict[str, int]:
    """Number of each class of a lesion in `classes`; one where lesions are not divided."""
    scheme = self.metadata['label_scheme']
    ids = scheme.get('lesion_class_ids', ())
    return {scheme['names'][i]: number for number, i in enumerate(ids, start=1)} or {LESION: 1}

  def volumes_of(self, example: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The volumes of an example: float32 of each contrast; `lesion`, `labels`, `classes` in uint8."""
    images = {
      name: example['image'][..., i].astype(np.float32) for i, name in enumerate(self.contrasts)
    }
    number = np.zeros(256, np.uint8)  # Of each id of the scheme.
    ids = self.metadata['label_scheme'].get('lesion_class_ids', ())
    number[list(ids)] = range(1, len(ids) + 1)
    classes = number[example['labels']] if ids else example['lesion']
    return {**images, LESION: example['lesion'], LABELS: example['labels'], CLASSES: classes}

  @property
  def licences(self) -> list[str]:
    return licences_of(self.sources)

  @functools.cached_property
  def is_skull_stripped(self) -> bool:
    """Whether the first case of no source has signal where there is no brain near."""
    return not any(_has_skull(source) for source in self.sources)

  def facts(self) -> dict[str, Any]:
    """What a reader of the files needs to know of them, as JSON values."""
    return {
      **self.metadata,
      'licences': self.licences,
      'sources': [source_facts(source) for source in self.sources],
      'generated_by': GENERATED_BY,
    }


GENERATED_BY = {'Name': 'keras-itm', 'Version': package_version('keras-itm')}


def source_facts(source: Source) -> dict[str, Any]:
  """Which data exactly a source is."""
  return {
    'source': str(source),
    'version': str(source.builder.version),
    'fingerprint': source.metadata['fingerprint'],
    'homepage': source.builder.info.homepage,
    'made_from': list(source.metadata.get('made_from', ())),
  }


def _has_skull(source: Source) -> bool:
  example = next(source.examples(['image', 'labels']).as_numpy_iterator())
  far = ndimage.distance_transform_edt(example['labels'] == 0, source.grid.spacing_mm) > _SKULL_MM
  n_voxels = np.count_nonzero(far & (example['image'][..., 0] > _SIGNAL))
  return n_voxels * source.grid.voxel_volume_ml > _SKULL_ML


class Layout(Protocol):
  """A format."""

  def check(self, output: Path, contrasts: Sequence[str]) -> None:
    """Refuses what the format's readers would not take.

    Raises:
      InputError: The folder's name, or a contrast, is of that kind.
    """

  def volumes(self, case: ExportCase, contrasts: Sequence[str]) -> Mapping[str, str]:
    """Where the volumes of a case are: contrast, `lesion` or `labels` -> path in the folder."""

  def texts(self, export: Export) -> Mapping[str, str]:
    """All other files: path in the folder -> text; the last says that the folder is whole."""


def as_json(values: Any) -> str:
  return json.dumps(values, indent=2, allow_nan=False) + '\n'
