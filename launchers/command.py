"""The command `keras-itm`: each program of this package as a subcommand.

`keras-itm train-itm --workdir=...` is `python -m launchers.train_itm --workdir=...`. What it lists it
reads from the programs' texts: nothing of them is imported until one is run.
"""

import ast
import difflib
import importlib.metadata
import runpy
import sys
from pathlib import Path

from launchers.closed_output import ends_quietly
from launchers.quiet_start import import_models

_WITHOUT_TENSORFLOW = ('configs', 'doctor')  # As far as they need none.
_IS_PROGRAM = "if __name__ == '__main__':"


@ends_quietly()
def main() -> None:
  """Runs the program that the command line names, with what follows its name."""
  asked, *arguments = sys.argv[1:] or ['--help']
  if asked in ('-h', '--help', 'help'):
    print(usage())
  elif asked == '--version':
    print(importlib.metadata.version('keras-itm'))
  else:
    _run(asked.replace('_', '-'), arguments)


def usage() -> str:
  """All programs with a line about each."""
  known = programs()
  width = max(map(len, known))
  lines = [f'  {name:<{width}}  {summary}' for name, summary in known.items()]
  return '\n'.join(
    [
      'usage: keras-itm PROGRAM [--flag=value ...]',
      '',
      *lines,
      '',
      'keras-itm PROGRAM --help says more.',
    ]
  )


def programs() -> dict[str, str]:
  """Name of each program -> the first line of its docstring."""
  found = {}
  for path in sorted(Path(__file__).parent.glob('*.py')):
    text = path.read_text('utf-8')
    if f'\n{_IS_PROGRAM}\n' in text:
      docstring = ast.get_docstring(ast.parse(text)) or ''
      found[path.stem.replace('_', '-')] = docstring.partition('\n')[0]
  return found


def _run(name: str, arguments: list[str]) -> None:
  known = programs()
  if name not in known:
    near = difflib.get_close_matches(name, known, n=2)
    meant = f'did you mean {" or ".join(near)}?' if near else 'keras-itm --help lists them'
    sys.exit(f'error: keras-itm has no program {name!r}; {meant}')
  sys.argv = [f'keras-itm {name}', *arguments]
  try:
    if name not in _WITHOUT_TENSORFLOW:
      import_models()
    runpy.run_module(f'launchers.{name.replace("-", "_")}', run_name='__main__', alter_sys=True)
  except ImportError as error:
    # Versions that do not go together end a program as its other errors do.
    if error.name != 'keras_itm.stack':
      raise
    sys.exit(f'error: {error}')
