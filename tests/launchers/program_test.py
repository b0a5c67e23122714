"""How programs end, in processes of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import tensorflow as tf


class ProgramTest(tf.test.TestCase):
  def end(self, module: str, *flags: str) -> tuple[int, list[str]]:
    """Exit status and the lines that the program wrote."""
    environment = os.environ | {'CUDA_VISIBLE_DEVICES': '', 'HOME': self.get_temp_dir()}
    done = subprocess.run(
      [sys.executable, '-m', f'launchers.{module}', *flags],
      env=environment | {'TF_CPP_MIN_LOG_LEVEL': '3'},
      capture_output=True,
      text=True,
      check=False,
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()

  def test_help_is_a_success(self):
    status, lines = self.end('prepare_data', '--help')
    self.assertEqual(status, 0)
    self.assertIn('--output', ' '.join(lines))

  def test_a_mistaken_flag_is_one_line(self):
    for flag, error in (
      ('--format=minc', 'flag --format=minc: value should be one of <nnunet|bids|nifti>'),
      ('--workers=0', 'flag --workers=0: 0 is not a positive integer'),
      ('--sauce=x', "Unknown command line flag 'sauce'"),
    ):
      status, lines = self.end('export', flag)
      self.assertEqual((status, lines), (1, [f'error: {error} (--help lists the flags)']))

  def test_a_flag_that_is_missing_is_named(self):
    status, lines = self.end('segment')
    self.assertEqual((status, lines), (1, ['error: --workdir is missing (--help lists the flags)']))

  def test_a_program_that_leaves_no_run_takes_no_workdir(self):
    for program in ('view', 'describe'):
      status, lines = self.end(program, '--workdir=~/run')
      self.assertEqual(
        (status, lines), (1, [f'error: --workdir: {program} leaves no run, expected it left out'])
      )
    self.assertNotIn('--workdir', ' '.join(self.end('export', '--help')[1]))
    self.assertIn('--workdir', ' '.join(self.end('segment', '--help')[1]))

  def test_a_study_ends_by_sigterm_as_by_ctrl_c(self):
    code = """
import os, signal, sys, time
from launchers import app, run_study
def told_to_end(**_):
  os.kill(os.getpid(), signal.SIGTERM)
  time.sleep(600)
run_study.run_study = told_to_end
sys.argv = ['run_study', '--workdir=.']
app.launch(run_study.run, bindings_of='run_study')
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    self.assertEqual(done.returncode, 130, done.stderr)
    self.assertIn('interrupted: what is done is kept', done.stderr)
    self.assertNotIn('Traceback', done.stderr)

  def test_where_an_error_arose_is_shown_when_asked_for(self):
    mistaken = ('train_unet', '--gin_file=none.gin', '--workdir=~/run')
    status, line = self.end(*mistaken)
    self.assertEqual((status, len(line)), (1, 1), line)
    status, lines = self.end(*mistaken, '--traceback')
    self.assertEqual((status, lines[0]), (1, 'Traceback (most recent call last):'))
    self.assertRegex(lines[-1], f'InputError: {re.escape(line[0].removeprefix("error: "))}$')
    self.assertIn('in parse_gin', ' '.join(lines))
    self.assertIn('--[no]traceback', ' '.join(self.end('train_unet', '--help')[1]))

  def test_a_file_for_another_program_and_the_home_folder(self):
    status, lines = self.end('train_unet', '--gin_file=pix2pix10_mini.gin', '--workdir=~/run')
    self.assertEqual((status, len(lines)), (1, 1), lines)
    meant = '^error: gin configuration: the gin file is for python -m launchers.train_itm: No '
    self.assertRegex(lines[0], meant)
    # A study's file imports its program, so that all its names are known here.
    status, lines = self.end('train_unet', '--gin_file=demo.gin', '--workdir=~/run')
    self.assertEqual((status, len(lines)), (1, 1), lines)
    meant = '^error: the gin file is for python -m launchers.run_study: Required bindings '
    self.assertRegex(lines[0], meant)
    file = Path(self.get_temp_dir()) / 'file'
    file.touch()
    for flag in ('workdir', 'data_dir'):
      # No configuration, so that a folder that is let through trains nothing.
      status, lines = self.end('train_unet', '--workdir=~/run', f'--{flag}=~/file')
      self.assertEqual((status, lines), (1, [f'error: --{flag}=~/file: is a file, expected a folder']))


if __name__ == '__main__':
  tf.test.main()
