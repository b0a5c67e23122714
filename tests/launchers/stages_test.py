import json
import subprocess
import sys
import time
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.stages import Ledger, Stage, slug
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
      Ledger(self.root / 'stages').run(self.stage(code))
    self.assertLen(list(self.root.glob('*.done')), 1)
    facts = json.loads((self.root / 'stages' / 'count.json').read_text())
    self.assertBetween(facts['seconds'], 0.2, 20)
    self.assertGreater(facts['peak_memory_gib'], 0.001)
    self.assertEqual(Ledger(self.root / 'stages').seconds(), {'count': facts['seconds']})

  def test_a_failed_stage_ends_the_demo_naming_its_command(self):
    ledger = Ledger(self.root / 'stages')
    with self.assertRaisesRegex(
      InputError, r'count: ended with exit status 3: python.* -c .*exit\(3\)'
    ):
      ledger.run(self.stage('import sys; sys.exit(3)'))
    self.assertEqual(ledger.seconds(), {})

  def test_output_goes_to_a_log_whose_last_line_an_error_names(self):
    with self.assertRaisesRegex(InputError, 'count.log ends in: worse'):
      code = 'print("bad"); print("worse"); raise SystemExit(1)'
      Ledger(self.root / 'stages').run(self.stage(code), to_log=True)
    self.assertEqual((self.root / 'stages' / 'count.log').read_text(), 'bad\nworse\n')

  def test_environment_reaches_the_command(self):
    code = 'import os; raise SystemExit(int(os.environ["STATUS"]))'
    with self.assertRaisesRegex(InputError, 'exit status 7'):
      Ledger(self.root / 'stages').run(self.stage(code), environment={'STATUS': '7'})

  def test_a_stage_whose_parent_was_killed_is_waited_for(self):
    """Its child goes on; started again, the chain must not do the same work beside it."""
    started, done = self.root / 'started', self.root / 'x.done'
    code = (
      f'import time; open({str(started)!r}, "a").write("x"); time.sleep(2); '
      f'open({str(done)!r}, "w").close()'
    )
    root = f'Path({str(self.root)!r})'
    program = (
      'from pathlib import Path; from launchers.stages import Ledger, Stage; '
      f'stage = Stage("count", {[sys.executable, "-c", code]!r}, {root}, "*.done"); '
      f'Ledger({root} / "stages").run(stage)'
    )
    parent = subprocess.Popen([sys.executable, '-c', program])
    while not started.exists():
      time.sleep(0.02)
    parent.kill()
    parent.wait()
    Ledger(self.root / 'stages').run(self.stage(code))
    self.assertTrue(done.exists())
    self.assertEqual(started.read_text(), 'x')

  def test_a_done_stage_is_refused_under_other_gin_values(self):
    def stage(workdir, epochs, *more):
      start = f"--gin_bindings=train_unet.start = '{workdir}/seed_0/SPADE'"
      values = [f'--gin_bindings=train_unet.epochs = {epochs}', *more, start]
      code = f'open({str(self.root / "x.done")!r}, "w").close()'
      command = [sys.executable, '-c', code, *values, f'--workdir={workdir}']
      return Stage('clinical', command, self.root, '*.done')

    ledger = Ledger(self.root / 'stages')
    self.assertTrue(ledger.run(stage('runs', 3)))
    self.assertFalse(ledger.run(stage('/home/me/moved', 3)))
    more = '--gin_bindings=a.b = 1'
    for changed, message in (
      (stage('runs', 4), 'clinical: .* was made with .*epochs = 3, asked for is .*epochs = 4;'),
      (stage('runs', 3, more), 'made with .*SPADE.* asked for is .*a.b = 1'),
      (Stage('clinical', ['python'], self.root, '*.done'), 'epochs = 3, asked for is nothing'),
    ):
      with self.assertRaisesRegex(InputError, message):
        ledger.run(changed)

  def test_names_as_files(self):
    self.assertEqual(slug('clinical + SPADE'), 'clinical_SPADE')
    self.assertEqual(slug('SPADE, then 10 clinical'), 'SPADE_then_10_clinical')


if __name__ == '__main__':
  tf.test.main()
