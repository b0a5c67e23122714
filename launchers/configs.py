"""Lists the gin files that come with the package, or all that one of them can set.

  keras-itm configs
  keras-itm configs pix2pix10_mini.gin

The second prints gin: what the file sets, and as comments what it leaves at its default.
"""

import argparse

from launchers.closed_output import ends_quietly
from launchers.packaged_gin import header, packaged_files


@ends_quietly()
def main() -> None:
  parser = argparse.ArgumentParser(
    prog='keras-itm configs', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('name', nargs='?', help='A file by its path, or a packaged one by its bare name.')
  name = parser.parse_args().name
  if name:
    from launchers import configs_lib, program  # Only here TensorFlow is needed.

    program.print_or_tell(lambda: configs_lib.text_of(name))
  else:
    print(listing())


def listing() -> str:
  """Every packaged file with the lines that it begins with; experiments first."""
  files = sorted(
    packaged_files().items(), key=lambda item: (item[1].parent.name != 'experiments', item)
  )
  return '\n'.join(line for name, path in files for line in (name, *(f'    {h}' for h in header(path))))


if __name__ == '__main__':
  main()
