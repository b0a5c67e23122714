"""Hook of mkdocs: which files of the repository the site holds, each in its place of the repository."""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_PAGES = ('README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bundles/README.md')
_PAGE_GLOBS = ('docs/**/*.md', 'stroke_tfds/*/README.md')
# [text](target) and src="target"; addresses and places within a page are no files.
_LINK = re.compile(r'(?:\]\(|src=")(?!\w+:|#)([^)#"\s]+)')


def on_files(files: Files, config: MkDocsConfig) -> Files:
  """Pages, and the files that they link to, in place of the folder `docs`; the theme's files stay."""
  root = Path(config.config_file_path).parent
  kept = [file for file in files if file.generated_by or file.src_dir != config.docs_dir]
  ours = {path.relative_to(root).as_posix(): path for path in _paths(root)}
  made = [File.generated(config, name, abs_src_path=str(path)) for name, path in sorted(ours.items())]
  return Files([*kept, *made])


def _paths(root: Path) -> Iterator[Path]:
  """All pages, then the files that they name; a target that is not there is left for mkdocs to tell."""
  pages = [root / name for name in _PAGES if (root / name).is_file()]
  pages += [path for pattern in _PAGE_GLOBS for path in root.glob(pattern)]
  for page in pages:
    yield page
    for target in _LINK.findall(page.read_text('utf-8')):
      path = (page.parent / target).resolve()
      if path.is_file() and path.is_relative_to(root):
        yield path
