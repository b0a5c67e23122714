"""Synthetic stroke volumes: healthy anatomy, an invented lesion, a translated image."""

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm

from keras_itm import bundle as bundles
from keras_itm import synthesis
from stroke_tfds import builder, example
from stroke_tfds.disk_errors import is_full
from stroke_tfds.errors import InputError
from stroke_tfds.licences import UNKNOWN, licences_of
from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig
from stroke_tfds.synthetic_stroke.drawing import CaseDrawing
from stroke_tfds.synthetic_stroke.volume_cache import VolumeCache

# Begins an entry of `made_from` in place of what a generator was trained on; no data set's name does.
UNKNOWN_ORIGIN = UNKNOWN


class Builder(builder.StrictBuilder):
  """`synthetic_stroke`: one split `train`, the same example as every other set."""

  VERSION = tfds.core.Version('2.1.0')
  HOMEPAGE = 'https://arxiv.org/abs/2010.02745'
  RELEASE_NOTES = {
    '2.1.0': 'Cases that copy a training case, or whose image and mask do not agree, are drawn again.',
    '2.0.0': 'One brightness for all slices of a volume; lesions in real scans; a set names the '
    'sources of all that made it.',
    '1.0.0': 'Lesions by a 3D GAN, images by a translator.',
  }
  # TFDS needs one; every usable configuration comes by --config.
  BUILDER_CONFIGS = [SyntheticStrokeConfig()]

  def __init__(self, *, data_dir: str | None = None, config: Any = None, **kwargs: Any):
    config = config if isinstance(config, SyntheticStrokeConfig) else SyntheticStrokeConfig()
    config = config.resolve(data_dir)
    self._healthy = config.open_healthy(data_dir)
    self._given_data_dir = data_dir
    super().__init__(data_dir=data_dir, config=config, **kwargs)

  def _info(self) -> tfds.core.DatasetInfo:
    metadata = self._healthy.metadata
    own = {
      'fingerprint': self.builder_config.fingerprint,
      'made_from': self._origins(),
      'licences': self._licences(),
    }
    inherited = {name: value for name, value in metadata.items() if name != 'audit'}
    return self.make_info(self._healthy.grid, tuple(metadata['contrasts']), {**inherited, **own})

  def _origins(self) -> list[str]:
    """All data that the volumes come from: the brains, and what the generators were trained on.

    A generator that does not know has an entry `unknown: KIND FINGERPRINT`.
    """
    origins = [str(self._healthy)]
    for kind in ('translator', 'lesion_generator'):
      spec = bundles.read_spec(getattr(self.builder_config, kind), kind)
      origins += spec.trained_on or [f'{UNKNOWN_ORIGIN}{kind} {spec.weights}']
    return list(dict.fromkeys(origins))

  def _licences(self) -> list[str]:
    """Of the brains, and of what the generators were trained on."""
    licences = licences_of([self._healthy])
    for kind in ('translator', 'lesion_generator'):
      spec = bundles.read_spec(getattr(self.builder_config, kind), kind)
      licences += spec.licences or [f'{UNKNOWN}{kind} {spec.weights}']
    return list(dict.fromkeys(licences))

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Builds the set; volumes that a killed build has made are kept and used.

    Raises:
      InputError: The disk is full, or no lesion was large enough.
    """
    try:
      super().download_and_prepare(**kwargs)
    except synthesis.LesionDrawError as error:
      raise InputError(str(error)) from error
    self._cache.clear()
    self.log_how_to_load()

  def disk_error(self, error: Exception) -> str:
    return str(self._cache.disk_full(error)) if is_full(error) else super().disk_error(error)

  @property
  def _cache(self) -> VolumeCache:
    return VolumeCache(self.data_dir_root / 'downloads' / self.name / self.builder_config.name)

  def _split_generators(self, dl_manager: tfds.download.DownloadManager):
    return {'train': self._generate_examples()}

  def _generate_examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
    config = self.builder_config
    drawing = CaseDrawing(config, self._healthy, self.name, self._given_data_dir)
    brains = self._healthy.cycle(config.num_volumes, drawing.features).enumerate()
    rejected: collections.Counter[str] = collections.Counter()
    with tqdm.tqdm(total=config.num_volumes, desc='Synthesising', unit=' volumes') as progress:
      for index, healthy in brains.as_numpy_iterator():
        index = int(index)
        derived = self._cache.load(index)
        if derived is None:
          derived = drawing.draw(healthy, index)
          self._cache.save(index, **derived)
        rejected.update(derived['provenance'].get('rejected', ()))
        progress.update()
        yield self._example(index, healthy['labels'], **derived)
    if drawing.audit:
      # TFDS writes the metadata after the last example.
      self.info.metadata['audit'] = drawing.audit.report(rejected)

  def _example(
    self, index: int, labels: np.ndarray, image: np.ndarray, lesion: np.ndarray, provenance: dict
  ) -> tuple[str, dict[str, Any]]:
    subject_id = f'synthetic-{index:06d}'
    grid = self._healthy.grid
    return subject_id, example.make_example(
      image, labels, lesion, grid=grid, subject_id=subject_id, provenance=provenance
    )
