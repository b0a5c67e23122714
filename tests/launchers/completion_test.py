"""What Tab gives after the beginning of a command."""

import importlib.util
import shutil
import subprocess
import unittest
from unittest import mock

from absl.testing import absltest

from launchers import command, completion
from launchers.export_lib import FORMATS


class FlagsTest(absltest.TestCase):
  def test_flags_are_those_of_the_program_and_those_that_all_have(self):
    flags = dict(completion.flags_of('prepare-data'))
    self.assertEqual(flags['without_mask'], ['negative', 'healthy'])
    self.assertEqual(flags['contrasts'], [])
    self.assertIn('input', flags)
    self.assertNotIn('gin_file', flags)
    flags = dict(completion.flags_of('train-unet'))
    self.assertIn('unet_mini.gin', flags['gin_file'])
    self.assertContainsSubset(['workdir', 'data_dir', 'gin_bindings', 'gin_imports'], flags)
    self.assertEqual(dict(completion.flags_of('card')), {'data_dir': []})
    self.assertEqual(dict(completion.flags_of('export'))['format'], list(FORMATS))

  def test_one_line_without_its_library(self):
    with mock.patch('sys.argv', ['keras-itm', 'bash']), mock.patch.dict('sys.modules', shtab=None):
      with self.assertRaisesRegex(SystemExit, r'^error: completion needs shtab: pip install'):
        completion.main()


@unittest.skipUnless(importlib.util.find_spec('shtab') and shutil.which('bash'), 'needs shtab, bash')
class BashTest(absltest.TestCase):
  def complete(self, *words: str) -> list[str]:
    script = completion.script('bash')
    typed = ' '.join(f"'{word}'" for word in ('keras-itm', *words))
    asked = f'COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _shtab_keras_itm; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(
      ['bash', '-c', f'{script}\n{asked}'], capture_output=True, text=True, check=True
    )
    return done.stdout.split()

  def test_programs_flags_and_values(self):
    self.assertEqual(
      self.complete('train'), [name for name in command.programs() if name.startswith('train')]
    )
    self.assertEqual(self.complete('train-unet', '--gin_f'), ['--gin_file'])
    self.assertIn('unet_mini.gin', self.complete('train-unet', '--gin_file', 'unet_'))
    self.assertEqual(self.complete('prepare-data', '--without_mask', 'h'), ['healthy'])

  def test_a_script_for_zsh(self):
    self.assertIn('#compdef keras-itm', completion.script('zsh'))


if __name__ == '__main__':
  absltest.main()
