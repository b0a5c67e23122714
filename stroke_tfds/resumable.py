"""A builder that takes up again what a killed build has made."""

from collections.abc import Sequence
from typing import Any, ClassVar

from stroke_tfds import builder
from stroke_tfds.build_cache import BuildCache
from stroke_tfds.disk_errors import is_full


class ResumableBuilder(builder.StrictBuilder, skip_registration=True):  # type: ignore[call-arg]
  """Keeps finished parts in `cache` until the whole set is there.

  Attributes:
    ARRAYS: Names of what a part holds.
    PARTS: What errors call the parts.
  """

  ARRAYS: ClassVar[Sequence[str]] = ('image', 'lesion')
  PARTS: ClassVar[str] = 'volumes'

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Builds the set; what a killed build has made is kept and used.

    Raises:
      InputError: The disk is full; says how much is kept.
    """
    super().download_and_prepare(**kwargs)
    self.cache.clear()
    self.log_how_to_load()

  def disk_error(self, error: Exception) -> str:
    return str(self.cache.disk_full(error)) if is_full(error) else super().disk_error(error)

  @property
  def cache(self) -> BuildCache:
    folder = self.data_dir_root / 'downloads' / self.name / self.builder_config.name
    return BuildCache(folder, self.ARRAYS, self.PARTS)
