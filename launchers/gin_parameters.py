"""What gin can set of a function or class: parameters, defaults and what the docstring says of them."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

import gin
from gin import config as gin_config

_GIVEN_BY_FLAGS = ('workdir', 'data_dir')
_ARGUMENT = re.compile(r'(\w+): (.*)')


@dataclasses.dataclass(frozen=True)
class Parameter:
  """A parameter that gin can set.

  Attributes:
    name: As in the signature.
    default: Its value where nothing sets it, `gin.REQUIRED` where something must.
    text: What the docstring says of it; '' where it says nothing.
  """

  name: str
  default: Any
  text: str

  @property
  def shown(self) -> str:
    """The default as gin writes it."""
    if self.default is gin.REQUIRED:
      return 'required'
    name = getattr(self.default, '__name__', None)
    return f'@{name}' if name else repr(self.default)


def parameters_of(configurable: Callable[..., Any], also: Iterable[str] = ()) -> list[Parameter]:
  """Parameters that have a default, in the order of the signature; none that programs give by flags.

  Args:
    configurable: A function or class that gin knows.
    also: Names that are wanted whether they have a default or not.
  """
  texts = _documented(configurable)
  return [
    Parameter(one.name, one.default, texts.get(one.name, ''))
    for one in inspect.signature(configurable).parameters.values()
    if one.name in also or (one.default is not one.empty and one.name not in _GIVEN_BY_FLAGS)
  ]


def named(selector: str) -> Callable[..., Any]:
  """The function or class that gin knows by a name."""
  return gin_config._REGISTRY.get_match(selector).wrapped


def help_of(root: str) -> str:
  """Parameters of a root function for the `--help` of its program; '' where gin does not know it."""
  if not gin_config._REGISTRY.get_match(root):
    return ''
  found = parameters_of(named(root))
  lines = [f'  {root}.{one.name} = {one.shown}\n      {one.text}'.rstrip() for one in found]
  return '\n'.join(
    ['', 'Values for --gin_bindings or a gin file, with their defaults:', '', *lines, '']
  )


def _documented(configurable: Callable[..., Any]) -> dict[str, str]:
  """Argument -> what the section `Args` of the docstring says of it, on one line."""
  _, _, section = (inspect.getdoc(configurable) or '').partition('Args:\n')
  texts: dict[str, str] = {}
  name = ''
  for line in section.splitlines():
    if line and not line.startswith(' '):
      break
    found = _ARGUMENT.fullmatch(line.strip())
    if found and len(line) - len(line.lstrip()) == 2:
      name, texts[found[1]] = found[1], found[2]
    elif name and line.strip():
      texts[name] += f' {line.strip()}'
  return texts
