"""Arms as a gin file gives them, good and bad."""

import dataclasses

import tensorflow as tf
from absl.testing import parameterized

from launchers.study.arms import ALL, arm_groups, arm_labels
from launchers.study.regimes import read_arms
from stroke_tfds.errors import InputError
from tests.launchers.study import rows
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
    for name in (1, '', 'a\nb', 'a\x1b[31m', 'a\ud800', 'x' * 101):
      with self.assertRaisesRegex(InputError, 'arm .*: expected a name of 1 to 100'):
        read_arms({name: arm()})
    for field in ('group', 'system'):
      with self.assertRaisesRegex(InputError, f"arm 'x': {field}: expected a name"):
        read_arms({'x': arm(**{field: 'a\x07'})})

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

  def test_evaluated_epochs(self):
    for asked, epochs in (
      (1, [6]),
      (3, [4, 5, 6]),
      (6, [1, 2, 3, 4, 5, 6]),
      ((2, 3), [2, 3]),
      ([6, 6], [6]),
      ((1, 6), [1, 2, 3, 4, 5, 6]),
    ):
      read = read_arms({'a': arm(epochs=6, evaluated_epochs=asked)})
      self.assertEqual(list(read[0].evaluated_range), epochs)


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
    ({'evaluated_epochs': 0}, 'evaluated_epochs is 0, expected'),
    ({'evaluated_epochs': 4}, 'evaluated_epochs is 4, expected a number of last epochs up to 3'),
    ({'evaluated_epochs': (2, 4)}, r'evaluated_epochs is \(2, 4\)'),
    ({'evaluated_epochs': (3, 2)}, r'evaluated_epochs is \(3, 2\)'),
    ({'evaluated_epochs': (0, 2)}, r'evaluated_epochs is \(0, 2\)'),
    ({'evaluated_epochs': (1, 2, 3)}, r'evaluated_epochs is \(1, 2, 3\)'),
    ({'evaluated_epochs': (1,)}, r'evaluated_epochs is \(1,\)'),
    ({'evaluated_epochs': 'all'}, "evaluated_epochs is 'all'"),
    ({'start': 'b'}, r"start is 'b', expected an arm above it: \['first'\]"),
    ({'start': 'a'}, "start is 'a', expected an arm above it"),
    ({'reference': 'b'}, "reference is 'b', expected an arm above it"),
    ({'rivals': ['b']}, "a rival is 'b', expected an arm above it"),
    ({'rivals': 'b'}, "rivals is 'b', expected a list of texts"),
    ({'rivals': ['first']}, r"is compared with \['first', 'first'\], .* expected each once"),
    ({'published': (1.0,)}, r'published is \(1.0,\), expected a mean and an sd'),
    ({'published': 68.7}, 'published is 68.7, expected a mean and an sd'),
    ({'bindings': 'a.b = 1'}, "bindings is 'a.b = 1', expected a list"),
  )
  def test_names_the_arm(self, change, message):
    with self.assertRaisesRegex(InputError, f"arm 'a': {message}") as caught:
      read_arms({'first': arm(), 'a': arm(**change)})
    self.assertNotIn('\n', str(caught.exception))

  def test_missing_fields(self):
    for field in ('learns_from', 'epochs', 'evaluated_epochs'):
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

  def test_no_names(self):
    with self.assertRaisesRegex(InputError, r"^arms is \['a'\], expected"):
      read_arms(['a'])
    with self.assertRaisesRegex(InputError, r"^published is 'a', expected"):
      read_arms({'a': arm()}, published='a')


class NamesTest(tf.test.TestCase):
  def test_labels_tell_arms_of_a_group_apart(self):
    self.assertEqual(
      list(arm_labels(rows.ARMS).values()),
      ['clinical', 'strong', '10 clinical', 'fusion', 'mix', 'SPADE', 'SPADE', 'SPADE'],
    )

  def test_arms_that_differ_in_number_alone_keep_their_names(self):
    more = dataclasses.replace(rows.ALONE, name='400 SPADE')
    self.assertEqual(
      arm_labels((rows.SPADE, rows.ALONE, more)),
      {'clinical + SPADE': 'SPADE', 'SPADE': 'SPADE', '400 SPADE': '400 SPADE'},
    )

  def test_what_a_study_is_about(self):
    found = [arm.name for arm in rows.ARMS if not arm.is_tested]
    self.assertEqual(found, ['10 clinical'])

  def test_uses_synthetic(self):
    found = [arm.name for arm in rows.ARMS if arm.uses_synthetic]
    self.assertEqual(
      found, [a.name for a in (rows.FUSION, rows.MIX, rows.SPADE, rows.ALONE, rows.TUNED)]
    )

  def test_groups_come_in_order_of_their_first_arm(self):
    arms = (rows.CLINICAL, rows.TEN, rows.STRONG)
    self.assertEqual(
      arm_groups(arms),
      {'clinical': [rows.CLINICAL, rows.STRONG], 'few clinical cases': [rows.TEN]},
    )


if __name__ == '__main__':
  tf.test.main()
