"""All that a gin file can set, as gin."""

import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gin import config as gin_config

from launchers import gin_files
from launchers.gin_parameters import parameters_of

_SHARED = ('launchers.hardware', 'launchers.fitting')  # What every training can set beside its root.
_MACRO = 'gin.macro'
_MODELS = 'keras_itm.'  # What a gin file imports by itself; programs import the rest.


def text_of(name: str) -> str:
  """Every parameter of all that a gin file sets or names, as gin that says the same as the file.

  What the file leaves at its default is a comment.

  Raises:
    InputError: No such file, or not one that this package can read.
  """
  roots = _import_roots(name)
  gin_config.clear_config()
  try:
    gin_files.parse_gin([name], [], is_part=True)
    return '\n\n'.join([*_imports(), *_blocks(roots)])
  finally:
    gin_config.clear_config()


def _import_roots(name: str) -> list[str]:
  """Modules of the programs whose root functions the file has values for; imported."""
  owners = dict.fromkeys(line.partition('.')[0] for line in gin_files.gin_lines(name))
  modules = [f'launchers.{owner}_lib' for owner in owners if re.fullmatch(r'\w+', owner)]
  found = [module for module in modules if importlib.util.find_spec(module)]
  for module in (*found, *_SHARED):
    importlib.import_module(module)
  return found


def _imports() -> list[str]:
  """What has to be imported for all that the file sets and names to be known; one block, or none."""
  bound = {key: values for key, values in gin_config._CONFIG.items() if key[1] != _MACRO}
  named = [selector for _, selector in (*bound, *_named(bound))]
  modules = {gin_config._REGISTRY[selector].wrapped.__module__ for selector in named}
  ours = sorted(module for module in modules if module.startswith(_MODELS))
  return ['\n'.join(f'import {module}' for module in ours)] if ours else []


def _blocks(roots: list[str]) -> Iterator[str]:
  """Macros, root functions, what the file names, and what all trainings share."""
  macros = {scope: v['value'] for (scope, owner), v in gin_config._CONFIG.items() if owner == _MACRO}
  if macros:
    yield '\n'.join(f'{name} = {value!r}' for name, value in macros.items())
  bound = {key: values for key, values in gin_config._CONFIG.items() if key[1] != _MACRO}
  is_root = lambda key: gin_config._REGISTRY[key[1]].wrapped.__module__ in roots
  shared = [
    ('', selector)
    for module in _SHARED * bool(roots)
    for selector in gin_config._REGISTRY.matching_selectors(module.rpartition('.')[2])
    if gin_config._REGISTRY[selector].wrapped.__module__ == module
  ]
  keys = dict.fromkeys([*sorted(bound, key=lambda key: not is_root(key)), *_named(bound), *shared])
  for scope, selector in keys:
    yield _block(scope, selector, bound.get((scope, selector), {}))


def _named(bound: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
  """What values refer to."""
  for values in bound.values():
    for value in values.values():
      for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, gin_config.ConfigurableReference) and one.selector != _MACRO:
          yield '', gin_config._REGISTRY.get_match(one.selector).selector


def _block(scope: str, selector: str, values: Mapping[str, Any]) -> str:
  """A function or class with all of its parameters."""
  owner = gin_config._REGISTRY[selector]
  name = f'{scope}/{owner.name}' if scope else owner.name
  known = {one.name: one for one in parameters_of(owner.wrapped, also=values)}
  lines = [f'# {name}: {_summary(owner.wrapped)}']
  for parameter in dict.fromkeys([*known, *values]):  # Keras' optimizers take more than they name.
    one = known.get(parameter)
    text = f'  # {one.text}' if one and one.text else ''
    if parameter in values:
      lines.append(f'{name}.{parameter} = {values[parameter]!r}{text}')
    elif one:
      lines.append(f'# {name}.{parameter} = {one.shown}{text}')
  return '\n'.join(lines)


def _summary(configurable: Any) -> str:
  return (configurable.__doc__ or '').strip().partition('\n')[0]
