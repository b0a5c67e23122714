import dataclasses
import math

from absl.testing import absltest

from launchers.reports.slices import tables
from stroke_eval.slice_agreement import LesionContrast
from stroke_eval.slice_fidelity import Beside
from tests.stroke_eval.slices import fidelity


class TablesTest(absltest.TestCase):
  def test_contrasts_stand_below_their_class(self):
    of = lambda lesion, contrast, drawn, real: LesionContrast(
      lesion, contrast, real, drawn, 5, 9, 1.0, 0.25, 0.125
    )
    found = (
      of('core', 'T1', -0.001, 0.5),
      of('core', 'T2', 0.2, 0.01),
      of('rim', 'T1', math.nan, -0.5),
    )
    table = tables.contrasts_table(dataclasses.replace(fidelity(), contrasts=found))
    self.assertEqual(
      table.rows,
      [
        ['core: 9 drawn slices, 5 real ones'],
        ['T1', '+0.00', '+0.50', '0.12', '\N{MINUS SIGN}0.00', '25%', '100%'],
        ['T2', '+0.20', '+0.01', '0.12', '\N{EN DASH}', '25%', '100%'],  # No real contrast to speak of.
        ['rim: 9 drawn slices, 5 real ones'],
        ['T1', '\N{EN DASH}', '\N{MINUS SIGN}0.50', '0.12', '\N{EN DASH}', '25%', '100%'],
      ],
    )

  def test_areas_and_distances(self):
    found = dataclasses.replace(
      fidelity(),
      areas={'CSF': Beside(30.0, 40.0), 'core': Beside(2.0, 0.0)},
      chances={'CSF': 1.5},
      frechet={'all': Beside(9, 3)},
    )
    areas = [
      ['CSF', '30.0', '40.0', '0.75', '1.50'],
      ['core', '2.0', '0.0', '\N{EN DASH}', '\N{EN DASH}'],
    ]
    self.assertEqual(tables.areas_table(found).rows, areas)
    self.assertEqual(tables.distances_table(found).rows, [['all', '9.0', '3.0', '3.00']])

  def test_a_row_of_the_file_for_each_number(self):
    rows = tables.csv_rows(fidelity())
    self.assertLen({(row['measure'], row['of']) for row in rows}, len(rows))
    for row in rows:
      self.assertEqual(list(row), ['measure', 'of', 'drawn', 'real'])
    of = {(row['measure'], row['of']): (row['drawn'], row['real']) for row in rows}
    self.assertEqual(of['frechet', 'all'], (3.0, 1.0))
    self.assertEqual(of['slices with lesion', 'asked with'], (0.8, 1.0))
    self.assertEqual(of['nearest', 'share below 1 % quantile'], (0.01, 0.01))


if __name__ == '__main__':
  absltest.main()
