"""Compares real scans and simulated ones: pictures, contrasts, noise and intensity histograms.

  python -m launchers.compare_scans --workdir=runs/looks --data_dir=runs/data \\
    --gin_bindings='compare_looks.real = "isles22/paper:train"' \\
    --gin_bindings='compare_looks.simulated = "phantom_stroke/paper:train"'

Leaves looks.json, looks.csv (a row for each scan) and looks.png.
"""

from launchers import app
from launchers.compare_scans_lib import compare_looks

if __name__ == '__main__':
  app.launch(compare_looks)
