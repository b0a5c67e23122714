"""From sets and run folders to the page, and what happens when one is missing."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from launchers import report_gather, report_lib
from launchers.arm_statistics import Case
from launchers.reports import inputs
from stroke_tfds.errors import InputError
from tests.launchers import fake_runs


class WriteReportTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # Python 3.10 has no enterClassContext.
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls.root = Path(folder.name)
    cls.arguments = fake_runs.write_all(cls.root)

  def gather(self, **changes):
    arguments = {'commands': {}, **self.arguments, **changes}
    return report_gather.gather(**arguments)

  def copy_run(self, name):
    folder = Path(self.get_temp_dir()) / name
    shutil.copytree(self.root / name, folder)
    return folder

  def test_writes_page_and_summary(self):
    folder = Path(self.get_temp_dir()) / 'new'
    commands = {'lesion GAN': 'python -m launchers.train_lesion_gan --workdir=<here>'}
    report_lib.write_report(str(folder), **self.arguments, commands=commands)
    summary = json.loads((folder / 'summary.json').read_text())
    self.assertEqual(set(summary), {'arms', 'stage_seconds', 'sanity'})
    self.assertEqual(list(summary['arms']), list(fake_runs.ARMS))
    for arm, run in self.arguments['arms'].items():
      rows = np.genfromtxt(Path(run) / 'test_cases.csv', delimiter=',', skip_header=1)[:, 1:]
      dice = rows[rows[:, 0] > 0, 2]
      self.assertAllClose(summary['arms'][arm]['dice_mean'], dice.mean())
      self.assertAllClose(summary['arms'][arm]['dice_sd'], dice.std(ddof=1))
      self.assertEqual(summary['arms'][arm]['n_cases'], 5)
      self.assertEqual(summary['arms'][arm]['n_negative'], 3)
    self.assertAllClose(summary['stage_seconds']['translator'], 12.5)
    # Draws of i and 40 voxels for i = 0..4: only the second of each passes.
    self.assertAllClose(summary['sanity']['lesion_draw_pass_share'], 0.5)
    self.assertEqual(summary['sanity']['brighter_lesion_share'], 1.0)
    page = (folder / 'report.html').read_text()
    self.assertLess(len(page), 4e6)
    self.assertEqual(re.findall(r'Figure (\d)\.', page), list('12345678'))
    self.assertIn('--workdir=&lt;here&gt;', page)
    self.assertIn('clinical: fake_clinical/tiny:train[:3]', page)
    self.assertEqual(sorted(path.name for path in folder.iterdir()), ['report.html', 'summary.json'])

  def test_syntheses_show_the_parent_that_provenance_names(self):
    for case in self.gather().syntheses:
      facts = json.loads(case.made['provenance'])
      self.assertEqual(case.parent['subject_id'].decode(), facts['healthy_parent'])

  def test_predictions_are_those_of_the_case(self):
    for shown in self.gather().segmented:
      for arm, mask in shown.predictions.items():
        truth = shown.example['lesion'] > 0
        total = truth.sum() + mask.sum()
        dice = 2 * (truth & (mask > 0)).sum() / total if total else 1.0
        self.assertAllClose(dice, shown.cases[arm].dice, atol=1e-6)

  def test_missing_set_names_the_command(self):
    with self.assertRaisesRegex(InputError, "'fake_clinical/huge'.*tfds build.*fake_clinical/huge"):
      self.gather(clinical='fake_clinical/huge')

  def test_unfinished_run_names_path_and_command(self):
    run = self.copy_run('lesion_gan')
    (run / 'finished.json').unlink()
    with self.assertRaisesRegex(InputError, f'{run}/finished.json.*train_lesion_gan.*{run}'):
      self.gather(lesion_gan_run=str(run))

  def test_a_run_that_is_not_there(self):
    with self.assertRaisesRegex(InputError, 'nowhere/finished.json: not there.*train_unet'):
      self.gather(arms={'clinical': 'nowhere'})

  def test_missing_predictions(self):
    run = self.copy_run('unet_0')
    (run / 'test_predictions.npz').unlink()
    with self.assertRaisesRegex(InputError, 'test_predictions.npz: not there'):
      self.gather(arms={'clinical': str(run)})

  def test_predictions_of_another_grid(self):
    run = self.copy_run('unet_0')
    with self.assertRaisesRegex(InputError, r'has \(360,\) bytes, expected 1'):
      inputs.read_predictions(str(run), ['test_000'], (2, 2, 2), 'again')

  def test_a_broken_table_of_cases(self):
    run = self.copy_run('unet_0')
    (run / 'test_cases.csv').write_text('subject_id,dice\na,0.5\n')
    with self.assertRaisesRegex(InputError, 'expected subject_id,lesion_volume_ml'):
      inputs.read_cases(str(run), 'again')

  def test_a_metric_that_was_never_measured(self):
    curves = inputs.read_curves(str(self.root / 'translator'), 'again')
    with self.assertRaisesRegex(InputError, "metrics.csv: no metric 'dice'"):
      curves.series('dice')

  def test_sparse_metric_keeps_its_steps(self):
    curves = inputs.read_curves(str(self.root / 'lesion_gan'), 'again')
    steps, values = curves.series('pass_rate')
    self.assertAllClose(steps, [20, 40, 50])
    self.assertAllClose(values, [0.2, 0.5, 0.6])

  def test_command_of_an_unknown_stage(self):
    with self.assertRaisesRegex(InputError, "commands: 'unet' is no stage"):
      self.gather(commands={'unet': 'x'})

  def test_no_arm(self):
    with self.assertRaisesRegex(InputError, 'arms is empty'):
      self.gather(arms={})


class WordsTest(tf.test.TestCase):
  def test_findings_claim_no_more_than_the_numbers(self):
    cases = lambda *dice: [Case(f'p{i}', 1.0, 1.0, d) for i, d in enumerate(dice)]
    (text, runs) = report_lib.findings({'a': cases(0.2, 0.4, 0.6), 'b': cases(0.3, 0.3, 0.7)})
    self.assertIn('b minus a: mean difference in Dice +0.033 (paired, n = 3', text)
    self.assertIn('higher in 2 cases, lower in 1, equal in 0', text)
    self.assertIn('includes 0', text)
    self.assertIn('one training run', runs)
    text, _ = report_lib.findings({'a': cases(0.2, 0.4, 0.6), 'b': cases(0.31, 0.5, 0.71)})
    self.assertIn('excludes 0', text)
    text, _ = report_lib.findings({'a': cases(0.2), 'b': cases(0.1)})
    self.assertIn('\N{MINUS SIGN}0.100 (paired, n = 1);', text)
    self.assertNotIn('interval over', text)

  def test_one_arm_has_nothing_to_compare(self):
    self.assertEmpty(report_lib.findings({'a': [Case('p', 1.0, 1.0, 0.5)]}))


if __name__ == '__main__':
  tf.test.main()
