"""What is killed: a build of each kind, trainings, a preparation, a study; and what each leaves."""

import csv
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tests import tiny
from tests.launchers import small_systems
from tests.launchers.study import tiny_study
from tests.stroke_tfds.preparation import made_up_scans as scans

Digest = dict[str, str]
_TIMES = ('seconds',)
_UNNAMED = ('checkpoints/', 'tensorboard/', 'bundle/variables', 'saved_model.pb', 'fingerprint.pb')


@dataclasses.dataclass(frozen=True)
class Job:
  """A command and what it leaves.

  Attributes:
    module: The program.
    flags: Its command line.
    digest: Name -> hash of all that has to be the same after any number of kills.
    sharing: Whether its processes end with it, as those of a job that a queue ends.
  """

  module: str
  flags: Sequence[str]
  digest: Callable[[], Digest]
  sharing: bool = False


class Jobs:
  """Makes jobs over one tiny cohort.

  Args:
    base: A folder that `make_base` filled.
  """

  def __init__(self, base: Path):
    self._base = base
    self._cohort = (base / 'cohort').read_text()
    self._bundles = base / 'bundles' / 'translator', base / 'bundles' / 'lesions'

  def all(self) -> dict[str, Callable[[Path], Job]]:
    """Name -> what makes the job in a folder of its own."""
    cohort, (translator, lesions) = self._cohort, map(str, self._bundles)
    many = {'num_volumes': 12, 'seed': 0}
    generators = {'translator': translator, 'lesion_generator': lesions, 'healthy': cohort}
    generators['audit'] = False  # Toys would not pass.
    phantom = {'name': 'k', 'grid': tiny.GRID, 'n_healthy': 4, 'n_train': 4, 'n_test': 4, 'seed': 3}
    masks = ['--manual_dir', str(self._base / 'masks')]
    trained = ('pix2pix10_mini.gin', 'unet_mini.gin', 'lesion_gan_mini.gin')
    return {
      'phantom': self._build('phantom_stroke', {**phantom, 'n_test_negative': 1}),
      'synthetic': self._build('synthetic_stroke', {**generators, **many}),
      'kept scans': self._build('synthetic_stroke', {**generators, **many, 'keep_scan': True}),
      'slices': self._build(
        'synthetic_slices',
        {
          'joint_generator': str(self._base / 'joint'),
          'num_patients': 40,
          'share_lesion': 0.5,
          'audit': False,
        },
      ),
      'translated slices': self._build(
        'synthetic_slices',
        {
          'joint_generator': str(self._base / 'mask_joint'),
          'translator': str(self._base / 'of_masks'),
          'num_patients': 40,
          'audit': False,
        },
      ),
      'fusion': self._build(
        'lesion_fusion', {'clinical': cohort, 'healthy': f'{cohort}:healthy', **many}
      ),
      'carvemix': self._build('carvemix', {'clinical': cohort, **many}),
      'masks': self._build('lesion_masks', {'name': 'm', 'grid': tiny.GRID}, masks),
      'preparation': self._prepare,
      **{small_systems.launcher(system)[1]: self._train(system) for system in trained},
      'study': self._study,
    }

  def _data_dir(self, work: Path) -> Path:
    data_dir = work / 'data'
    shutil.copytree(self._base / 'data' / self._cohort, data_dir / self._cohort)
    return data_dir

  def _build(self, name: str, config: dict[str, Any], more: Sequence[str] = ()):
    def make(work: Path) -> Job:
      data_dir = self._data_dir(work)
      flags = ['build', '--imports', 'stroke_tfds', name, '--data_dir', str(data_dir), *more]
      flags += ['--config', json.dumps(config)]
      return Job('tensorflow_datasets.scripts.cli.main', flags, lambda: digest_files(data_dir))

    return make

  def _train(self, system: str):
    def make(work: Path) -> Job:
      lines = small_systems.bindings(system, self._cohort, epochs=4, steps_per_epoch=4)
      flags = [f'--gin_file={system}', f'--workdir={work / "run"}']
      flags += [f'--data_dir={self._base / "data"}']
      flags += [f'--gin_bindings={line}' for line in [*lines, 'fit.checkpoint_every = 2']]
      root = small_systems.launcher(system)[1]
      return Job(f'launchers.{root}', flags, lambda: digest_run(work / 'run'))

    return make

  def _prepare(self, work: Path) -> Job:
    output = work / 'prepared'
    flags = ['--source=bids', f'--input={self._base / "bids"}', f'--output={output}', '--workers=2']
    flags += [f'--grid={json.dumps(tiny.GRID)}', '--registration=none', '--without_mask=negative']
    return Job('launchers.prepare_data', flags, lambda: digest_prepared(output))

  def _study(self, work: Path) -> Job:
    data_dir, study = self._data_dir(work), work / 'study'
    (work / 'unet.gin').write_text(tiny_study.UNET)
    fields = {
      **{name: f'{self._cohort}:{name}' for name in ('train', 'test')},
      'healthy': f'{self._cohort}:healthy[1:]',
      'validation': f'{self._cohort}:healthy[:1]',
      'unet': str(work / 'unet.gin'),
      'synthetic': {'lesion fusion': {'builder': 'lesion_fusion'}},
      'num_volumes': tiny_study.N_VOLUMES,
      'arms': tiny_study.ARMS,
      'n_seeds': 1,
    }
    lines = ['import launchers.run_study_lib']
    lines += [f'run_study.{name} = {value!r}' for name, value in fields.items()]
    (work / 'study.gin').write_text('\n'.join(lines) + '\n')
    flags = [f'--gin_file={work / "study.gin"}', f'--workdir={study}', f'--data_dir={data_dir}']
    return Job('launchers.run_study', flags, lambda: digest_study(study), sharing=True)


