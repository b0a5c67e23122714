import json
import math

import tensorflow as tf
from absl.testing import parameterized

from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig as Config
from tests import tiny
from tests.slice_sets import METADATA, SlicesCase


class NameTest(SlicesCase):
  def test_carries_count_seed_and_a_fingerprint(self):
    self.assertRegex(self.config(num_patients=3).resolve().name, r'^n3_seed0-[0-9a-f]{12}$')
    slices = self.config(num_patients=0, num_slices=5, seed=2).resolve()
    self.assertRegex(slices.name, r'^slices5_seed2-[0-9a-f]{12}$')
    self.assertRegex(self.config(name='pilot').resolve().name, r'^pilot-[0-9a-f]{12}$')

  def test_whatever_changes_the_slices_changes_the_name(self):
    other = tiny.save_toy_joint(self.root / 'other', METADATA, slice_shares=(1.0,) * 4)
    copy = tiny.save_toy_joint(self.root / 'copy', METADATA, **self.FACTS)
    changes = (
      {},
      {'seed': 1},
      {'num_patients': 4},
      {'num_patients': 0, 'num_slices': 3},
      {'truncation': 0.5},
      {'share_lesion': 0.3},
      {'joint_generator': str(other), 'share_lesion': 0.3},
    )
    names = [self.config(name='x', **fields).resolve().name for fields in changes]
    self.assertLen(set(names), len(changes))
    same = ({'joint_generator': str(copy)}, {'contrasts': ['DWI', 'ADC']}, {'truncation': 1})
    for fields in same:
      self.assertEqual(self.config(name='x', **fields).resolve().name, names[0])


class BadInputTest(parameterized.TestCase, SlicesCase):
  def refused(self, message, **fields):
    with self.assertRaisesRegex(InputError, message) as caught:
      self.config(**fields).resolve()
    self.assertNotIn('\n', str(caught.exception))

  @parameterized.parameters(
    ({'num_patients': 0}, 'num_patients is 0 and num_slices 0, expected one of them'),
    ({'num_patients': -1}, 'num_patients is -1, expected a whole number from 1'),
    ({'num_patients': 0, 'num_slices': -2}, 'num_slices is -2, expected a whole number from 1'),
    ({'num_slices': 2}, 'num_patients is 3 and num_slices 2, expected one of them'),
    ({'num_patients': True}, 'num_patients is True, expected a whole number'),
    ({'truncation': 1.5}, r'truncation is 1\.5, expected a number from 0 to 1'),
    ({'truncation': -0.1}, r'truncation is -0\.1, expected a number from 0 to 1'),
    ({'truncation': None}, 'truncation is None, expected a number from 0 to 1'),
    ({'truncation': math.nan}, 'truncation is nan, expected a number from 0 to 1'),
    ({'share_lesion': 2}, 'share_lesion is 2, expected a number from 0 to 1'),
    ({'seed': -1}, 'seed is -1'),
    ({'joint_generator': ''}, 'joint_generator is empty, expected a folder; give --config'),
    ({'joint_generator': '/nowhere'}, 'joint_generator /nowhere: no bundle there'),
    ({'contrasts': 'DWI'}, "contrasts is 'DWI', expected a list of names"),
    ({'contrasts': ['DWI']}, r"makes 2 contrast\(s\) \['DWI', 'ADC'\], expected \['DWI'\]"),
    ({'contrasts': ['ADC', 'DWI']}, r"\['DWI', 'ADC'\], expected \['ADC', 'DWI'\]"),
    ({'classes': ['background', 'lesion']}, r"makes the classes \['background', 'white matter'"),
  )
  def test_is_refused_in_one_line(self, fields, message):
    self.refused(message, **fields)

  def test_unknown_field(self):
    with self.assertRaisesRegex(InputError, "config field 'num_volumes' is unknown"):
      Config(num_volumes=3)

  def test_bundle_of_another_kind(self):
    translator, _ = tiny.save_toy_bundles(self.root / 'others', METADATA)
    message = "a bundle of kind 'translator', expected 'joint_generator'"
    self.refused(message, joint_generator=str(translator))

  def test_contrasts_of_a_bundle_that_does_not_name_them(self):
    folder = tiny.save_toy_joint(self.root / 'silent', METADATA, **self.FACTS)
    facts = json.loads((folder / 'bundle.json').read_text())
    del facts['contrasts']  # As in bundles of earlier releases.
    (folder / 'bundle.json').write_text(json.dumps(facts))
    self.refused('expected their names in the field contrasts', joint_generator=str(folder))
    config = self.config(joint_generator=str(folder), contrasts=['a', 'b'])
    self.assertEqual(config.contrasts_of(config.load().spec), ('a', 'b'))


if __name__ == '__main__':
  tf.test.main()
