"""Designs as a gin file gives them, good and bad."""

import tensorflow as tf
from absl.testing import parameterized

from launchers.study import design as designs
from tests.launchers.study import refusals, tiny_study
from tests.launchers.study.tiny_study import arm


class ReadTest(refusals.Case):
  def test_synthetic_sources(self):
    read = designs.read_synthetic(
      {'SPADE': {'translator': 'spade_mini.gin', 'bindings': ['a.b = 1']}, 'mine': {'set': 'a/b:train'}}
    )
    self.assertEqual(
      read['SPADE'], designs.Synthetic(translator='spade_mini.gin', bindings=('a.b = 1',))
    )
    self.assertEqual(read['mine'], designs.Synthetic(set='a/b:train'))

  @parameterized.parameters(
    ({'translater': 'x'}, "source 'a': field 'translater' is unknown, expected some of .*translator"),
    ({}, "source 'a': has none of"),
    ({'bindings': ['a.b = 1']}, "source 'a': has none of"),
    ({'set': 'a/b:train', 'builder': 'carvemix'}, r"source 'a': has \['builder', 'set'\] of"),
    ({'translator': 'x', 'bindings': 'a.b = 1'}, r"source 'a': bindings is 'a.b = 1', expected a list"),
    ({'builder': 'carvemix', 'bindings': ['a.b = 1']}, "source 'a': bindings are of a translator"),
    (
      {'set': 'a/b:train', 'config': {'min_voxels': 9}},
      "'a': config is .*expected fields of a new",
    ),
    ({'builder': 'carvemix', 'config': 3}, "source 'a': config is 3, expected"),
    ({'translator': 'x', 'config': {'keep': True}}, "source 'a': config field 'keep' is unknown"),
    (
      {'builder': 'carvemix', 'config': {'keep_scan': True}},
      "source 'a': config field 'keep_scan' is unknown",
    ),
    (
      {'translator': 'x', 'config': {'num_volumes': 9}},
      "'a': config has 'num_volumes', which the study",
    ),
    ({'translator': 'x', 'config': {'keep_scan': 1}}, "'a': keep_scan is 1, expected true or false"),
    ({'translator': 'x', 'config': {'healthy': 'b'}}, "'a': config has 'healthy', which the study"),
    ({'builder': 'carvemix', 'config': {'clinical': 'b'}}, "'a': config has 'clinical', which the"),
    ({'translator': 'x', 'config': {'share_negative': 7}}, "'a': share_negative is 7, expected"),
    ({'translator': 'x', 'config': {'max_draws': 0}}, "'a': max_draws is 0, expected"),
    ({'builder': 'carvemix', 'config': {'min_voxels': 0}}, "'a': min_voxels is 0, expected"),
    (3, "source 'a': is 3, expected fields"),
    (
      {'translator': 'x', 'clinical': 0},
      '\'a\': clinical is 0, expected "all" or a whole number from 1',
    ),
    ({'translator': 'x', 'clinical': True}, "'a': clinical is True, expected"),
    ({'translator': 'x', 'scans': 'train'}, "'a': scans is 'train', expected healthy or clinical"),
    ({'translator': 'x', 'scans': 'clinical'}, "'a': scans is clinical, expected keep_scan in its"),
    ({'set': 'a/b:train', 'clinical': 3}, "'a': clinical is 3, .* of a new set"),
    ({'builder': 'mixup'}, r"builder is 'mixup', expected one of \['carvemix', 'lesion_fusion'\]"),
  )
  def test_refuses_sources(self, fields, message):
    self.refuses(message, designs.read_synthetic, {'a': fields})

  def test_refuses_names_that_the_study_uses(self):
    for name in ('clinical', 'train', 'test', 'healthy', 'validation'):
      fields = {name: {'set': 'a/b:train'}}
      self.refuses(f"source '{name}': the name is taken", designs.read_synthetic, fields)

  def test_rates(self):
    self.assertEqual(designs.read_rates('a/b:dev', [1e-3, 1]), (1e-3, 1.0))
    self.assertEqual(designs.read_rates('', ()), ())
    for development, rates in (('', [1e-3, 1e-4]), ('a/b:dev', ())):
      self.refuses('expected both or neither', designs.read_rates, development, rates)
    for rates in ([1e-3], [1e-3, 1e-3], [0, 1e-3], [-1, 1], ['a', 'b']):
      self.refuses('expected two or more different ones', designs.read_rates, 'a/b:dev', rates)
    self.refuses('learning_rates is 0.1, expected a list', designs.read_rates, 'a/b:dev', 0.1)

  def test_claims(self):
    designs.check_claims(0.03, 'control')
    for margin in (0, -0.03, 3, '3'):
      self.refuses(f'margin is {margin!r}, expected', designs.check_claims, margin, '')
    self.refuses("ranks is 'all', expected pairs, control", designs.check_claims, 0.03, 'all')

  def test_what_generators_have_seen(self):
    synthetic = {
      'all': {'builder': 'carvemix'},
      'few': {'builder': 'carvemix', 'clinical': 3},
      'built': {'set': 'a/b:train'},
    }
    design = tiny_study.design(synthetic=synthetic, arms={'x': arm()})
    self.assertEqual(design.seen(), {'all': 'all', 'few': 3, 'built': None})

  def test_seeds(self):
    self.assertEqual(designs.read_seeds(3), (0, 1, 2))
    for n_seeds in (0, -1, True, 2.0, '3'):
      self.refuses(f'n_seeds is {n_seeds!r}, expected', designs.read_seeds, n_seeds)

  def test_texts_of_sources(self):
    self.assertEqual(designs.source_text('a/b:train', 'all', 3), 'a/b:train')
    self.assertEqual(designs.source_text('a/b:train', 10, 3), 'a/b:train(10, seed=3)')
    self.assertEqual(designs.first_cases('a/b:train', 'all'), 'a/b:train')
    self.assertEqual(designs.first_cases('a/b:train', 10), 'a/b:train[:10]')

  def test_used_sources(self):
    synthetic = {name: {'builder': 'carvemix'} for name in ('unused', 'one')}
    arms = {'x': arm(learns_from={'one': 2, 'clinical': 'all'})}
    design = tiny_study.design(synthetic=synthetic, arms=arms)
    self.assertEqual(list(design.used()), ['one'])
    self.assertEqual(designs.describe_sources(design.arms[0]), '2 one + all clinical')


if __name__ == '__main__':
  tf.test.main()
