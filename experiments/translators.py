"""Six translators on the phantom's test cases, which none has seen; makes docs/translators.png.

Command: python -m experiments.translators
Hardware: 2 CPU cores.
Time: an hour and a quarter, of which the flow has an hour of one core.
Expected: Pix2Pix100 the nearest to the true images, the flow told from them least; cycleGAN without
  lesions.
"""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from experiments._common import DATA_DIR, ROOT, RUNS, build, run, write_table

SYSTEMS = {
  'Pix2Pix10': 'pix2pix10',
  'Pix2Pix100': 'pix2pix100',
  'Pix2Pix residual': 'pix2pix_resnet',
  'SPADE': 'spade',
  'cycleGAN': 'cyclegan',
  'rectified flow': 'flow',
}


def main() -> None:
  phantom, folder = build('phantom_stroke/mini'), RUNS / 'translators'
  for system in SYSTEMS.values():
    workdir = f'--workdir={folder / system}'
    run('launchers.train_itm', f'--gin_file={system}_mini.gin', workdir, f'--data_dir={DATA_DIR}')
  bundles = {name: str(folder / system / 'bundle') for name, system in SYSTEMS.items()}
  run(
    'launchers.compare_translators',
    f'--workdir={folder / "comparison"}',
    f'--data_dir={DATA_DIR}',
    f'--gin_bindings=compare_translators.source = "{phantom}:test"',
    f'--gin_bindings=compare_translators.bundles = {bundles!r}',
  )
  facts = json.loads((folder / 'comparison' / 'comparison.json').read_text())
  true = {'translator': 'true images', 'lesion_excess': facts['real_lesion_excess']}
  scores = [
    {
      'translator': name,
      **of,
      **_told_apart(of),
      'val_l1_loss': _last(folder / SYSTEMS[name] / 'metrics.csv', 'val_l1_loss'),
    }
    for name, of in facts['translators'].items()
  ]
  columns = [key for key in scores[0] if key not in ('bundle', 'flicker_is_good', 'told_apart')]
  write_table(__file__, [{key: row.get(key, '') for key in columns} for row in (*scores, true)])
  shutil.copy(folder / 'comparison' / 'comparison.png', ROOT / 'docs' / 'translators.png')


def _told_apart(scores: dict[str, Any]) -> dict[str, Any]:
  """How well a classifier tells the images from true ones, and the feature that does most."""
  found = scores['told_apart']
  return {'auc': found['auc'], 'gives_away': found['gaps'][0]['name']}


def _last(file: Path, metric: str) -> float | str:
  """A metric after the last epoch, intensities in [-1, 1]; empty where it is not measured."""
  with file.open(newline='') as stream:
    *_, last = csv.DictReader(stream)
  return float(last[metric]) if last.get(metric) else ''


if __name__ == '__main__':
  main()
