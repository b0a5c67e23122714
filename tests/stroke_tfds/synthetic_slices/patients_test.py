import numpy as np
import tensorflow as tf

from keras_itm.bundle_spec import BundleSpec
from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_slices import patients
from stroke_tfds.synthetic_slices.patients import Patients


def _spec(**facts) -> BundleSpec:
  given = {
    'kind': 'joint_generator',
    'grid': {'shape': [8, 8, 4]},
    'label_scheme': {},
    'latent_size': 2,
    'intensity_range': (-1.0, 1.0),
    'training_set': '',
    'conditions': ('level', 'lesion'),
    'slice_shares': (0.0, 1.0, 1.0, 0.5),
    'lesion_shares': (0.0, 0.25, 0.75, 0.0),
  }
  return BundleSpec(**{**given, **facts})


class SlicesTest(tf.test.TestCase):
  def test_are_where_real_patients_have_them(self):
    """No patient has the lowest slice, all have the middle two, half of them the highest."""
    made = [Patients(_spec(), None, seed=0).slices(index) for index in range(200)]
    numbers = [[one.number for one in slices] for slices in made]
    self.assertTrue(all(one in ([1, 2], [1, 2, 3]) for one in numbers))
    self.assertBetween(sum(len(one) == 3 for one in numbers), 80, 120)
    # Four slices have their centres at -3/4, -1/4, 1/4 and 3/4.
    self.assertEqual([one.level for one in made[0]], [_LEVELS[i] for i in numbers[0]])

  def test_have_lesions_as_often_at_each_level_as_real_ones(self):
    made = [Patients(_spec(), None, seed=0).slices(index) for index in range(400)]
    found = {i: [one.has_lesion for s in made for one in s if one.number == i] for i in (1, 2, 3)}
    for number, share in ((1, 0.25), (2, 0.75), (3, 0)):
      self.assertAllClose(np.mean(found[number]), share, atol=0.06)

  def test_depend_on_seed_and_number_alone(self):
    first, same, other = (Patients(_spec(), None, seed=seed) for seed in (0, 0, 1))
    made = [first.slices(index) for index in range(8)]
    backwards = [same.slices(index) for index in reversed(range(8))]
    self.assertEqual(made, backwards[::-1])
    self.assertNotEqual(made, [other.slices(index) for index in range(8)])

  def test_all_of_the_grid_where_the_bundle_does_not_say(self):
    spec = _spec(slice_shares=(), lesion_shares=(), conditions=('level',))
    made = Patients(spec, None, seed=0).slices(3)
    self.assertEqual({one.number: one.level for one in made}, _LEVELS)
    self.assertEqual({one.has_lesion for one in made}, {None})
    self.assertEqual(made[0].condition(('level',)), [-0.75])

  def test_levels_are_not_known_where_they_cannot_be_asked_for(self):
    made = Patients(_spec(conditions=('lesion',)), None, seed=0).slices(0)
    self.assertEqual({one.level for one in made}, {None})
    self.assertIn(made[0].condition(('lesion',)), ([0.0], [1.0]))

  def test_order_of_conditions_is_that_of_the_generator(self):
    one = patients.Asked(2, 0.25, True)
    self.assertEqual(one.condition(('lesion', 'level')), [1.0, 0.25])
    self.assertEqual(one.condition(()), [])

  def test_conditions_of_slices_by_number(self):
    spec = _spec(conditions=('lesion', 'level'))
    made = patients.conditions_of(spec, [0, 3], [True, False])
    self.assertAllEqual(made, [[1, -0.75], [0, 0.75]])
    self.assertEqual(patients.conditions_of(_spec(conditions=()), [0, 3], [True] * 2).shape, (2, 0))

  def test_patients_for_a_number_of_slices(self):
    """Of two slices each: five slices need three patients."""
    made = Patients(_spec(slice_shares=(0.0, 1.0, 1.0, 0.0)), None, seed=0)
    self.assertEqual([made.first_with(n) for n in (1, 2, 3, 5, 6)], [1, 1, 2, 3, 3])


class ShareOfLesionsTest(tf.test.TestCase):
  def test_chances_are_raised_by_one_number_and_cut_at_one(self):
    chances, equal = np.array([0.1, 0.4, 0.8]), np.ones(3)
    # 1.3 f = 3 * 0.39, f = 0.9; with the last at 1, 0.5 f + 1 = 3 * 0.6, f = 1.6.
    self.assertAllClose(patients._raised(chances, equal, 0.39), [0.09, 0.36, 0.72])
    self.assertAllClose(patients._raised(chances, equal, 0.6), [0.16, 0.64, 1])
    self.assertAllClose(patients._raised(chances, equal, 0.0), [0, 0, 0])
    self.assertAllClose(patients._raised(chances, equal, 1.0), [1, 1, 1])
    # The mean is that of slices, of which the last level has as many as the others together.
    self.assertAllClose(patients._raised(chances, np.array([1, 1, 2]), 0.42), [0.08, 0.32, 0.64])

  def test_as_many_as_asked_for(self):
    made = Patients(_spec(), 0.3, seed=1)
    found = [one.has_lesion for index in range(400) for one in made.slices(index)]
    self.assertAllClose(np.mean(found), 0.3, atol=0.04)

  def test_equal_at_all_levels_where_the_bundle_does_not_say(self):
    made = Patients(_spec(lesion_shares=(), slice_shares=()), 0.5, seed=0)
    found = np.array([[one.has_lesion for one in made.slices(index)] for index in range(400)])
    self.assertAllClose(found.mean(axis=0), [0.5] * 4, atol=0.08)

  def test_more_than_levels_with_a_lesion_are_refused(self):
    """Two of 2.5 slices a patient are at levels where a lesion was seen."""
    with self.assertRaisesRegex(InputError, r'share_lesion is 0\.9, expected at most 0\.8:'):
      Patients(_spec(), 0.9, seed=0)
    Patients(_spec(), 0.8, seed=0)

  def test_what_cannot_be_asked_for_is_refused(self):
    for facts, share, message in (
      ({'conditions': ('level',)}, 0.5, 'cannot be asked for lesions'),
      ({'conditions': ('level', 'age')}, None, r"asked for \['age'\], expected level and lesion"),
      ({'lesion_shares': ()}, None, 'does not say how many slices have a lesion'),
    ):
      with self.assertRaisesRegex(InputError, message):
        Patients(_spec(**facts), share, seed=0)


_LEVELS = {0: -0.75, 1: -0.25, 2: 0.25, 3: 0.75}

if __name__ == '__main__':
  tf.test.main()
