"""The gin files that come with the package, by bare name; imports no other part of it."""

import importlib.resources
import itertools
from pathlib import Path


def packaged_files() -> dict[str, Path]:
  """Bare name, such as `unet_mini.gin` -> file."""
  root = Path(str(importlib.resources.files('gin_configs')))
  return {path.name: path for path in sorted(root.rglob('*.gin'))}


def header(path: Path) -> list[str]:
  """The comment that a file begins with, without its signs."""
  lines = path.read_text('utf-8').splitlines()
  return [
    line[1:].removeprefix(' ') for line in itertools.takewhile(lambda s: s.startswith('#'), lines)
  ]
