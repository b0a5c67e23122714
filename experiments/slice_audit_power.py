"""Which copies of training slices does the audit of slices find, and whom else does it take for one?

Command: python -m experiments.slice_audit_power
Hardware: 2 CPU cores.
Time: 1 minute, and 5 to build phantom_tumour/mini and phantom_stroke/mini where they are not there.
Expected: one or two in a hundred slices of other people; most copies, also moved by a pixel along x.

Writes docs/measurements/slice_audit_power.csv: for each data set and disguise how many of the slices
are taken for copies.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from experiments._common import DATA_DIR, build, write_table
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.sources import Source, open_sources
from stroke_tfds.synthetic_slices.audit import SliceAudit

_QUANTILE = 0.01  # As a set's config has it.
_EVERY = 7  # Slices of the training that are shown in disguise.


def main() -> None:
  rows = []
  for name in ('phantom_tumour/mini', 'phantom_stroke/mini'):
    phantom = build(name)
    train, test = open_sources([f'{phantom}:train', f'{phantom}:test'], str(DATA_DIR))
    classes = ClassMap.from_scheme(train.metadata['label_scheme']).names
    started = time.process_time()
    audit = SliceAudit([train], classes, len(train.metadata['contrasts']), _QUANTILE)
    calibration_s = time.process_time() - started
    learnt = _slices(train)[::_EVERY]
    shown = {'other people': _slices(test)}
    shown |= {what: disguise(learnt) for what, disguise in _disguises().items()}
    for what, images in shown.items():
      started = time.process_time()
      n_copies = int(audit.copies(images, np.zeros(images.shape[:3], np.uint8)).sum())
      seconds = (time.process_time() - started) / len(images)
      counts = {'slices': len(images), 'copies': n_copies, 'share': n_copies / len(images)}
      rows.append(
        {'set': name, 'what': what, **counts, 'seconds': seconds, 'calibration_s': calibration_s}
      )
  write_table(__file__, rows)


def _slices(source: Source) -> np.ndarray:
  """Those with any label, [n, X, Y, C]."""

  def parts() -> Iterator[np.ndarray]:
    for example in source.examples(['image', 'labels']).as_numpy_iterator():
      kept = np.flatnonzero(example['labels'].any(axis=(0, 1)))
      yield example['image'].transpose(2, 0, 1, 3)[kept].astype(np.float32)

  return np.concatenate(list(parts()))


def _disguises() -> dict[str, Callable[[np.ndarray], Any]]:
  """What is done to training slices before they are shown."""
  noise = np.random.default_rng(0)
  return {
    'as they are': lambda images: images,
    'mirrored': lambda images: images[:, ::-1],
    'noise of .05': lambda images: images + noise.normal(0, 0.05, images.shape),
    '20 % darker, noise of .05': lambda images: 0.8 * images + noise.normal(0, 0.05, images.shape),
    'moved by a pixel': lambda images: np.roll(images, 1, 1),
    'moved by a pixel along both axes': lambda images: np.roll(images, (1, 1), (1, 2)),
  }


if __name__ == '__main__':
  main()
