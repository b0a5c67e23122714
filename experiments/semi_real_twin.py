"""The phantom on real label maps and masks beside a real scan, both relative to white matter.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.semi_real_twin
Hardware: 2 CPU cores.
Time: 5 minutes.
Expected: medians of ten simulated cases near those of the one real case; histograms of the brain .07
  apart (Kolmogorov-Smirnov), of the parenchyma .11, of the lesion .18.
"""

import json

from experiments._common import DATA_DIR, RUNS, build, run, samples, write_table


def main() -> None:
  prepared, workdir = RUNS / 'semi_real_twin' / 'isles22', RUNS / 'semi_real_twin' / 'comparison'
  isles = samples('isles22')
  run('launchers.prepare_data', '--source=isles22', f'--input={isles}', f'--output={prepared}')
  real = build('isles22', {'name': 'one', 'grid': 'mni_128x128x32', 'test_share': 0}, prepared)
  twin = {'name': 'twin', 'grid': 'mni_128x128x32', 'n_healthy': 1, 'n_train': 10, 'n_test': 2}
  twin |= {'n_test_negative': 1, 'anatomy_dir': str(samples('synthseg')), 'anatomy_space': 'native'}
  twin |= {'lesion_dir': str(samples('soop_masks') / 'lesions'), 'intensity_scaling': 'percentile'}
  simulated = build('phantom_stroke', twin)
  run(
    'launchers.compare_scans',
    f'--workdir={workdir}',
    f'--data_dir={DATA_DIR}',
    f'--gin_bindings=compare_scans.real = "{real}:train"',
    f'--gin_bindings=compare_scans.simulated = "{simulated}:train"',
  )
  facts = json.loads((workdir / 'scans.json').read_text())
  rows = [
    {'what': what, 'real': value, 'simulated': facts['simulated'][what]}
    for what, value in facts['real'].items()
  ]
  rows += [
    {'what': f'histogram distance, {region}', 'real': '', 'simulated': value}
    for region, value in facts['histogram_distance'].items()
  ]
  write_table(__file__, rows)


if __name__ == '__main__':
  main()
