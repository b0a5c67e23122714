"""Which copies of training cases does the audit find, and whom else does it take for one?

Command: python -m experiments.audit_power
Hardware: 2 CPU cores.
Time: 1 minute, and 4 to build phantom_stroke/mini where it is not there.
Expected: nearly all copies found, also moved, noisy or put into another brain; no other person.
"""

import collections
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from experiments._common import DATA_DIR, build, write_table
from keras_itm.case import Case
from stroke_tfds.sources import MIN_VOXELS, open_sources
from stroke_tfds.synthetic_stroke.audit import Audit
from stroke_tfds.synthetic_stroke.training_cases import TrainingCases

_NOBODY = ('', '')
_LESION = 1.4  # Times the tissue that a lesion is put into; about what lesions have.


def main() -> None:
  phantom = build('phantom_stroke/mini')
  healthy, train, test = open_sources(
    [f'{phantom}:healthy[8:]', f'{phantom}:train', f'{phantom}:test'], str(DATA_DIR)
  )
  started = time.process_time()
  training = TrainingCases([healthy, train], [train])
  scheme, quantiles = (
    train.metadata['label_scheme'],
    {'nearest_quantile': 0.05, 'fidelity_quantile': 0.01},
  )
  audit = Audit(training, train.grid, scheme, train.metadata['contrasts'], **quantiles)
  calibration_s = time.process_time() - started
  brains = [case['labels'] for case in healthy.examples(('labels',)).as_numpy_iterator()]
  rows = [_judge(audit, 'other people', _patients(test), lambda case, i: _unchanged(case))]
  for name, disguise in _disguises(brains, scheme['parenchyma_ids']).items():
    rows.append(_judge(audit, name, _patients(train), disguise))
  write_table(__file__, [{**row, 'calibration_s': calibration_s} for row in rows])


def _patients(source) -> Iterator[Mapping[str, Any]]:
  for case in source.examples(('image', 'labels', 'lesion')).as_numpy_iterator():
    if np.count_nonzero(case['lesion']) >= MIN_VOXELS:
      yield {**case, 'image': case['image'].astype(np.float32)}


def _judge(audit: Audit, name: str, cases, disguise: Callable[[Mapping, int], Case]) -> dict[str, Any]:
  """How many cases are rejected, as copies and for anything, and CPU seconds for each."""
  shown = [disguise(case, i) for i, case in enumerate(cases)]
  shown = [case for case in shown if np.count_nonzero(case.lesion) >= MIN_VOXELS]
  started = time.process_time()
  reasons = collections.Counter(audit.reason(case, _NOBODY) for case in shown)
  seconds = (time.process_time() - started) / len(shown)
  copied = sum(n for reason, n in reasons.items() if reason.startswith('copied'))
  counts = {'cases': len(shown), 'copies': copied, 'rejected': len(shown) - reasons['']}
  return {'what': name, **counts, 'seconds': seconds}


def _unchanged(case: Mapping) -> Case:
  return _case(case['image'], case['labels'], case['lesion'])


def _case(image: np.ndarray, labels: np.ndarray, lesion: np.ndarray, generated=None) -> Case:
  image = image.clip(0, 1).astype(np.float16)
  return Case(image, labels, lesion, np.eye(4), {}, lesion if generated is None else generated)


def _disguises(brains: list[np.ndarray], parenchyma_ids) -> dict[str, Callable[[Mapping, int], Case]]:
  """What is done to a training case before it is shown."""
  rng = np.random.default_rng(0)
  noise = lambda image, deviation: image + rng.normal(0, deviation, image.shape)

  def moved(case, i):
    arrays = (np.roll(case[name], (1, -1), (0, 1)) for name in ('image', 'labels', 'lesion'))
    return _case(*arrays)

  def without_lesion(case, i):
    """Its image with another lesion."""
    other = np.roll(case['lesion'][::-1], 5, 1) * np.isin(case['labels'], parenchyma_ids)
    image = np.where(case['lesion'][..., np.newaxis] > 0, case['image'] / _LESION, case['image'])
    return _case(image * (1 + (_LESION - 1) * other[..., np.newaxis]), case['labels'], other)

  def in_another_brain(case, i):
    """Its lesion in a flat image of another brain."""
    labels = brains[i % len(brains)]
    parenchyma = np.isin(labels, parenchyma_ids)
    lesion = case['lesion'] * parenchyma
    image = noise(0.4 * parenchyma * (1 + (_LESION - 1) * lesion), 0.02)[..., np.newaxis]
    return _case(image, labels, lesion, case['lesion'])

  return {
    'copies': lambda case, i: _unchanged(case),
    'copies, 20 % darker and noise of 0.05': lambda case, i: _case(
      noise(0.8 * case['image'], 0.05), case['labels'], case['lesion']
    ),
    'copies, moved by a voxel along x and y': moved,
    'copied images, another lesion': without_lesion,
    'copied lesions, another brain': in_another_brain,
  }


if __name__ == '__main__':
  main()
