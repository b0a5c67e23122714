"""The page of a study, whole and of studies that lack something."""

import csv
import json
import re
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm.viewer.page import render
from keras_itm.viewer.view import View
from launchers.reports.page import Panel, Section
from launchers.reports.study import notes, report, tables
from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.report_inputs import ReportInputs
from launchers.study.analysis import analyse
from launchers.study.arms import ALL, CLINICAL
from launchers.study.external import ExternalResult
from launchers.study.regimes import read_arms
from tests.launchers.study import fake_study
from tests.launchers.study.tiny_study import arm

COMMAND = 'python -m launchers.run_study --gin_file=x.gin'


class ReportTest(tf.test.TestCase):
  def write(self, study, about=''):
    self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    inputs = ReportInputs(study, analyse(study, 100), {'arms': 61.0}, [COMMAND], about)
    report.write_study_report(self.folder, inputs)
    return (self.folder / 'report.html').read_text()

  def numbers(self, page):
    return [int(number) for number in re.findall(r'<h2>Figure (\d+)\.', page)]

  def few_arms(self):
    names = ('clinical', '10 clinical', 'clinical + SPADE', 'SPADE', 'SPADE, then 10 clinical')
    return [arm for arm in fake_study.mini_arms() if arm.name in names]

  def test_names_that_do_something_elsewhere(self):
    """In HTML, in a spreadsheet, in LaTeX, and as formulas of figures."""
    names = ('<script>alert(1)</script>', "=cmd|' /C calc'!A0", r'\input{/etc/passwd}')
    for name in ('cost $5', 'half $x_{$ of it', r'$\frac{$', *names):
      with self.subTest(name):
        twin = arm(learns_from={CLINICAL: ALL, name: ALL}, system=name, group=name, reference=CLINICAL)
        few = {CLINICAL: arm(), '10 clinical': arm(learns_from={CLINICAL: 10}), name: twin}
        study = fake_study.make(n_seeds=2, arms=read_arms(few), n_scored=12, n_small=3, n_negative=3)
        study.cases.subject_id[0] = name
        page = self.write(study, name)
        self.assertNotRegex(page, '<script|<img (?!src="data:)')
        for file in self.folder.rglob('*.svg'):
          self.assertNotIn('<script', file.read_text())
        for file in ('table.csv', 'cases.csv'):
          cells = [c for row in csv.reader((self.folder / file).open()) for c in row]
          self.assertFalse([c for c in cells if re.match(r'[=+@\t\r]|-\D', c)])
        self.assertNotIn(r'\input{', (self.folder / 'table.tex').read_text())

  def test_pages_of_cases_are_there_when_asked_for_alone(self):
    study = fake_study.make(n_seeds=2, arms=self.few_arms())
    inputs = ReportInputs(study, analyse(study, 100), {}, [COMMAND])
    folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    case = View('a case', {'DWI': np.arange(8.0).reshape(2, 2, 2)}, np.eye(4))
    uri = 'data:image/png;base64,'

    def links(*views):
      panels = [Panel(uri, 'a picture', view=view) for view in views]
      with mock.patch.object(
        report, '_figures', lambda *_: [Section('Cases', panels, '', [], number=8)]
      ):
        report.write_study_report(folder, inputs)
      return re.findall('<a href="(.*?)">Open in the viewer', (folder / 'report.html').read_text())

    self.assertEqual(links(None), [])
    self.assertFalse((folder / 'viewer').exists())
    self.assertEqual(links(None, case), ['viewer/figure_08_2.html'])
    self.assertEqual((folder / 'viewer' / 'figure_08_2.html').read_bytes(), render(case))
    self.assertEqual(links(case), ['viewer/figure_08_1.html'])
    self.assertLen(list((folder / 'viewer').iterdir()), 1)
    self.assertEqual(links(None), [])
    self.assertEmpty(list((folder / 'viewer').iterdir()))

  def test_further_test_sets(self):
    study = fake_study.make(n_seeds=2, arms=self.few_arms())
    dice = {arm.name: np.full((2, 3), 0.25) for arm in study.arms}
    dice['clinical + SPADE'] = np.full((2, 3), 0.5)
    native = {name: np.where([True, True, False], values, np.nan) / 2 for name, values in dice.items()}
    ceiling = np.array([0.7, 0.9, np.nan])
    none = dict.fromkeys(dice)
    theirs = ExternalResult('isles22/mini:test', ('a', 'b', 'c'), dice, native, ceiling, none)
    one = ExternalResult('x:test', ('a',), {'clinical': np.ones((2, 1))}, {}, np.array([np.nan]), none)
    self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    external = {'ISLES': theirs, 'my own': one}
    inputs = ReportInputs(study, analyse(study, 100), {}, [COMMAND], external=external)
    report.write_study_report(self.folder, inputs)
    page = (self.folder / 'report.html').read_text()
    self.assertIn('Further test set: ISLES', page)
    self.assertIn('One case is an example', page)
    rows = list(csv.DictReader((self.folder / 'external_ISLES.csv').open()))
    self.assertLen(rows, 5 * 2 * 3)
    spade = [row for row in rows if row['arm'] == 'clinical + SPADE' and row['seed'] == '1']
    self.assertEqual([row['native_dice'] for row in spade], ['0.25', '0.25', ''])
    self.assertEqual([row['native_ceiling'] for row in spade], ['0.7', '0.9', ''])
    self.assertTrue((self.folder / 'external_my_own.csv').exists())
    table = tables.external_table(theirs, arm_styles(study.arms))
    by_arm = {row[0]: row[1:] for row in table.rows}
    self.assertEqual(by_arm['clinical'], ['25.0', '', '', '\N{EN DASH}', '12.5', '80.0'])
    # All cases and seeds alike: an interval of no width.
    self.assertEqual(by_arm['clinical + SPADE'][1:3], ['+25.0 (+25.0 to +25.0)', 'clinical'])
    self.assertEqual(by_arm['10 clinical'][1], '')

  def test_figures_of_an_earlier_report_go(self):
    folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir())) / 'figures'
    report._write_figures(folder, {'figure_01_1.svg': b'a', 'figure_02_1.png': b'b'})
    (folder / 'mine.txt').touch()
    report._write_figures(folder, {'figure_01_1.svg': b'c'})
    self.assertEqual({path.name for path in folder.iterdir()}, {'figure_01_1.svg', 'mine.txt'})
    self.assertEqual((folder / 'figure_01_1.svg').read_bytes(), b'c')

  def test_whole_study(self):
    page = self.write(fake_study.make(), 'Simulated <DWIs>.')
    drawn = [1, 4, 5, 7, 9, 10, 11, 12]
    self.assertEqual(self.numbers(page), drawn)
    self.assertIn('Simulated &lt;DWIs&gt;.', page)
    figures = {path.name for path in (self.folder / 'figures').iterdir()}
    self.assertEqual({name[:9] for name in figures}, {f'figure_{n:02}' for n in drawn})
    self.assertContainsSubset({'figure_01_1.svg', 'figure_01_2.svg'}, figures)
    self.assertIn('1 min 01 s', page)
    parts = ['class="lead"', 'class="answers"', *(f'<h2>Table {n}.' for n in (1, 2, 3))]
    parts += ['<h2>Figure 1.', '<h2>Figure 12.', '<h2>Time']
    found = [page.index(part) for part in parts]
    self.assertEqual(found, sorted(found))
    self.assertNotIn('<h2>Table 4.', page)  # Nothing was generated.
    self.assertEqual(page.count(f'<code>{COMMAND}</code>'), len(drawn) + 1)
    for value in re.findall(r'(?:src|href)="([^"]*)"', page):
      self.assertStartsWith(value, 'data:')
    self.assertNotRegex(page, r'https?://|@import|url\(|<script')
    self.assertLess(len(page), 2_000_000)  # Leaves half of 4 MB for pictures.
    self.assertEqual(
      {path.name for path in self.folder.iterdir()},
      {'report.html', 'summary.json', 'figures', 'table.csv', 'table.tex', 'cases.csv'},
    )

  def test_lead_counts_arms_seeds_and_cases(self):
    study = fake_study.make(n_seeds=3, n_scored=37, n_small=11, n_negative=24)
    page = self.write(study)
    lead = page[page.index('class="lead"') :].partition('</p>')[0]
    numbers = [int(number) for number in re.findall(r'\d+', lead)]
    n_epochs = 4
    self.assertEqual(numbers, [len(study.arms), 3, 37, 20, 11, 24, n_epochs])

  def test_summary_has_the_finished_arms(self):
    missing = {('SPADE, then 10 clinical', 2)}
    self.write(fake_study.make(arms=self.few_arms(), missing=missing))
    summary = json.loads((self.folder / 'summary.json').read_text())
    self.assertEqual(list(summary['arms']), ['clinical', '10 clinical', 'clinical + SPADE', 'SPADE'])
    self.assertEqual(summary['stage_seconds'], {'arms': 61.0})

  def test_notes_stand_where_they_are_read(self):
    study = fake_study.make(arms=self.few_arms())
    page = self.write(study)
    between = lambda start, end: page[page.index(start) : page.index(end)]
    origin, steps = notes.origin(study, ()), notes.steps(study, analyse(study, 100))
    self.assertIn(origin, between('class="lead"', 'class="answers"'))
    self.assertIn(origin, between('<h2>Figure 9.', '<h2>Figure 10.'))
    self.assertIn(steps, between('<h2>Table 2.', '<h2>Table 3.'))

  def test_the_quoted_baseline_is_named(self):
    names = ('clinical', 'clinical + lesion fusion')
    arms = [arm for arm in fake_study.mini_arms() if arm.name in names]
    for shown, n_notes in ((arms, 1), (arms[:1], 0)):
      page = self.write(fake_study.make(arms=shown))
      self.assertEqual(page.count('40,000'), n_notes)
      self.assertEqual((self.folder / 'table.tex').read_text().count('40,000'), n_notes)

  def test_unfinished_arms_are_named(self):
    missing = {('SPADE, then 10 clinical', 2)}
    page = self.write(fake_study.make(arms=self.few_arms(), missing=missing))
    notes_above = page[page.index('class="lead"') : page.index('class="answers"')]
    self.assertIn('SPADE, then 10 clinical', notes_above)
    self.assertEqual(page.count('class="found">not finished'), 1)
    self.assertNotIn(7, self.numbers(page))

  def test_one_seed_without_negative_cases(self):
    page = self.write(fake_study.make(n_seeds=1, n_negative=0, arms=self.few_arms()[:3]))
    for more in ('seeds', 'and seed', 'anew'):
      # Tables say in general what they are over.
      self.assertNotIn(more, page.replace('evaluated epochs and seeds.', '').replace('sd of seeds', ''))

  def test_first_arm_alone(self):
    page = self.write(fake_study.make(arms=self.few_arms()[:1]))
    self.assertEqual(self.numbers(page), [4, 5])

  def test_the_same_study_gives_the_same_bytes(self):
    study = fake_study.make(n_seeds=2, arms=self.few_arms()[:1])
    self.assertEqual(self.write(study), self.write(study))


if __name__ == '__main__':
  tf.test.main()
