"""That a campaign sees what it looks for; the campaigns themselves, short, are slow tests."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from stroke_tfds.errors import InputError
from tests.campaigns import fuzz, mutations


class ReadTest(tf.test.TestCase):
  def outcome(self, error: BaseException) -> str:
    def read():
      raise error

    return fuzz._read(read)[0]

  def test_tells_a_refusal_from_a_failure(self):
    self.assertEqual(fuzz._read(lambda: None)[0], fuzz.READ)
    self.assertEqual(self.outcome(InputError('x is 3, expected 4')), fuzz.REFUSED)
    self.assertEqual(self.outcome(InputError('two\nlines')), 'no short line')
    self.assertEqual(self.outcome(InputError('x' * 5000)), 'no short line')
    self.assertEqual(self.outcome(InputError('of JaneSmith')), 'text of a header told')
    self.assertEqual(self.outcome(KeyError('x')), 'KeyError')
    self.assertEqual(self.outcome(SystemExit(0)), 'SystemExit')

  def test_a_failure_is_counted_and_named_once(self):
    tally = fuzz.Tally()
    report = {'outcome': 'KeyError', 'where': 'a.py:3', 'detail': 'x', 'index': 7}
    for one in (report, report, {**report, 'outcome': fuzz.READ}):
      tally.add('Grids', one)
    self.assertEqual(tally.n_failed, 2)
    self.assertEqual(list(tally.failures.values()), ['Grids 7: KeyError at a.py:3: x'])


class MutationsTest(tf.test.TestCase):
  def test_the_same_seed_makes_the_same_changes_and_leaves_the_original(self):
    value = {'a': [1, {'b': 'c'}], 'd': 0.5}
    text = json.dumps(value)
    for change, sound in (
      (mutations.mutate_json, value),
      (mutations.mutate_text, text),
      (mutations.mutate_bytes, text.encode()),
    ):
      made = [repr(change(random.Random(seed), sound)) for seed in range(50)]
      self.assertEqual(made, [repr(change(random.Random(seed), sound)) for seed in range(50)])
      self.assertGreater(len(set(made)), 40)
    self.assertEqual(json.dumps(value), text)


@pytest.mark.slow
class CampaignsTest(tf.test.TestCase):
  def run_campaign(self, name: str, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', f'tests.campaigns.{name}', *flags]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

  def test_fuzz(self):
    done = self.run_campaign('fuzz', '--inputs=600', '--seed=test')
    self.assertEqual(done.returncode, 0, done.stdout)
    self.assertRegex(done.stdout, r'^fuzz: 599 inputs of 12 kinds, [^\n]*, 0 failed\n$')

  def test_kill(self):
    done = self.run_campaign('kill', '--rounds=1', '--only=phantom,preparation,train_unet')
    self.assertEqual(done.returncode, 0, done.stdout)
    self.assertRegex(done.stdout, r'^kill: \d+ kills in 3 rounds of 3 jobs, [^\n]*: 0 failed\n$')


if __name__ == '__main__':
  tf.test.main()