def make_base(base: Path) -> None:
  """Makes the cohort, its bundles, masks and scans."""
  data = str(base / 'data')
  cohort = tiny.build_phantom(data, n_train=10, n_test=6)
  metadata = tfds.builder(cohort, data_dir=data).info.metadata
  tiny.save_toy_bundles(base / 'bundles', metadata)
  shares = [0.5] * metadata['grid']['shape'][2]
  tiny.save_toy_joint(base / 'joint', metadata, lesion_shares=shares)
  tiny.save_toy_joint(base / 'mask_joint', metadata, 0, lesion_shares=shares)
  tiny.save_toy_class_translator(base / 'of_masks', metadata)
  for i in range(12):
    mask = np.zeros(scans.SCAN_GRID.shape, np.uint8)
    mask[15 + i : 22 + i, 20 + i : 30 + i, 6 : 9 + i // 4] = 1
    scans.save(base / 'masks' / f'sub-{i:02d}_lesion.nii.gz', mask)
  for i in range(5):
    scans.save_subject(base / 'bids', f'sub-{i:02d}', i, lesion=i != 4)
  (base / 'cohort').write_text(cohort)


def _files(folder: Path) -> dict[str, Path]:
  found = sorted(path for path in folder.rglob('*') if path.is_file() and '.lock' not in path.name)
  return {str(path.relative_to(folder)): path for path in found}


def _hash(content: bytes) -> str:
  return hashlib.sha256(content).hexdigest()[:16]


def _json_without_times(path: Path) -> bytes:
  values = json.loads(path.read_text())
  return json.dumps({k: v for k, v in values.items() if k not in _TIMES}, sort_keys=True).encode()


def _rows_without_times(path: Path, delimiter: str = ',') -> bytes:
  with path.open(newline='') as file:
    rows = list(csv.DictReader(file, delimiter=delimiter))
  return json.dumps([{k: v for k, v in row.items() if k not in _TIMES} for row in rows]).encode()


def digest_files(folder: Path) -> Digest:
  """Every byte, as far as it does not wait in the caches of TFDS."""
  return {name: _hash(path.read_bytes()) for name, path in _files(folder).items()}


def digest_run(folder: Path) -> Digest:
  """Weights and state of the last checkpoint, metrics but their times, and which files there are."""
  made = {'metrics.csv': _hash(_rows_without_times(folder / 'metrics.csv'))}
  reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(folder / 'checkpoints')))
  for name in sorted(reader.get_variable_to_shape_map()):
    if not name.startswith(('_CHECKPOINTABLE', 'save_counter')):
      made[name] = _hash(np.asarray(reader.get_tensor(name)).tobytes())
  for name, path in _files(folder).items():
    if name.startswith(('checkpoints/', 'tensorboard/')):
      made[name.split('/')[0]] = 'there'
    elif name != 'metrics.csv':
      unnamed = any(part in name for part in _UNNAMED)  # Names in graphs differ between processes.
      made[name] = 'there' if unnamed else _hash(path.read_bytes())
  return made


def digest_prepared(folder: Path) -> Digest:
  """Every byte but times."""
  made = {}
  for name, path in _files(folder).items():
    content = path.read_bytes()
    if name.endswith('.json'):
      content = _json_without_times(path)
    if name == 'cases.tsv':
      content = _rows_without_times(path, '\t')
    made[name] = 'there' if name.startswith('quality') else _hash(content)
  return made


def digest_study(folder: Path) -> Digest:
  """Tables, statistics and what they are of."""
  made = {}
  for name, path in _files(folder).items():
    if path.name in ('table.csv', 'cases.csv', 'statistics.json'):
      made[name] = _hash(path.read_bytes())
    elif path.name == 'result.json':
      values = json.loads(path.read_text())
      kept = [values[field] for field in ('arm', 'seed', 'cases', 'metrics')]
      made[name] = _hash(json.dumps(kept, sort_keys=True).encode())
    elif path.name == 'report.html':
      made[name] = 'there'
  return made
