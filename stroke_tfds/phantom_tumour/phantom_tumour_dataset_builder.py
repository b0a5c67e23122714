"""phantom_tumour: simulated glioma patients in four contrasts, with three classes of tumour."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import builder, example, fingerprints
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.imaging.preprocessing import PARENCHYMA_MEDIAN, check_scaling
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom import tumour_subject
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom.body import HEALTHY
from stroke_tfds.phantom.structural_signal import CONTRASTS, check_contrasts
from stroke_tfds.phantom.territories import territory_map
from stroke_tfds.phantom.tumours import grow_tumour
from stroke_tfds.resumable import VOLUMES, ResumableBuilder, one_after_another

_SPLITS = ('healthy', 'train', 'test')
_SIMULATOR = '1.0.0'  # Changes whenever the same config gives other bytes.
_COHORT = 0x70  # Part of each seed: no subject has the anatomy of one of phantom_stroke.


@dataclasses.dataclass
class PhantomTumourConfig(builder.StrictConfig):
  """What decides the bytes of a cohort.

  A custom config's name ends in its fingerprint; it is known as soon as the config is made.

  Attributes:
    grid: Name of a grid, or its fields.
    n_healthy: Subjects of the split `healthy`.
    n_train: Subjects of the split `train`, all with a tumour.
    n_test: Subjects of the split `test`, all with a tumour.
    seed: Any whole number from 0.
    contrasts: Which of T1, T1CE, T2 and FLAIR make the channels of the image.
    intensity_scaling: 'parenchyma_median' or 'percentile', see `imaging.preprocessing`.
  """

  grid: str | dict[str, Any] | Grid = 'mini'
  n_healthy: int = 40
  n_train: int = 120
  n_test: int = 40
  seed: int = 0
  contrasts: Sequence[str] = CONTRASTS
  intensity_scaling: str = PARENCHYMA_MEDIAN

  def __post_init__(self):
    self.check_name()
    self.grid = get_grid(self.grid)
    for field in ('n_healthy', 'n_train', 'n_test'):
      self.check_count(field, 1)
    self.check_count('seed', 0)
    self.contrasts = check_contrasts(self.contrasts)
    check_scaling(self.intensity_scaling)
    self.complete_name()

  @functools.cached_property
  def fingerprint(self) -> str:
    fields = ('n_healthy', 'n_train', 'n_test', 'seed', 'intensity_scaling')
    return fingerprints.fingerprint(
      {
        **{field: getattr(self, field) for field in fields},
        'contrasts': list(self.contrasts),
        'simulator': _SIMULATOR,
        'grid': get_grid(self.grid).to_json(),
      }
    )


class Builder(ResumableBuilder):
  """Simulated structural images; every subject is a pure function of the config and its number."""

  ARRAYS = VOLUMES
  PARTS = 'subjects'
  KEEPS_PARTS = False
  VERSION = tfds.core.Version('1.0.0')
  HOMEPAGE = 'https://nist.mni.mcgill.ca/icbm-152-nonlinear-atlases-2009/'
  RELEASE_NOTES = {'1.0.0': 'Initial release.'}
  BUILDER_CONFIGS = [
    PhantomTumourConfig.built_in('mini', '64x64x16 voxels; 40 healthy, 120 train, 40 test.'),
    PhantomTumourConfig.built_in('mini_flair', 'mini, FLAIR alone.', contrasts=('FLAIR',)),
    PhantomTumourConfig.built_in(
      'paper',
      '128x128x32 voxels; 189 train and 21 test, as many patients as Son et al. 2022 have.',
      grid='mni_128x128x32',
      n_healthy=100,
      n_train=189,
      n_test=21,
    ),
  ]

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    metadata = example.metadata(
      config.grid,
      ASEG28_TUMOUR,
      config.contrasts,
      config.fingerprint,
      ['Apache 2.0'],
      config.intensity_scaling,
    )
    return self.make_info(config.grid, config.contrasts, metadata)

  def parts_by_split(self) -> dict[str, range]:
    return one_after_another({split: getattr(self.builder_config, f'n_{split}') for split in _SPLITS})

  def open_tools(self) -> None:
    # What threads share is made before they start.
    territory_map()
    if self.builder_config.intensity_scaling == PARENCHYMA_MEDIAN:
      brain_tissue(self.builder_config.grid)

  def _generate_examples(self, tools: None, parts: range) -> Iterator[tuple[str, dict[str, Any]]]:
    make = lambda index: functools.partial(make_example, self.builder_config, *self.place(index))
    for simulated in builder.map_in_order(lambda index: self.kept_example(index, make(index)), parts):
      yield simulated['subject_id'], simulated


def make_example(config: PhantomTumourConfig, split: str, number: int) -> dict[str, Any]:
  """Subject `number` of a split as an example, the same whenever and wherever it is made."""
  seed = np.random.SeedSequence([config.seed, _COHORT, _SPLITS.index(split), number])
  rng, grid = np.random.default_rng(seed), get_grid(config.grid)
  tumour = None if split == 'healthy' else grow_tumour(rng)
  simulated = tumour_subject.simulate(
    rng,
    template_anatomy(),
    grid,
    tumour_subject.PATIENTS if tumour else HEALTHY,
    tumour,
    config.intensity_scaling,
    config.contrasts,
  )
  return example.make_example(
    simulated.image,
    simulated.labels,
    simulated.lesion,
    grid=grid,
    subject_id=f'tumour-{split}-{number:04d}',
    provenance={
      'source': 'phantom_tumour',
      'config': config.name,
      'anatomy': template_anatomy().name,
      **simulated.drawn,
    },
  )
