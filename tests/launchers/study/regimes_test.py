"""Regimes unrolled into arms, and those that cannot be."""

import tensorflow as tf
from absl.testing import parameterized

from launchers.study.arms import Arm
from launchers.study.design import Synthetic
from launchers.study.regimes import read_arms
from tests.launchers.study import refusals
from tests.launchers.study.tiny_study import arm

_SYNTHETIC = {'A': Synthetic(translator='a.gin'), 'B': Synthetic(builder='carvemix')}
_FEW = {'learns_from': {'clinical': '{count}'}, 'epochs': 3, 'evaluated_epochs': 2}
_ALONE = {'learns_from': {'{source}': 'all'}, 'epochs': 3, 'evaluated_epochs': 2}


def _names(arms) -> list[str]:
  return [read.name for read in read_arms(arms, _SYNTHETIC)]


class ReadArmsTest(refusals.Case):
  def test_a_source_in_name_texts_and_keys(self):
    fields = {
      'sources': ['A', 'B'],
      'learns_from': {'clinical': 'all', '{source}': 4},
      'weights': {'clinical': 1, '{source}': 2.5},
      'bindings': ["train_unet.start = '{source}'"],
      'group': 'with {source}',
      'system': '{translator}',
    }
    _, a, b = read_arms({'first': arm(), 'clinical + {source}': arm(**fields)}, _SYNTHETIC)
    both = {'epochs': 3, 'evaluated_epochs': 2}
    self.assertEqual(
      a,
      Arm(
        name='clinical + A',
        learns_from={'clinical': 'all', 'A': 4},
        weights={'clinical': 1, 'A': 2.5},
        bindings=("train_unet.start = 'A'",),
        group='with A',
        system='A',
        **both,
      ),
    )
    self.assertEqual(
      (b.name, b.system, b.learns_from), ('clinical + B', '', {'clinical': 'all', 'B': 4})
    )

  def test_numbers_are_numbers(self):
    few, more = read_arms({'{count} clinical': {'counts': [5, 10], **_FEW}})
    self.assertEqual((few.name, few.n_clinical), ('5 clinical', 5))
    self.assertEqual((more.name, more.n_clinical), ('10 clinical', 10))

  def test_fields_of_one_value_alone(self):
    counts = {5: {'steps_per_epoch': 7}, 10: {'epochs': 4, 'group': 'of {count}'}}
    few, more = read_arms({'{count} clinical': {'counts': counts, **_FEW}})
    self.assertEqual((few.steps_per_epoch, few.epochs, few.group), (7, 3, ''))
    self.assertEqual((more.steps_per_epoch, more.epochs, more.group), (0, 4, 'of 10'))

  def test_neighbours_are_unrolled_source_by_source_and_what_is_between_keeps_its_place(self):
    tuned = {'sources': ['A'], 'start': '{source}', **arm()}
    self.assertEqual(
      _names({'{source}': {'sources': ['B', 'A'], **_ALONE}, '{source}, then': tuned, 'plain': arm()}),
      ['B', 'A', 'A, then', 'plain'],
    )
    self.assertEqual(
      _names(
        {'{count} c': {'counts': [2], **_FEW}, 'x': arm(), '{source}': {'sources': ['A'], **_ALONE}}
      ),
      ['2 c', 'x', 'A'],
    )

  def test_published_values_by_name_unless_the_arm_gives_its_own(self):
    arms = {'x': arm(), 'y': arm(published=(1.0, 2.0)), '{source}': {'sources': ['A'], **_ALONE}}
    read = read_arms(arms, _SYNTHETIC, {'x': (5, 6), 'y': (7, 8), 'A': [9, 0.5], 'none': (3, 4)})
    self.assertEqual([one.published for one in read], [(5, 6), (1.0, 2.0), (9, 0.5)])
    message = "arm 'x': published is .5,., expected a mean and an sd"
    self.refuses(message, read_arms, arms, _SYNTHETIC, {'x': (5,)})

  @parameterized.parameters(
    (
      {'{source}': {'sources': ['C'], **_ALONE}},
      r"regime '{source}': source 'C' is unknown, .*'A', 'B'",
    ),
    ({'{source}': _ALONE}, "regime '{source}': sources is missing, expected what {source} stands for"),
    ({'alone': {'sources': ['A'], **_ALONE}}, "regime 'alone': no {source} in its name, expected"),
    ({'{source}': {'sources': 'A', **_ALONE}}, "regime '{source}': sources is 'A', expected a list"),
    ({'{source}': {'sources': [['A']], **_ALONE}}, "regime '{source}': sources is .* expected a list"),
    ({'{source}': {'sources': {'A': 3}, **_ALONE}}, "regime '{source}': sources is .* expected a list"),
    ({'{count} c': {'counts': 5, **_FEW}}, "regime '{count} c': counts is 5, expected a list"),
    ({'{count} c': {'counts': [0], **_FEW}}, "regime '{count} c', arm '0 c': 0 cases of 'clinical'"),
    (
      {'{count} c': {'counts': [5], 'sources': ['A'], **_FEW}},
      "'{count} c': has .'sources', 'counts'.,",
    ),
    (
      {'{source}': {'sources': ['A'], **_ALONE, 'epoks': 3}},
      "regime '{source}', arm 'A': field 'epoks' is unknown",
    ),
    (
      {'A': arm(), '{source}': {'sources': ['A'], **_ALONE}},
      "regime '{source}', arm 'A': there is an arm 'A' above",
    ),
    (
      {'{source}, then': {'sources': ['A'], **_ALONE, 'start': '{source}'}},
      "regime '{source}, then', arm 'A, then': start is 'A', expected an arm above it",
    ),
    (
      {'{source}': {'sources': ['A'], **_ALONE, 'reference': '10 clinical'}},
      "regime '{source}', arm 'A': reference is '10 clinical', expected an arm above it",
    ),
  )
  def test_refuses(self, arms, message):
    self.refuses(message, read_arms, arms, _SYNTHETIC)


if __name__ == '__main__':
  tf.test.main()
