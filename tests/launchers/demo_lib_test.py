import json
import sys
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.demo_lib import Ledger, Stage
from stroke_tfds.errors import InputError


class LedgerTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(tfds.testing.make_tmp_dir())

  def stage(self, code: str) -> Stage:
    return Stage('count', [sys.executable, '-c', code], self.root, '*.done')

  def test_a_stage_runs_once_and_keeps_its_time_and_memory(self):
    code = (
      'import tempfile, time\n'
      'time.sleep(0.2)\n'
      f'tempfile.NamedTemporaryFile(dir={str(self.root)!r}, suffix=".done", delete=False)'
    )
    for _ in range(2):
      Ledger(self.root / 'stages.json').run(self.stage(code))
    self.assertLen(list(self.root.glob('*.done')), 1)
    facts = json.loads((self.root / 'stages.json').read_text())['count']
    self.assertBetween(facts['seconds'], 0.2, 20)
    self.assertGreater(facts['peak_memory_gib'], 0.001)
    self.assertEqual(Ledger(self.root / 'stages.json').seconds(), {'count': facts['seconds']})

  def test_a_failed_stage_ends_the_demo_naming_its_command(self):
    ledger = Ledger(self.root / 'stages.json')
    with self.assertRaisesRegex(
      InputError, r'count: ended with exit status 3: python.* -c .*exit\(3\)'
    ):
      ledger.run(self.stage('import sys; sys.exit(3)'))
    self.assertEqual(ledger.seconds(), {})


if __name__ == '__main__':
  tf.test.main()
