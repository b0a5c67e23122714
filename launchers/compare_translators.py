"""Compares trained translators on cases whose images are known.

  python -m launchers.compare_translators --workdir=runs/comparison --data_dir=runs/data \\
    --gin_bindings='compare_translators.source = "phantom_stroke/mini:test"' \\
    --gin_bindings='compare_translators.bundles = {"U-Net": "runs/1/bundle", "SPADE": "runs/2/bundle"}'

Leaves comparison.json, comparison.csv (a row for each case and translator) and comparison.png.
"""

from launchers import app
from launchers.compare_translators_lib import compare_translators

if __name__ == '__main__':
  app.launch(compare_translators)
