"""What all launchers share: flags, gin files and one-line errors."""

import importlib.resources
import logging as python_logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gin
import tensorflow as tf
from absl import app, flags, logging
from gin import config_parser

from keras_itm.bundle import BundleError
from keras_itm.checks import TrainingError
from keras_itm.optimizers import Adam  # noqa: F401 (gin files name it)
from stroke_tfds.errors import InputError, show_in_one_line

_GIN_FILE = flags.DEFINE_multi_string(
  'gin_file', [], 'Configuration: a path, or the bare name of a file that comes with the package.'
)
_GIN_BINDINGS = flags.DEFINE_multi_string(
  'gin_bindings', [], 'A value that overrides the file, such as "train_itm.epochs = 2".'
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of the run; the same again resumes it.')
_DATA_DIR = flags.DEFINE_string('data_dir', None, "TFDS data folder; TFDS' own default when absent.")


def launch(
  root: Callable[..., None],
  needs_workdir: bool = True,
  bindings_of: str = '',
  values: Sequence[flags.FlagHolder] = (),
) -> None:
  """Runs `root(workdir=..., data_dir=...)` under the flags and the gin configuration.

  Args:
    root: What to do.
    needs_workdir: Whether it leaves files; without, workdir may be None.
    bindings_of: The one configurable that bindings may be of, where all else is done by stages that are
      programs of their own and do not see them.
    values: Flags of the program that bind the parameter of `root` of their name, where they are given.

  Raises:
    InputError: An unknown gin file or parameter, or one that no stage would see, shown as one line.
  """
  if needs_workdir:
    flags.mark_flag_as_required('workdir')
  for flag in (_GIN_FILE, _GIN_BINDINGS, _WORKDIR, _DATA_DIR):
    # --help lists the flags of the program's own module; these are as good as that.
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[flag.name])

  def main(argv: list[str]) -> None:
    if len(argv) > 1:
      raise InputError(f'unexpected argument {argv[1]!r}: values are given as --flag=value')
    # Libraries report faults only; what a run has to say comes by `console.say`.
    logging.set_verbosity(logging.ERROR)
    tf.get_logger().setLevel('ERROR')
    if bindings_of:
      _check_bindings(bindings_of, _GIN_BINDINGS.value)
    parse_gin(_GIN_FILE.value, [*_GIN_BINDINGS.value, *_bindings(root, values)])
    try:
      root(workdir=_WORKDIR.value, data_dir=_DATA_DIR.value)
    except (BundleError, InputError, TrainingError) as error:
      # Gin adds below the message which functions were being called.
      raise InputError(str(error).split('\n')[0]) from error
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
      reason = str(error).split('\n')[0]
      raise InputError(
        f'another worker was lost ({reason}); start all of them again, they resume together'
      ) from error
    except RuntimeError as error:
      if 'Required bindings' not in str(error):
        raise
      given_by = ' and '.join(f'--{flag.name}' for flag in values[:2]) or 'a --gin_file'
      raise InputError(f'{error}; give {given_by} or --gin_bindings') from error

  show_in_one_line(InputError)
  app.run(main)


def _bindings(root: Callable[..., None], values: Sequence[flags.FlagHolder]) -> list[str]:
  return [f'{root.__name__}.{flag.name} = {flag.value!r}' for flag in values if flag.value is not None]


def _check_bindings(root: str, bindings: list[str]) -> None:
  for line in bindings:
    parameter = line.partition('=')[0].strip()
    # A name without a dot is a macro.
    if '.' in parameter and not parameter.startswith(f'{root}.'):
      raise InputError(
        f"--gin_bindings {line!r}: only {root}.* can be bound here; edit the stage's gin file"
      )


def parse_gin(files: list[str], bindings: list[str]) -> None:
  """Reads gin files, packaged ones by bare name, and overrides.

  Raises:
    InputError: A file that is not there, an unknown configurable or parameter, a syntax error.
  """
  _add_packaged_files()
  # One of gin's readers reports as an error each file that only the next reader knows.
  python_logging.disable(python_logging.ERROR)
  try:
    gin.parse_config_files_and_bindings(files, bindings, skip_unknown=False)
  except (ValueError, OSError, SyntaxError) as error:
    raise InputError(f'gin configuration: {error}') from error
  finally:
    python_logging.disable(python_logging.NOTSET)


def gin_lines(name: str) -> list[str]:
  """What a gin file says, with all that it includes; without comments and empty lines.

  Raises:
    InputError: A file that is not there.
  """
  lines = []
  for line in _gin_path(name).read_text().splitlines():
    line = ' '.join(line.partition('#')[0].split())
    included = re.fullmatch(r"include ['\"](.*)['\"]", line)
    lines += gin_lines(included[1]) if included else [line] * bool(line)
  return lines


def gin_values(lines: Sequence[str]) -> dict[str, Any]:
  """What lines of gin bind: name -> value, with macros filled in; the last binding of a name counts.

  Whatever is said otherwise to the same effect has the same values: in other files, order or numerals.

  Raises:
    InputError: They are no gin.
  """
  values, macros = {}, {}
  try:
    for statement in config_parser.ConfigParser('\n'.join(lines), _AsText()):
      if isinstance(statement, config_parser.BindingStatement):
        scoped = f'{statement.scope}/{statement.selector}' if statement.scope else statement.selector
        if statement.arg_name:
          values[f'{scoped}.{statement.arg_name}'] = statement.value
        else:
          macros[scoped] = statement.value
  except SyntaxError as error:
    raise InputError(f'gin configuration: {error}') from error
  return {name: _without_macros(value, macros) for name, value in values.items()}


class _Text(str):
  """A reference of gin, shown as it is written."""

  __repr__ = str.__str__


class _AsText(config_parser.ParserDelegate):
  """Reads gin without the functions that it names."""

  def configurable_reference(self, name: str, evaluate: bool) -> _Text:
    return _Text(f'@{name}{"()" * evaluate}')

  def macro(self, name: str) -> _Text:
    return _Text(f'%{name}')


def _without_macros(value: Any, macros: dict[str, Any]) -> Any:
  if isinstance(value, dict):
    fill = lambda part: _without_macros(part, macros)
    return {fill(key): fill(item) for key, item in value.items()}
  if isinstance(value, list | tuple):
    return type(value)(_without_macros(item, macros) for item in value)
  if isinstance(value, _Text) and value[0] == '%' and value[1:] in macros:
    return _without_macros(macros[value[1:]], macros)
  return value


def _gin_path(name: str) -> Path:
  packaged = _packaged_files()
  found = [Path(name), packaged.get(Path(name).name if name.startswith('gin_configs/') else name)]
  for path in found:
    if path and path.is_file():
      return path
  raise InputError(f'gin file {name!r}: not there, expected a path or the name of a packaged file')


def _packaged_files() -> dict[str, Path]:
  root = Path(str(importlib.resources.files('gin_configs')))
  return {path.name: path for path in root.rglob('*.gin')}


def _add_packaged_files() -> None:
  """Lets gin find the files of the package gin_configs by bare name.

  They include one another as `gin_configs/folder/name.gin`, which gin finds by itself.
  """
  packaged = _packaged_files()
  gin.config.register_file_reader(lambda name: packaged[name].open(), packaged.__contains__)
