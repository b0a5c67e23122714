"""Compares real scans and simulated ones: pictures, contrasts, noise and intensity histograms.

  python -m launchers.compare_scans --workdir=runs/scans --data_dir=runs/data \\
    --gin_bindings='compare_scans.real = "isles22/paper:train"' \\
    --gin_bindings='compare_scans.simulated = "phantom_stroke/paper:train"'

Leaves scans.json, scans.csv (a row for each scan) and scans.png.
"""

from launchers import app
from launchers.compare_scans_lib import compare_scans

if __name__ == '__main__':
  app.launch(compare_scans)
