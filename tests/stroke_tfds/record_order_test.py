"""Two processes write the same set as the same bytes."""

import subprocess
import sys
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import record_order
from stroke_tfds.phantom_stroke.phantom_stroke_dataset_builder import Builder, PhantomStrokeConfig
from tests import tiny

_GRID = {**tiny.GRID, 'shape': [16, 16, 4], 'spacing_mm': [12.0, 12.0, 32.0]}
_BUILD = 'import sys; from tests.stroke_tfds.record_order_test import build; build(sys.argv[1])'


def build(data_dir: str) -> Path:
  config = PhantomStrokeConfig(grid=_GRID, n_healthy=1, n_train=1, n_test=1, n_test_negative=0)
  builder = Builder(config=config, data_dir=data_dir)
  builder.download_and_prepare()
  return Path(builder.data_path)


class ProcessesTest(tf.test.TestCase):
  def test_same_files(self):
    here = build(tfds.testing.make_tmp_dir())
    other = tfds.testing.make_tmp_dir()
    subprocess.run([sys.executable, '-c', _BUILD, other], check=True, capture_output=True)
    (there,) = Path(other).rglob('dataset_info.json')
    folders = here, there.parent
    files = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders]
    self.assertGreater(len(files[0]), 4)
    self.assertEqual(*files)


class SortedTest(tf.test.TestCase):
  def test_features_by_name(self):
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'1']))
    names = ('b', 'c', 'a')
    entries = [tf.train.Features(feature={name: value}).SerializeToString() for name in names]
    record = b''.join(b'\x0a' + bytes([len(entry)]) + entry for entry in entries)
    found = record_order._sorted(record)
    self.assertEqual([found.index(name) for name in (b'a', b'b', b'c')], [6, 18, 30])
    example = tf.train.Example.FromString(found)
    self.assertEqual(dict(example.features.feature), dict.fromkeys(names, value))


if __name__ == '__main__':
  tf.test.main()
