"""The rectified flow: can its cases be told from phantoms, and what does a U-Net learn from them alone?

Command: python -m experiments.flow_study
Hardware: 2 CPU cores.
Time: an hour and 50 minutes.
Expected: the flow's cases are told from phantoms, on the same label maps as well; a U-Net learns about
  as much from them as from all clinical cases, and beside 10 no more than from those of CarveMix.

Trains `flow_mini.gin` and seven segmenters (experiments/flow_study.gin) on `phantom_stroke/mini`, tests
on the development cohort, and, where KERAS_ITM_SAMPLES names the samples, on a real stroke in its own
space. Writes docs/measurements/flow_study.csv: a line for each measure of what was drawn, of training
phantoms beside it, and of each segmenter.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from experiments._common import (
  DATA_DIR,
  ROOT,
  RUNS,
  build,
  measures_of,
  row_of,
  run,
  write_table,
)
from keras_itm.bundle import Bundle, load_bundle
from keras_itm.bundle_spec import TRANSLATOR
from keras_itm.lesions import MIN_VOXELS
from keras_itm.synthesis import translate
from launchers import stages
from launchers.study.tasks import LESION_GAN
from stroke_eval import two_sample
from stroke_tfds.sources import Source, open_sources

STUDY = RUNS / 'flow_study'
TWINS = 'flow on the same label maps'
_COHORT = {
  'name': 'dev',
  'grid': 'mini',
  'n_healthy': 1,
  'n_train': 2,
  'n_test': 100,
  'n_test_negative': 20,
  'seed': 4711,
}
_SHOWN_GAPS = 5
_Features = dict[str, float]


def main() -> None:
  phantom, development = build('phantom_stroke/mini'), development_cohort()
  gin_file = f'--gin_file={ROOT / "experiments" / "flow_study.gin"}'
  run('launchers.run_study', gin_file, f'--workdir={STUDY}', f'--data_dir={DATA_DIR}')
  generators = STUDY / 'seed_0' / 'generators'
  translator = str(generators / 'flow' / 'bundle')
  drawn = {
    'translator': translator,
    'lesion_generator': str(generators / stages.slug(LESION_GAN) / 'bundle'),
    'healthy': f'{phantom}:healthy[8:]',
    'num_volumes': 128,
    'seed': 0,
  }
  sets = {
    'test': f'{development}:test',
    'flow': f'{build("synthetic_stroke", drawn)}:train',
    'train': f'{phantom}:train',
  }
  opened = dict(zip(sets, open_sources(list(sets.values()), str(DATA_DIR), build=False)))
  features = {name: features_of(source, cases_of(source)) for name, source in opened.items()}
  (healthy,) = open_sources([f'{phantom}:healthy[8:]'], str(DATA_DIR), build=False)
  drawn_again = translated(cases_of(opened['test']), load_bundle(translator, TRANSLATOR))
  others = {
    'healthy phantoms': features_of(healthy, _examples(healthy)),
    TWINS: features_of(opened['test'], drawn_again),
  }
  rows = [*_told_apart(features | others), *_looks(opened, features), *measures_of(STUDY)]
  write_table(__file__, rows)


def development_cohort() -> str:
  """Patients on whom nothing is trained and no study tests, `name/config`."""
  return build('phantom_stroke', _COHORT)


def _told_apart(features: dict[str, list[_Features]]) -> Iterator[dict[str, Any]]:
  """AUC of the two-sample test, and the features that give most away, against the test cases.

  Cases of the flow have the anatomies of healthy phantoms, which differ from patients' by themselves;
  on the label maps of the test cases, the flow alone makes the difference.
  """
  for name in ('flow', 'train', 'healthy phantoms', TWINS):
    found = two_sample.compare(features['test'], features[name], twins=name == TWINS)
    low, high = found.interval
    yield row_of(name, 'auc', found.auc, f'{low:.3f} to {high:.3f}')
    for gap in found.gaps[:_SHOWN_GAPS]:
      yield row_of(name, f'auc of {gap.name} alone', gap.auc, f'{gap.synthetic:.4g} for {gap.real:.4g}')


def features_of(source: Source, cases: Iterable[dict[str, np.ndarray]]) -> list[_Features]:
  scheme = source.metadata['label_scheme']
  return [
    two_sample.measure(case['image'][..., 0], case['labels'], case['lesion'], scheme) for case in cases
  ]


def translated(
  cases: Iterable[dict[str, np.ndarray]], translator: Bundle
) -> Iterator[dict[str, np.ndarray]]:
  """The same cases, their images drawn anew."""
  for index, case in enumerate(cases):
    image = translate(translator, case['labels'], case['lesion'], index, seed=0)
    yield {**case, 'image': image}


def _looks(opened: dict[str, Source], features: dict[str, list[_Features]]) -> Iterator[dict[str, Any]]:
  """Means over cases; `sd` between cases where it says so."""
  for name, source in opened.items():
    of = lambda key, name=name: np.array([row[key] for row in features[name]])
    for axis in 'xy':
      yield row_of(name, f'lag-3 autocorrelation along {axis}', of(f'autocorrelation_{axis}3').mean())
    yield row_of(name, 'bright tissue outside lesions', of('bright_share').mean())
    yield row_of(name, 'lesion / parenchyma', of('lesion_to_parenchyma').mean())
    yield row_of(name, 'sd of lesion / parenchyma', of('lesion_to_parenchyma').std(ddof=1))
    yield row_of(name, 'spread within lesions', of('lesion_spread').mean())
    voxels = np.concatenate([case['image'][case['lesion'] > 0].ravel() for case in cases_of(source)])
    yield row_of(name, 'lesion voxels stored as 1', float((voxels >= 1).mean()))


def cases_of(source: Source) -> Iterator[dict[str, np.ndarray]]:
  return (case for case in _examples(source) if case['lesion'].sum() >= MIN_VOXELS)


def _examples(source: Source) -> Iterator[dict[str, np.ndarray]]:
  return source.examples(features=('image', 'labels', 'lesion')).as_numpy_iterator()


if __name__ == '__main__':
  main()
