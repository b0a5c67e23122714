"""The page of the report: one HTML file that needs nothing else."""

import dataclasses
import importlib.resources
from collections.abc import Sequence

import jinja2


@dataclasses.dataclass(frozen=True)
class Panel:
  """A picture.

  Attributes:
    uri: The picture itself, as a data URI.
    alt: What it shows, for those who cannot see it.
    title: Stands above it; for pictures that carry none themselves.
  """

  uri: str
  alt: str
  title: str = ''


@dataclasses.dataclass(frozen=True)
class Section:
  """A numbered figure.

  Attributes:
    title: What the figure answers.
    panels: Set side by side where there is room, else one below the other.
    caption: What is drawn, with n; what bars and lines are.
    commands: The commands that made the data.
    columns: Panels beside one another on a wide page.
  """

  title: str
  panels: Sequence[Panel]
  caption: str
  commands: Sequence[str]
  columns: int = 3


@dataclasses.dataclass(frozen=True)
class Table:
  """A table of texts.

  Attributes:
    head: Names of the columns.
    rows: Cells.
    note: Stands below.
    groups: Names above several columns, each with their number, from left to right.
  """

  head: Sequence[str]
  rows: Sequence[Sequence[str]]
  note: str = ''
  groups: Sequence[tuple[str, int]] = ()


@dataclasses.dataclass(frozen=True)
class Page:
  """All that the page shows, top to bottom.

  Attributes:
    title: Of the page.
    lead: What the report is about, in a sentence.
    findings: The result in sentences, below the first table.
    arms: Table of the arms.
    stages: Table of times.
    sections: The figures.
    checks: The sanity table; its last column holds `pass`, `attention` or nothing.
  """

  title: str
  lead: str
  findings: Sequence[str]
  arms: Table
  stages: Table
  sections: Sequence[Section]
  checks: Table


def render(page: Page) -> str:
  """The page as HTML; every text is escaped."""
  source = importlib.resources.files('launchers').joinpath('report_template.html').read_text('utf-8')
  environment = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
  )
  return environment.from_string(source).render(page=page)
