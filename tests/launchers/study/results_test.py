"""Results written and read again."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.study import results
from launchers.study.results import TestSet, read_results, write_result
from stroke_tfds.errors import InputError
from tests.launchers.study import fake_study


class ResultsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(tfds.testing.make_tmp_dir())
    self.study = fake_study.make(n_seeds=2, arms=fake_study.mini_arms()[:3])

  def write(self, study) -> list[Path]:
    paths = []
    for (arm, seed), result in study.results.items():
      paths.append(self.folder / f'{arm}_{seed}.json')
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
      for name in results.METRICS:
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
    arm = self.study.arms[0].name
    dice = [self.study.results[arm, seed].metrics['dice'] for seed in (0, 1)]
    self.assertAllEqual(self.study.values(arm, 'dice')[1], dice[1])
    means = [[sum(column) / len(column) for column in zip(*one)] for one in dice]
    self.assertAllClose(self.study.by_case(arm, 'dice'), means)

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
    for text in ('{}', '[]', whole[:-40], json.dumps(broken)):
      path.write_text(text)
      with self.assertRaisesRegex(InputError, f'{path.name}: not a result of a study'):
        self.read([path])


if __name__ == '__main__':
  tf.test.main()
