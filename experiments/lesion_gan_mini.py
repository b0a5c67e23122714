"""The lesion GAN of lesion_gan_mini.gin, as the demo trains it, beside test lesions of the phantom.

Command: make demo && python -m experiments.lesion_gan_mini
Hardware: 2 CPU cores.
Time: 1 minute after the demo.
Expected: about 80 % of draws pass 20 voxels; KS distance of volume about .13, of training masks .12.
"""

from experiments._common import RUNS, build, compare_lesions, demo_bundle, write_table


def main() -> None:
  phantom = build('phantom_stroke/mini')
  bundle = demo_bundle('lesion_generator')
  workdir = RUNS / 'lesion_gan_mini'
  write_table(__file__, compare_lesions(bundle, phantom, workdir))


if __name__ == '__main__':
  main()
