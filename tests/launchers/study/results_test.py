"""Results collected from the files of a run, written and read again."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.study.regimes import read_arms
from launchers.study.results import METRICS, RESULT, TestSet, collect, read_results, write_result
from stroke_tfds import files
from stroke_tfds.errors import InputError
from tests.launchers.study import fake_study
from tests.launchers.study.tiny_study import arm

_ARMS = read_arms({'clinical': arm(epochs=3, evaluated_epochs=2)})
_CURVE = """epoch,step,seconds,dice,loss,test_dice,test_loss
1,2,1.5,0.1,1.4,,
2,4,3.0,0.2,1.2,0.15,1.3
3,6,4.5,0.4,1.0,0.25,1.1
"""


class ResultsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(tfds.testing.make_tmp_dir())
    self.study = fake_study.make(n_seeds=2, arms=fake_study.mini_arms()[:3])

  def write(self, study) -> list[Path]:
    paths = []
    for (name, seed), result in study.results.items():
      paths.append(self.folder / f'{name}_{seed}.json')
      write_result(paths[-1], result.facts, result.curve, study.cases, result.metrics)
    return paths

  def read(self, paths):
    return read_results(paths, self.study.arms, self.study.seeds)

  def test_what_is_written_is_read(self):
    read = self.read(self.write(self.study))
    self.assertEqual(read.results.keys(), self.study.results.keys())
    self.assertEqual(read.finished, self.study.arms)
    for key, result in self.study.results.items():
      same = read.results[key]
      self.assertEqual(dict(same.facts), dict(result.facts))
      for name in METRICS:
        self.assertAllClose(same.metrics[name], result.metrics[name], atol=1e-6)
      self.assertEqual(list(same.curve), list(result.curve))
      for name, values in result.curve.items():
        np.testing.assert_allclose(same.curve[name], values, atol=1e-6)
    for field in dataclasses.fields(TestSet):
      self.assertAllEqual(getattr(read.cases, field.name), getattr(self.study.cases, field.name))

  def test_what_is_not_measured_is_null_in_json(self):
    [path, *_] = self.write(self.study)
    content = json.loads(path.read_text(), parse_constant=self.fail)
    self.assertIn(None, content['curve']['test_dice'])

  def test_an_arm_is_finished_with_its_last_seed(self):
    name = self.study.arms[1].name
    read = self.read(self.write(fake_study.make(2, self.study.arms, missing=[(name, 1)])))
    self.assertEqual([arm.name for arm in read.finished], [self.study.arms[i].name for i in (0, 2)])
    self.assertIn((name, 0), read.results)

  def test_values_by_hand(self):
    name = self.study.arms[0].name
    dice = [self.study.results[name, seed].metrics['dice'] for seed in (0, 1)]
    self.assertAllEqual(self.study.values(name, 'dice')[1], dice[1])
    means = [[sum(column) / len(column) for column in zip(*one)] for one in dice]
    self.assertAllClose(self.study.by_case(name, 'dice'), means)

  def test_which_cases_are_scored(self):
    cases = TestSet(
      np.array(list('abcd')), np.arange(4.0), np.array([0, 1, 19, 20]), np.array([''] * 4)
    )
    self.assertAllEqual(cases.is_positive, [False, True, True, True])
    self.assertAllEqual(cases.is_scored, [False, False, False, True])

  def test_refuses_other_test_cases(self):
    paths = self.write(self.study)
    for field, change in (('subject_id', 'someone'), ('lesion_voxels', 7)):
      before = paths[2].read_text()
      content = json.loads(before)
      content['cases'][field][3] = change
      paths[2].write_text(json.dumps(content))
      with self.assertRaisesRegex(InputError, f'{paths[2].name}: {field} of the test cases differs'):
        self.read(paths)
      paths[2].write_text(before)

  def test_refuses_what_is_no_result(self):
    [path, *_] = self.write(self.study)
    whole = path.read_text()
    broken = json.loads(whole)
    del broken['metrics']['hausdorff95_mm']
    listed = json.dumps({**json.loads(whole), 'seed': []})
    for text in ('{}', '[]', whole[:-40], json.dumps(broken), listed):
      path.write_text(text)
      with self.assertRaisesRegex(InputError, f'{path.name}: not a result of a study'):
        self.read([path])


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

  def test_dice_of_classes_where_every_training_has_it(self):
    self.assertEqual(self.collect()[0].regions, ())
    (self.run_folder / RESULT).unlink()
    for epoch in (2, 3):
      rows = [{**self.row(name, 40, epoch), 'dice_oedema': epoch / 10} for name in ('one', 'two')]
      files.write_csv(self.run_folder / 'window' / f'epoch_{epoch:04d}.csv', rows)
    study, result = self.collect()
    self.assertEqual(study.regions, ('dice_oedema',))
    self.assertAllClose(result.metrics['dice_oedema'], [[0.2, 0.2], [0.3, 0.3]])
    without = {k: v for k, v in result.metrics.items() if k in METRICS}
    other = dataclasses.replace(result, metrics=without)
    both = dataclasses.replace(study, results={**study.results, ('other', 7): other})
    self.assertEqual(both.regions, ())

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

  def test_a_damaged_table_is_one_line(self):
    table = self.run_folder / 'window' / 'epoch_0002.csv'
    whole = table.read_text()
    for text in ('', whole[: whole.index(',ACA')], whole.replace('40.0', 'many'), '\0' * 100):
      table.write_text(text)
      with self.assertRaisesRegex(InputError, '^[^\n]*window: a damaged table of test cases[^\n]*$'):
        self.collect()
      self.assertFalse((self.run_folder / RESULT).exists())

  def test_a_result_that_is_there_is_left_alone(self):
    self.collect()
    path = self.run_folder / RESULT
    before = path.stat().st_mtime_ns
    (self.run_folder / 'metrics.csv').unlink()
    self.collect()
    self.assertEqual(path.stat().st_mtime_ns, before)


if __name__ == '__main__':
  tf.test.main()
