"""Sets whose parts Beam makes have the bytes of those made on one machine."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import psutil
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized
from apache_beam.options.pipeline_options import PipelineOptions

from stroke_tfds import beam_parts
from stroke_tfds.build_cache import BuildCache
from stroke_tfds.carvemix import carvemix_dataset_builder as carvemix
from stroke_tfds.errors import InputError
from stroke_tfds.lesion_fusion import lesion_fusion_dataset_builder as lesion_fusion
from stroke_tfds.phantom_stroke import phantom_stroke_dataset_builder as phantom_stroke
from stroke_tfds.phantom_tumour import phantom_tumour_dataset_builder as phantom_tumour
from stroke_tfds.resumable import one_after_another
from stroke_tfds.synthetic_stroke import synthetic_stroke_dataset_builder as synthetic_stroke
from tests import copy_paste_sets, tiny
from tests.slice_sets import SlicesCase
from tests.synthetic_sets import SyntheticCase

_GRID = {**tiny.GRID, 'shape': [16, 16, 4], 'spacing_mm': [12.0, 12.0, 32.0]}
_WORKER = 'apache_beam.runners.worker.sdk_worker_main'
_Make = Callable[[str], tfds.core.DatasetBuilder]


def _build(builder: tfds.core.DatasetBuilder, *flags: str) -> dict[str, bytes]:
  """All files of a set that Beam makes."""
  options = PipelineOptions(flags=['--runner=DirectRunner', *flags])
  config = tfds.download.DownloadConfig(beam_options=options)
  builder.download_and_prepare(download_config=config)
  return _files(builder)


def _files(builder: tfds.core.DatasetBuilder) -> dict[str, bytes]:
  folder = Path(builder.data_path)
  return {path.name: path.read_bytes() for path in sorted(folder.rglob('*'))}


class BeamCase(tf.test.TestCase):
  def assert_same(self, make: _Make, at_a_time: int = 2, flags: tuple[str, ...] = ()) -> None:
    """The same files, made plainly and by Beam; nothing is left of the parts.

    Args:
      make: A builder with its TFDS folder.
      at_a_time: Parts.
      flags: For Beam.
    """
    plain, by_beam = (make(tfds.testing.make_tmp_dir()) for _ in range(2))
    plain.download_and_prepare()
    with mock.patch.object(beam_parts, '_AT_A_TIME', at_a_time):
      made = _build(by_beam, *flags)
    self.assertGreater(len(made), 2)
    self.assertEqual(made, _files(plain))
    self.assertFalse(by_beam.cache.folder.exists())


class PhantomsTest(BeamCase, parameterized.TestCase):
  @parameterized.parameters(
    (phantom_stroke, {'n_healthy': 1, 'n_train': 2, 'n_test': 1, 'n_test_negative': 0}),
    (phantom_tumour, {'n_healthy': 1, 'n_train': 1, 'n_test': 1}),
  )
  def test_same_bytes(self, module, counts):
    known = type(module.Builder.BUILDER_CONFIGS[0])
    self.assert_same(lambda folder: module.Builder(config=known(grid=_GRID, **counts), data_dir=folder))


class CopyPasteTest(BeamCase, parameterized.TestCase):
  @parameterized.parameters(carvemix, lesion_fusion)
  def test_same_bytes(self, module):
    data_dir, _ = copy_paste_sets.phantom()
    folders = {f'{field}_dir': data_dir for field in module.Builder.BUILDER_CONFIGS[0].SOURCES}
    config = copy_paste_sets.make_config(module.Builder, **folders)
    self.assert_same(lambda folder: module.Builder(config=config, data_dir=folder))


class SlicesTest(BeamCase, SlicesCase, parameterized.TestCase):
  @parameterized.parameters({'num_patients': 3}, {'num_patients': 0, 'num_slices': 5})
  def test_same_bytes(self, **counts):
    self.assert_same(lambda folder: self.builder(folder, **counts))

  def test_same_bytes_of_classes_and_then_images(self):
    self.assert_same(lambda folder: self.builder(folder, **self.translated()))


class SyntheticTest(BeamCase, SyntheticCase):
  def make(self, folder: str, **fields) -> tfds.core.DatasetBuilder:
    return self.builder(folder, healthy_dir=self.data_dir, **fields)

  def test_same_bytes_and_tools_opened_once(self):
    drawing = synthetic_stroke.CaseDrawing
    with mock.patch.object(synthetic_stroke, 'CaseDrawing', side_effect=drawing) as opened:
      self.assert_same(lambda folder: self.make(folder, num_volumes=7))
    # Of the plain build, of the one that starts Beam, and of the one worker for its four chunks.
    self.assertEqual(opened.call_count, 3)

  def test_parts_that_are_there_are_not_made_again(self):
    builder = self.make(tfds.testing.make_tmp_dir())
    builder.by_beam = True
    builder.make_parts(builder.open_tools(), range(1, 3))
    saved = BuildCache.save
    with mock.patch.object(BuildCache, 'save', autospec=True, side_effect=saved) as save:
      _build(builder)
    self.assertEqual([call.args[1] for call in save.call_args_list], [0])

  def test_a_worker_without_the_bundle(self):
    bundle = Path(shutil.copytree(self.translator, Path(tfds.testing.make_tmp_dir()) / 'bundle'))
    builder = self.make(tfds.testing.make_tmp_dir(), translator=str(bundle))
    opened = builder.open_tools()
    shutil.rmtree(bundle)
    with mock.patch.object(builder, 'open_tools', lambda: opened):
      with self.assertRaisesRegex(InputError, rf'^a Beam worker: {bundle}: no bundle there.*[^\]]$'):
        _build(builder)
    self.assertFalse(builder.is_prepared())

  def test_workers_that_share_no_folder(self):
    builder = self.make(tfds.testing.make_tmp_dir())
    with mock.patch.object(BuildCache, 'save'):
      with self.assertRaisesRegex(InputError, '^3 of 3 volumes are not in .*share$'):
        _build(builder)

  def test_an_error_of_a_worker_process(self):
    text = (
      'Traceback:\n  File "a.py"\nstroke_tfds.errors.InputError: a: b, c [while running \'Parts\']\n'
    )
    self.assertEqual(beam_parts._told(RuntimeError(text)), 'a: b, c')
    self.assertEqual(beam_parts._told(RuntimeError('ValueError: a')), '')


class OneAfterAnotherTest(tf.test.TestCase):
  def test_ranges(self):
    self.assertEqual(one_after_another({'a': 2, 'b': 3}), {'a': range(2), 'b': range(2, 5)})


class KilledWorkerTest(tf.test.TestCase):
  """Processes of one machine: the runner tells of a dead one in a thread, and waits for it for ever."""

  def start(self, folder: str) -> subprocess.Popen:
    counts = {'n_healthy': 60, 'n_train': 40, 'n_test': 2, 'n_test_negative': 0}
    config = {'name': 'some', 'grid': 'mini', 'seed': 1, **counts}
    flags = 'runner=DirectRunner,direct_running_mode=multi_processing,direct_num_workers=2'
    command = ['-m', 'tensorflow_datasets.scripts.cli.main', 'build', '--imports', 'stroke_tfds']
    command += ['phantom_stroke', '--config', json.dumps(config), '--data_dir', folder]
    return subprocess.Popen(
      [sys.executable, *command, f'--beam_pipeline_options={flags}'],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.PIPE,
      text=True,
    )

  @pytest.mark.slow
  def test_ends_the_build_in_one_line_and_what_is_made_is_kept(self):
    folder = tfds.testing.make_tmp_dir()
    build = self.start(folder)
    kept = lambda: list(Path(folder, 'downloads').rglob('*.npz'))
    while build.poll() is None and len(kept()) < 4:
      time.sleep(0.2)
    children = psutil.Process(build.pid).children(recursive=True)
    workers = [one for one in children if one.cmdline()[1:3] == ['-m', _WORKER]]
    self.assertLen(workers, 2)
    workers[0].kill()
    _, errors = build.communicate(timeout=300)
    self.assertEqual(build.returncode, 1)
    said = [line for line in errors.splitlines() if line.startswith('error: ')]
    self.assertLen(said, 1)
    self.assertRegex(said[0], r'a Beam worker was lost .* of 102 subjects are kept, the same command')
    self.assertGreaterEqual(len(kept()), 4)
    build = self.start(folder)
    _, errors = build.communicate(timeout=600)
    self.assertEqual(build.returncode, 0, errors[-2000:])


if __name__ == '__main__':
  tf.test.main()
