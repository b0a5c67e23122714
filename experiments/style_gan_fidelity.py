"""StyleGAN2 of stylegan_joint_mini.gin on simulated gliomas, beside patients that it has not seen.

Command: python -m experiments.style_gan_fidelity
Hardware: 2 CPU cores.
Time: 30 minutes, 25 of them the training, and 4 for phantom_tumour/mini where it is not built yet.
Expected: brains with folds and tumours that enhance; a third of first draws lack the lesion asked for.
"""

import csv
from pathlib import Path

from experiments._common import DATA_DIR, RUNS, build, run, write_table

N_DRAWN = 256


def main() -> None:
  tumours, folder = build('phantom_tumour/mini'), RUNS / 'style_gan_fidelity'
  run(
    'launchers.train_style_gan',
    '--gin_file=stylegan_joint_mini.gin',
    f'--workdir={folder / "training"}',
    f'--data_dir={DATA_DIR}',
    f"--gin_bindings=clinical = ['{tumours}:train']",
  )
  run(
    'launchers.evaluate_slices',
    f'--bundle={folder / "training" / "bundle"}',
    f'--real={tumours}:train',
    f'--held_out={tumours}:test',
    f'--number={N_DRAWN}',
    f'--workdir={folder / "fidelity"}',
    f'--data_dir={DATA_DIR}',
  )
  write(folder / 'fidelity' / 'fidelity.csv')


def write(file: Path) -> None:
  """Writes the table of a comparison as that of this script."""
  with file.open(newline='') as stream:
    rows = list(csv.DictReader(stream))
  number = lambda text: float(text) if text else float('nan')
  write_table(__file__, [{**row, **{k: number(row[k]) for k in ('drawn', 'real')}} for row in rows])


if __name__ == '__main__':
  main()
