"""What is wrong with a gin configuration, in one line that helps."""

import importlib.util
import inspect
import re
import tokenize
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gin import config as gin_config

from stroke_tfds.errors import InputError, nearest

# What gin raises for texts that are no configuration, or one of something else.
MISTAKES = (
  *(ValueError, OSError, SyntaxError, tokenize.TokenError, ImportError, RecursionError),
  *(TypeError, AttributeError, LookupError, NameError, AssertionError),
)
OURS = frozenset(['keras_itm', 'stroke_tfds', 'stroke_eval', 'launchers'])
_TOKEN = re.compile(r"Failed to parse token '(?P<token>.*)' \((?P<place>.*)\)")
_PARAMETER = re.compile(r"Configurable '(?P<owner>.*)' doesn't have a parameter named '(?P<name>.*)'")
_CONFIGURABLE = re.compile(r"No configurable match\w* (reference )?'@?(?P<name>[^']*)'")
_ENDLESS = 'goes on without end: a file includes itself, a macro names itself, or brackets are too deep'
_NUMBERS = {int: 'a whole number', float: 'a number', str: 'a text in quotation marks', bool: 'a bool'}


def in_one_line(error: Exception) -> str:
  """What an error of gin's says, with the place that gin names and the nearest name that there is."""
  text = ' '.join(str(error).split()).split(' in config string:')[0]
  if isinstance(error, RecursionError) or 'too many nested' in text:
    return _ENDLESS
  if isinstance(error, tokenize.TokenError):
    return f'{text}: a bracket or a quotation mark is not closed'
  if isinstance(error, ImportError):
    return f'{text}, expected the name of a module that is installed'
  if found := _TOKEN.search(text):
    return (
      f'{found["token"]!r} is no value ({found["place"]}): texts and paths stand in quotation marks, '
      'such as "runs/unet"'
    )
  name, known = _meant(text)
  if name and importlib.util.find_spec(f'launchers.{name.split(".")[0]}_lib'):
    return f'the gin file is for python -m launchers.{name.split(".")[0]}: {text}'
  return text + nearest(name, known)


def _meant(text: str) -> tuple[str, Iterable[str]]:
  """The name at fault and those that there are."""
  if found := _PARAMETER.search(text):
    try:
      owner = gin_config._REGISTRY.get_match(found['owner'])
      return found['name'], inspect.signature(owner.wrapped).parameters
    except (KeyError, ValueError, TypeError):
      return '', ()
  if found := _CONFIGURABLE.search(text):
    return found['name'], [selector.split('.')[-1] for selector in gin_config._REGISTRY._selector_map]
  return '', ()


def others_bound(root: str) -> list[str]:
  """Programs (modules of `launchers`) that the configuration has values for, `root` not among them."""
  selectors = {selector for _, selector in gin_config._CONFIG}
  owners = [gin_config._REGISTRY[selector] for selector in selectors]
  modules = {owner.wrapped.__module__: owner.name for owner in owners if owner.name != root}
  return sorted(
    module.removesuffix('_lib') for module, name in modules.items() if module == f'launchers.{name}_lib'
  )


def check_types() -> None:
  """Refuses values that are not of the type that their parameter is annotated with.

  Looks at this project's own functions and classes; what a reference gives is not looked at.

  Raises:
    InputError: A value of another type; names the parameter.
  """
  for (_, selector), values in gin_config._CONFIG.items():
    owner = gin_config._REGISTRY[selector]
    if owner.wrapped.__module__.split('.')[0] not in OURS:
      continue
    hints = _hints(owner.wrapped)
    for name, value in values.items():
      if name in hints and not fits(_plain(value), hints[name]):
        raise InputError(f'{owner.name}.{name} is {_plain(value)!r}, expected {_words(hints[name])}')


def _hints(owner: Callable[..., Any]) -> dict[str, Any]:
  function = owner.__init__ if isinstance(owner, type) else inspect.unwrap(owner)
  try:
    return typing.get_type_hints(function)
  except (NameError, TypeError):
    return {}


def _plain(value: Any) -> Any:
  """A value with its macros filled in; a reference to anything else stays."""
  if isinstance(value, gin_config.ConfigurableReference):
    is_macro = value.selector == 'gin.macro' and value.evaluate
    name = '/'.join(value.scopes) if is_macro else ''
    bound = gin_config._CONFIG.get((name, 'gin.macro'), {})
    return _plain(bound['value']) if 'value' in bound else value
  if isinstance(value, list | tuple):
    return type(value)(_plain(item) for item in value)
  return value


def fits(value: Any, hint: Any) -> bool:
  """Whether a value is of an annotated type; what is no plain value of gin's is taken to be."""
  if isinstance(value, gin_config.ConfigurableReference) or hint in (Any, None):
    return True
  origin, parts = typing.get_origin(hint), typing.get_args(hint)
  if origin in (typing.Union, types.UnionType):
    return any(value is None if part is type(None) else fits(value, part) for part in parts)
  if hint in (int, float):
    allowed = int if hint is int else (int, float)
    return isinstance(value, allowed) and not isinstance(value, bool)
  if hint in (str, bool):
    return isinstance(value, hint)
  if origin in (list, tuple, Sequence):
    return isinstance(value, list | tuple) and _items_fit(value, origin, parts)
  if origin in (dict, Mapping):
    return isinstance(value, Mapping)
  return True


def _items_fit(values: Sequence[Any], origin: Any, parts: tuple[Any, ...]) -> bool:
  if origin is tuple and parts and parts[-1] is not Ellipsis:
    return len(values) == len(parts) and all(map(fits, values, parts))
  return not parts or all(fits(value, parts[0]) for value in values)


def _words(hint: Any) -> str:
  """A type as its user writes it."""
  origin, parts = typing.get_origin(hint), typing.get_args(hint)
  if origin in (typing.Union, types.UnionType):
    return ' or '.join('None' if part is type(None) else _words(part) for part in parts)
  if origin in (list, tuple, Sequence) and parts:
    items = _NUMBERS.get(parts[0], 'a value').removeprefix('a ')
    return f'a list, each item {_words(parts[0])}' if parts[0] in _NUMBERS else f'a list of {items}s'
  if origin in (dict, Mapping):
    return 'a dictionary'
  return _NUMBERS.get(hint, str(hint))
