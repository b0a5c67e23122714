"""Compares a lesion generator's draws with real lesions that it has not seen.

  python -m launchers.compare_lesions --workdir=runs/lesions --data_dir=data \\
    --gin_bindings='compare_lesions.generator = "runs/lesion_gan_masks/bundle"' \\
    --gin_bindings='compare_lesions.training = "lesion_masks/mini:train"' \\
    --gin_bindings='compare_lesions.held_out = "lesion_masks/mini:test"'

Leaves lesions.json, lesions.md (a table) and lesions.png.
"""

from launchers import app
from launchers.compare_lesions_lib import compare_lesions

if __name__ == '__main__':
  app.launch(compare_lesions)
