"""Puts bundles that were trained on simulated patients into the distribution keras-itm-bundles.

  python -m bundles.assemble --runs=runs/bundles

`make bundles` trains what is not finished, calls this and builds the wheel.
"""

import argparse
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from keras_itm.bundle import Bundle
from keras_itm.packaged_bundles import NAMES, PACKAGE
from launchers import program
from launchers.card_lib import card
from stroke_tfds.errors import InputError
from stroke_tfds.generators import open_bundle

# Name of a bundle -> its run; the end of a name is the bundle's kind.
RUNS = {
  'phantom-mini/lesion_generator': 'lesion_gan',
  'phantom-mini/segmenter': 'unet',
  'phantom-mini/translator': 'flow',
}
MAX_BYTES = 20_000_000
_SIMULATED = 'phantom_stroke/'


def assemble(runs: Path, package: Path) -> int:
  """Copies the bundle of each run into the package, with a card; all of them or none.

  Args:
    runs: Folder of finished runs by the names in `RUNS`.
    package: Folder of the package; bundles that are in it are replaced.

  Returns:
    The bytes of all.

  Raises:
    InputError: A run that is not finished, a bundle that cannot be loaded or that learnt from others
      than simulated patients, bundles that do not go together, or more than `MAX_BYTES`.
  """
  bundles = {name: _checked_bundle(runs / RUNS[name], name) for name in NAMES}
  _check_agreement(bundles)
  partial = package.with_name(f'{package.name}.partial-{os.getpid()}')
  try:
    for name, bundle in bundles.items():
      shutil.copytree(bundle.path, partial / name)
      (partial / name / 'README.md').write_text(card(str(bundle.path), loaded_as=name), 'utf-8')
    n_bytes = sum(file.stat().st_size for file in _files(partial))
    if n_bytes > MAX_BYTES:
      raise InputError(f'{runs}: bundles of {n_bytes} bytes, expected at most {MAX_BYTES}')
    for folder in partial.iterdir():
      shutil.rmtree(package / folder.name, ignore_errors=True)
      os.replace(folder, package / folder.name)
  finally:
    shutil.rmtree(partial, ignore_errors=True)
  return n_bytes


def _checked_bundle(run: Path, name: str) -> Bundle:
  if not (run / 'finished.json').is_file():
    raise InputError(f'{run}: not a finished run, expected the training of {name}')
  bundle = open_bundle(str(run / 'bundle'), name.partition('/')[2])
  others = [one for one in bundle.spec.trained_on if not one.startswith(_SIMULATED)]
  if others or not bundle.spec.trained_on:
    raise InputError(
      f'{bundle.path}: learnt from {others or "data that are not known"}, expected {_SIMULATED}* '
      'alone: nothing of patients is given away'
    )
  return bundle


def _check_agreement(bundles: dict[str, Bundle]) -> None:
  for field in ('grid', 'label_scheme'):
    found = {name: getattr(bundle.spec, field) for name, bundle in bundles.items()}
    if len({json.dumps(value) for value in found.values()}) > 1:
      raise InputError(f'bundles have the {field} {found}, expected one')


def _files(folder: Path) -> Iterator[Path]:
  return (path for path in folder.rglob('*') if path.is_file())


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--runs', type=Path, default=Path('runs/bundles'), help='Finished runs.')
  package = Path(__file__).parent / PACKAGE
  runs = parser.parse_args().runs
  program.print_or_tell(lambda: f'{package}: {assemble(runs, package) / 1e6:.1f} MB of bundles')


if __name__ == '__main__':
  main()
