"""The page of a study, whole and of studies that lack something."""

import re
import tempfile
from pathlib import Path

import tensorflow as tf

from launchers.reports.page import Panel, Section
from launchers.reports.study import report
from launchers.study.analysis import analyse
from tests.launchers.study import fake_study

COMMAND = 'python -m launchers.run_study --gin_file=x.gin'


class StageTableTest(tf.test.TestCase):
  def test_seeds_stand_beside_one_another(self):
    found = report.stage_table({'SPADE, seed 0': 61, 'SPADE, seed 1': 59, 'U-Net, seed 1': 2, 'set': 3})
    self.assertEqual(found.head, ['stage', 'seed 0', 'seed 1', 'time'])
    self.assertEqual(
      found.rows,
      [
        ['SPADE', '1 min 01 s', '59 s', ''],
        ['U-Net', '', '2 s', ''],
        ['set', '', '', '3 s'],
        ['sum', '1 min 01 s', '1 min 01 s', '3 s'],
      ],
    )

  def test_a_sum_is_no_time_that_passed(self):
    note = report.stage_table({'SPADE, seed 0': 61, 'set': 3}).note
    self.assertNotRegex(note, r'in all|1 min|resumed')
    self.assertIn('in the start in which it ended; starts that were interrupted are not counted', note)
    self.assertIn('sums may be longer than the time that passed', note)


class ReportTest(tf.test.TestCase):
  def write(self, study, pictures=(), about=''):
    self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    analysis = analyse(study, 100)
    report.write_study_report(self.folder, study, analysis, pictures, {'arms': 61.0}, [COMMAND], about)
    return (self.folder / 'report.html').read_text()

  def numbers(self, page):
    return [int(number) for number in re.findall(r'<h2>Figure (\d+)\.', page)]

  def few_arms(self):
    names = ('clinical', '10 clinical', 'clinical + SPADE', 'SPADE', 'SPADE, then 10 clinical')
    return [arm for arm in fake_study.mini_arms() if arm.name in names]

  def test_figures_of_an_earlier_report_go(self):
    folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir())) / 'figures'
    report._write_figures(folder, {'figure_01_1.svg': b'a', 'figure_02_1.png': b'b'})
    (folder / 'mine.txt').touch()
    report._write_figures(folder, {'figure_01_1.svg': b'c'})
    self.assertEqual({path.name for path in folder.iterdir()}, {'figure_01_1.svg', 'mine.txt'})
    self.assertEqual((folder / 'figure_01_1.svg').read_bytes(), b'c')

  def test_whole_study(self):
    picture = lambda n: Section(
      f'Picture {n}', [Panel('data:image/png;base64,AA==', 'x')], 'n = 1.', ['tfds build y'], number=n
    )
    page = self.write(fake_study.make(), [picture(n) for n in (2, 3, 6, 8)], 'Simulated <DWIs>.')
    self.assertEqual(self.numbers(page), list(range(1, 13)))
    self.assertIn('Simulated &lt;DWIs&gt;.', page)
    figures = {path.name for path in (self.folder / 'figures').iterdir()}
    self.assertEqual({name[:9] for name in figures}, {f'figure_{n:02}' for n in range(1, 13)})
    self.assertContainsSubset({'figure_01_1.svg', 'figure_01_2.svg', 'figure_02_1.png'}, figures)
    self.assertEqual((self.folder / 'figures/figure_02_1.png').read_bytes(), b'\0')
    self.assertIn('20 ways to train the same segmenter with 3 seeds each', page)
    self.assertIn('37 with a lesion of at least 20 voxels', page)
    self.assertIn('11 with a smaller one and 24 without', page)
    self.assertIn('<i>paper </i>68.7 ± 2.3', page)
    self.assertIn('1 min 01 s', page)
    parts = [
      'class="answers"',
      '<h2>Table 1.',
      '<h2>Table 2.',
      '<h2>Table 3.',
      '<h2>Figure 1.',
      '<h2>Figure 12.',
      '<h2>Time',
    ]
    found = [page.index(part) for part in parts]
    self.assertEqual(found, sorted(found))
    self.assertEqual(page.count(f'<code>{COMMAND}</code>'), 8 + 1)
    self.assertEqual(page.count('<code>tfds build y</code>'), 4)
    for value in re.findall(r'(?:src|href)="([^"]*)"', page):
      self.assertStartsWith(value, 'data:')
    self.assertNotRegex(page, r'https?://|@import|url\(|<script')
    self.assertLess(len(page), 2_000_000)  # Leaves half of 4 MB for pictures.
    self.assertEqual(
      {path.name for path in self.folder.iterdir()},
      {'report.html', 'figures', 'table.csv', 'table.tex', 'cases.csv'},
    )

  def test_what_must_be_known_stands_where_it_is_read(self):
    page = self.write(fake_study.make(arms=self.few_arms()))
    between = lambda start, end: page[page.index(start) : page.index(end)]
    made = 'Synthetic cases were made, anew for each seed, from all clinical training cases (120,'
    self.assertIn(made, between('class="lead"', 'class="answers"'))
    self.assertIn(made, between('<h2>Figure 9.', '<h2>Figure 10.'))
    below = between('<h2>Table 2.', '<h2>Table 3.')
    self.assertIn('except clinical + SPADE and SPADE (480).', below)
    self.assertIn('p speaks of the cases alone', below)
    ranks = between('<h2>Figure 12.', '<h2>Time')
    self.assertIn('arms between which no difference is shown at 5 % (Nemenyi)', ranks)
    self.assertIn('Both tests speak of the cases alone', ranks)
    self.assertNotIn('40,000', page)

  def test_the_fusion_baseline_is_said_to_be_quoted(self):
    names = ('clinical', 'clinical + lesion fusion')
    page = self.write(fake_study.make(arms=[a for a in fake_study.mini_arms() if a.name in names]))
    quoted = (
      'beside lesion fusion the paper quotes another model (Federau et al. 2020), trained on 40,000'
    )
    self.assertIn(quoted, page[page.index('<h2>Table 1.') : page.index('<h2>Table 2.')])
    self.assertIn(quoted, (self.folder / 'table.tex').read_text())

  def test_unfinished_arms_are_named(self):
    missing = {('SPADE, then 10 clinical', 2)}
    page = self.write(fake_study.make(arms=self.few_arms(), missing=missing))
    self.assertIn('left out of every comparison: SPADE, then 10 clinical.', page)
    self.assertIn('not finished', page)
    self.assertNotIn(7, self.numbers(page))

  def test_one_seed_without_negative_cases(self):
    page = self.write(fake_study.make(n_seeds=1, n_negative=0, arms=self.few_arms()[:3]))
    self.assertIn('with 1 seed each', page)
    self.assertIn('One seed: intervals are over cases alone', page)
    for more in (
      'cases and seeds',
      'and the seeds',
      'epoch and seed',
      'mean over 1 seed',
      'anew for each seed',
    ):
      self.assertNotIn(more, page)
    self.assertIn('In one training each: ', page)

  def test_first_arm_alone(self):
    page = self.write(fake_study.make(arms=self.few_arms()[:1]))
    self.assertEqual(self.numbers(page), [4, 5])

  def test_the_same_study_gives_the_same_bytes(self):
    study = fake_study.make(n_seeds=2, arms=self.few_arms()[:1])
    self.assertEqual(self.write(study), self.write(study))


if __name__ == '__main__':
  tf.test.main()
