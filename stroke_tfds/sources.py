"""Prepared data sets by name: `name/config:split`, whole or a number of its cases drawn by a seed."""

import dataclasses
import functools
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import file_utils

from stroke_tfds.built_sets import check_built
from stroke_tfds.errors import InputError, apart, nearest
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import PERCENTILE, check_scaling

_SOURCE = re.compile(
  r'^(?P<name>[\w./@+-]+):(?P<split>[\w\[\]:%+-]+)(\((?P<count>\d+), ?seed=(?P<seed>\d+)\))?$'
)
# Smaller lesions are neither drawn nor made, as they are left out of training (Platscher et al. 2020,
# section 2.4). The same as keras_itm.lesions.MIN_VOXELS, which is what all floors above use; here it
# stands again since data sets do not import keras_itm, and sources_test.py holds the two equal.
MIN_VOXELS = 20
# `unit` of the metadata: what an example is. Sets that do not say it hold volumes.
VOLUMES, SLICES = 'volumes', 'slices'
_MAX_NAME = 200  # File systems take 255.
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Source:
  """A split of a data set.

  Attributes:
    name: TFDS name with its config, such as `phantom_stroke/mini`.
    split: TFDS split, such as `train` or `train[:12]`.
    builder: The prepared data set.
    draw: A number of cases and the seed that draws them among those with a lesion of 20 voxels or
      more; None for the whole split. Fewer cases of the same seed are among the more.
  """

  name: str
  split: str
  builder: tfds.core.DatasetBuilder
  draw: tuple[int, int] | None = None

  def __str__(self) -> str:
    drawn = f'({self.draw[0]}, seed={self.draw[1]})' if self.draw else ''
    return f'{self.name}:{self.split}{drawn}'

  @property
  def metadata(self) -> dict[str, Any]:
    return self.builder.info.metadata

  @property
  def grid(self) -> Grid:
    return Grid.from_json(self.metadata['grid'])

  @property
  def intensity_scaling(self) -> str:
    """Of contrasts without a unit; sets of earlier releases, which name none, have the percentile."""
    return self.metadata.get('intensity_scaling', PERCENTILE)

  @property
  def holds_slices(self) -> bool:
    """Whether an example is an axial slice, see `slice_example`, rather than a volume."""
    return self.metadata.get('unit', VOLUMES) == SLICES

  @property
  def agreed(self) -> dict[str, Any]:
    """What sets that are used together have in common, by its name in the metadata."""
    facts = {key: self.metadata[key] for key in ('grid', 'label_scheme', 'contrasts')}
    return {**facts, 'intensity_scaling': self.intensity_scaling}

  @property
  def n_examples(self) -> int:
    return self.draw[0] if self.draw else self.builder.info.splits[self.split].num_examples

  @functools.cached_property
  def lesion_volumes_ml(self) -> np.ndarray:
    """Of every case of the split, in the order in which they are stored; float [n]."""
    stored = self._stored(['lesion_volume_ml']).as_numpy_iterator()
    return np.array([example['lesion_volume_ml'] for example in stored])

  @property
  def lesion_voxels(self) -> np.ndarray:
    """`lesion_volumes_ml` in voxels."""
    return np.rint(self.lesion_volumes_ml / self.grid.voxel_volume_ml)

  @functools.cached_property
  def subject_ids(self) -> frozenset[str]:
    """Of its cases."""
    examples = self.examples(['subject_id']).as_numpy_iterator()
    return frozenset(example['subject_id'].decode() for example in examples)

  @property
  def usable_positions(self) -> np.ndarray:
    """Where the cases that can be drawn stand in the split, int [n]."""
    return np.flatnonzero(self.lesion_voxels >= MIN_VOXELS)

  def draw_positions(self, count: int, seed: int) -> np.ndarray:
    """Where drawn cases stand in the split, in the order of the draw; int [count]."""
    return np.random.default_rng(seed).permutation(self.usable_positions)[:count]

  def examples(self, features: Sequence[str] = (), start: int = 0) -> tf.data.Dataset:
    """The examples from `start` on, in the order in which they are stored; by name, these features."""
    if not self.draw:
      return self._stored(features, start)
    stored = self._stored(features)
    is_drawn = np.zeros(self.builder.info.splits[self.split].num_examples, bool)
    is_drawn[self.draw_positions(*self.draw)] = True
    chosen = stored.enumerate().filter(lambda i, example: tf.constant(is_drawn)[i])
    return chosen.map(lambda i, example: example).skip(start)

  def cycle(self, count: int, features: Sequence[str] = (), start: int = 0) -> tf.data.Dataset:
    """`count` examples from number `start` on, in the order of `examples` again and again."""
    options = tf.data.Options()
    # There is nothing to tune, and the tuner can keep the end of a build waiting for seconds.
    options.autotune.enabled = False
    rest = self.examples(features).repeat()
    begin = start % self.n_examples
    cycled = self.examples(features, begin).concatenate(rest) if begin else rest
    return cycled.take(count).with_options(options)

  def _stored(self, features: Sequence[str], start: int = 0) -> tf.data.Dataset:
    wanted = tfds.decode.PartialDecoding(dict.fromkeys(features, True)) if features else None
    config = tfds.ReadConfig(interleave_cycle_length=1)
    # Machines that train together share each batch; by files, some would have nothing to share.
    config.options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    read = functools.partial(
      self.builder.as_dataset, read_config=config, shuffle_files=False, decoders=wanted
    )
    if not start:
      return read(split=self.split)
    parts = tfds.core.ReadInstruction.from_spec(self.split).to_absolute(self.builder.info.splits)
    if len(parts) > 1:
      return read(split=self.split).skip(start)
    # What is left out is then not decoded.
    (part,) = parts
    rest = tfds.core.ReadInstruction(part.splitname, (part.from_ or 0) + start, part.to, unit='abs')
    return read(split=rest)


