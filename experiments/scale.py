"""Builds of synthetic_stroke that grow: time and memory of a volume, kills, Beam, and what binds first.

Command: python -m experiments.scale
Hardware: 2 CPU cores.
Time: three hours; with --sizes=200,500 --killed=200 --beam=100 --paper=4 eight minutes.
Expected: the same time for a volume at all sizes, and the same memory from about 11,000 volumes on, of
  which TFDS holds the first GiB. With many workers the machine that writes the files binds first.

Each build runs in a process of its own, on generators of `pix2pix10_mini.gin` and `lesion_gan_mini.gin`
after one step of training: what they draw is noise, at the cost of trained ones. Builds have no audit,
which rejects such draws. Writes docs/measurements/scale.csv and docs/scale.png.

The build of --killed volumes is made again, killed three times on the way, and its files are compared
with those of the one that ran through.
"""

import argparse
import filecmp
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import tensorflow_datasets as tfds

from experiments._common import DATA_DIR, ROOT, RUNS, build, run, write_table
from keras_itm.bundle import LESION_GENERATOR, TRANSLATOR
from launchers.reports import style
from stroke_tfds import open_sources
from stroke_tfds.synthetic_stroke import Builder, SyntheticStrokeConfig

FOLDER = RUNS / 'scale'
N_KILLS = 3
_Row = dict[str, Any]
# Steps as small as they come; of the critic of the paper's size one takes long.
_ONE_STEP = {
  'train_itm': ('epochs = 1', 'steps_per_epoch = 1', 'batch_size = 1'),
  'train_lesion_gan': ('epochs = 1', 'steps_per_epoch = 1', 'batch_size = 2'),
}
# An untrained generator draws no lesion at its own rate.
_MORE = {
  'train_itm': (),
  'train_lesion_gan': ('lesion_generator.lesion_rate = 0.5', 'LesionGAN.critic_steps = 1'),
}
_KINDS = {'train_itm': TRANSLATOR, 'train_lesion_gan': LESION_GENERATOR}
_ONE_THREAD = {'TF_NUM_INTRAOP_THREADS': '1', 'TF_NUM_INTEROP_THREADS': '1', 'OMP_NUM_THREADS': '1'}
_EXTRAPOLATED = {'volumes': 1_000_000, 'workers': (1, 10, 100, 1000)}


def main() -> None:
  parser = argparse.ArgumentParser()
  parser.add_argument('--sizes', default='1000,5000,10000,20000,40000', help='Volumes of each build.')
  parser.add_argument('--killed', type=int, default=5000, help='One of them, that is killed as well.')
  parser.add_argument('--beam', type=int, default=1000, help='Volumes that Beam makes.')
  parser.add_argument('--paper', type=int, default=20, help="Volumes on the paper's grid.")
  parser.add_argument('--child', help=argparse.SUPPRESS)
  given = parser.parse_args()
  if given.child:
    print(json.dumps(_child(**json.loads(given.child))))
    return
  sizes = sorted(map(int, given.sizes.split(',')))
  if given.killed not in sizes:
    raise SystemExit(f'--killed={given.killed}: expected one of --sizes')
  mini, paper = generators('mini'), generators('paper')
  rows = [
    *_sizes(mini, sizes, given.killed),
    *(_by_beam(mini, 'mini', given.beam, workers) for workers in (1, 2)),
    _by_beam(paper, 'paper', given.paper, 1),
  ]
  table = [{**dict.fromkeys(_COLUMNS, ''), **row} for row in [*rows, *_extrapolated(rows)]]
  write_table(__file__, table)
  _figure([row for row in rows if row['what'] == 'build'])


_COLUMNS = (
  *('what', 'grid', 'volumes', 'workers', 'seconds', 'ms_per_volume', 'cpu_ms', 'make_ms'),
  *('write_ms', 'peak_gib', 'kib_per_volume', 'binds'),
)


