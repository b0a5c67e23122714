"""Gin files and bindings: found, checked for what they may import, and read.

A gin file has functions called that it names, so with free imports it would be a program. It may import
this project's packages and those that `--gin_imports` names.
"""

import logging as python_logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gin
from absl import flags
from gin import config_parser

from keras_itm.optimizers import Adam  # noqa: F401 (gin files name it)
from launchers import gin_mistakes
from launchers.packaged_gin import packaged_files
from stroke_tfds.errors import InputError, nearest

GIN_IMPORTS = flags.DEFINE_list(
  'gin_imports', [], 'Packages of yours that gin files may import: their code is run.'
)
_MAX_BYTES = 2**20


def parse_gin(files: list[str], bindings: list[str], *, is_part: bool = False) -> None:
  """Reads gin files, packaged ones by bare name, and overrides.

  Args:
    files: Paths or bare names.
    bindings: Lines of gin that override them.
    is_part: Whether macros may lack a value, as in a file that others include.

  Raises:
    InputError: A file that is not there, an import that is not allowed, an unknown configurable or
      parameter, a syntax error.
  """
  paths = [str(Path(file).expanduser()) for file in files]
  for file in paths:
    _check_file(file)
  _check_statements('\n'.join(bindings), '--gin_bindings')
  _add_packaged_files()
  # One of gin's readers reports as an error each file that only the next reader knows.
  python_logging.disable(python_logging.ERROR)
  try:
    gin.parse_config_files_and_bindings(
      paths, bindings, skip_unknown=False, finalize_config=not is_part
    )
    gin_mistakes.check_types()
    if not is_part:
      gin.config_str()  # Finds macros without a value.
  except InputError:
    raise
  except gin_mistakes.MISTAKES as error:
    raise InputError(f'gin configuration: {gin_mistakes.in_one_line(error)}') from error
  finally:
    python_logging.disable(python_logging.NOTSET)


def _check_file(name: str, above: tuple[Path, ...] = (), named_by: str = '') -> None:
  """Checks a file, with all that it includes, before anything in it is done."""
  path = _gin_path(name, named_by)
  if path.resolve() in above:
    raise InputError(f'gin file {above[-1]}: includes {name!r}, which includes it again')
  _check_statements(_text(path), str(path), (*above, path.resolve()))


def _check_statements(text: str, where: str, above: tuple[Path, ...] = ()) -> None:
  for statement in _statements(text, where):
    if isinstance(statement, config_parser.IncludeStatement):
      _check_file(statement.filename, above, f'{where} line {statement.location.line_num}: ')
    if isinstance(statement, config_parser.ImportStatement):
      _check_import(statement, where)


def _check_import(statement: config_parser.ImportStatement, where: str) -> None:
  allowed = {*gin_mistakes.OURS, *_named_packages()}
  # Dynamic registration would make any function of an imported module callable.
  if not any(f'{statement.module}.'.startswith(f'{package}.') for package in allowed):
    raise InputError(
      f'{where} line {statement.location.line_num}: {statement.format()!r}, expected imports of '
      f'{", ".join(sorted(allowed))}; name a package of yours in --gin_imports if you trust it'
    )


def _named_packages() -> list[str]:
  return GIN_IMPORTS.value if flags.FLAGS.is_parsed() else []


def import_options() -> list[str]:
  """The flags by which a program started from this one may import the same packages."""
  return [f'--gin_imports={",".join(_named_packages())}'] * bool(_named_packages())


def _statements(text: str, where: str) -> Iterator[Any]:
  """The statements of a text of gin, without a look at what they name."""
  try:
    yield from config_parser.ConfigParser(text, _AsText())
  except InputError:
    raise
  except (*gin_mistakes.MISTAKES, MemoryError) as error:
    line = f' line {error.lineno}' if isinstance(error, SyntaxError) and error.lineno else ''
    reason = gin_mistakes.in_one_line(error)
    raise InputError(f'gin configuration: {where}{line}: {reason}') from error


def gin_lines(name: str) -> list[str]:
  """What a gin file says, with all that it includes; without comments and empty lines.

  Raises:
    InputError: A file that is not there, an import that is not allowed, a syntax error.
  """
  _check_file(name)
  return _lines(name)


def _lines(name: str) -> list[str]:
  lines = []
  for line in _text(_gin_path(name)).splitlines():
    line = ' '.join(line.partition('#')[0].split())
    included = re.fullmatch(r"include ['\"](.*)['\"]", line)
    lines += _lines(included[1]) if included else [line] * bool(line)
  return lines


def _text(path: Path) -> str:
  if path.stat().st_size > _MAX_BYTES:
    raise InputError(
      f'{path}: {path.stat().st_size} bytes, expected a gin file of at most {_MAX_BYTES}'
    )
  try:
    return path.read_text(encoding='utf-8')
  except UnicodeDecodeError as error:
    raise InputError(f'{path}: not a text in UTF-8 ({error}), expected a gin file') from error


def gin_values(lines: Sequence[str]) -> dict[str, Any]:
  """What lines of gin bind: name -> value, with macros filled in; the last binding of a name counts.

  Whatever is said otherwise to the same effect has the same values: in other files, order or numerals.

  Raises:
    InputError: They are no gin.
  """
  values, macros = {}, {}
  for statement in _statements('\n'.join(lines), 'settings'):
    if isinstance(statement, config_parser.BindingStatement):
      scoped = f'{statement.scope}/{statement.selector}' if statement.scope else statement.selector
      if statement.arg_name:
        values[f'{scoped}.{statement.arg_name}'] = statement.value
      else:
        macros[scoped] = statement.value
  try:
    return {name: _without_macros(value, macros) for name, value in values.items()}
  except RecursionError as error:
    raise InputError('gin configuration: a macro names itself') from error


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


def _gin_path(name: str, named_by: str = '') -> Path:
  packaged = packaged_files()
  bare = Path(name).name if name.startswith('gin_configs/') else name
  found = [Path(name).expanduser(), packaged.get(bare)]
  for path in found:
    if path and path.is_file():
      return path
  raise InputError(
    f'{named_by}gin file {name!r}: not there, expected a path or the name of a packaged file'
    f'{nearest(Path(name).name, packaged)}'
  )


def _add_packaged_files() -> None:
  """Lets gin find the files of the package gin_configs by bare name.

  They include one another as `gin_configs/folder/name.gin`, which gin finds by itself.
  """
  packaged = packaged_files()
  gin.config.register_file_reader(lambda name: packaged[name].open(), packaged.__contains__)
