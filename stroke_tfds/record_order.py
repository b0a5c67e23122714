"""Records that hold their features in the same order whichever process writes them."""

from collections.abc import Iterable
from typing import Any

import tensorflow_datasets as tfds
from google.protobuf import __version__ as protobuf_version
from tensorflow_datasets.proto import tf_example_pb2

# From here on protobuf goes through a map in an order that changes with the process; before, in one
# that does not, and which the files of the classic stack keep.
_FIRST_WITHOUT_ORDER = 5


def writer_in_order(writer: tfds.core.ExampleWriter) -> tfds.core.ExampleWriter:
  """The same writer, or a `SortedWriter` where records would differ from process to process."""
  major = int(protobuf_version.partition('.')[0])
  return SortedWriter(writer.file_format) if major >= _FIRST_WITHOUT_ORDER else writer


class SortedWriter(tfds.core.ExampleWriter):
  """Writes records with their features sorted by name."""

  def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> Any:
    return super().write(path, ((key, _sorted(record)) for key, record in examples))


def _sorted(record: bytes) -> bytes:
  return tf_example_pb2.Example.FromString(record).SerializeToString(deterministic=True)
