"""Synthesis by the flow beside that by Pix2Pix: time and memory of a volume in sets that grow.

Command: python -m experiments.flow_synthesis
Hardware: 2 CPU cores.
Time: 5 minutes.
Expected: a volume of the flow takes 2 s of CPU time, one of Pix2Pix .07 s; memory does not grow with
  the set.

Generators of `flow_mini.gin`, `pix2pix10_mini.gin` and `lesion_gan_mini.gin` after one step of
training: what they draw is noise, at the cost of trained ones. Writes
docs/measurements/flow_synthesis.csv: a line for each set, built in a process of its own.
"""

import itertools

from experiments._common import write_table
from experiments.scale import empty, generators, measured

_SIZES = (16, 32, 64)


def main() -> None:
  rows = []
  for translator in ('pix2pix10', 'flow'):
    config = generators('mini', translator)
    own = [
      {'translator': translator, **measured('build', empty(translator), config, n)} for n in _SIZES
    ]
    # What the start takes is in both of two sets.
    for one, other in itertools.pairwise(own):
      more = other['volumes'] - one['volumes']
      cpu_ms = other['cpu_ms'] * other['volumes'] - one['cpu_ms'] * one['volumes']
      other['cpu_ms_of_one_more'] = cpu_ms / more
    rows += [{'cpu_ms_of_one_more': '', **row} for row in own]
  keys = ('translator', 'volumes', 'seconds', 'cpu_ms', 'cpu_ms_of_one_more', 'peak_gib')
  write_table(__file__, [{key: row[key] for key in keys} for row in rows])


if __name__ == '__main__':
  main()
