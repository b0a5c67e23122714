"""carvemix: clinical cases that carry a part of another one, after Zhang et al. 2021."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import copy_paste
from stroke_tfds.carvemix import carving
from stroke_tfds.imaging import brightness


@dataclasses.dataclass
class CarveMixConfig(copy_paste.CopyPasteConfig):
  """Which clinical cases, how many volumes."""


class Builder(copy_paste.CopyPasteBuilder[carving.Carving]):
  """`carvemix`: one split `train`, the same example as every other set."""

  VERSION = tfds.core.Version('1.0.0')
  HOMEPAGE = 'https://arxiv.org/abs/2108.06883'
  RELEASE_NOTES = {'1.0.0': 'Pairs of clinical cases.'}
  # TFDS needs one; every usable configuration comes by --config.
  BUILDER_CONFIGS = [CarveMixConfig()]

  def prepare_donor(self, case: copy_paste.Case) -> carving.Carving:
    spacing_mm = self.parent_source.grid.spacing_mm
    return carving.prepare(case.image, case.labels, case.lesion, self._level(case), spacing_mm)

  def paste(
    self, rng: np.random.Generator, parent: copy_paste.Case, donor: carving.Carving
  ) -> copy_paste.DerivedCase:
    margin_mm = carving.draw_margin_mm(rng, donor.depth_mm)
    image, labels, lesion = carving.carve_mix(
      parent.image, parent.labels, parent.lesion, self._level(parent), donor, margin_mm
    )
    return copy_paste.DerivedCase(self.scale_again(image), labels, lesion, {'margin_mm': margin_mm})

  def name_parent(self, parent: copy_paste.Case) -> dict[str, Any]:
    return {'base': parent.subject_id}

  def _level(self, case: copy_paste.Case) -> np.ndarray:
    """Mean signal of the brain away from the lesion, [C]."""
    return brightness.mean_signal(case.image, self.spared(case), self.contrasts)
