"""Sets made of numbered parts: a build takes up what a killed one has made, or has Beam make them."""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from stroke_tfds import builder
from stroke_tfds.build_cache import BuildCache
from stroke_tfds.disk_errors import is_full

VOLUMES = ('image', 'labels', 'lesion')


class ResumableBuilder(builder.StrictBuilder, skip_registration=True):  # type: ignore[call-arg]
  """Each part is a pure function of the config and its number; finished ones are kept in `cache`.

  TFDS itself writes the set from them, so that it has the same bytes whoever made the parts. They are
  made by Beam where the download config has a runner or options for one, see `beam_parts`.

  Attributes:
    ARRAYS: Names of what a part holds.
    PARTS: What errors call the parts.
    KEEPS_PARTS: Whether parts are kept without Beam, too: where they take long to make.
    by_beam: Whether Beam makes the parts; true in its workers, too.
  """

  ARRAYS: ClassVar[Sequence[str]] = ('image', 'lesion')
  PARTS: ClassVar[str] = 'volumes'
  KEEPS_PARTS: ClassVar[bool] = True

  by_beam = False

  def parts_by_split(self) -> dict[str, range]:
    """Numbers of the parts of each split; together they count from 0."""
    raise NotImplementedError

  def open_tools(self) -> Any:
    """What parts are made with, such as models: opened once by each process that makes some."""
    raise NotImplementedError

  def _generate_examples(self, tools: Any, parts: range) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys and examples of parts, each part by `part` or `kept_example`."""
    raise NotImplementedError

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Builds the set; what a killed build has made is kept and used.

    Raises:
      InputError: The disk is full; says how much is kept.
    """
    self._download_config = kwargs.get('download_config') or tfds.download.DownloadConfig()
    self.by_beam = bool(self._download_config.beam_options or self._download_config.beam_runner)
    super().download_and_prepare(**kwargs)
    self.cache.clear()
    self.log_how_to_load()

  def _split_generators(self, dl_manager: tfds.download.DownloadManager):
    del dl_manager  # Nothing is downloaded.
    tools = self.open_tools()  # Before Beam starts: what is missing here is so for all.
    if self.by_beam:
      from stroke_tfds import beam_parts  # Its import takes seconds.

      beam_parts.make_parts(self, self._download_config)
    splits = self.parts_by_split()
    return {split: self._generate_examples(tools, parts) for split, parts in splits.items()}

  def make_parts(self, tools: Any, parts: range) -> None:
    """Makes those that are not there yet."""
    collections.deque(self._generate_examples(tools, parts), maxlen=0)

  def part(self, index: int, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A part that was kept, or that is made now: arrays by name, and JSON values as `provenance`."""
    if not self.keeps_parts:
      return make()
    made = self.cache.load(index)
    if made is None:
      made = make()
      self.cache.save(index, **made)
    return made

  def kept_example(self, index: int, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The same for an example of `stroke_tfds.example`; `ARRAYS` are then `VOLUMES`."""

    def as_part() -> dict[str, Any]:
      made = make()
      volumes = {name: made.pop(name) for name in VOLUMES}
      return {**volumes, 'provenance': {**made, 'lesion_volume_ml': float(made['lesion_volume_ml'])}}

    kept = self.part(index, as_part)
    values = {**kept, **kept['provenance']}
    # In the order that `make_example` gives.
    return {name: values[name] for name in self.info.features}

  def place(self, index: int) -> tuple[str, int]:
    """The split of a part, and its number there."""
    split = next(split for split, parts in self.parts_by_split().items() if index in parts)
    return split, index - self.parts_by_split()[split].start

  @property
  def keeps_parts(self) -> bool:
    return self.KEEPS_PARTS or self.by_beam

  def disk_error(self, error: Exception) -> str:
    if is_full(error) and self.keeps_parts:
      return str(self.cache.disk_full(error))
    return super().disk_error(error)

  @property
  def cache(self) -> BuildCache:
    config = self.builder_config
    named = config.name.endswith(config.fingerprint)
    name = config.name if named else f'{config.name}-{config.fingerprint}'
    return BuildCache(self.data_dir_root / 'downloads' / self.name / name, self.ARRAYS, self.PARTS)


def one_after_another(counts: Mapping[str, int]) -> dict[str, range]:
  """Ranges of these lengths, each from where the one before ends."""
  ranges, start = {}, 0
  for name, count in counts.items():
    ranges[name] = range(start, start + count)
    start += count
  return ranges