def generators(grid: str, translator: str = 'pix2pix10') -> dict[str, Any]:
  """The fields of a config that are the same for all builds on a grid, by generators after one step."""
  cohort = {'name': f'scale-{grid}', 'n_healthy': 16, 'n_train': 4, 'n_test': 1, 'n_test_negative': 0}
  on = {'mini': 'mini', 'paper': 'mni_128x128x32'}[grid]
  phantom = build('phantom_stroke', {**cohort, 'grid': on})
  found = {}
  for launcher, config in (('train_itm', translator), ('train_lesion_gan', 'lesion_gan')):
    workdir = FOLDER / f'{config}_{grid}'
    own = [f'{launcher}.{line}' for line in _ONE_STEP[launcher]]
    own += [f"clinical = ['{phantom}:train']", f"itm_train = ['{phantom}:train']"]
    own += [f"itm_validation = ['{phantom}:healthy[:2]']"]
    flags = [f'--gin_bindings={line}' for line in (*own, *_MORE[launcher])]
    names = f'--gin_file={config}_{grid}.gin', f'--workdir={workdir}', f'--data_dir={DATA_DIR}'
    run(f'launchers.{launcher}', *names, *flags)
    found[_KINDS[launcher]] = str(workdir / 'bundle')
  return {**found, 'healthy': phantom, 'healthy_dir': str(DATA_DIR), 'seed': 0, 'audit': False}


def _sizes(config: Mapping[str, Any], sizes: Sequence[int], killed: int) -> Iterator[_Row]:
  for n in sizes:
    folder = empty(f'plain-{n}')
    yield {'what': 'build', 'grid': 'mini', 'workers': 1, **measured('build', folder, config, n)}
    yield {'what': 'read back', 'grid': 'mini', 'workers': 1, **measured('read', folder, config, n)}
    if n == killed:
      yield _killed(config, n, folder)
    shutil.rmtree(folder)


def _killed(config: Mapping[str, Any], n: int, undisturbed: Path) -> _Row:
  """A build that is killed whenever a further quarter of its volumes is there."""
  folder, begun = empty('killed'), time.monotonic()
  cache = Builder(config=SyntheticStrokeConfig(**config, num_volumes=n), data_dir=str(folder)).cache
  for kill in range(1, N_KILLS + 1):
    process = _start('build', folder, config, n)
    while len(cache.missing(n)) > n - n * kill // (N_KILLS + 1):
      if process.poll() is not None:
        raise SystemExit(f'{folder}: the build ended before it was killed')
      time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
  found = measured('build', folder, config, n)
  if not _are_same(folder, undisturbed):
    raise SystemExit(f'{folder}: expected the files of {undisturbed}')
  seconds = time.monotonic() - begun
  shutil.rmtree(folder)
  whole = {'seconds': seconds, 'ms_per_volume': 1000 * seconds / n, 'cpu_ms': ''}
  return {'what': f'killed {N_KILLS} times', 'grid': 'mini', 'workers': 1, **found, **whole}


def _by_beam(config: Mapping[str, Any], grid: str, n: int, workers: int) -> _Row:
  """A build by worker processes of a thread each: else one takes all cores, and two do no more."""
  found = measured('build', empty('beam'), config, n, workers, _ONE_THREAD)
  return {'what': 'Beam', 'grid': grid, 'workers': workers, **found}


def _extrapolated(rows: Sequence[_Row]) -> Iterator[_Row]:
  """A million volumes: workers make, one machine writes what they have made, one after the other."""
  n = _EXTRAPOLATED['volumes']
  for one in rows:
    if one['what'] == 'Beam' and one['workers'] == 1:
      for workers in _EXTRAPOLATED['workers']:
        make, write = one['make_ms'] / workers, one['write_ms']
        facts = {'make_ms': make, 'write_ms': write, 'binds': 'workers' if make > write else 'writing'}
        total = {'seconds': n * (make + write) / 1000, 'ms_per_volume': make + write}
        kept = {'grid': one['grid'], 'kib_per_volume': one['kib_per_volume']}
        yield {'what': 'extrapolated', 'volumes': n, 'workers': workers, **kept, **facts, **total}


def measured(
  task: str,
  folder: Path,
  config: Mapping[str, Any],
  n: int,
  workers: int = 0,
  environment: Mapping[str, str] | None = None,
) -> _Row:
  process = _start(task, folder, config, n, workers, environment)
  output, _ = process.communicate()
  if process.returncode:
    raise SystemExit(f'{task} of {n} volumes ended with status {process.returncode}')
  found = json.loads(output.splitlines()[-1])
  print(task, n, f'workers {workers}', found, flush=True)
  return {'volumes': n, **found}


