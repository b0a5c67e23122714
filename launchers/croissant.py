"""Writes Croissant metadata into the folder of a built data set, for hubs and search engines.

  keras-itm croissant phantom_stroke/mini --data_dir=data

Leaves croissant.json beside the set's files: what a case holds, splits, structures, licences and the
SHA-256 of every file. The cases themselves are read by TFDS, as before: mlcroissant reads no TFRecords.
"""

import argparse
import os

from launchers import program
from launchers.closed_output import ends_quietly
from launchers.croissant_lib import write_croissant


@ends_quietly()
def main() -> None:
  parser = argparse.ArgumentParser(
    prog='keras-itm croissant',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('name', help='TFDS name of a built set.')
  parser.add_argument('--data_dir', type=os.path.expanduser, help='Where TFDS keeps its sets.')
  given = parser.parse_args()
  program.print_or_tell(lambda: str(write_croissant(given.name, given.data_dir)))


if __name__ == '__main__':
  main()
