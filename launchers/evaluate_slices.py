"""Compares slices that a generator draws with held-out real ones and with its training.

  python -m launchers.evaluate_slices --bundle=runs/stylegan/bundle --workdir=runs/fidelity \\
    --real=phantom_tumour/mini:train --held_out=phantom_tumour/mini:test --data_dir=data

Leaves report.html (pictures, tables, verdicts), fidelity.json and fidelity.csv, over those of an
earlier comparison. Each slice is drawn at the level of a held-out one, and with a lesion where that has
one.
"""

from absl import flags

from launchers import app
from launchers.evaluate_slices_lib import evaluate_slices

_VALUES = (
  flags.DEFINE_string('bundle', None, "Folder of a joint generator's bundle."),
  flags.DEFINE_string(
    'translator', None, "Folder of a translator's bundle, where that draws classes alone."
  ),
  flags.DEFINE_multi_string(
    'real', None, 'What they learnt from, name/config:split; again for another.'
  ),
  flags.DEFINE_string('held_out', None, 'Real slices that they have not seen, likewise.'),
  flags.DEFINE_integer('number', None, 'Slices to draw.'),
  flags.DEFINE_float('truncation', None, 'How far styles are from their mean, 0 to 1 (as learnt).'),
  flags.DEFINE_integer(
    'tries', None, 'How often a slice is drawn at most, until it has a lesion as asked.', 1
  ),
  flags.DEFINE_integer('seed', None, 'Of latents, levels and halves.', 0),
)

if __name__ == '__main__':
  app.launch(evaluate_slices, values=_VALUES)
