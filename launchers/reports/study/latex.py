"""Table 1 of a study as LaTeX that needs no package."""

from launchers.reports.study.tables import Cell, PaperTable

_SPECIAL = {
  '\\': r'\textbackslash{}',
  '\N{PLUS-MINUS SIGN}': r'$\pm$',
  '\N{MINUS SIGN}': '$-$',
  '\N{EN DASH}': '--',
  '~': r'\textasciitilde{}',
  '^': r'\textasciicircum{}',
  '<': '$<$',
  '>': '$>$',
  **{character: rf'\{character}' for character in '&%$#_{}'},
}


def paper_latex(table: PaperTable, caption: str) -> str:
  """A tabular in the paper's layout, the published values in small print below ours.

  Args:
    table: Its cells.
    caption: Of the surrounding table.
  """
  lines = [
    r'\begin{table}',
    rf'\caption{{{escape(caption)}}}',
    rf'\begin{{tabular}}{{l{"r" * (len(table.head) - 1)}}}',
    r'\hline',
    _line(map(escape, table.head)),
    r'\hline',
  ]
  for label, cells in table.rows:
    lines.append(_line([escape(label), *(_found(cell) for cell in cells)]))
    if any(cell and cell.published for cell in cells):
      lines.append(_line(['', *(_published(cell) for cell in cells)]))
  return '\n'.join([*lines, r'\hline', r'\end{tabular}', r'\end{table}', ''])


def escape(text: str) -> str:
  """Text for LaTeX."""
  return ''.join(_SPECIAL.get(character, character) for character in text)


def _line(cells) -> str:
  return ' & '.join(cells) + r' \\'


def _found(cell: Cell | None) -> str:
  return escape(f'{cell.name} {cell.found}'.strip()) if cell else ''


def _published(cell: Cell | None) -> str:
  return rf'{{\scriptsize [{escape(cell.published)}]}}' if cell and cell.published else ''
