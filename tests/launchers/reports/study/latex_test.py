"""LaTeX of the paper's tables."""

import re

import tensorflow as tf

from launchers.reports.study import tables
from launchers.reports.study.latex import escape, paper_latex
from tests.launchers.study import rows


class LatexTest(tf.test.TestCase):
  def test_special_characters(self):
    self.assertEqual(escape('5 % & a_b #1 {x} $'), r'5 \% \& a\_b \#1 \{x\} \$')
    self.assertEqual(
      escape('1 ± 2, \N{MINUS SIGN}3, < 5, a\\b'), r'1 $\pm$ 2, $-$3, $<$ 5, a\textbackslash{}b'
    )

  def test_rows(self):
    found = paper_latex(
      tables.paper_table(rows.ARMS, [rows.row(arm) for arm in rows.ARMS]), '5 % & more'
    )
    self.assertIn(r'\caption{5 \% \& more}', found)
    self.assertIn(
      'clinical + synthetic & fusion 67.3 $\\pm$ 1.4 & 67.3 $\\pm$ 1.4 \\\\\n'
      ' &  & {\\scriptsize [78.1 $\\pm$ 1.8]} \\\\\n',
      found,
    )

  def test_every_line_has_every_column(self):
    found = paper_latex(tables.paper_table(rows.ARMS, []), '')
    columns = re.search(r'\\begin\{tabular\}\{(\w+)\}', found)[1]
    self.assertEqual(columns, 'lrr')
    for line in found.splitlines():
      if line.endswith(r'\\'):
        self.assertEqual(line.count('&'), 2, line)


if __name__ == '__main__':
  tf.test.main()
