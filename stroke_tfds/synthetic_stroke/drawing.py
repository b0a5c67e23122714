"""Draws the cases of a set: an example in; an image, a lesion and their provenance out."""

import collections
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_itm import lesions, synthesis
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from keras_itm.case import Case, draw_case, synthesize
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.brightness import scale_again
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.phantom.territories import main_territory
from stroke_tfds.provenance import KEPT_LESION
from stroke_tfds.sources import Source
from stroke_tfds.synthetic_stroke import lesion_transfer
from stroke_tfds.synthetic_stroke.audit import Audit
from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig

_NEGATIVE = 3  # A stream of random numbers beside those of `keras_itm.synthesis`.


class CaseDrawing:
  """A case depends on the config, its brain and its number alone, with all draws that were rejected.

  Attributes:
    features: Of a healthy example, what is needed.
    audit: None where the config has none.
  """

  def __init__(self, config: SyntheticStrokeConfig, healthy: Source, source: str, data_dir: str | None):
    """Opens the generators, and goes over their training cases for the audit.

    Args:
      config: Resolved.
      healthy: The brains.
      source: What the provenance calls the set.
      data_dir: TFDS data folder of the set.

    Raises:
      InputError: Nothing to audit against.
    """
    self._config, self._healthy, self._source = config, healthy, source
    self._translator = config.load(TRANSLATOR, healthy)
    self._generator = config.load(LESION_GENERATOR, healthy)
    self.features = ('labels', 'subject_id', *(['image', 'lesion'] if config.keep_scan else []))
    self.audit = self._calibrated(data_dir) if config.audit else None

  def draw(self, brain: dict[str, Any], index: int) -> dict[str, Any]:
    """Image, float16 as sets store it, lesion and provenance of a volume.

    A scan that is kept keeps its lesion: the mask holds that and the drawn one, which lies beside it.

    Args:
      brain: An example with `features`.
      index: Of the volume in the set.

    Raises:
      InputError: No draw passed the audit, or an image shows nothing where there is none.
      LesionDrawError: No lesion was large enough.
    """
    parent = self._healthy.name, brain['subject_id'].decode()
    labels, scan = brain['labels'], brain['image'] if self._config.keep_scan else None
    own = brain['lesion'] if self._config.keep_scan else np.zeros_like(labels)
    # What is lesion already is no parenchyma to the generators and the audit.
    labels = lesions.inject(labels, own, self._healthy.metadata['label_scheme']['lesion_id']).numpy()
    rejected: list[str] = []
    while len(rejected) <= (self._config.max_redraws if self._varies(index) else 0):
      made = self._make(labels, scan, index, redraw=len(rejected))
      if not self.audit and not self._is_image(made.image, labels, made.lesion):
        raise InputError(
          f'volume {index}: {self._translator.path} draws an image that is dark or not finite, '
          'expected a brain'
        )
      reason = self.audit.reason(made, parent, scan) if self.audit else ''
      if not reason:
        provenance = {
          'source': self._source,
          'healthy_source': str(self._healthy),
          'healthy_parent': parent[1],
          **made.facts,
          **({'in_scan': True} if self._config.keep_scan else {}),
          **({KEPT_LESION: int(own.sum())} if own.any() else {}),
          **({'rejected': rejected} if rejected else {}),
        }
        image = made.image.astype(np.float16)
        return {'image': image, 'lesion': made.lesion | own, 'provenance': provenance}
      rejected.append(reason)
    raise InputError(self._none_passed(index, rejected))

  def _varies(self, index: int) -> bool:
    """Whether the next draw of a volume would be another one."""
    spec = self._translator.spec
    return bool(spec.latent_size or spec.appearances or not self._is_negative(index))

  def _none_passed(self, index: int, rejected: list[str]) -> str:
    if not self._varies(index):
      return (
        f'volume {index}: without lesion it was rejected by the audit ({rejected[0]}), and '
        f'{self._translator.path} draws it in one way alone, expected one that passes: train it for '
        'longer, or give "share_negative": 0 or "audit": false'
      )
    counts = ', '.join(f'{n} {reason}' for reason, n in collections.Counter(rejected).most_common())
    return (
      f'volume {index}: all {len(rejected)} draws were rejected by the audit ({counts}), expected one '
      f'that passes: train {self._translator.path} and {self._generator.path} on more cases or for '
      'longer, raise "max_redraws", or give "audit": false'
    )

  def _calibrated(self, data_dir: str | None) -> Audit:
    metadata, config = self._healthy.metadata, self._config
    return Audit(
      config.open_training(self._healthy, data_dir),
      self._healthy.grid,
      metadata['label_scheme'],
      metadata['contrasts'],
      nearest_quantile=config.nearest_quantile,
      fidelity_quantile=config.fidelity_quantile,
    )

  def _make(self, labels: np.ndarray, scan: np.ndarray | None, index: int, redraw: int) -> Case:
    config = self._config
    draws = {'min_voxels': config.min_voxels, 'max_draws': config.most_draws}
    options: dict[str, Any] = {'seed': config.seed, 'index': index, 'redraw': redraw, **draws}
    options['negative'] = self._is_negative(index)
    if config.size_weights or config.territory_weights:
      options['chance'] = self._chance
    if scan is not None:
      options['appearance'] = synthesis.draw_appearance(
        self._translator, index, seed=config.seed, redraw=redraw
      )
      transfer = functools.partial(self._transfer_lesion, scan, labels, index, redraw)
      return draw_case(labels, self._translator, self._generator, transfer, **options)
    options['equalize_slice_brightness'] = config.equalize_slice_brightness
    tissue = brain_tissue(self._healthy.grid)
    return synthesize(labels, self._translator, self._generator, tissue=tissue, **options)

  def _chance(self, lesion: np.ndarray) -> float:
    grid = self._healthy.grid
    return self._config.chance(lesion.sum() * grid.voxel_volume_ml, main_territory(lesion, grid))

  def _is_negative(self, index: int) -> bool:
    chance = synthesis.random_numbers(self._config.seed, index, _NEGATIVE).random()
    return bool(chance < self._config.share_negative)

  @property
  def _parenchyma_ids(self) -> Sequence[int]:
    return self._healthy.metadata['label_scheme']['parenchyma_ids']

  def _is_image(self, image: np.ndarray, labels: np.ndarray, lesion: np.ndarray) -> bool:
    return synthesis.is_image(image, labels, lesion, self._parenchyma_ids)

  def _transfer_lesion(
    self, scan: np.ndarray, labels: np.ndarray, index: int, redraw: int, lesion: np.ndarray
  ) -> np.ndarray:
    """The healthy scan with what the lesion changes in it; NaN if a translation shows nothing."""
    options: dict[str, Any] = {'seed': self._config.seed, 'redraw': redraw}
    with_lesion, without = (
      synthesis.translate(
        self._translator, labels, mask, index, equalize_slice_brightness=False, **options
      )
      for mask in (lesion, np.zeros_like(lesion))
    )
    if with_lesion.shape != scan.shape:
      raise InputError(
        f'translator {self._translator.path} makes {with_lesion.shape[-1]} contrast(s), expected those '
        f'of {self._healthy}: {", ".join(self._healthy.metadata["contrasts"])}'
      )
    if not all(self._is_image(image, labels, lesion) for image in (with_lesion, without)):
      return np.full_like(scan, np.nan, np.float32)
    changed = lesion_transfer.transfer(
      scan.astype(np.float32),
      labels,
      lesion,
      with_lesion,
      without,
      parenchyma_ids=self._parenchyma_ids,
      spacing_mm=self._healthy.grid.spacing_mm,
    )
    contrasts, scaling = self._healthy.metadata['contrasts'], self._healthy.intensity_scaling
    return scale_again(changed, contrasts, self._healthy.grid, scaling)
