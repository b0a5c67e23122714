"""Axial slices and their classes, drawn together by a generator, or one after the other by two."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm

from keras_itm import bundle as bundles
from keras_itm.bundle_spec import JOINT_GENERATOR, TRANSLATOR
from stroke_tfds import builder, generators, slice_example
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.resumable import ResumableBuilder
from stroke_tfds.sources import SLICES
from stroke_tfds.synthetic_slices.config import SyntheticSlicesConfig
from stroke_tfds.synthetic_slices.drawing import Generators, first_lesion
from stroke_tfds.synthetic_slices.patients import Asked, Patients


class Builder(ResumableBuilder):
  """`synthetic_slices`: one split `train`; an example is a slice, see `slice_example`."""

  VERSION = tfds.core.Version('1.1.0')
  HOMEPAGE = 'https://arxiv.org/abs/1912.04958'
  RELEASE_NOTES = {
    '1.1.0': 'Slices that copy one of a training patient are drawn again, unless "audit" is false.',
    '1.0.0': 'Slices of a joint generator, or of one of classes and a translator of these, at the '
    'levels of real patients.',
  }
  # TFDS needs one; every usable configuration comes by --config.
  BUILDER_CONFIGS = [SyntheticSlicesConfig()]
  ARRAYS = ('image', 'classes')
  PARTS = 'patients'

  def __init__(self, *, data_dir: str | None = None, config: Any = None, **kwargs: Any):
    config = config if isinstance(config, SyntheticSlicesConfig) else SyntheticSlicesConfig()
    config = config.resolve(data_dir)
    self._given_data_dir = data_dir
    self._spec = bundles.read_spec(config.joint_generator, JOINT_GENERATOR)
    self._of_images = bundles.read_spec(*config.images_by)
    super().__init__(data_dir=data_dir, config=config, **kwargs)

  def _info(self) -> tfds.core.DatasetInfo:
    spec, config = self._spec, self.builder_config
    contrasts = config.contrasts_of(self._of_images)
    paths = {JOINT_GENERATOR: config.joint_generator, TRANSLATOR: config.translator}
    learnt = generators.origins({kind: path for kind, path in paths.items() if path})
    metadata = {
      'unit': SLICES,
      'grid': spec.grid,
      'label_scheme': spec.label_scheme,
      'contrasts': list(contrasts),
      'intensity_scaling': self._of_images.intensity_scaling,
      'classes': list(spec.classes),
      'first_lesion': first_lesion(spec),
      'fingerprint': config.fingerprint,
      **learnt,
    }
    return self.dataset_info_from_configs(
      features=slice_example.features(Grid.from_json(spec.grid), contrasts),
      supervised_keys=slice_example.supervised_keys(contrasts),
      metadata=tfds.core.MetadataDict(metadata),
      homepage=self.HOMEPAGE,
      license='; '.join(learnt['licences']),
    )

  def parts_by_split(self) -> dict[str, range]:
    config = self.builder_config
    n_patients = config.num_patients or config.patients(self._spec).first_with(config.num_slices)
    return {'train': range(n_patients)}

  def open_tools(self) -> Generators:
    return self.builder_config.open_audited(self._given_data_dir)

  def _generate_examples(self, tools: Generators, parts: range) -> Iterator[tuple[str, dict[str, Any]]]:
    config = self.builder_config
    patients = config.patients(self._spec)
    draw = lambda index: self.part(index, lambda: self._draw(index, patients, tools))
    drawn = builder.map_in_order(draw, parts)
    progress = tqdm.tqdm(drawn, 'Drawing', len(parts), unit=' patients', disable=self.by_beam)
    slices = (one for index, made in zip(parts, progress) for one in self._examples(index, made))
    n_rejected = 0
    # Of the last patient as many as were asked for.
    for slice_id, made in itertools.islice(slices, config.num_slices or None):
      n_rejected += json.loads(made['provenance']).get('rejected', 0)
      yield slice_id, made
    if tools.audit:
      # TFDS writes the metadata after the last example.
      self.info.metadata['audit'] = tools.audit.report(n_rejected)

  def _draw(self, index: int, patients: Patients, tools: Generators) -> dict[str, Any]:
    """Images, classes and provenance of all slices of a patient."""
    config, asked = self.builder_config, patients.slices(index)
    conditions = [one.condition(self._spec.conditions) for one in asked]
    image, classes, n_copies = tools.draw(
      np.array(conditions, np.float32).reshape(len(asked), -1),
      index,
      seed=config.seed,
      truncation=config.truncation,
      tries=config.tries,
    )
    origin = {
      'source': self.name,
      **tools.fingerprints(),
      'seed': config.seed,
      'patient': index,
      'truncation': config.truncation,
    }
    return {
      'image': image,
      'classes': classes,
      'provenance': [{**origin, **_facts(one, int(n))} for one, n in zip(asked, n_copies)],
    }

  def _examples(self, index: int, made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    subject_id = f'synthetic-{index:06d}'
    for image, classes, provenance in zip(*(made[name] for name in (*self.ARRAYS, 'provenance'))):
      slice_id = f'{subject_id}-{provenance["slice"]:04d}'
      yield (
        slice_id,
        slice_example.make_example(
          image,
          classes,
          provenance['level'],
          first_lesion=first_lesion(self._spec),
          slice_id=slice_id,
          subject_id=subject_id,
          provenance=provenance,
        ),
      )


def _facts(asked: Asked, n_copies: int) -> dict[str, Any]:
  facts = {'slice': asked.number, 'level': asked.level, 'asked_lesion': asked.has_lesion}
  return {**facts, **({'rejected': n_copies} if n_copies else {})}
