import json
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import stages
from launchers.stages import Stage, StageRunner, slug
from stroke_tfds.errors import InputError


class StageRunnerTest(tf.test.TestCase):
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
      StageRunner(self.root / 'stages').run(self.stage(code))
    self.assertLen(list(self.root.glob('*.done')), 1)
    facts = json.loads((self.root / 'stages' / 'count.json').read_text())
    self.assertBetween(facts['seconds'], 0.2, 20)
    self.assertGreater(facts['peak_memory_gib'], 0.001)
    self.assertEqual(StageRunner(self.root / 'stages').seconds(), {'count': facts['seconds']})

  def test_a_failed_stage_ends_the_demo_naming_its_command(self):
    runner = StageRunner(self.root / 'stages')
    with self.assertRaisesRegex(
      InputError, r'count: ended with exit status 3: python.* -c .*exit\(3\)'
    ):
      runner.run(self.stage('import sys; sys.exit(3)'))
    self.assertEqual(runner.seconds(), {})

  def test_output_goes_to_a_log_whose_last_line_an_error_names(self):
    with self.assertRaisesRegex(InputError, 'count.log ends in: worse'):
      code = 'print("bad"); print("worse"); raise SystemExit(1)'
      StageRunner(self.root / 'stages').run(self.stage(code), to_log=True)
    self.assertEqual((self.root / 'stages' / 'count.log').read_text(), 'bad\nworse\n')

  def test_damaged_facts_are_one_line(self):
    folder = self.root / 'stages'
    folder.mkdir()
    for text in ('', '{"name": "count"}', '[]', '{"name": 3, "seconds": 1}', '[' * 5000, 'null'):
      (folder / 'count.json').write_text(text)
      for read in (StageRunner(folder).seconds, lambda: StageRunner(folder).run(self.stage('0'))):
        with self.assertRaisesRegex(InputError, '^[^\n]*count.json: damaged[^\n]*$'):
          read()

  def test_environment_reaches_the_command(self):
    code = 'import os; raise SystemExit(int(os.environ["STATUS"]))'
    with self.assertRaisesRegex(InputError, 'exit status 7'):
      StageRunner(self.root / 'stages').run(self.stage(code), environment={'STATUS': '7'})

  def test_a_stage_whose_parent_was_killed_is_waited_for(self):
    """Its child goes on; started again, the chain must not do the same work beside it."""
    started, done = self.root / 'started', self.root / 'x.done'
    code = (
      f'import time; open({str(started)!r}, "a").write("x"); time.sleep(2); '
      f'open({str(done)!r}, "w").close()'
    )
    root = f'Path({str(self.root)!r})'
    program = (
      'from pathlib import Path; from launchers.stages import StageRunner, Stage; '
      f'stage = Stage("count", {[sys.executable, "-c", code]!r}, {root}, "*.done"); '
      f'StageRunner({root} / "stages").run(stage)'
    )
    parent = subprocess.Popen([sys.executable, '-c', program])
    while not started.exists():
      time.sleep(0.02)
    parent.kill()
    parent.wait()
    StageRunner(self.root / 'stages').run(self.stage(code))
    self.assertTrue(done.exists())
    self.assertEqual(started.read_text(), 'x')

  def test_a_done_stage_is_refused_under_other_settings(self):
    code = f'open({str(self.root / "x.done")!r}, "w").close()'
    runner = StageRunner(self.root / 'stages')

    def stage(*settings, more=()):
      return Stage('clinical', [sys.executable, '-c', code, *more], self.root, '*.done', settings)

    self.assertTrue(runner.run(stage('f.a = 3', 'f.b = 4')))
    self.assertFalse(runner.run(stage('f.a = 3', 'f.b = 4', more=['--workdir=moved'])))
    for settings, message in (
      (
        ('f.a = 3', 'f.b = 5'),
        "clinical: .* was made with 'f.b = 4', asked for is 'f.b = 5'; expected",
      ),
      (('f.a = 3',), "made with 'f.b = 4', asked for is 'nothing'"),
      (('f.a = 3', 'f.b = 4', 'f.c = @g'), "made with 'nothing', asked for is 'f.c = @g'"),
    ):
      with self.assertRaisesRegex(InputError, message):
        runner.run(stage(*settings))

  def test_the_same_settings_said_otherwise_are_the_same(self):
    code = f'open({str(self.root / "x.done")!r}, "w").close()'
    runner = StageRunner(self.root / 'stages')

    def run(*settings):
      return runner.run(Stage('x', [sys.executable, '-c', code], self.root, '*.done', settings))

    self.assertTrue(run('import os', 'size = (1,', '2)', 'f.a = %size', 'f.b = 1', 'f.b = 1e-4'))
    self.assertFalse(run('f.b = 0.0001', 'unused = 3', 'f.a = (1, 2)'))
    with self.assertRaisesRegex(
      InputError, r"made with 'f.a = \(1, 2\)', asked for is 'f.a = \[1, 2\]'"
    ):
      run('f.b = 0.0001', 'f.a = [1, 2]')

  def test_a_setting_that_has_another_name_now(self):
    code = f'open({str(self.root / "x.done")!r}, "w").close()'
    runner = StageRunner(self.root / 'stages')
    stage = lambda line: Stage('x', [sys.executable, '-c', code], self.root, '*.done', (line,))
    self.assertTrue(runner.run(stage('train_unet.window = (2, 3)')))
    self.assertFalse(runner.run(stage('train_unet.evaluated_epochs = (2, 3)')))
    with self.assertRaisesRegex(InputError, r"'train_unet.evaluated_epochs = \(2, 3\)', asked for is"):
      runner.run(stage('train_unet.evaluated_epochs = (1, 3)'))

  def test_settings_of_a_training_are_its_gin_file_with_all_that_it_includes_and_bindings(self):
    base, top = self.root / 'base.gin', self.root / 'top.gin'
    base.write_text('# A comment.\nAdam.learning_rate   = 1e-4\n')
    top.write_text(f"include '{base}'\n\ntrain_unet.epochs = 2  # few\n")
    make = lambda start: stages.train(
      'x', 'train_unet', str(top), self.root, 'data', [f"train_unet.start = '{start}/seed_0/SPADE'"]
    )
    lines = ('Adam.learning_rate = 1e-4', 'train_unet.epochs = 2', "train_unet.start = 'SPADE'")
    self.assertEqual(make('runs').settings, lines)
    self.assertEqual(make('/elsewhere').settings, lines)
    packaged = stages.train('x', 'train_unet', 'unet_mini.gin', self.root, 'data', [])
    self.assertIn("clinical = ['phantom_stroke/mini:train']", packaged.settings)
    with self.assertRaisesRegex(InputError, "gin file 'none.gin': not there"):
      stages.train('x', 'train_unet', 'none.gin', self.root, 'data', [])

  def test_a_killed_build_is_not_done_and_builds_of_one_set_share_a_lock(self):
    build = lambda name: stages.build(name, 'cohort/mini', ['cohort/mini'], str(self.root))
    left = self.root / 'cohort' / 'mini' / 'incomplete.ABC_1.0.0'
    left.mkdir(parents=True)
    (left / 'dataset_info.json').touch()
    self.assertFalse(build('one').is_done())
    left.rename(left.with_name('1.0.0'))
    self.assertTrue(build('one').is_done())
    self.assertEqual(build('one').lock, build('another').lock)
    self.assertEqual(build('one').lock.parent, self.root)

  def test_builds_by_the_program_of_this_python_or_else_of_the_path(self):
    folder = self.root / 'bin'
    folder.mkdir()
    with mock.patch.object(sys, 'executable', str(folder / 'python')):
      build = lambda: stages.build('cohort', 'cohort/mini', ['cohort/mini'], 'data')
      self.assertEqual(build().command[:2], ['tfds', 'build'])
      (folder / 'tfds').touch()
      self.assertEqual(build().command[:2], [str(folder / 'tfds'), 'build'])

  def test_a_program_that_is_missing_is_named(self):
    stage = Stage('cohort', ['no-such-tfds', 'build'], self.root, '*.done')
    with self.assertRaisesRegex(InputError, '^no-such-tfds: no such program, expected it on the PATH$'):
      StageRunner(self.root / 'stages').run(stage)

  def test_names_as_files(self):
    self.assertEqual(slug('clinical + SPADE'), 'clinical_SPADE')
    self.assertEqual(slug('SPADE, then 10 clinical'), 'SPADE_then_10_clinical')


if __name__ == '__main__':
  tf.test.main()