def _start(
  task: str,
  folder: Path,
  config: Mapping[str, Any],
  n: int,
  workers: int = 0,
  environment: Mapping[str, str] | None = None,
) -> subprocess.Popen:
  given = {'task': task, 'data_dir': str(folder), 'workers': workers}
  given['config'] = {**config, 'num_volumes': n}
  command = [sys.executable, '-m', 'experiments.scale', '--child', json.dumps(given)]
  environment = {**os.environ, **(environment or {})}
  return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def _child(task: str, data_dir: str, workers: int, config: dict[str, Any]) -> _Row:
  """Does a task in this process; seconds, memory and size."""
  builder = Builder(config=SyntheticStrokeConfig(**config), data_dir=data_dir)
  n, begun = config['num_volumes'], time.monotonic()
  inner = _build(builder, workers) if task == 'build' else _read(builder, n)
  seconds = time.monotonic() - begun
  usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
  cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
  peak = max(usage.ru_maxrss for usage in usages)
  sizes = [file.stat().st_size for file in Path(builder.data_path).glob('*.tfrecord*')]
  times = {'seconds': seconds, 'ms_per_volume': 1000 * seconds / n, 'cpu_ms': 1000 * cpu / n}
  return {**times, **inner, 'peak_gib': peak / 2**20, 'kib_per_volume': sum(sizes) / n / 1024}


def _build(builder: Builder, workers: int) -> _Row:
  if not workers:
    builder.download_and_prepare()
    return {}
  from apache_beam.options.pipeline_options import PipelineOptions

  from stroke_tfds import beam_parts

  found: dict[str, float] = {}
  make_parts, n = beam_parts.make_parts, builder.builder_config.num_volumes

  def made(*given: Any) -> None:
    make_parts(*given)
    times = sorted(file.stat().st_mtime for file in builder.cache.folder.iterdir())
    # Without its begin and end, where workers start and one waits for the other.
    first, last = n // 10, n - 1 - n // 10
    found.update(make_ms=1000 * (times[last] - times[first]) / (last - first), made_at=time.monotonic())

  options = PipelineOptions(
    runner='DirectRunner', direct_running_mode='multi_processing', direct_num_workers=workers
  )
  with mock.patch.object(beam_parts, 'make_parts', made):
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(beam_options=options))
  return {'make_ms': found['make_ms'], 'write_ms': 1000 * (time.monotonic() - found['made_at']) / n}


def _read(builder: Builder, n: int) -> _Row:
  (source,) = open_sources(
    [f'{builder.name}/{builder.builder_config.name}:train'], builder.data_dir_root
  )
  names, n_lesions = set(), 0
  for example in source.examples().as_numpy_iterator():
    names.add(example['subject_id'])
    n_lesions += bool(example['lesion'].any())
  if (len(names), n_lesions) != (n, n):
    raise SystemExit(f'{len(names)} volumes, {n_lesions} of them with a lesion, expected {n}')
  return {}


def empty(name: str) -> Path:
  shutil.rmtree(FOLDER / name, ignore_errors=True)
  (FOLDER / name).mkdir(parents=True)
  return FOLDER / name


def _are_same(folder: Path, other: Path) -> bool:
  files = [path.relative_to(folder) for path in folder.rglob('*.tfrecord*')]
  _, differ, missing = filecmp.cmpfiles(folder, other, files, shallow=False)
  return bool(files) and not differ and not missing


def _figure(rows: Sequence[_Row]) -> None:
  panels = {'ms_per_volume': 'Time of a volume, ms', 'peak_gib': 'Largest memory, GiB'}
  with style.style():
    figure, axes = plt.subplots(1, len(panels), figsize=(7, 2.6), layout='constrained')
    for axis, (name, title) in zip(axes, panels.items()):
      line = style.SERIES[0]
      values = [row[name] for row in rows]
      axis.plot([row['volumes'] for row in rows], values, color=line.colour, marker=line.marker)
      axis.set(title=title, xlabel='volumes of the set', ylim=(0, 1.2 * max(values)))
    figure.savefig(ROOT / 'docs' / 'scale.png', dpi=170)


if __name__ == '__main__':
  main()
