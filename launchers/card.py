"""Prints a card for a trained bundle or a built data set, ready as README.md of a shared folder.

  keras-itm card runs/pix2pix10/bundle > README.md
  keras-itm card phantom_stroke/mini --data_dir=data > README.md

It has the front matter that model and data hubs read, then data, licences, grid, scores where the run
has left them, gin values, versions, intended use and limits. Of a patient nothing is read.
"""

import argparse
import os

from launchers import program
from launchers.card_lib import card
from launchers.closed_output import ends_quietly


@ends_quietly()
def main() -> None:
  parser = argparse.ArgumentParser(
    prog='keras-itm card', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('what', help='Folder or name of a bundle, or TFDS name of a built set.')
  parser.add_argument('--data_dir', type=os.path.expanduser, help='Where TFDS keeps its sets.')
  given = parser.parse_args()
  program.print_or_tell(lambda: card(given.what, given.data_dir))


if __name__ == '__main__':
  main()
