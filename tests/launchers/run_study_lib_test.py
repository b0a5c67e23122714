"""What a study refuses before anything is trained, what it lists, and a whole one on tiny data."""

import contextlib
import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from unittest import mock

import gin
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import stages
from launchers.run_study_lib import run_study
from stroke_tfds import lesion_fusion, sources
from stroke_tfds.errors import InputError
from tests import tiny
from tests.launchers.study import tiny_study
from tests.launchers.study.tiny_study import arm


class Case(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.cohort = tiny_study.cohort()
    self.root = Path(tfds.testing.make_tmp_dir()) / 'study'

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def run_study(self, arm_index=None, dry_run=False, budget_hours=None, **changes) -> str:
    """What it prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
      run_study(
        str(self.root),
        self.data_dir,
        tiny_study.design(**changes),
        arm_index=arm_index,
        dry_run=dry_run,
        budget_hours=budget_hours,
      )
    return output.getvalue()


class RefusalTest(Case):
  def refuses(self, message, **options):
    """In one line, and nothing has been run."""
    with self.assertRaisesRegex(InputError, message) as caught:
      self.run_study(**options)
    self.assertNotIn('\n', str(caught.exception))
    self.assertFalse(list(self.root.rglob('*.*')), 'something was run')

  def arms(self, **changes):
    return {**tiny_study.ARMS, 'bad': arm(**changes)}

  def test_an_unknown_source(self):
    self.refuses("arm 'bad': source 'SPAED' is unknown", arms=self.arms(learns_from={'SPAED': 3}))

  def test_more_cases_than_exist(self):
    few = self.arms(learns_from={'clinical': 999})
    self.refuses("arm 'bad': .*expected at least 999", arms=few)
    few = self.arms(learns_from={'lesion fusion': 5})
    self.refuses("arm 'bad': asks for 5 cases of 'lesion fusion', but num_volumes is 4", arms=few)

  def test_sources_of_another_grid(self):
    grid = {**tiny.GRID, 'name': 'other', 'spacing_mm': [5.0, 6.0, 16.0]}
    other = tiny.build_phantom(self.data_dir, grid=grid, n_healthy=1, n_train=1, n_test_negative=0)
    self.refuses(
      "arm 'bad': .* has the grid .*other",
      arms=self.arms(learns_from={'clinical': 'all', 'theirs': 'all'}),
      synthetic={**tiny_study.fields()['synthetic'], 'theirs': {'set': f'{other}:train'}},
    )

  def test_a_network_that_does_not_fit(self):
    file = tiny_study.gin_file(f'{tiny_study.UNET}\nunet_3d.filters = (4, 4, 4, 4, 4, 4)')
    self.refuses('tiny.gin: its networks do not fit', unet=file)

  def test_test_cases_that_are_learnt_from(self):
    self.refuses('which is the test case', test=f'{self.cohort}:train[2:4]')
    self.refuses('validation: .*which is the test case', validation=f'{self.cohort}:test[:1]')
    one_by_one = [f'{self.cohort}:test[{i}:{i + 1}]' for i in range(6)]
    healthy = [
      s for s in sources.open_sources(one_by_one, self.data_dir) if not s.lesion_volumes_ml.any()
    ]
    self.refuses('healthy: .*which is the test case', healthy=str(*healthy))

  def test_a_folder_that_was_begun_with_other_data(self):
    self.root.mkdir()
    file = self.root / 'study.json'
    file.write_text('{"train": "0123"}')
    with self.assertRaisesRegex(InputError, 'train is not the data .*study was begun with .* 0123'):
      self.run_study()
    self.assertEqual([path.name for path in self.root.iterdir()], ['study.json'])

  def test_test_cases_behind_a_synthetic_set(self):
    config = lesion_fusion.LesionFusionConfig(
      clinical=f'{self.cohort}:test', healthy=f'{self.cohort}:healthy', num_volumes=3, min_voxels=3
    )
    builder = lesion_fusion.Builder(config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    text = f'lesion_fusion/{builder.builder_config.name}:train'
    for count in ('all', 2):
      self.refuses(
        f'theirs: {self.cohort}:test holds .*, which is the test case',
        arms=self.arms(learns_from={'theirs': count}),
        synthetic={**tiny_study.fields()['synthetic'], 'theirs': {'set': text}},
      )

  def test_an_index_without_training(self):
    self.refuses('--arm_index=4: the study has 4 trainings, expected 0 to 3', arm_index=4)

  def test_a_budget_of_no_hours(self):
    for hours in (0, -1.5, float('nan'), float('inf')):
      message = f'^--budget_hours={hours:g}: expected a number of hours above 0$'
      self.refuses(message, budget_hours=hours)
      self.refuses(message, budget_hours=hours, dry_run=True)

  def test_development_cases_that_are_learnt_from_or_tested(self):
    rates = {'learning_rates': [1e-3, 1e-4]}
    text = f'{self.cohort}:train[2:4]'
    self.refuses('^train: .*', development=text, **rates)
    self.refuses('^development: .*which is the test case', development=f'{self.cohort}:test', **rates)
    none = f'{self.cohort}:healthy[:1]'
    self.refuses('^development .*: no case with a lesion of 20 voxels', development=none, **rates)

  def test_generators_of_more_cases_than_there_are(self):
    synthetic = {'lesion fusion': {'builder': 'lesion_fusion', 'clinical': 99}}
    self.refuses("^source 'lesion fusion': .*expected at least 99", synthetic=synthetic)


class FolderTest(Case):
  def demo(self, name='U-Net: clinical'):
    """The folder of a demo that was no study."""
    (self.root / 'stages').mkdir(parents=True)
    (self.root / 'stages' / 'U-Net_clinical.json').write_text(json.dumps({'name': name, 'seconds': 9}))
    (self.root / 'summary.json').write_text('{}')
    return sorted(self.root.rglob('*'))

  def test_a_demo_of_the_old_form_is_refused_and_kept(self):
    before = self.demo()
    with self.assertRaisesRegex(InputError, "study holds a demo of the old form .*'U-Net: clinical'"):
      self.run_study()
    self.assertEqual(sorted(self.root.rglob('*')), before)

  def test_stages_of_a_study_are_none_of_a_demo(self):
    self.demo('lesion GAN, seed 0')
    self.assertIn('0 of 6 stages are done', self.run_study(dry_run=True))


class BuildTest(Case):
  def build(self, message='is not built in .*; first give: tfds build', **changes):
    """Name and mark of the stages that are run, each of which leaves nothing."""
    built = []
    keep = lambda _, stage: built.append((stage.name, stage.command[4:], stage.mark))
    with (
      mock.patch.object(stages.StageRunner, 'run', keep),
      self.assertRaisesRegex(InputError, message),
    ):
      self.run_study(**changes)
    return built

  def test_a_phantom_that_is_not_there_is_built_once(self):
    mini = 'phantom_stroke/mini'
    (built,) = self.build(train=f'{mini}:train', healthy=f'{mini}:healthy')
    name, options, mark = built
    self.assertEqual(name, 'phantom_stroke/mini data set')
    self.assertEqual(options[:1], [mini])
    self.assertRegex(mark, r'^\d+\.\d+\.\d+/dataset_info.json$')

  def test_what_cannot_be_built_from_nothing_is_refused(self):
    self.assertEqual(self.build('does not exist in', train='soop/none:train'), [])


class DryRunTest(Case):
  def test_lists_trainings_and_runs_none(self):
    lines = self.run_study(dry_run=True).splitlines()
    self.assertRegex(lines[1], r'^0 2 +clinical +all clinical +- +4 in 2 epochs +2 to 2 ')
    self.assertRegex(lines[2], r'^1 3 +clinical \+ lesion fusion +all clinical \+ all lesion fusion ')
    self.assertRegex(lines[4], '^2 generators and data sets: about ')
    self.assertRegex(lines[5], '^4 segmenters: about ')
    self.assertRegex(lines[6], '; 0 of 6 stages are done$')
    self.assertRegex(
      lines[8],
      r'^Smallest effect seen in 80 % of studies \(2 seeds x \d scored test cases\), arms that learn '
      r'from all clinical cases: [\d.]+ points of Dice in one comparison, [\d.]+ where 1 are claimed ',
    )
    self.assertFalse(self.root.exists())

  def test_how_much_fits_into_a_budget(self):
    lines = self.run_study(dry_run=True, budget_hours=1000).splitlines()
    self.assertEqual(lines[-1], '--budget_hours=1000: 2 of 2 seeds with all 2 arms fit')
    lines = self.run_study(dry_run=True, budget_hours=1e-4).splitlines()
    self.assertEqual(
      lines[-1], '--budget_hours=0.0001: not one seed fits, only 0 of 2 arms of the first'
    )

  def test_of_one_training_with_what_it_needs(self):
    lines = self.run_study(dry_run=True, arm_index=3).splitlines()
    self.assertRegex(lines[1], r'^3 +clinical \+ lesion fusion ')
    self.assertRegex(lines[3], '^1 generators and data sets: about ')
    self.assertRegex(lines[4], '^1 segmenters: about ')


def _table(folder: Path) -> list[dict[str, str]]:
  with (folder / 'table.csv').open(newline='') as file:
    return list(csv.DictReader(file))


def _start(folder: Path, *options: str, **changes) -> subprocess.Popen:
  """A study with its data in `folder / data`, in a process group of its own."""
  folder.mkdir(parents=True, exist_ok=True)
  with (folder / 'output.txt').open('a') as output:
    command = [*tiny_study.command(folder / 'study', folder / 'data', **changes), *options]
    # For the builds, which are commands of another package.
    environment = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])}
    return subprocess.Popen(
      command,
      stdout=output,
      stderr=subprocess.STDOUT,
      env=environment,
      start_new_session=True,
    )


def _finish(folder: Path, *options: str, **changes) -> str:
  """Runs a study to its end and returns what this start printed."""
  before = (folder / 'output.txt').stat().st_size if (folder / 'output.txt').exists() else 0
  status = _start(folder, *options, **changes).wait()
  text = (folder / 'output.txt').read_bytes()[before:].decode()
  assert status == 0, text[-3000:]
  return text


class WholeStudyCase(Case):
  def folder(self, name: str) -> Path:
    """For a study with data of its own."""
    folder = self.root / name
    shutil.copytree(Path(self.data_dir) / self.cohort, folder / 'data' / self.cohort)
    return folder


class WholeStudyTest(WholeStudyCase):
  def test_from_the_design_to_the_report(self):
    folder = self.folder('once')
    study = folder / 'study'
    _finish(folder)
    for arm_name in ('clinical', 'clinical_lesion_fusion'):
      for seed in (0, 1):
        result = json.loads((study / f'seed_{seed}' / arm_name / 'result.json').read_text())
        self.assertEqual(result['seed'], seed)
        self.assertEqual(result['window'], [2])
        self.assertLen(result['cases']['subject_id'], 6)
        self.assertIn('launchers.train_unet', result['command'])
    rows = _table(study)
    self.assertEqual([row['arm'] for row in rows], ['clinical', 'clinical + lesion fusion'])
    volumes = [float(row['predicted_volume_ml']) for row in rows]
    self.assertGreater(min(volumes), 0)
    self.assertNotEqual(*volumes)
    page = (study / 'report.html').read_text()
    for text in ('clinical + lesion fusion', 'launchers.run_study', 'Table 1'):
      self.assertIn(text, page)
    json.loads((study / 'statistics.json').read_text(), parse_constant=self.fail)
    summary = json.loads((study / 'summary.json').read_text())
    self.assertEqual(list(summary['arms']), ['clinical', 'clinical + lesion fusion'])
    self.assertEqual(summary['arms']['clinical']['n_negative'], 1)
    self.assertLen(summary['stage_seconds'], 6)
    for file in ('table.tex', 'cases.csv'):
      self.assertNotEmpty((study / file).read_text())

    table = (study / 'table.csv').read_bytes()
    times = lambda: {path: path.stat().st_mtime_ns for path in study.glob('seed_*/**/*')}
    trained = times()
    printed = _finish(folder)
    self.assertEqual(printed.count(': done already'), 6)
    self.assertNotIn('python -m', printed)
    self.assertEqual(times(), trained)
    self.assertEqual((study / 'table.csv').read_bytes(), table)
    self.assertNotIn('stages are left', _finish(folder, '--budget_hours=1e-6'))
    self.assertEqual((study / 'table.csv').read_bytes(), table)

    # A training that cannot begin, since a file stands where its folder shall be.
    shutil.rmtree(study / 'seed_1/clinical_lesion_fusion')
    (study / 'seed_1/clinical_lesion_fusion').touch()
    process = _start(folder)
    self.assertEqual(process.wait(), 1)
    last = (folder / 'output.txt').read_text().splitlines()[-1]
    self.assertIn('clinical + lesion fusion, seed 1: ended with exit status 1', last)
    self.assertEqual([row['arm'] for row in _table(study)], ['clinical'])
    page = (study / 'report.html').read_text()
    self.assertIn('left out of every comparison: clinical + lesion fusion.', page)


@pytest.mark.slow
class ControlsTest(WholeStudyCase):
  def test_few_cases_a_search_a_further_test_set_and_a_budget(self):
    folder = self.folder('controls')
    other = tiny.build_phantom(str(folder / 'data'), n_train=1, n_test=8, n_test_negative=0, seed=9)
    short = {'epochs': 2, 'evaluated_epochs': 1}
    changes = {
      'synthetic': {'fusion of 3': {'builder': 'lesion_fusion', 'clinical': 3}},
      'arms': {
        'clinical': {'learns_from': {'clinical': 'all'}, **short},
        '3 clinical': {'learns_from': {'clinical': 3}, **short},
        'fusion of 3': {'learns_from': {'fusion of 3': 'all'}, **short},
        'fusion, then 3': {
          'learns_from': {'clinical': 3},
          'start': 'fusion of 3',
          'reference': '3 clinical',
          **short,
        },
      },
      'development': f'{other}:test[:4]',
      'learning_rates': [1e-3, 1e-2],
      'external_tests': {'theirs': f'{other}:test[4:]'},
    }
    printed = _finish(folder, '--budget_hours=1e-6', **changes)
    self.assertRegex(printed, '--budget_hours=1e-06 is used; .* no seed is complete')
    self.assertFalse(list((folder / 'study').rglob('result.json')))
    _finish(folder, **changes)
    study = folder / 'study'
    for name in ('3_clinical', 'fusion_then_3'):
      results = [
        json.loads((study / f'seed_{seed}' / name / 'result.json').read_text()) for seed in (0, 1)
      ]
      dice = results[0]['development_dice']
      self.assertEqual(set(dice), {'0.001', '0.01'})
      chosen = max(sorted(dice, key=float), key=dice.get)
      for result in results:
        self.assertEqual(f'{result["learning_rate"]:g}', chosen)
        self.assertIn(f'ConstantThenLinear.learning_rate = {float(chosen)}', result['command'])
        self.assertIn(f"'{self.cohort}:test'", result['command'])
    rows = list(csv.DictReader((study / 'external_theirs.csv').open()))
    self.assertLen(rows, 4 * 2 * 4)
    page = (study / 'report.html').read_text()
    for text in ('Further test set: theirs', 'Learning rates, the best of 2 on patients that are'):
      self.assertIn(text, page)


@pytest.mark.slow
class KilledStudyTest(WholeStudyCase):
  def kill(self, folder: Path, seconds: float, *, children: bool) -> None:
    """After some seconds, all processes or the first alone, whose child then goes on."""
    process = _start(folder)
    time.sleep(seconds)
    if children:
      os.killpg(process.pid, signal.SIGKILL)
    else:
      process.kill()
    self.assertEqual(process.wait(), -signal.SIGKILL, 'it was done before it was killed')

  def test_ends_with_the_table_of_one_left_alone(self):
    alone, killed = self.folder('alone'), self.folder('killed')
    start = time.monotonic()
    _finish(alone)
    seconds = time.monotonic() - start
    draw = random.Random(0)
    for children in (True, True, True, False):
      self.kill(killed, draw.uniform(0.1, 0.25) * seconds, children=children)
    printed = _finish(killed)
    self.assertIn('done already', printed)
    for file in ('table.csv', 'cases.csv'):
      self.assertEqual((killed / 'study' / file).read_text(), (alone / 'study' / file).read_text())
    self.assertGreater(float(_table(alone / 'study')[0]['predicted_volume_ml']), 0)


if __name__ == '__main__':
  tf.test.main()
