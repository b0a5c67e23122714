"""The page: order, escaping, nothing from outside."""

import re

import tensorflow as tf

from launchers.reports.page import Page, Panel, Section, Table, render, style_sheet


def make_page(**changes):
  values = {
    'title': 'Title',
    'lead': 'Lead <n>',
    'findings': ['b minus a: +0.1'],
    'arms': Table(['arm', 'mean'], [['a & b', '0.5']], 'Note.', [('', 1), ('Dice', 1)]),
    'stages': Table(['stage', 'time'], [['all', '3 s']]),
    'sections': [
      Section(
        'First', [Panel('data:image/png;base64,AA==', 'alt "text"', 'Case 1')], 'n = 3.', ['make x']
      ),
      Section('Second', [], 'Empty.', [], columns=2),
    ],
    'checks': Table(['', '', 'mark'], [['volume', '2', 'pass'], ['copies', '1', 'attention']]),
  }
  return Page(**{**values, **changes})


class RenderTest(tf.test.TestCase):
  def test_everything_is_there_in_order(self):
    page = render(make_page())
    parts = ['Title', '>0.5<', 'b minus a', 'Figure 1. First', 'Case 1', 'n = 3.', 'make x']
    parts += ['Figure 2. Second', 'Sanity', '"pass"', '"attention"']
    found = [page.index(part) for part in parts[1:]]
    self.assertEqual(found, sorted(found))

  def test_text_is_escaped(self):
    page = render(make_page())
    self.assertIn('Lead &lt;n&gt;', page)
    self.assertIn('a &amp; b', page)
    self.assertIn('alt="alt &#34;text&#34;"', page)

  def test_a_figure_with_a_number_keeps_it(self):
    page = render(make_page(sections=[Section('A', [], '', [], number=7), Section('B', [], '', [])]))
    self.assertIn('Figure 7. A', page)
    self.assertIn('Figure 2. B', page)

  def test_several_commands_fold(self):
    figure = lambda commands: render(make_page(sections=[Section('A', [], '', commands)]))
    self.assertNotIn('<details class="made">', figure(['make x']))
    self.assertIn('Made by <code>make x</code>', figure(['make x']))
    folded = figure(['make x', 'make y'])
    self.assertIn('<details class="made"><summary>Made by 2 commands</summary>', folded)
    self.assertIn('<code>make y</code>', folded[folded.index('Made by 2') : folded.index('</details>')])

  def test_a_row_of_one_cell_is_a_heading(self):
    arms = Table(['arm', 'mean'], [['group <a>'], ['b', '0.5']])
    page = render(make_page(arms=arms))
    self.assertIn('<th class="heading" scope="rowgroup" colspan="2">group &lt;a&gt;</th>', page)
    self.assertIn('<td>b</td>', page)

  def test_style_sheet_is_that_of_the_page(self):
    self.assertIn(style_sheet(), render(make_page()))
    self.assertNotIn('<', style_sheet())

  def test_needs_nothing_from_outside(self):
    page = render(make_page())
    for value in re.findall(r'(?:src|href)="([^"]*)"', page):
      self.assertStartsWith(value, 'data:')
    self.assertNotRegex(page, r'https?://|@import|url\(|<script')


if __name__ == '__main__':
  tf.test.main()