def open_sources(
  texts: Sequence[str],
  data_dir: str | None = None,
  *,
  build: bool = True,
  units: Sequence[str] = (VOLUMES,),
) -> list[Source]:
  """Opens `name/config:split` texts.

  Args:
    texts: Such as `['phantom_stroke/mini:healthy', 'phantom_stroke/mini:train[:12]']`.
    data_dir: Where TFDS keeps its sets; its own default when None.
    build: Whether a set that is not built yet is built, or refused.
    units: What examples may be: `volumes`, `slices`.

  Raises:
    InputError: A text of another form, a set or split that does not exist, examples of another unit,
      sets of different grids, label schemes, contrasts or scalings.
  """
  if isinstance(texts, str):
    raise InputError(f'data sources are {texts!r}, expected a list of such texts')
  if not texts:
    raise InputError('no data set is named, expected texts such as "phantom_stroke/mini:train"')
  sources = [_open_source(text, data_dir, build, units) for text in texts]
  check_agreement(sources)
  return sources


def check_agreement(sources: Sequence[Source]) -> None:
  """Refuses sets that cannot be used together.

  Raises:
    InputError: Different grids, label schemes, contrasts or scalings.
  """
  first, *others = sources
  for other in others:
    expected = first.agreed
    for key, value in other.agreed.items():
      if value != expected[key]:
        found, needed = apart(value, expected[key])
        raise InputError(
          f'{other.name} has the {key} {found}, but {first.name} has {needed}: sets used together must '
          'agree'
        )


def check_unseen(what: str, held_out: Source, learnt: Sequence[Source]) -> None:
  """Refuses held-out cases that are learnt from, as far as one data set tells.

  Args:
    what: What they are held out for, as errors call it.
    held_out: These cases.
    learnt: What is learnt from, itself or in a set that was made from it.

  Raises:
    InputError: Some case is in both.
  """
  for source in learnt:
    for seen in _of_the_same_set(source, held_out):
      shared = seen.subject_ids & held_out.subject_ids
      if shared:
        made = '' if seen is source else f', which {source} was made from'
        raise InputError(
          f'{what} {held_out}: {len(shared)} of its cases are in {seen} as well{made}, expected cases '
          'that are not learnt from'
        )


def _of_the_same_set(source: Source, other: Source) -> Iterator[Source]:
  """Of a source and of what it was made from, that which is of the other's data set."""
  if source.builder.data_path == other.builder.data_path:
    yield source
  for text in source.metadata.get('made_from', ()):
    match = _SOURCE.match(text)
    if match and match['name'] == other.name:
      yield Source(other.name, match['split'], other.builder, _draw_of(match))


def check_healthy(source: Source) -> None:
  """Refuses scans with lesions, which would stay in the image under the label of healthy tissue.

  Raises:
    InputError: Some case has a lesion.
  """
  n_lesions = int((source.lesion_volumes_ml > 0).sum())
  if n_lesions:
    raise InputError(
      f'healthy {source}: {n_lesions} of {source.n_examples} cases have a lesion, expected none'
    )


def open_builder(
  name: str, data_dir: str | None = None, *, build: bool = True
) -> tfds.core.DatasetBuilder:
  """Opens a data set by its TFDS name; one that is not prepared is built, or refused.

  Raises:
    InputError: No data set of that name, or one that does not follow the example contract.
  """
  builder = find_builder(name, data_dir)
  if not builder.is_prepared() and not build:
    raise InputError(
      f'data set {name!r} is not built in {builder.data_dir}; first give: tfds build --imports '
      f'stroke_tfds {name} --data_dir {builder.data_dir_root}'
    )
  if not builder.is_prepared():
    print(f'{name} is not in {builder.data_dir_root}: building it there', file=sys.stderr, flush=True)
    builder.download_and_prepare()
  return builder


