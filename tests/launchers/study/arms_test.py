"""Arms as a gin file gives them, good and bad."""

import tensorflow as tf
from absl.testing import parameterized

from launchers.study.arms import ALL, read_arms
from stroke_tfds.errors import InputError
from tests.launchers.study.tiny_study import arm


class ReadArmsTest(tf.test.TestCase):
  def test_refuses_fields_of_other_types(self):
    for field, value in (
      ('group', 3),
      ('bindings', [3]),
      ('bindings', 'a.b = 1'),
      ('published', ('a', 'b')),
      ('steps_per_epoch', -1),
    ):
      with self.assertRaisesRegex(InputError, f"arm 'x': {field} is "):
        read_arms({'x': arm(**{field: value})})
    with self.assertRaisesRegex(InputError, 'arm 1: expected a text for a name'):
      read_arms({1: arm()})

  def test_keeps_order_and_fields(self):
    read = read_arms(
      {
        'clinical': arm(published=(68.7, 2.3)),
        'tuned': arm(
          learns_from={'clinical': 10}, start='clinical', reference='clinical', bindings=['a.b = 1']
        ),
      }
    )
    self.assertEqual([one.name for one in read], ['clinical', 'tuned'])
    self.assertEqual(read[0].published, (68.7, 2.3))
    self.assertEqual((read[0].start, read[1].start), ('', 'clinical'))
    self.assertEqual(read[1].bindings, ('a.b = 1',))
    self.assertEqual((read[0].n_clinical, read[1].n_clinical), (ALL, 10))

  def test_clinical_cases_of_an_arm_without_any(self):
    self.assertEqual(read_arms({'a': arm(learns_from={'SPADE': 'all'})})[0].n_clinical, 0)

  def test_windows(self):
    for window, epochs in (
      (1, [6]),
      (3, [4, 5, 6]),
      (6, [1, 2, 3, 4, 5, 6]),
      ((2, 3), [2, 3]),
      ([6, 6], [6]),
      ((1, 6), [1, 2, 3, 4, 5, 6]),
    ):
      read = read_arms({'a': arm(epochs=6, window=window)})
      self.assertEqual(list(read[0].window_epochs), epochs)


class RefusalTest(parameterized.TestCase):
  @parameterized.parameters(
    ({'epoch': 3}, "field 'epoch' is unknown, expected some of .*epochs"),
    ({'name': 'b'}, "field 'name' is unknown"),
    ({'learns_from': {}}, 'learns_from is {}, expected at least one source'),
    ({'learns_from': 'clinical'}, "learns_from is 'clinical', expected at least one source"),
    ({'learns_from': {'clinical': 0}}, "0 cases of 'clinical', expected a whole number"),
    ({'learns_from': {'clinical': 2.5}}, "2.5 cases of 'clinical', expected a whole number"),
    ({'learns_from': {'clinical': True}}, "True cases of 'clinical', expected a whole number"),
    ({'learns_from': {'clinical': 'some'}}, "'some' cases of 'clinical'"),
    ({'weights': {'SPADE': 1}}, 'weights is .*SPADE'),
    ({'weights': {'clinical': 0}}, "weight of 'clinical' is 0, expected a number > 0"),
    ({'weights': {'clinical': float('inf')}}, "weight of 'clinical' is inf"),
    ({'weights': {'clinical': float('nan')}}, "weight of 'clinical' is nan"),
    ({'weights': {'clinical': 'much'}}, "weight of 'clinical' is 'much'"),
    ({'weights': [1]}, r'weights is \(1,\)'),
    ({'epochs': 0}, 'epochs is 0, expected a whole number'),
    ({'epochs': '3'}, "epochs is '3', expected a whole number"),
    ({'window': 0}, 'window is 0, expected'),
    ({'window': 4}, 'window is 4, expected a number of last epochs up to 3'),
    ({'window': (2, 4)}, r'window is \(2, 4\)'),
    ({'window': (3, 2)}, r'window is \(3, 2\)'),
    ({'window': (0, 2)}, r'window is \(0, 2\)'),
    ({'window': (1, 2, 3)}, r'window is \(1, 2, 3\)'),
    ({'window': (1,)}, r'window is \(1,\)'),
    ({'window': 'all'}, "window is 'all'"),
    ({'start': 'b'}, r"start is 'b', expected an arm above it: \['first'\]"),
    ({'start': 'a'}, "start is 'a', expected an arm above it"),
    ({'reference': 'b'}, "reference is 'b', expected an arm above it"),
    ({'published': (1.0,)}, r'published is \(1.0,\), expected a mean and an sd'),
    ({'published': 68.7}, 'published is 68.7, expected a mean and an sd'),
    ({'bindings': 'a.b = 1'}, "bindings is 'a.b = 1', expected a list"),
  )
  def test_names_the_arm(self, change, message):
    with self.assertRaisesRegex(InputError, f"arm 'a': {message}") as caught:
      read_arms({'first': arm(), 'a': arm(**change)})
    self.assertNotIn('\n', str(caught.exception))

  def test_missing_fields(self):
    for field in ('learns_from', 'epochs', 'window'):
      fields = arm()
      del fields[field]
      with self.assertRaisesRegex(InputError, f"arm 'a': {field} is missing"):
        read_arms({'a': fields})

  def test_no_fields(self):
    with self.assertRaisesRegex(InputError, "arm 'a': is 3, expected fields"):
      read_arms({'a': 3})

  def test_none(self):
    with self.assertRaisesRegex(InputError, 'arms is empty'):
      read_arms({})


if __name__ == '__main__':
  tf.test.main()
