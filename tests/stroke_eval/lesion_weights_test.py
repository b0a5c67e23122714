"""Weights of sizes and of territories, by hand."""

from absl.testing import absltest

from stroke_eval.lesion_weights import size_weights, territory_weights


class SizeWeightsTest(absltest.TestCase):
  def test_where_dice_is_low_the_weight_is_high(self):
    volumes, dice = [0.5, 4.9, 2, 5, 19, 12, 0], [0.1, 0.3, 0.2, 0.9, 0.7, 0.8, 1.0]
    # Means .2 and .8; none from 20 ml on, of all six it is .5. The negative counts nowhere.
    self.assertEqual(size_weights(volumes, dice, [0, 5, 20]), [[0, 0.8], [5, 0.2], [20, 0.5]])

  def test_two_cases_say_nothing_of_a_size(self):
    self.assertEqual(size_weights([1, 1, 9, 9, 9], [0, 0, 0.5, 0.5, 0.5], [0, 5]), [[0, 0.7], [5, 0.5]])

  def test_no_size_is_left_out(self):
    self.assertEqual(size_weights([1, 1, 1], [1, 1, 1], [0]), [[0, 0.05]])

  def test_refusals(self):
    for arguments in (
      ([1], [1, 2]),
      ([0], [1]),
      ([1], [1], [5]),
      ([1], [1], [0, 5, 5]),
      ([1], [1], []),
      ([1], [float('nan')]),
      ([float('inf')], [1]),
      ([1], [1], [0, float('nan')]),
    ):
      with self.assertRaises(ValueError):
        size_weights(*arguments)


class TerritoryWeightsTest(absltest.TestCase):
  def test_where_dice_is_low_the_weight_is_high(self):
    places = ['ACA', 'basilar', 'ACA', 'PCA deep', 'ACA', 'basilar', 'basilar', '']
    dice = [0.9, 0.1, 0.7, 0.5, 0.8, 0.3, 0.2, 1.0]
    # Means .8 and .2; one of PCA deep says nothing; of all seven, 3.5 / 7. The negative counts nowhere.
    expected = {'ACA': 0.2, 'basilar': 0.8, 'other': 0.5}
    self.assertEqual(territory_weights(places, dice), expected)

  def test_refusals(self):
    for arguments in ((['ACA'], [1, 2]), ([''], [1]), (['ACA'], [float('nan')])):
      with self.assertRaises(ValueError):
        territory_weights(*arguments)


if __name__ == '__main__':
  absltest.main()
