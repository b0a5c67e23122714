"""Prints what lets a shell complete programs and flags of keras-itm by its Tab key.

  keras-itm completion bash > ~/.local/share/bash-completion/completions/keras-itm
  keras-itm completion zsh > FOLDER_OF_FPATH/_keras-itm

A value follows its flag after a space: --gin_file unet_mini.gin. Needs shtab:
pip install "keras-itm[completion]".
"""

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from launchers import command
from launchers.closed_output import ends_quietly
from launchers.packaged_gin import packaged_files

_SHELLS = ('bash', 'zsh')
# Of every program that `app.launch` runs.
_SHARED = ('app', 'gin_files')
_FOLDERS = ('workdir', 'data_dir')


@ends_quietly()
def main() -> None:
  parser = argparse.ArgumentParser(
    prog='keras-itm completion',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('shell', choices=_SHELLS)
  shell = parser.parse_args().shell
  try:
    print(script(shell))
  except ImportError:
    sys.exit('error: completion needs shtab: pip install "keras-itm[completion]"')


def script(shell: str) -> str:
  """What the shell reads.

  Raises:
    ImportError: shtab is not installed.
  """
  import shtab

  parser = argparse.ArgumentParser(prog='keras-itm')
  programs = parser.add_subparsers()
  for name, summary in command.programs().items():
    # In help texts argparse takes % for a field.
    program = programs.add_parser(name, help=summary.replace('%', '%%'))
    for flag, choices in flags_of(name):
      added = program.add_argument(f'--{flag}', choices=choices or None)
      if not choices:
        added.complete = shtab.DIRECTORY if flag in _FOLDERS else shtab.FILE
  return shtab.complete(parser, shell=shell)


def flags_of(program: str) -> Iterator[tuple[str, list[str]]]:
  """The flags of a program, and the values of each where these are known; nothing of it is imported."""
  folder = Path(__file__).parent
  text = (folder / f'{program.replace("-", "_")}.py').read_text('utf-8')
  texts = [text]
  if 'launch(' in text:
    texts += [(folder / f'{name}.py').read_text('utf-8') for name in _SHARED]
  for node in (node for text in texts for node in ast.walk(ast.parse(text))):
    match node:
      case ast.Call(ast.Attribute(attr=method), [ast.Constant(str() as name), *rest]):
        if method.startswith('DEFINE_'):
          yield name, list(packaged_files()) if name == 'gin_file' else _choices(method, rest)
        elif method == 'add_argument' and name.startswith('--'):
          yield name.removeprefix('--'), []


def _choices(method: str, arguments: list[ast.expr]) -> list[str]:
  """Of an enumeration that is written out."""
  lists = [node for node in arguments if method == 'DEFINE_enum' and isinstance(node, ast.List)]
  found = [node.value for one in lists for node in one.elts if isinstance(node, ast.Constant)]
  return [value for value in found if isinstance(value, str)]


if __name__ == '__main__':
  main()
