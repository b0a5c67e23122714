"""Tables of participants in the dialects of spreadsheets: read as they are meant, or refused."""

from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import input_tables
from stroke_tfds.preparation.input_tables import Row

_ROWS = (
  ('participant_id', 'age', 'group', 'split'),
  ('sub-01', '70', 'positive', 'train'),
  ('sub-02', '71', 'positive', 'test'),
  ('sub-03', '30', 'healthy', 'healthy'),
)
_MEANT = {
  'sub-01': Row('positive', 'train'),
  'sub-02': Row('positive', 'test'),
  'sub-03': Row('healthy', 'healthy'),
}


def _joined(delimiter='\t', end='\n', rows=_ROWS):
  return end.join(delimiter.join(row) for row in rows) + end


def _capital(row):
  return tuple(cell.capitalize() for cell in row)


_READ = {
  'tabs': _joined(),
  'byte_order_mark_and_crlf': '\ufeff' + _joined(end='\r\n'),
  'carriage_returns': _joined(end='\r'),
  'commas': _joined(','),
  'semicolons': _joined(';'),
  'spaces': _joined('    '),
  'one_space': _joined(' '),
  'upper_case_names': _joined(rows=[('participant_id', 'Age', 'Group', 'SPLIT'), *_ROWS[1:]]),
  'padded_names': _joined(rows=[(' participant_id', 'age ', ' group', 'split '), *_ROWS[1:]]),
  'padded_cells': _joined(' \t '),
  'upper_case_values': _joined(rows=[_ROWS[0], *((r[0], *_capital(r[1:])) for r in _ROWS[1:])]),
  'blank_rows': '\n' + _joined() + '\t\t\t\n\n\t\t\t\n',
  'blank_rows_of_commas': _joined(',') + ',,,\n,,,\n',
  'quotes': _joined(rows=[tuple(f'"{cell}"' for cell in row) for row in _ROWS]),
  'quoted_commas': _joined(',').replace('70', '"70, or so"'),
  'a_cell_over_two_lines': _joined(',').replace('70', '"70\nor so"'),
  'comments': '# exported on Monday\n' + _joined() + '# the end\n',
  'no_prefix': _joined().replace('sub-', ''),
  'empty_cells_at_the_end': _joined(end='\t\t\n'),
}
_REFUSED = {
  'another_delimiter': (_joined('|'), 'has the columns participant_id.age.group.split, expected'),
  'no_header': (_joined(rows=_ROWS[1:]), 'expected a first line with participant_id'),
  'another_name': (_joined().replace('participant_id', 'subject'), 'has the columns subject, age, gr'),
  'a_column_twice': (_joined().replace('age', 'Group'), 'has 2 columns group, expected one'),
  'a_short_row': (_joined().replace('\t71\t', '\t'), 'line 3 has 3 cells, expected 4'),
  'a_long_row': (_joined(',').replace('71', '71,5'), 'line 3 has 5 cells, expected 4'),
  'a_gap_in_spaces': (_joined('  ').replace('71', ''), 'line 3 has 3 cells, expected 4'),
  'two_delimiters': (_joined().replace('sub-02\t71\t', 'sub-02 71 '), 'line 3 has 2 cells'),
  'a_row_of_nobody': (_joined().replace('sub-02', ''), 'line 3 has no participant_id'),
  'an_annex_pointer': ('/annex/objects/MD5E-s1--00.tsv\n', 'expected a first line with participant_id'),
  'nothing': ('', 'holds nothing'),
}


class ReadGroupsTest(parameterized.TestCase, tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(tfds.testing.make_tmp_dir())
    self.path = self.root / 'participants.tsv'

  def assert_refused(self, message):
    with self.assertRaisesRegex(InputError, message) as caught:
      input_tables.read_groups(self.root)
    self.assertStartsWith(str(caught.exception), f'{self.root}/')
    self.assertNotIn('\n', str(caught.exception))

  @parameterized.named_parameters(*_READ.items())
  def test_reads(self, text):
    self.path.write_bytes(text.encode())
    self.assertEqual(input_tables.read_groups(self.root), _MEANT)

  @parameterized.parameters('utf-16', 'utf-8-sig')
  def test_encodings(self, encoding):
    self.path.write_bytes(_joined().encode(encoding))
    self.assertEqual(input_tables.read_groups(self.root), _MEANT)

  @parameterized.named_parameters((name, *case) for name, case in _REFUSED.items())
  def test_refuses(self, text, message):
    self.path.write_bytes(text.encode())
    self.assert_refused(message)

  def test_refuses_other_encodings_and_what_is_no_file(self):
    self.path.write_bytes(_joined().replace('age', 'Größe').encode('latin-1'))
    self.assert_refused('cannot be read: .*expected tab-separated text in UTF-8')
    self.path.unlink()
    self.path.mkdir()
    self.assert_refused('is no file, expected a table')
    self.path.rmdir()
    with self.path.open('wb') as file:
      file.truncate(2**26 + 1)
    self.assert_refused('holds 67108865 bytes, expected a table of at most 67108864')

  @parameterized.parameters('Participants.tsv', 'participants.csv', 'participants.xlsx')
  def test_a_table_of_another_name_is_not_passed_over(self, name):
    (self.root / name).write_text(_joined(','))
    self.assert_refused(f'{name}: is not looked at, expected the name participants.tsv')
    self.path.write_text(_joined())
    self.assertEqual(input_tables.read_groups(self.root), _MEANT)

  def test_says_that_the_columns_are_not_there(self):
    self.path.write_text('participant_id\tage\tgroups\nsub-01\t70\tpositive\n')
    with self.assertLogs('absl', 'WARNING') as caught:
      self.assertEqual(input_tables.read_groups(self.root), {})
    self.assertIn('columns participant_id, age, groups, none is group or split', caught.output[-1])


if __name__ == '__main__':
  tf.test.main()
