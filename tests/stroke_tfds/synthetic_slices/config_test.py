import dataclasses
import json
import math
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from keras_itm.appearance import Appearances
from keras_itm.bundle import load_bundle
from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig as Config
from stroke_tfds.synthetic_slices import drawing
from tests import tiny
from tests.slice_sets import METADATA, SlicesCase


class NameTest(SlicesCase):
  def test_carries_count_seed_and_a_fingerprint(self):
    self.assertRegex(self.config(num_patients=3).resolve().name, r'^n3_seed0-unaudited-[0-9a-f]{12}$')
    slices = self.config(num_patients=0, num_slices=5, seed=2).resolve()
    self.assertRegex(slices.name, r'^slices5_seed2-unaudited-[0-9a-f]{12}$')
    self.assertRegex(self.config(name='pilot').resolve().name, r'^pilot-unaudited-[0-9a-f]{12}$')

  def test_whatever_changes_the_slices_changes_the_name(self):
    other = tiny.save_toy_joint(self.root / 'other', METADATA, slice_shares=(1.0,) * 4)
    copy = tiny.save_toy_joint(self.root / 'copy', METADATA, **self.FACTS)
    translator = tiny.save_toy_class_translator(self.root / 'other translator', METADATA, weight=0.25)
    changes = (
      {},
      {'seed': 1},
      {'num_patients': 4},
      {'num_patients': 0, 'num_slices': 3},
      {'truncation': 0.5},
      {'share_lesion': 0.3},
      {'tries': 1},
      {'joint_generator': str(other), 'share_lesion': 0.3},
      self.translated(),
      self.translated(translator=str(translator)),
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
    ({'tries': 0}, 'tries is 0, expected a whole number from 1'),
    ({'joint_generator': ''}, 'joint_generator is empty, expected a folder; give --config'),
    ({'joint_generator': 'a\nb'}, r"joint_generator is 'a\\nb', expected a string in one line"),
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

  def test_a_translator_that_does_not_fit(self):
    for name, facts, message in (
      (
        'classes',
        {'classes': ('background', 'lesion')},
        r"the classes \('background', 'lesion'\), exp",
      ),
      (
        'grid',
        {'grid': {**METADATA['grid'], 'shape': [16, 16, 5]}},
        'has the grid .*5.*, expected .*4',
      ),
      (
        'scheme',
        {'label_scheme': {**METADATA['label_scheme'], 'name': 'x'}},
        "label_scheme {'name': 'x'",
      ),
      ('labels', {'classes': ()}, 'takes labels, expected one of the classes .*train_itm.by_classes'),
    ):
      folder = tiny.save_toy_class_translator(self.root / f'other {name}', METADATA, **facts)
      message = f'^translator {folder} .*{message}'
      self.refused(message, **self.translated(translator=str(folder)))
    labels, lesions = tiny.save_toy_bundles(self.root / 'of labels', METADATA)
    self.refused('takes labels, expected', **self.translated(translator=str(labels)))
    message = "a bundle of kind 'lesion_generator', expected 'translator'"
    self.refused(message, **self.translated(translator=str(lesions)))

  def test_a_translator_of_volumes_or_of_more_than_classes(self):
    told = Appearances.fit(['DWI.noise'], [[0.1], [0.2]])
    for changes, message in (
      ({'whole_volumes': True}, 'takes whole volumes, expected one of slices'),
      ({'appearances': told}, r"takes \['DWI.noise'\] beside classes, expected one of classes alone"),
    ):
      bundle = load_bundle(self.translator)
      changed = dataclasses.replace(bundle, spec=dataclasses.replace(bundle.spec, **changes))
      given = [load_bundle(self.masks), changed]
      with mock.patch.object(drawing, 'open_bundle', side_effect=given):
        self.refused(message, **self.translated())

  def test_a_translator_beside_a_generator_of_images(self):
    message = r'^joint_generator .* makes 2 contrast\(s\) itself, expected one of classes alone beside'
    self.refused(message, translator=str(self.translator))

  def test_contrasts_of_a_translator(self):
    message = r"^translator .* makes 2 contrast\(s\) \['DWI', 'ADC'\], expected \['DWI'\]"
    self.refused(message, **self.translated(contrasts=['DWI']))

  def test_contrasts_of_a_bundle_that_does_not_name_them(self):
    folder = tiny.save_toy_joint(self.root / 'silent', METADATA, **self.FACTS)
    facts = json.loads((folder / 'bundle.json').read_text())
    del facts['contrasts']  # As in bundles of earlier releases.
    (folder / 'bundle.json').write_text(json.dumps(facts))
    self.refused('expected their names in the field contrasts', joint_generator=str(folder))
    named = self.config(joint_generator=str(folder), contrasts=['a', 'b'])
    self.assertEqual(named.contrasts_of(named.load().joint.spec), ('a', 'b'))


if __name__ == '__main__':
  tf.test.main()
