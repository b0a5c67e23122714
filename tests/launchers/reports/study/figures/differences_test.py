"""Differences stand where their numbers are."""

from unittest import mock

import tensorflow as tf
from matplotlib.colors import to_hex

from launchers.reports import style
from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures import differences
from stroke_eval.statistics.bootstrap import Interval
from tests.launchers.study import rows

STYLES = arm_styles(rows.ARMS)


class DifferencesTest(tf.test.TestCase):
  def draw(self):
    columns = {
      'to a': {'clinical + SPADE': Interval(0.05, 0.01, 0.09), 'SPADE': Interval(-0.02, -0.05, 0.01)},
      'to b': {'SPADE': Interval(-0.03, -0.05, -0.01)},
    }
    with style.style():
      figures = differences.draw(rows.ARMS, columns, STYLES)
    return [figure.axes[0] for figure in figures]

  def marks(self, axes):
    """Of each mark: where it is, and whether it is filled."""
    drawn = [line for line in axes.lines if line.get_marker() not in ('None', '')]
    return [
      (*(float(v[0]) for v in line.get_data()), to_hex(line.get_markerfacecolor()) != '#ffffff')
      for line in drawn
    ]

  def test_points_and_what_is_clear(self):
    first, second = self.draw()
    self.assertAllClose(self.marks(first), [(5, 1, True), (-2, 3.35, False)])
    self.assertAllClose(self.marks(second), [(-3, 1, True)])
    lines = [line.get_xdata() for line in first.lines[1:] if len(line.get_xdata()) == 2]
    self.assertAllClose(lines, [[1, 9], [-5, 1]])

  def test_arms_without_a_difference_have_no_line(self):
    labels = [[text.get_text() for text in axes.get_yticklabels()] for axes in self.draw()]
    self.assertEqual(labels, [['SPADE', 'SPADE'], ['SPADE']])

  def test_columns_have_one_scale(self):
    first, second = self.draw()
    # From -5 to 9, and a twentieth of these 14 points on either side.
    self.assertAllClose([first.get_xlim(), second.get_xlim()], [(-5.7, 9.7)] * 2)
    self.assertEqual([axes.get_title(loc='left') for axes in (first, second)], ['to a', 'to b'])


class SectionTest(tf.test.TestCase):
  def analysis(self, **fields):
    up = Interval(0.05, 0.01, 0.09)
    found = [rows.row(rows.CLINICAL), rows.row(rows.TEN), rows.row(rows.SPADE, to_clinical=up)]
    return rows.analysis(*found, rows.row(rows.TUNED, to_reference=up), **fields)

  def test_arms_that_are_not_tested_are_left_out(self):
    draw, shown = differences.draw, []
    keep = lambda arms, columns, styles: shown.append(columns) or draw(arms, columns, styles)
    with style.style(), mock.patch.object(differences, 'draw', keep):
      section = differences.differences(self.analysis(), STYLES, ['command'])
    self.assertEqual(
      [list(column) for column in shown[0].values()],
      [['clinical + SPADE'], ['SPADE, then 10 clinical']],
    )
    self.assertEqual((section.number, section.commands), (1, ['command']))
    self.assertEqual(
      [panel.alt.partition(': ')[2] for panel in section.panels],
      ['minus clinical', 'minus its reference'],
    )

  def test_parts_are_counted(self):
    by_size = {'small': {'clinical + SPADE': Interval(0.05, 0.01, 0.09)}}
    analysis = self.analysis(by_size=by_size, n_by_size={'small': 12})
    with style.style():
      section = differences.differences_by_size(analysis, STYLES, [])
    self.assertEqual(section.number, 10)
    self.assertEndsWith(section.panels[0].alt, ': small, n = 12')
    self.assertIsNone(differences.differences_by_territory(analysis, STYLES, []))

  def test_nothing_to_compare(self):
    alone = rows.analysis(rows.row(rows.CLINICAL))
    self.assertIsNone(differences.differences(alone, STYLES, []))


if __name__ == '__main__':
  tf.test.main()
