"""The whole chain on real anatomies and masks, and its segmenter on a real scan that it has not seen.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.real_input
Hardware: 2 CPU cores.
Time: 20 minutes.
Expected: Dice of .3 to .4 on simulated patients, .5 to .7 on the one ISLES'22 case: larger foci found,
  small ones missed. One case proves little.
"""

import json

from experiments._common import DATA_DIR, RUNS, build, run, samples, write_table

CASE = 'sub-strokecase0009/ses-0001/sub-strokecase0009_ses-0001'


def main() -> None:
  folder, isles = RUNS / 'real_input', samples('isles22')
  cohort = {'name': 'real', 'grid': 'mini', 'n_healthy': 64, 'n_train': 160, 'n_test': 40}
  cohort |= {'n_test_negative': 8, 'seed': 0, 'anatomy_space': 'native'}
  cohort |= {
    'anatomy_dir': str(samples('synthseg')),
    'lesion_dir': str(samples('soop_masks') / 'lesions'),
  }
  clinical = build('phantom_stroke', cohort)
  _train('lesion_gan', 'lesion_gan_mini', f"clinical = ['{clinical}:train']")
  learnt = f"itm_train = ['{clinical}:healthy[4:]', '{clinical}:train']"
  _train('pix2pix', 'pix2pix10_mini', learnt, f"itm_validation = ['{clinical}:healthy[:4]']")
  generators = {
    'translator': str(folder / 'pix2pix' / 'bundle'),
    'lesion_generator': str(folder / 'lesion_gan' / 'bundle'),
  }
  synthetic = build(
    'synthetic_stroke',
    {**generators, 'healthy': clinical, 'num_volumes': 64, 'seed': 0, 'audit': False},
  )
  sources = f"train_unet.sources = ['{clinical}:train', '{synthetic}:train']"
  _train('unet', 'unet_mini', sources, f"clinical_test = '{clinical}:test'")
  finished = json.loads((folder / 'unet' / 'finished.json').read_text())
  run(
    'launchers.segment',
    f'--workdir={folder / "segmented"}',
    f'--bundle={folder / "unet" / "bundle"}',
    f'--image={isles / "rawdata" / CASE}_dwi.nii.gz',
    f'--mask={isles / "derivatives" / CASE}_msk.nii.gz',
  )
  segmented = json.loads((folder / 'segmented' / 'finished.json').read_text())
  rows = [{'what': 'test_dice', 'value': finished['test_dice']}]
  rows += [{'what': f'isles22 {k}', 'value': v} for k, v in segmented.items() if isinstance(v, float)]
  write_table(__file__, rows)


def _train(name: str, gin_file: str, *bindings: str) -> None:
  module = {'lesion_gan': 'train_lesion_gan', 'pix2pix': 'train_itm', 'unet': 'train_unet'}[name]
  workdir = f'--workdir={RUNS / "real_input" / name}'
  arguments = [f'--gin_file={gin_file}.gin', workdir, f'--data_dir={DATA_DIR}']
  run(f'launchers.{module}', *arguments, *(f'--gin_bindings={binding}' for binding in bindings))


if __name__ == '__main__':
  main()
