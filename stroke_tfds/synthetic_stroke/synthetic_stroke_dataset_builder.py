"""Synthetic stroke volumes: healthy anatomy, an invented lesion, a translated image."""

import collections
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm

from keras_itm import synthesis
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from stroke_tfds import example, generators
from stroke_tfds.errors import InputError
from stroke_tfds.licences import licences_of
from stroke_tfds.resumable import ResumableBuilder
from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig
from stroke_tfds.synthetic_stroke.drawing import CaseDrawing


class Builder(ResumableBuilder):
  """`synthetic_stroke`: one split `train`, the same example as every other set."""

  VERSION = tfds.core.Version('2.2.0')
  HOMEPAGE = 'https://arxiv.org/abs/2010.02745'
  RELEASE_NOTES = {
    '2.2.0': 'With keep_scan all voxels that touch the lesion have the whole change, those outside the '
    'brain none; translations that show nothing are drawn again.',
    '2.1.0': 'Cases that copy a training case, whose image and mask do not agree, or that show '
    'nothing, are drawn again; cases without lesion, and lesions weighted by size and artery.',
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
    metadata, config = self._healthy.metadata, self.builder_config
    paths = {kind: getattr(config, kind) for kind in (TRANSLATOR, LESION_GENERATOR)}
    learnt = generators.origins(paths)
    own = {
      'fingerprint': config.fingerprint,
      'made_from': list(dict.fromkeys([str(self._healthy), *learnt['made_from']])),
      'licences': list(dict.fromkeys([*licences_of([self._healthy]), *learnt['licences']])),
    }
    inherited = {name: value for name, value in metadata.items() if name != 'audit'}
    return self.make_info(self._healthy.grid, tuple(metadata['contrasts']), {**inherited, **own})

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Builds the set; volumes that a killed build has made are kept and used.

    Raises:
      InputError: The disk is full, or no lesion was large enough.
    """
    try:
      super().download_and_prepare(**kwargs)
    except synthesis.LesionDrawError as error:
      raise InputError(str(error)) from error

  def parts_by_split(self) -> dict[str, range]:
    return {'train': range(self.builder_config.num_volumes)}

  def open_tools(self) -> CaseDrawing:
    return CaseDrawing(self.builder_config, self._healthy, self.name, self._given_data_dir)

  def _generate_examples(
    self, drawing: CaseDrawing, parts: range
  ) -> Iterator[tuple[str, dict[str, Any]]]:
    brains = self._healthy.cycle(len(parts), drawing.features, parts.start).as_numpy_iterator()
    rejected: collections.Counter[str] = collections.Counter()
    named = {'desc': 'Synthesising', 'unit': ' volumes', 'disable': self.by_beam}
    for index, healthy in zip(parts, tqdm.tqdm(brains, total=len(parts), **named)):
      derived = self.part(index, functools.partial(drawing.draw, healthy, index))
      rejected.update(derived['provenance'].get('rejected', ()))
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
