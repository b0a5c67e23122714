"""What the pages of reports are made of: figures, tables, templates; a page needs no other file."""

import base64
import dataclasses
import importlib.resources
import re
from collections.abc import Sequence

import jinja2

from keras_itm.viewer.view import View


@dataclasses.dataclass(frozen=True)
class Panel:
  """A picture.

  Attributes:
    uri: The picture itself, as a data URI.
    alt: What it shows, for those who cannot see it.
    title: Stands above it; for pictures that carry none themselves.
    view: The whole case that it shows slices of, for a page that it leads to; None without.
  """

  uri: str
  alt: str
  title: str = ''
  view: View | None = None


@dataclasses.dataclass(frozen=True)
class Section:
  """A numbered figure.

  Attributes:
    title: What the figure answers.
    panels: Set side by side where there is room, else one below the other.
    caption: What is drawn, with n; what bars and lines are.
    commands: The commands that made the data.
    columns: Panels beside one another on a wide page.
    number: Of the figure on its page and in the names of its files.
  """

  title: str
  panels: Sequence[Panel]
  caption: str
  commands: Sequence[str]
  columns: int = 3
  number: int = dataclasses.field(kw_only=True)


@dataclasses.dataclass(frozen=True)
class Table:
  """A table of texts.

  Attributes:
    head: Names of the columns.
    rows: Cells; a row of one cell is a heading above those that follow.
    note: Stands below.
    groups: Names above several columns, each with their number, from left to right.
  """

  head: Sequence[str]
  rows: Sequence[Sequence[str]]
  note: str = ''
  groups: Sequence[tuple[str, int]] = ()


def picture_files(sections: Sequence[Section]) -> dict[str, bytes]:
  """The panels of numbered figures as files for papers and slides: `figure_02_1.png` -> its bytes."""
  found = {}
  for section in sections:
    for i, panel in enumerate(section.panels, 1):
      kind, content = re.fullmatch(r'data:image/(\w+)(?:\+xml)?;base64,(.*)', panel.uri).groups()
      found[f'figure_{section.number:02}_{i}.{kind}'] = base64.b64decode(content)
  return found


def viewer_files(sections: Sequence[Section]) -> dict[str, View]:
  """The cases behind panels, as the pages that these lead to: `figure_02_1.html` -> the case."""
  return {
    f'figure_{section.number:02}_{i}.html': panel.view
    for section in sections
    for i, panel in enumerate(section.panels, 1)
    if panel.view
  }


def environment() -> jinja2.Environment:
  """What renders the pages of this package; templates are named by their path in it."""
  return jinja2.Environment(
    loader=jinja2.FunctionLoader(_read),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )


def style_sheet() -> str:
  """The style sheet of the report, for pages that look like it."""
  return _read('style.css')


def _read(name: str) -> str:
  return importlib.resources.files('launchers.reports').joinpath(name).read_text('utf-8')
