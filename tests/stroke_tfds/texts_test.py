"""Texts that would do something where they are shown."""

import tensorflow as tf
from absl.testing import parameterized

from stroke_tfds import files, texts
from stroke_tfds.errors import InputError, printable


class SpreadsheetCellTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(
    "=cmd|' /C calc'!A0", '+1+cmd', '-1+cmd', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '=', '--5', '-x'
  )
  def test_formulas(self, text):
    marked = "'" + text if len(text) > 1 else text
    self.assertEqual(texts.spreadsheet_cell(text), marked)
    self.assertEqual(texts.cell_text(marked), text)

  @parameterized.parameters(
    '-0.25', '+3', '-1e-05', '-inf', '-', '', 'a=b', "'x", '10 clinical', '<5.0'
  )
  def test_others_stay(self, text):
    self.assertEqual(texts.spreadsheet_cell(text), text)
    self.assertEqual(texts.cell_text(text), text)

  def test_numbers_stay(self):
    for value in (-1, -0.5, None, True):
      self.assertIs(texts.spreadsheet_cell(value), value)

  def test_in_a_file(self):
    rows = [{'=a': '=1+1', 'b': -2.5}, {'=a': 'half \ud800', 'b': None}]
    written = files.csv_text(rows, ['=a', 'b'])
    self.assertEqual(written, "'=a,b\n'=1+1,-2.5\nhalf \\ud800,\n")
    self.assertEqual(files.csv_text(rows[:1], ['=a', 'b'], delimiter='\t'), "'=a\tb\n'=1+1\t-2.5\n")


class PrintableTest(tf.test.TestCase):
  def test_what_does_something_is_shown_by_its_code(self):
    text = 'a\x1b[2J\x07\r\n\x00\u202ez\ud800\u2028\x9b é µ \N{MINUS SIGN}'
    shown = r'a\x1b[2J\x07\r\n\x00\u202ez\ud800\u2028\x9b é µ ' + '\N{MINUS SIGN}'
    self.assertEqual(printable(text), shown)
    self.assertEqual(printable('a\n\x1bb', keep='\n'), 'a\n\\x1bb')


class LabelTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(
    '', 'a\nb', 'a\x00b', '\x1b[31m', 'x' * 101, '\u202eabc', 'a\ud800', 'a\tb', 3, None, b'a'
  )
  def test_refused(self, name):
    with self.assertRaisesRegex(InputError, '^arm: expected a name') as caught:
      texts.check_label(name, 'arm')
    self.assertTrue(str(caught.exception).isprintable())

  @parameterized.parameters('cost $5', r'$\frac{$', '=1', 'Übung, then 10 clinical', '<script>')
  def test_allowed(self, name):
    self.assertEqual(texts.check_label(name, 'arm'), name)


if __name__ == '__main__':
  tf.test.main()
