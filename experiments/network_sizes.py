"""Weights and multiply-adds of the networks at the paper's size.

Command: python -m experiments.network_sizes
Hardware: 2 CPU cores.
Time: 1 minute.
Expected: the U-Net has 5,646,242 weights (published: 5.6 M), the Pix2Pix generator 41,856,129 (41.8 M).
"""

import json
import subprocess
import sys

from experiments._common import ROOT, write_table

SYSTEMS = (
  'unet',
  'pix2pix10',
  'pix2pix10_two_scales',
  'pix2pix_resnet',
  'spade',
  'cyclegan',
  'lesion_gan',
  'flow',
  'stylegan_joint',
)


def main() -> None:
  rows = []
  for system in SYSTEMS:
    command = [sys.executable, '-m', 'launchers.describe', f'--gin_file={system}_paper.gin']
    found = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in found.splitlines():
      network = {'published': '', **json.loads(line)}
      keys = ('network', 'parameters', 'published', 'multiply_adds')
      rows.append({'system': system, **{key: network[key] for key in keys}})
  write_table(__file__, rows)


if __name__ == '__main__':
  main()
