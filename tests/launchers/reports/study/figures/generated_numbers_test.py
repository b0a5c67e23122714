"""Dice stands over the number of generated cases."""

import numpy as np
import tensorflow as tf

from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures import generated_numbers
from launchers.study.regimes import read_arms
from tests.launchers.study import fake_study
from tests.launchers.study.tiny_study import arm

_MIXED = {'clinical': 'all', 'A': '{count}'}
_ARMS = read_arms(
  {
    'real': arm(),
    'real + {count} A': {'counts': [30, 2, 6], **arm(learns_from=_MIXED, system='A')},
    '10 real + 4 A': arm(learns_from={'clinical': 10, 'A': 4}),
    'real + all A': arm(learns_from={'clinical': 'all', 'A': 'all'}),
    'other': arm(learns_from={'clinical': 'all', 'A': 9}, bindings=['a.b = 1']),
    'real + 2 B': arm(learns_from={'clinical': 'all', 'B': 2}),
  }
)
_STYLES = arm_styles(_ARMS)


class GeneratedNumbersTest(tf.test.TestCase):
  def test_arms_by_number(self):
    numbers = generated_numbers._numbers(fake_study.make(2, _ARMS))
    names = {source: {n: arm.name for n, arm in arms.items()} for source, arms in numbers.items()}
    expected = {2: 'real + 2 A', 6: 'real + 6 A', 30: 'real + 30 A'}
    self.assertEqual(names, {'A': expected, 'B': {2: 'real + 2 B'}})
    self.assertEqual(list(names['A']), [2, 6, 30])

  def test_means_and_standard_errors_by_hand(self):
    study = fake_study.make(2, _ARMS, n_scored=4, n_small=1, n_negative=1)
    numbers = {'A': generated_numbers._numbers(study)['A']}
    axes = generated_numbers.draw(study, numbers, _STYLES).axes[0]
    (bars,) = axes.containers
    points = bars.lines[0].get_xydata()
    self.assertAllEqual(points[:, 0], [2, 6, 30])
    results = [study.results['real + 6 A', seed].metrics['dice'].mean(0) for seed in (0, 1)]
    dice = 100 * np.mean(results, axis=0)[study.cases.is_scored]
    self.assertAllClose(points[1, 1], dice.mean())
    (low, high) = bars.lines[2][0].get_segments()[1][:, 1]
    self.assertAllClose([low, high], dice.mean() + dice.std(ddof=1) / 2 * np.array([-1, 1]))

  def test_one_number_is_no_line(self):
    arms = (_ARMS[0], *_ARMS[-3:])
    self.assertIsNone(generated_numbers.generated_numbers(fake_study.make(1, arms), _STYLES, []))
    self.assertIsNotNone(generated_numbers.generated_numbers(fake_study.make(1, _ARMS), _STYLES, []))


if __name__ == '__main__':
  tf.test.main()
