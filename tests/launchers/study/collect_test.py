"""A result from the files of a run, whose numbers are written by hand."""

from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.study.arms import read_arms
from launchers.study.collect import RESULT, collect
from launchers.study.results import METRICS, read_results
from stroke_tfds import files
from tests.launchers.study.tiny_study import arm

_ARMS = read_arms({'clinical': arm(epochs=3, evaluated_epochs=2)})
_CURVE = """epoch,step,seconds,dice,loss,test_dice,test_loss
1,2,1.5,0.1,1.4,,
2,4,3.0,0.2,1.2,0.15,1.3
3,6,4.5,0.4,1.0,0.25,1.1
"""


class CollectTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.run_folder = Path(tfds.testing.make_tmp_dir()) / 'clinical'
    for epoch in (1, 2, 3):
      rows = [self.row('one', 40, epoch), self.row('none', 0, epoch)]
      (self.run_folder / 'window').mkdir(parents=True, exist_ok=True)
      files.write_csv(self.run_folder / 'window' / f'epoch_{epoch:04d}.csv', rows)
    (self.run_folder / 'metrics.csv').write_text(_CURVE)

  def row(self, subject, voxels, epoch):
    numbers = {name: epoch + i / 100 + (voxels == 0) for i, name in enumerate(METRICS)}
    case = {'subject_id': subject, 'territory': 'ACA' * (voxels > 0)}
    return {**case, 'lesion_volume_ml': voxels / 2, 'lesion_voxels': float(voxels), **numbers}

  def collect(self, **facts):
    collect(self.run_folder, _ARMS[0], 7, {'command': 'python x', **facts})
    study = read_results([self.run_folder / RESULT], _ARMS, (7,))
    return study, study.results['clinical', 7]

  def test_evaluated_epochs_and_all_cases(self):
    study, result = self.collect()
    for i, name in enumerate(METRICS):
      expected = [[2 + i / 100, 3 + i / 100], [3 + i / 100, 4 + i / 100]]
      self.assertAllClose(result.metrics[name], expected)
    self.assertAllEqual(study.cases.subject_id, ['one', 'none'])
    self.assertAllEqual(study.cases.lesion_voxels, [40, 0])
    self.assertAllEqual(study.cases.lesion_volume_ml, [20.0, 0.0])
    self.assertAllEqual(study.cases.territory, ['ACA', ''])

  def test_the_learning_curve(self):
    _, result = self.collect()
    self.assertAllEqual(result.curve['step'], [2, 4, 6])
    self.assertAllClose(result.curve['dice'], [0.1, 0.2, 0.4])
    self.assertAllClose(result.curve['test_dice'][1:], [0.15, 0.25])
    self.assertAllEqual(tf.math.is_nan(result.curve['test_dice']), [True, False, False])

  def test_facts(self):
    _, result = self.collect(test='a/b:test')
    own = {'arm': 'clinical', 'seed': 7, 'window': [2, 3], 'run': 'clinical'}
    self.assertEqual(dict(result.facts), {**own, 'command': 'python x', 'test': 'a/b:test'})

  def test_a_result_that_is_there_is_left_alone(self):
    self.collect()
    path = self.run_folder / RESULT
    before = path.stat().st_mtime_ns
    (self.run_folder / 'metrics.csv').unlink()
    self.collect()
    self.assertEqual(path.stat().st_mtime_ns, before)


if __name__ == '__main__':
  tf.test.main()
