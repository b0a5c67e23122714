"""phantom_stroke: a cohort of simulated diffusion-weighted images with known lesions."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import builder, example, fingerprints
from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.imaging.preprocessing import PARENCHYMA_MEDIAN, PERCENTILE, check_scaling
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import cohort, subject
from stroke_tfds.phantom.anatomy import Anatomy, template_anatomy
from stroke_tfds.phantom.growth import Lesion
from stroke_tfds.phantom.lesions import grow_lesion, territory_map
from stroke_tfds.resumable import VOLUMES, ResumableBuilder, one_after_another

_SPLITS = ('healthy', 'train', 'test')
_SIMULATOR = '3.0.0'  # Changes whenever the same config gives other bytes.
_MAX_DRAWS = 20


@dataclasses.dataclass
class PhantomStrokeConfig(builder.StrictConfig):
  """What decides the bytes of a cohort.

  A custom config's name ends in its fingerprint; it is known as soon as the config is made.

  Attributes:
    grid: Name of a grid, or its fields.
    n_healthy: Subjects of the split `healthy`.
    n_train: Subjects of the split `train`, all with a lesion.
    n_test: Subjects of the split `test`.
    n_test_negative: How many of them have no lesion.
    seed: Any whole number from 0.
    anatomy_dir: Folder of NIfTI label maps that replace the built-in anatomy, or empty.
    lesion_dir: Folder of NIfTI lesion masks in MNI space that replace grown lesions, or empty.
    anatomy_space: 'mni', or 'native' for label maps that must first be registered.
    intensity_scaling: 'parenchyma_median' or 'percentile', see `imaging.preprocessing`.
    contrasts: ('DWI',) or ('DWI', 'ADC'); the map of the apparent diffusion coefficient keeps its unit.
  """

  grid: str | dict[str, Any] | Grid = 'mini'
  n_healthy: int = 128
  n_train: int = 120
  n_test: int = 72
  n_test_negative: int = 24
  seed: int = 0
  anatomy_dir: str = ''
  lesion_dir: str = ''
  anatomy_space: str = 'mni'
  intensity_scaling: str = PARENCHYMA_MEDIAN
  contrasts: Sequence[str] = (subject.DWI,)

  def __post_init__(self):
    self.check_name()
    self.check_strings('anatomy_dir', 'lesion_dir')
    self.grid = get_grid(self.grid)
    for field in ('n_healthy', 'n_train', 'n_test'):
      self.check_count(field, 1)
    self.check_count('n_test_negative', 0)
    self.check_count('seed', 0)
    if self.n_test_negative > self.n_test:
      raise InputError(
        f'n_test_negative is {self.n_test_negative}, expected at most n_test ({self.n_test})'
      )
    if self.anatomy_space not in ('mni', 'native'):
      raise InputError(f'anatomy_space is {self.anatomy_space!r}, expected mni or native')
    check_scaling(self.intensity_scaling)
    known = [list(subject.CONTRASTS[:1]), list(subject.CONTRASTS)]
    if not isinstance(self.contrasts, list | tuple) or list(self.contrasts) not in known:
      raise InputError(f'contrasts is {self.contrasts!r}, expected ["DWI"] or ["DWI", "ADC"]')
    self.contrasts = tuple(self.contrasts)
    self.anatomy_files = nifti.list_nifti(self.anatomy_dir) if self.anatomy_dir else []
    self.lesion_files = nifti.list_nifti(self.lesion_dir) if self.lesion_dir else []
    if len(self.lesion_files) == 1:
      raise InputError(
        f'{self.lesion_dir}: holds one mask, expected at least one each to train and test'
      )
    self.complete_name()

  @functools.cached_property
  def fingerprint(self) -> str:
    counts = ('n_healthy', 'n_train', 'n_test', 'n_test_negative')
    fields = (*counts, 'seed', 'intensity_scaling')
    return fingerprints.fingerprint(
      {
        **{field: getattr(self, field) for field in fields},
        'simulator': _SIMULATOR,
        'grid': get_grid(self.grid).to_json(),
        'anatomies': fingerprints.hash_files(self.anatomy_files),
        'lesions': fingerprints.hash_files(self.lesion_files),
        'anatomy_space': self.anatomy_space if self.anatomy_files else '',
        # Earlier sets hold the names of files; none of them passes for one that holds hashes.
        **({'files_named_by': 'hash'} if self.anatomy_files or self.lesion_files else {}),
        **({'contrasts': list(self.contrasts)} if len(self.contrasts) > 1 else {}),
      }
    )


class Builder(ResumableBuilder):
  """Simulated DWIs; every subject is a pure function of the config and its number."""

  ARRAYS = VOLUMES
  PARTS = 'subjects'
  KEEPS_PARTS = False
  VERSION = tfds.core.Version('3.0.0')
  HOMEPAGE = 'https://arxiv.org/abs/2010.02745'
  RELEASE_NOTES = {
    '3.0.0': 'Infarcts have ages, patients have old ones too; parts as in real masks. Intensities are '
    'scaled by the median of the parenchyma, but for `paper`.',
    '2.0.0': 'Contrast, noise, artefacts and lesions set by real scans.',
    '1.0.0': 'Initial release.',
  }
  BUILDER_CONFIGS = [
    PhantomStrokeConfig.built_in('mini', '64x64x16 voxels; 128 healthy, 120 train, 72 test.'),
    PhantomStrokeConfig.built_in(
      'study',
      'As mini, other patients; 400 with a lesion and 100 without to test on.',
      n_test=500,
      n_test_negative=100,
      seed=16,
    ),
    PhantomStrokeConfig.built_in(
      'paper',
      '128x128x32 voxels and the number of subjects of Platscher et al. 2020.',
      grid='mni_128x128x32',
      n_healthy=2027,
      n_train=365,
      n_test=159,
      n_test_negative=85,
      intensity_scaling=PERCENTILE,
    ),
    PhantomStrokeConfig.built_in(
      'mini_dwi_adc',
      'The subjects of mini with an ADC map as second contrast.',
      contrasts=subject.CONTRASTS,
    ),
  ]

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    licences = ['Apache 2.0']
    licences += ['that of the label maps'] * bool(config.anatomy_files)
    licences += ['that of the lesion masks'] * bool(config.lesion_files)
    metadata = example.metadata(
      config.grid, ASEG28, config.contrasts, config.fingerprint, licences, config.intensity_scaling
    )
    return self.make_info(config.grid, config.contrasts, metadata)

  def parts_by_split(self) -> dict[str, range]:
    return one_after_another({split: getattr(self.builder_config, f'n_{split}') for split in _SPLITS})

  def open_tools(self) -> '_Simulator':
    return _Simulator(self.builder_config)

  def _generate_examples(
    self, simulator: '_Simulator', parts: range
  ) -> Iterator[tuple[str, dict[str, Any]]]:
    make = lambda index: functools.partial(simulator.make_example, *self.place(index))
    for simulated in builder.map_in_order(lambda index: self.kept_example(index, make(index)), parts):
      yield simulated['subject_id'], simulated


class _Simulator:
  """Makes the examples of one config."""

  def __init__(self, config: PhantomStrokeConfig):
    self._config, self._grid = config, get_grid(config.grid)
    n_positive = config.n_test - config.n_test_negative
    total = config.n_healthy + config.n_train + config.n_test
    self._anatomy_files = self._share(config.anatomy_files, config.n_test / total)
    self._lesion_files = self._share(config.lesion_files, n_positive / (n_positive + config.n_train))
    # What workers share is made before they start, and unfit files are found before the work.
    territory_map()
    _check_each_once(config.anatomy_files, nifti.read_label_map, fingerprints.hash_voxels)
    _check_each_once(config.lesion_files, nifti.read_mask, fingerprints.hash_mask)
    if config.intensity_scaling == PARENCHYMA_MEDIAN:
      brain_tissue(self._grid)
    for path in config.anatomy_files[: cohort.MAX_LOADED]:
      cohort.load_anatomy(path, config.anatomy_space)

  def make_example(self, split: str, number: int) -> dict[str, Any]:
    """Subject `number` of a split as an example, the same whenever and wherever it is made."""
    config = self._config
    seed = np.random.SeedSequence([config.seed, _SPLITS.index(split), number])
    anatomy = self._anatomy(split, number)
    simulated, lesion = self._simulate(np.random.default_rng(seed), split, number, anatomy)
    return example.make_example(
      simulated.image,
      simulated.labels,
      simulated.lesion,
      grid=self._grid,
      subject_id=f'phantom-{split}-{number:04d}',
      provenance={
        'source': 'phantom_stroke',
        'config': config.name,
        'anatomy': anatomy.name,
        'lesion_origin': lesion.origin if lesion else None,
        **simulated.drawn,
      },
    )

  def _share(self, files: list[Path], test_share: float) -> cohort.Shares | None:
    return cohort.share_files(files, test_share, self._config.seed) if files else None

  def _anatomy(self, split: str, number: int) -> Anatomy:
    """Neighbours share an anatomy, so that each is read once."""
    if not self._anatomy_files:
      return template_anatomy()
    files = self._anatomy_files.of(split)
    n_subjects = getattr(self._config, f'n_{split}')
    return cohort.load_anatomy(files[number * len(files) // n_subjects], self._config.anatomy_space)

  def _simulate(
    self, rng: np.random.Generator, split: str, number: int, anatomy: Anatomy
  ) -> tuple[subject.Subject, Lesion | None]:
    """A subject of the split; a lesion that leaves no voxel on the grid is drawn anew."""
    config = self._config
    simulate = functools.partial(
      subject.simulate,
      rng,
      anatomy,
      self._grid,
      scaling=config.intensity_scaling,
      with_adc=subject.ADC in config.contrasts,
    )
    if split == 'healthy':
      return simulate(subject.HEALTHY, None), None
    if split == 'test' and number >= config.n_test - config.n_test_negative:
      return simulate(subject.PATIENTS, None), None
    for draw in range(_MAX_DRAWS):
      lesion = self._draw_lesion(rng, split, number, draw)
      simulated = simulate(subject.PATIENTS, lesion)
      if simulated.lesion.any():
        return simulated, lesion
    raise InputError(
      f'{split} subject {number}: {_MAX_DRAWS} lesions drawn, none fills a voxel of '
      f'{self._grid.voxel_volume_ml:g} ml; expected larger lesions, in MNI space, or a finer grid'
    )

  def _draw_lesion(self, rng: np.random.Generator, split: str, number: int, draw: int) -> Lesion:
    if not self._lesion_files:
      return grow_lesion(rng)
    files = self._lesion_files.of(split)
    return cohort.load_lesion(files[number % len(files) if draw == 0 else rng.integers(len(files))])


def _check_each_once(
  files: list[Path], read: Callable[[Path], Volume], hash_of: Callable[[Volume], str]
) -> None:
  cohort.check_each_once(files, builder.map_in_order(lambda file: hash_of(read(file)), files))
