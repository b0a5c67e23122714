import contextlib
import io
import subprocess
import sys
from pathlib import Path
from unittest import mock

import tensorflow as tf

from launchers import command, configs
from launchers.packaged_gin import header, packaged_files

_LAUNCHERS = Path(command.__file__).parent


class ProgramsTest(tf.test.TestCase):
  def run_main(self, *arguments: str) -> str:
    printed = io.StringIO()
    with mock.patch.object(sys, 'argv', ['keras-itm', *arguments]), contextlib.redirect_stdout(printed):
      command.main()
    return printed.getvalue()

  def test_every_launcher_is_a_subcommand_with_a_line_about_it(self):
    known = command.programs()
    with_a_library = {path.name.removesuffix('_lib.py') for path in _LAUNCHERS.glob('*_lib.py')}
    self.assertEqual(
      set(known), {name.replace('_', '-') for name in with_a_library} | {'doctor', 'completion'}
    )
    self.assertEqual(known['train-itm'], 'Trains a translator from label maps to images.')
    self.assertEqual(self.run_main(), f'{command.usage()}\n')
    self.assertEqual(self.run_main('--help'), self.run_main())

  def test_runs_the_program_that_is_named_with_its_flags(self):
    for name in ('train-itm', 'train_itm'):
      with mock.patch.object(command.runpy, 'run_module') as run:
        self.run_main(name, '--workdir=runs/a')
      self.assertEqual(run.call_args.args, ('launchers.train_itm',))
      self.assertEqual(run.call_args.kwargs, {'run_name': '__main__', 'alter_sys': True})

  def test_one_line_for_an_unknown_program_and_for_versions_that_do_not_fit(self):
    with self.assertRaisesRegex(SystemExit, "no program 'train-itn'; did you mean train-itm"):
      self.run_main('train-itn')
    unfit = ImportError('TensorFlow 2.16 with Keras 3.0', name='keras_itm.stack')
    with mock.patch.object(command.runpy, 'run_module', side_effect=unfit):
      with self.assertRaisesRegex(SystemExit, '^error: TensorFlow 2.16 with Keras 3.0$'):
        self.run_main('segment')

  def test_lists_are_shown_without_tensorflow(self):
    for arguments in (['--help'], ['configs'], ['configs', '--help']):
      code = (
        f'import sys; sys.argv = ["keras-itm", *{arguments!r}]\n'
        'from launchers.command import main\n'
        'try:\n  main()\n'
        'finally:\n  assert not {"tensorflow", "numpy", "gin"} & set(sys.modules)'
      )
      done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
      self.assertEqual(done.returncode, 0, done.stderr)
      self.assertNotEmpty(done.stdout)

  def test_help_of_a_program_lists_what_gin_can_set(self):
    code = (
      'import sys; from launchers import command\n'
      'sys.argv = ["keras-itm", "train-unet", "--help"]; command.main()'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertIn('train_unet.batch_size = 5\n      Volumes, or slices, in a batch.', done.stdout)
    self.assertIn('--gin_file', done.stdout)


class ListingTest(tf.test.TestCase):
  def test_every_packaged_file_with_its_header(self):
    text = configs.listing()
    for name in packaged_files():
      self.assertIn(f'\n{name}\n', f'\n{text}\n')
    lines = text.splitlines()
    start = lines.index('pix2pix10_mini.gin')
    self.assertEqual(lines[start + 1], '    Pix2Pix, lambda 10, on phantom_stroke/mini.')
    self.assertLess(start, lines.index('pix2pix.gin'))
    self.assertTrue(all(header(path) for path in packaged_files().values()))


if __name__ == '__main__':
  tf.test.main()
