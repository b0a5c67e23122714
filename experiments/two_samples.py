"""Can the demo's synthetic cases be told from phantoms, and phantoms from phantoms?

Command: make demo; python -m experiments.two_samples
Hardware: 2 CPU cores.
Time: 1 minute after the demo.
Expected: AUC about 1 for synthetic cases, by the autocorrelation at a lag of four voxels; about .5 for
phantoms, whose interval holds .5.
"""

from experiments._common import DATA_DIR, build, demo_bundle, write_table
from stroke_eval import two_sample
from stroke_tfds import open_sources

_N_VOLUMES, _SEED = 64, 0
_SHOWN = 5


def main() -> None:
  phantom = build('phantom_stroke/mini')
  generators = {kind: str(demo_bundle(kind)) for kind in ('translator', 'lesion_generator')}
  config = {**generators, 'healthy': phantom, 'num_volumes': _N_VOLUMES, 'seed': _SEED, 'audit': False}
  real = _features(f'{phantom}:test')
  rows = []
  for name, made in (('synthetic', build('synthetic_stroke', config)), ('phantoms', phantom)):
    found = two_sample.compare(real, _features(f'{made}:train'))
    low, high = found.interval
    row = {'feature': 'all', 'auc': found.auc, 'low': low, 'high': high}
    counts = {'test_cases': found.n_real, 'others': found.n_synthetic}
    rows.append({'compared': name, **row, 'test_median': '', 'other_median': '', **counts})
    for gap in found.gaps[:_SHOWN]:
      medians = {'test_median': gap.real, 'other_median': gap.synthetic}
      alone = {'feature': gap.name, 'auc': gap.auc, 'low': '', 'high': ''}
      rows.append({'compared': name, **alone, **medians, **counts})
  write_table(__file__, rows)


def _features(name: str) -> list[dict[str, float]]:
  (source,) = open_sources([name], str(DATA_DIR), build=False)
  scheme = source.metadata['label_scheme']
  return [
    two_sample.measure(case['image'][..., 0], case['labels'], case['lesion'], scheme)
    for case in source.examples(('image', 'labels', 'lesion')).as_numpy_iterator()
    if case['lesion'].any()
  ]


if __name__ == '__main__':
  main()
