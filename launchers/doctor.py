"""Says whether this machine can run the package: Python, versions, GPU, disk, and what is missing.

  keras-itm doctor

The exit status is 1 where something has to be mended.
"""

import argparse
import dataclasses
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from launchers.closed_output import ends_quietly

_PACKAGE = 'keras-itm'
_FREE_GIB = 5  # A mini study with its data sets takes about two.
_OPTIONAL = {
  'antspyx': 'registration in prepare_data and segment: pip install "keras-itm[ants]"',
  'keras-itm-bundles': 'bundles to begin with: make bundles',
  'dcm2niix': 'DICOM in prepare_data: pip install "keras-itm[dicom]"',
}


@dataclasses.dataclass(frozen=True)
class Finding:
  """One thing that was looked at.

  Attributes:
    what: Such as `Python`.
    found: What it is.
    problem: What has to be mended and how; '' where nothing has.
  """

  what: str
  found: str
  problem: str = ''

  def __str__(self) -> str:
    return f'{"!!" if self.problem else "ok"}  {self.what:<12} {self.found}' + (
      f'\n    {"":<12} {self.problem}' if self.problem else ''
    )


@ends_quietly()
def main() -> int:
  argparse.ArgumentParser(
    prog='keras-itm doctor',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  ).parse_args()
  found = []
  for finding in findings():
    print(finding, flush=True)
    found.append(finding)
  n_problems = sum(bool(finding.problem) for finding in found)
  print(f'{n_problems} to be mended' if n_problems else 'nothing to be mended')
  return 1 if n_problems else 0


def findings() -> Iterator[Finding]:
  """All that is looked at, what is quick first."""
  yield python(sys.version_info[:3])
  yield disk(Path.cwd())
  yield Finding('cores', str(os.cpu_count()))
  yield from packages()
  yield from stack_and_gpu()


def python(version: tuple[int, ...]) -> Finding:
  """Whether there is a stack for this Python."""
  shown = '.'.join(map(str, version))
  good = (3, 10) <= version[:2] <= (3, 13)
  stack = 'modern' if version >= (3, 12) else 'classic'
  return Finding(
    'Python', f'{shown}, {stack} stack' if good else shown, '' if good else 'expected 3.10 to 3.13'
  )


def disk(folder: Path) -> Finding:
  """Room where the program runs, which is where the README's commands write."""
  free = shutil.disk_usage(folder).free / 2**30
  problem = f'expected {_FREE_GIB} GiB or more' if free < _FREE_GIB else ''
  return Finding('disk', f'{free:.0f} GiB free in {folder}', problem)


def packages() -> Iterator[Finding]:
  """The package itself, what it needs and does not find, and what is of use besides."""
  try:
    requirements = importlib.metadata.requires(_PACKAGE) or []
  except importlib.metadata.PackageNotFoundError:
    yield Finding(_PACKAGE, 'not installed', 'pip install it: what it needs is said nowhere else')
    return
  yield Finding(_PACKAGE, importlib.metadata.version(_PACKAGE))
  unmet = [text for text in map(unmet_need, requirements) if text]
  advice = 'pip install -c constraints-modern.txt (or -classic) keras-itm again'
  yield Finding('needs', '; '.join(unmet) or 'all there', advice if unmet else '')
  for name, use in _OPTIONAL.items():
    version = _version(name)
    yield Finding('optional', f'{name} {version}' if version else f'no {name}, needed for {use}')


def unmet_need(text: str) -> str:
  """What is wrong with a requirement of the package, '' where it is met or not for this machine."""
  from packaging.requirements import Requirement

  need = Requirement(text)
  if need.marker and not need.marker.evaluate({'extra': ''}):
    return ''
  version = _version(need.name)
  if version is None:
    return f'{need.name} is missing'
  return '' if need.specifier.contains(version, prereleases=True) else f'{text}, found {version}'


def stack_and_gpu() -> Iterator[Finding]:
  """TensorFlow, whether its version goes with Keras', and the devices that it sees."""
  try:
    import tensorflow as tf
  except Exception as error:  # Anything may go wrong while its libraries are loaded.
    yield Finding('TensorFlow', 'cannot be imported', f'{type(error).__name__}: {_first_line(error)}')
    return
  versions = f'{tf.__version__} with Keras {_version("keras")}'
  try:
    from keras_itm import stack

    yield Finding('TensorFlow', f'{versions}: {stack.NAME}')
  except Exception as error:  # It refuses versions that do not go together, and imports all the rest.
    yield Finding('TensorFlow', versions, _first_line(error))
  gpus = tf.config.list_physical_devices('GPU')
  unseen = not gpus and shutil.which('nvidia-smi')
  yield Finding(
    'GPU',
    ', '.join(gpu.name for gpu in gpus) or 'none that TensorFlow sees',
    'there is an NVIDIA driver: pip install "keras-itm[gpu]"' if unseen else '',
  )


def _version(name: str) -> str | None:
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return None


def _first_line(error: Exception) -> str:
  return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == '__main__':
  sys.exit(main())
