"""Parts of a few test cases, by size and by territory, counted by hand."""

import numpy as np
import tensorflow as tf

from launchers.study import analysis
from launchers.study.results import TestSet


def _cases(voxels: list[int], territory: list[str] | None = None) -> TestSet:
  territory = [''] * len(voxels) if territory is None else territory
  ids = [f'case-{i}' for i in range(len(voxels))]
  return TestSet(np.array(ids), np.array(voxels) * 0.5, np.array(voxels), np.array(territory))


class PartsTest(tf.test.TestCase):
  def test_tertiles_are_of_scored_cases(self):
    # 19 voxels and none are not scored; what is left is 20, 40, 60, 80, 100, 120, mixed.
    parts = analysis.tertiles(_cases([120, 19, 40, 0, 20, 100, 60, 80]))
    expected = {
      'small, 10 to 20 ml': [0, 1, 1, 0, 0, 0],
      'medium, 30 to 40 ml': [0, 0, 0, 0, 1, 1],
      'large, 50 to 60 ml': [1, 0, 0, 1, 0, 0],
    }
    self.assertEqual(list(parts), list(expected))
    for label, mask in expected.items():
      self.assertAllEqual(parts[label], np.array(mask, bool))

  def test_a_tertile_of_one_case_is_left_out(self):
    self.assertEqual(
      list(analysis.tertiles(_cases([20, 22, 40, 60, 62]))),
      ['small, 10 to 11 ml', 'medium, 20 to 30 ml'],
    )

  def test_equal_volumes_are_still_thirds(self):
    parts = analysis.tertiles(_cases([100, 20, 20, 20, 20, 120]))
    self.assertAllEqual(
      np.stack(list(parts.values())),
      [[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [1, 0, 0, 0, 0, 1]],
    )

  def test_rare_territories_are_pooled(self):
    territory = ['PCA', 'ACA', 'PCA', 'ACA', 'ACA', 'basilar'] + ['MCA'] * 7 + ['ACA'] * 2
    cases = _cases([50] * 12 + [5, 50, 50], territory)
    parts = analysis.territories(cases)
    # Of the seven of MCA one is too small to be scored.
    self.assertEqual(
      {name: int(mask.sum()) for name, mask in parts.items()}, {'MCA': 6, 'ACA': 5, 'other': 3}
    )
    self.assertEqual(list(parts), ['MCA', 'ACA', 'other'])
    self.assertAllEqual(np.flatnonzero(parts['other']), [0, 2, 5])

  def test_a_single_case_of_other_is_left_out(self):
    parts = analysis.territories(_cases([50] * 6, ['ACA'] * 5 + ['PCA']))
    self.assertEqual(list(parts), ['ACA'])


if __name__ == '__main__':
  tf.test.main()
