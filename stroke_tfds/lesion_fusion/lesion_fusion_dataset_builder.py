"""lesion_fusion: real lesions in healthy scans, the baseline of Federau et al. 2020."""

import dataclasses
import functools
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import copy_paste
from stroke_tfds.label_schemes import check_one_class
from stroke_tfds.lesion_fusion import fusion
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.sources import check_healthy


@dataclasses.dataclass
class LesionFusionConfig(copy_paste.CopyPasteConfig):
  """Which healthy scans and which clinical cases, how many volumes.

  Attributes:
    healthy: Scans to put lesions into, `name/config` (split healthy) or `name/config:split`.
    healthy_dir: TFDS data folder of the healthy scans; that of the new set when empty.
  """

  SOURCES: ClassVar[dict[str, str]] = {'healthy': 'healthy', 'clinical': 'train'}

  healthy: str = ''
  healthy_dir: str = ''


class Builder(copy_paste.CopyPasteBuilder[fusion.RelativeLesion]):
  """`lesion_fusion`: one split `train`, the same example as every other set."""

  VERSION = tfds.core.Version('2.0.0')
  HOMEPAGE = 'https://arxiv.org/abs/2012.14771'
  RELEASE_NOTES = {
    '2.0.0': 'A focus that is too small to be kept in the mask leaves no trace in the image.',
    '1.0.0': 'Lesions of clinical cases in healthy scans.',
  }
  # TFDS needs one; every usable configuration comes by --config.
  BUILDER_CONFIGS = [LesionFusionConfig()]

  def open_tools(self) -> list[tuple[str, fusion.RelativeLesion]]:
    check_healthy(self.parent_source)
    check_one_class(self.label_scheme, f'healthy {self.parent_source}')
    return super().open_tools()

  def prepare_donor(self, case: copy_paste.Case) -> fusion.RelativeLesion:
    structures = fusion.pool_sides(self.label_scheme['names'])
    expected = fusion.expected_signal(case.image, case.labels, self.spared(case), structures)
    return fusion.cut_out(case.image, expected, case.lesion, self.parent_source.grid)

  def paste(
    self, rng: np.random.Generator, parent: copy_paste.Case, donor: fusion.RelativeLesion
  ) -> copy_paste.DerivedCase:
    at_mm, is_mirrored = fusion.draw_way(rng, self._lattice)
    is_parenchyma = np.isin(parent.labels, self.label_scheme['parenchyma_ids'])
    image, lesion = fusion.fuse(parent.image, *fusion.pull(donor, at_mm), is_parenchyma)
    return copy_paste.DerivedCase(
      self.scale_again(image), parent.labels, lesion, {'mirrored': is_mirrored}
    )

  def name_parent(self, parent: copy_paste.Case) -> dict[str, Any]:
    return {'healthy_source': str(self.parent_source), 'healthy_parent': parent.subject_id}

  @functools.cached_property
  def _lattice(self) -> Lattice:
    return fusion.lattice_of(self.parent_source.grid)
