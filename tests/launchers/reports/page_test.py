"""Parts of pages: order, escaping, nothing from outside, figures as files."""

import re

import tensorflow as tf

from launchers.reports.page import Panel, Section, Table, environment, picture_files, style_sheet


def render(macro, *arguments):
  text = f"{{% from 'macros.html' import {macro} %}}{{{{ {macro}(*arguments) }}}}"
  return environment().from_string(text).render(arguments=arguments)


def section(**changes):
  panels = [Panel('data:image/png;base64,AAE=', 'alt "text"', 'Case 1')]
  values = {'title': 'First <n>', 'panels': panels, 'caption': 'a & b', 'commands': ['make x']}
  return Section(**{**values, 'number': 7, **changes})


class MacrosTest(tf.test.TestCase):
  def test_a_figure_is_there_in_order(self):
    page = render('figure', section())
    parts = ['<h2>Figure 7. First', 'Case 1', '<img src="data:', '<figcaption>', 'make x']
    found = [page.index(part) for part in parts]
    self.assertEqual(found, sorted(found))

  def test_text_is_escaped(self):
    page = render('figure', section())
    self.assertIn('First &lt;n&gt;', page)
    self.assertIn('a &amp; b', page)
    self.assertIn('alt="alt &#34;text&#34;"', page)

  def test_several_commands_fold(self):
    one, two = render('made_by', ['make x']), render('made_by', ['make x', 'make y'])
    self.assertNotIn('<details', one)
    self.assertIn('<code>make x</code>', one)
    folded = two[two.index('<details') : two.index('</details>')]
    self.assertEqual(re.findall('<code>(.*)</code>', folded), ['make x', 'make y'])

  def test_a_row_of_one_cell_is_a_heading(self):
    page = render('rows', Table(['arm', 'mean'], [['group <a>'], ['b', '0.5']]))
    self.assertIn('<th class="heading" scope="rowgroup" colspan="2">group &lt;a&gt;</th>', page)
    self.assertIn('<td>b</td>', page)

  def test_groups_of_columns_and_verdicts(self):
    table = Table(['', ''], [['pass', 'attention']], groups=[('Dice', 2)])
    page = render('rows', table)
    self.assertIn('<th scope="colgroup" colspan="2">Dice</th>', page)
    self.assertIn('<span class="attention">', page)

  def test_needs_nothing_from_outside(self):
    for value in re.findall(r'(?:src|href)="([^"]*)"', render('figure', section())):
      self.assertStartsWith(value, 'data:')
    self.assertNotRegex(style_sheet(), r'https?://|@import|url\(|<')


class PictureFilesTest(tf.test.TestCase):
  def test_panels_by_number(self):
    svg = Panel('data:image/svg+xml;base64,AgM=', '')
    found = picture_files([section(), section(panels=[svg, svg], number=12)])
    self.assertEqual(
      found,
      {
        'figure_07_1.png': b'\0\1',
        'figure_12_1.svg': b'\2\3',
        'figure_12_2.svg': b'\2\3',
      },
    )


if __name__ == '__main__':
  tf.test.main()