def find_builder(name: str, data_dir: str | None = None) -> tfds.core.DatasetBuilder:
  """Finds a data set, built or not; its metadata are those of the example contract.

  Raises:
    InputError: No data set of that name, or one that does not follow the example contract or names
      code that TFDS would import.
  """
  if max(map(len, name.split('/'))) > _MAX_NAME:
    raise InputError(
      f'data set {name[:_MAX_NAME]!r}...: expected a name of at most {_MAX_NAME} letters'
    )
  check_built(name, data_dir)
  try:
    builder = tfds.builder(name, data_dir=data_dir)
  except (tfds.core.registered.DatasetNotFoundError, ValueError) as error:
    _check_made_by_config(name, data_dir)
    if isinstance(error, InputError):
      raise
    raise InputError(
      f'data set {name!r} does not exist{f" in {data_dir}" if data_dir else ""}: expected the name '
      f'of a built set or of one that can be built, such as "phantom_stroke/mini"{_nearest(name)}'
    ) from error
  missing = {'grid', 'label_scheme', 'contrasts', 'fingerprint'} - set(builder.info.metadata or ())
  if missing:
    raise InputError(f'data set {name!r} has no {sorted(missing)} in its metadata: not a stroke set')
  scaling = builder.info.metadata.get('intensity_scaling', PERCENTILE)
  check_scaling(scaling, f'data set {name!r}: intensity_scaling')
  return builder


def _check_made_by_config(name: str, data_dir: str | None) -> None:
  """Refuses a name that nothing is built from, as those that hold a fingerprint, in a set's place."""
  data_set, _, config = name.partition('/')
  known = tfds.core.registered.list_imported_builders()
  if not config or data_set not in known:
    return
  # A `DerivedConfig` says where a set comes from, and is named after that.
  if not all(hasattr(made, 'origins') for made in tfds.builder_cls(data_set).BUILDER_CONFIGS):
    return
  roots = [Path(folder).expanduser() for folder in file_utils.list_data_dirs(given_data_dir=data_dir)]
  built = sorted(
    path.name for root in roots for path in root.glob(f'{data_set}/[!.]*') if path.is_dir()
  )
  if config in built:
    raise InputError(
      f'data set {name!r}: its build has not finished, or it is damaged, expected a whole set; the '
      'command that began it goes on; delete what is damaged'
    )
  meant = nearest(config, built) or f'; there are {built[:_SHOWN]}' * bool(built)
  raise InputError(f'data set {name!r} is not built in {", ".join(map(str, roots))}{meant}')


def _nearest(name: str) -> str:
  """The data set, or the config of one, that a mistyped name may mean, as the end of a message."""
  data_set, _, config = name.partition('/')
  known = tfds.core.registered.list_imported_builders()
  if config and data_set in known:
    configs = nearest(config, tfds.builder_cls(data_set).builder_configs)
    return configs.replace('mean ', f'mean {data_set}/', 1)
  return nearest(data_set, known)


def _check_format(builder: tfds.core.DatasetBuilder, name: str) -> None:
  """Refuses files that cannot be read one after another, as training does."""
  if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
    raise InputError(
      f'data set {name!r} is stored as array_record, which tf.data cannot read; expected tfrecord: '
      'delete it and build it without --file_format'
    )


def _open_source(text: str, data_dir: str | None, build: bool, units: Sequence[str]) -> Source:
  match = _SOURCE.match(text)
  if not match:
    raise InputError(
      f'data source {text!r}: expected "name/config:split" or "name/config:split(10, seed=0)"'
    )
  builder = open_builder(match['name'], data_dir, build=build)
  _check_format(builder, match['name'])
  try:
    n_examples = builder.info.splits[match['split']].num_examples
  except (ValueError, KeyError, AssertionError) as error:
    splits = {name: split.num_examples for name, split in sorted(builder.info.splits.items())}
    raise InputError(
      f'data source {text!r}: no such split or part of one, {match["name"]} has {splits}'
    ) from error
  draw = _draw_of(match)
  if not n_examples or (draw and not draw[0]):
    raise InputError(f'data source {text!r} holds no example, expected at least one')
  source = Source(match['name'], match['split'], builder, draw)
  unit = SLICES if source.holds_slices else VOLUMES
  if unit not in units:
    raise InputError(f'data source {text!r} holds {unit}, expected {" or ".join(units)}')
  if draw and source.holds_slices:
    raise InputError(f'data source {text!r}: slices are not drawn, expected a part such as train[:10]')
  if draw and draw[0] > len(source.usable_positions):
    raise InputError(
      f'data source {text!r}: {match["split"]} has {len(source.usable_positions)} cases with a lesion '
      f'of {MIN_VOXELS} voxels or more, expected at least {draw[0]}'
    )
  return source


def _draw_of(match: re.Match[str]) -> tuple[int, int] | None:
  return (int(match['count']), int(match['seed'])) if match['count'] else None


def fingerprint(sources: Sequence[Source]) -> str:
  """Names exactly these splits of exactly these data."""
  text = ' '.join(f'{source}@{source.metadata["fingerprint"]}' for source in sources)
  return hashlib.sha256(text.encode()).hexdigest()[:12]
