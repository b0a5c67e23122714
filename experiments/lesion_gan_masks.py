"""The lesion GAN on real lesion masks (SOOP), beside unseen ones; makes docs/lesions.png.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.lesion_gan_masks
Hardware: 2 CPU cores.
Time: 15 minutes.
Expected: KS distance of volume to held-out masks at most .05; single components too rare.
"""

import shutil

from experiments._common import DATA_DIR, ROOT, RUNS, build, compare_lesions, run, samples, write_table


def main() -> None:
  masks = build('lesion_masks/mini', manual_dir=samples('soop_masks') / 'lesions')
  training, workdir = RUNS / 'lesion_gan_masks', RUNS / 'lesion_gan_masks_comparison'
  run(
    'launchers.train_lesion_gan',
    '--gin_file=lesion_gan_masks_mini.gin',
    f'--workdir={training}',
    f'--data_dir={DATA_DIR}',
  )
  write_table(__file__, compare_lesions(training / 'bundle', masks, workdir))
  shutil.copy(workdir / 'lesions.png', ROOT / 'docs' / 'lesions.png')


if __name__ == '__main__':
  main()
