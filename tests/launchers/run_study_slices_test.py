"""Studies of slices: what they refuse, their stages, and a whole one on tiny gliomas."""

import csv
import json
import os
import subprocess
from pathlib import Path
from unittest import mock

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.study import checks, leakage, slice_checks
from launchers.study.design import read_synthetic
from launchers.study.regimes import read_arms
from launchers.study.tasks import Tasks
from stroke_tfds import sources
from stroke_tfds.phantom_tumour.phantom_tumour_dataset_builder import Builder
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from tests import tiny
from tests.launchers.study import refusals, slice_study, tiny_study
from tests.launchers.study.tiny_study import arm


class RefusalTest(refusals.Case):
  def test_slices_and_volumes(self):
    both = {**slice_study.fields()['synthetic'], 'CarveMix': {'builder': 'carvemix'}}
    design = slice_study.design(
      synthetic=both, arms={'x': arm(learns_from={'CarveMix': 2, 'joint': 'all'})}
    )
    message = "^source 'joint' is of slices and 'CarveMix' of volumes, expected"
    self.refuses(message, checks.check_names, design)

  def test_a_segmenter_of_volumes(self):
    unet = tiny_study.gin_file(tiny_study.UNET)
    message = "^arm 'real . 1': learns from slices of 'joint', but the segmenter of .* is one"
    self.refuses(message, checks.check_names, slice_study.design(unet=unet))
    arms = {'x': arm(n_slices={'clinical': 9})}
    message = "^arm 'x': learns from a number of slices, but the segmenter of"
    self.refuses(message, checks.check_names, slice_study.design(unet=unet, arms=arms))

  def test_generated_patients_below_one(self):
    for count in (0, -3):
      arms = {'x': arm(learns_from={'joint': count})}
      self.refuses(f"^arm 'x': {count} cases of 'joint', expected", read_arms, arms)
      design = slice_study.design(num_volumes=count)
      self.refuses(f'^num_volumes is {count}, expected', checks.check_names, design)
    self.refuses(
      "^arm 'real . 3': asks for 3 cases of 'joint', but num_volumes is 2",
      checks.check_names,
      slice_study.design(num_volumes=2),
    )

  def test_truncation_out_of_range(self):
    for value in (1.5, -0.1, 'half'):
      message = f"^source 'joint': truncation is {value!r}, expected a number from 0 to 1$"
      self.refuses(message, read_synthetic, self.source(truncation=value))
    message = "^source 'joint': config has 'num_slices', which the study gives"
    self.refuses(message, read_synthetic, self.source(num_slices=8))

  def source(self, **config):
    return {'joint': {'joint_generator': 'stylegan_joint_mini.gin', 'config': config}}

  def test_slices_that_are_no_number_for_each_source(self):
    learns_from = {'clinical': 'all', 'joint': 1}
    for n_slices in ({'joint': 9}, 9):
      arms = {'x': arm(learns_from=learns_from, n_slices=n_slices)}
      self.refuses("^arm 'x': n_slices is .*, expected one for each", read_arms, arms)
    arms = {'x': arm(learns_from=learns_from, n_slices={'clinical': 9, 'joint': 0})}
    self.refuses("^arm 'x': 0 slices of 'joint', expected", read_arms, arms)

  def test_two_steps_without_scans_to_measure_the_second_on(self):
    message = f"^source '{slice_study.TWO_STEPS}': validation is empty, expected scans that its transla"
    self.refuses(message, checks.check_names, slice_study.design(validation=''))
    arms = {'x': arm(learns_from={'joint': 1})}
    checks.check_names(slice_study.design(validation='', arms=arms))

  def test_a_source_with_the_folder_of_the_second_steps(self):
    two_steps = slice_study.fields()['synthetic'][slice_study.TWO_STEPS]
    arms = {'x': arm(learns_from={'translators': 1})}
    design = slice_study.design(synthetic={'translators': two_steps}, arms=arms)
    message = "^source 'translators': its folder would be that of 'the translators', expected a"
    self.refuses(message, checks.check_names, design)

  def test_a_joint_generator_with_more_than_a_translator(self):
    fields = {'joint_generator': 'a.gin', 'translator': 'b.gin', 'builder': 'carvemix'}
    message = (
      r"^source 'x': has \['joint_generator', 'translator', 'builder'\] of .*, or the first two$"
    )
    self.refuses(message, read_synthetic, {'x': fields})
    fields = {'joint_generator': 'a.gin', 'translator': 'b.gin', 'config': {'translator': 'c'}}
    message = "^source 'x': config has 'translator', which the study gives"
    self.refuses(message, read_synthetic, {'x': fields})


class DataTest(refusals.Case):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.data_dir = Path(tfds.testing.make_tmp_dir())
    slice_study.build(cls.data_dir)

  def check(self, **changes):
    return checks.check_data(slice_study.design(**changes), str(self.data_dir))

  def test_more_slices_than_there_are(self):
    opened = self.check()
    n = sum(int(e['labels'].any((0, 1)).sum()) for e in tfds.as_numpy(opened['train'].examples()))
    fits = {'x': arm(n_slices={'clinical': n})}
    self.check(arms=fits)
    message = f"^arm 'x': asks for {n + 1} slices of 'clinical', expected at most {n}$"
    self.refuses(message, self.check, arms={'x': arm(n_slices={'clinical': n + 1})})
    # Two generated patients have eight slices at most.
    generated = lambda count: {'x': arm(learns_from={'joint': 2}, n_slices={'joint': count})}
    self.check(arms=generated(16))
    message = "^arm 'x': asks for 17 slices of 'joint', expected at most 16$"
    self.refuses(message, self.check, arms=generated(17))

  def test_a_generator_of_other_contrasts(self):
    for n in (0, 1):
      bindings = [f'train_style_gan.n_contrasts = {n}']
      joint = {'joint_generator': 'stylegan_joint_mini.gin', 'bindings': bindings}
      message = f"^source 'joint': its generator draws {n} contrasts, expected the 2 of phantom_tumour"
      message += '.*, or a translator beside it' * (n == 0)
      arms = {'x': arm(learns_from={'joint': 2})}
      self.refuses(message, self.check, synthetic={'joint': joint}, arms=arms)

  def test_a_set_that_the_generator_cannot_make(self):
    arms = {'x': arm(learns_from={'joint': 2})}
    contrasts, classes = ['T1'], ['background', 'lesion']
    for conditions, config, message in (
      (
        (),
        {'contrasts': contrasts},
        r"contrasts is \['T1'\], but its generator makes \['T1', 'FLAIR'\]",
      ),
      (
        (),
        {'classes': classes},
        r"classes is .*'lesion'\], but its generator makes \['background', 'wh",
      ),
      ((), {'share_lesion': 0.5}, r'share_lesion is 0.5, but its generator cannot be .* is \[\]'),
      (
        ('size',),
        {},
        r"train_style_gan.conditions has \['size'\], expected some of \['level', 'lesion'\]",
      ),
    ):
      bindings = [f'train_style_gan.conditions = {conditions!r}']
      joint = {'joint_generator': 'stylegan_joint_mini.gin', 'bindings': bindings, 'config': config}
      self.refuses(f"^source 'joint': {message}", self.check, synthetic={'joint': joint}, arms=arms)

  def two_steps(self, masks='', translator='', **source):
    """A study of these gin lines over the files of the two steps."""
    files = {
      'joint_generator': tiny_study.gin_file('\n'.join([slice_study.MASKS, masks])),
      'translator': tiny_study.gin_file('\n'.join([slice_study.TRANSLATOR, translator])),
    }
    source = {'config': slice_study.UNAUDITED, **files, **source}
    return {'synthetic': {'two': source}, 'arms': {'x': arm(learns_from={'two': 2})}}

  def test_audits_that_could_not_be(self):
    """Said before the training: few patients, or classes that no bundle explains."""
    same = "{'brain': ('',)}"
    groups = f'train_style_gan.groups = {same}', f'train_itm.groups = {same}'
    audited = {'config': {}}
    message = r"^source 'two': its generators learn from {} patient\(s\), expected at least 3 .*audit"
    self.refuses(message.format(2), self.check, **self.two_steps(**audited))
    self.refuses(message.format(1), self.check, **self.two_steps(**audited, clinical=1))
    with mock.patch.object(slice_checks, 'FEWEST_PATIENTS', 2):
      self.check(**self.two_steps(**audited))
      message = (
        "^source 'two': train_style_gan.groups is {'brain'.*, expected the default ones, .*audit"
      )
      self.refuses(message, self.check, **self.two_steps(*groups, **audited))
    self.check(**self.two_steps(*groups))

  def test_two_steps_that_do_not_fit_together(self):
    self.check(**self.two_steps())
    same = "{'brain': ('',)}"
    self.check(**self.two_steps(f'train_style_gan.groups = {same}', f'train_itm.groups = {same}'))
    for masks, translator, message in (
      (
        'train_style_gan.n_contrasts = None',
        '',
        'its generator draws 2 contrasts, expected 0 beside a t',
      ),
      (
        'train_style_gan.n_contrasts = 1',
        '',
        'its generator draws 1 contrasts, expected 0 beside a tran',
      ),
      (
        '',
        'train_itm.by_classes = False',
        r'train_itm.by_classes is False in .*, expected True beside a',
      ),
      (
        '',
        f'train_itm.groups = {same}',
        r"train_style_gan.groups is {'white matter'.* and train_itm.gro",
      ),
      (
        '',
        "train_itm.appearance = ('noise',)",
        r"train_itm.appearance is \('noise',\), expected none be",
      ),
      (
        '',
        'train_itm.batches = @paired_volumes',
        'is of whole volumes, expected a translator of slices',
      ),
    ):
      self.refuses(f"^source 'two': .*{message}", self.check, **self.two_steps(masks, translator))

  def test_scans_to_measure_the_second_step_on_are_none_that_it_learns_from(self):
    message = '^validation .*:train holds .*expected scans that no translator learns from'
    options = {**self.two_steps(), 'validation': f'{slice_study.COHORT}:train'}
    self.refuses(message, self.check, **options)

  def test_a_translator_of_classes_without_a_joint_generator(self):
    two = self.two_steps()
    del two['synthetic']['two']['joint_generator']
    message = "^source 'two': train_itm.by_classes is True in .*, expected False without one"
    train = self.check()['train']
    self.refuses(message, slice_checks.check_generators, slice_study.design(**two), train)

  def slices(self, *splits):
    """A set of slices of a generator that learnt from splits of the cohort."""
    folder = Path(tfds.testing.make_tmp_dir()) / 'bundle'
    metadata = Builder(config=slice_study.CONFIG).info.metadata
    facts = {key: metadata[key] for key in ('intensity_scaling', 'contrasts')}
    facts['trained_on'] = tuple(f'{slice_study.COHORT}:{split}' for split in splits)
    bundle = tiny.save_toy_joint(folder, metadata, lesion_shares=[0.5] * 8, **facts)
    fields = {'num_patients': 1, 'seed': len(splits), 'audit': False}
    config = SyntheticSlicesConfig(joint_generator=str(bundle), **fields)
    config = config.resolve(str(self.data_dir))
    tfds.builder('synthetic_slices', config=config, data_dir=str(self.data_dir)).download_and_prepare()
    return f'synthetic_slices/{config.name}:train'

  def test_a_ready_set_of_slices(self):
    ready = {'mine': {'set': self.slices('train')}, 'CarveMix': {'builder': 'carvemix'}}
    alone = {'synthetic': ready, 'arms': {'x': arm(learns_from={'mine': 'all'})}}
    self.assertTrue(self.check(**alone)['mine'].holds_slices)
    message = "^arm 'x': learns from slices of 'mine', but the segmenter of"
    self.refuses(message, self.check, unet=tiny_study.gin_file(tiny_study.UNET), **alone)
    both = {'x': arm(learns_from={'mine': 'all', 'CarveMix': 1})}
    message = "^source 'mine' is of slices and 'CarveMix' of volumes"
    self.refuses(message, self.check, synthetic=ready, arms=both)

  def test_test_cases_behind_generated_slices(self):
    test = self.check()['test']
    open_set = lambda text: sources.open_sources([text], str(self.data_dir), units=('slices',))
    look = lambda text: leakage.check_no_leakage(test, {'joint': open_set(text)}, str(self.data_dir))
    text = self.slices('train')
    look(text)
    metadata = {**open_set(text)[0].metadata, 'made_from': []}
    with mock.patch.object(sources.Source, 'metadata', metadata):
      self.refuses('^joint: .* has no made_from in its metadata', look, text)
    message = f'^joint: {slice_study.COHORT}:test holds .*, which is the test case'
    self.refuses(message, look, self.slices('train', 'test'))
    self.refuses('^joint: .* was made by a joint_generator', look, self.slices())


class StagesTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.root = Path(tfds.testing.make_tmp_dir()) / 'study'
    tasks = Tasks(slice_study.design(), cls.root, str(cls.root)).all()
    cls.tasks = {task.title: task for task in tasks}
    metadata = Builder(config=slice_study.CONFIG).info.metadata
    generators = cls.root / 'seed_0' / 'generators'
    shares = {'lesion_shares': [0.5] * 8}
    tiny.save_toy_joint(cls.place(generators / 'joint'), metadata, **shares)
    cls.folders = generators / 'masks_then_images', generators / 'translators' / 'masks_then_images'
    masks, translator = map(cls.place, cls.folders)
    tiny.save_toy_joint(masks, metadata, n_contrasts=0, **shares)
    tiny.save_toy_class_translator(translator, metadata)

  @staticmethod
  def place(run):
    run.mkdir(parents=True)
    return run / 'bundle'

  def flags(self, title):
    found = [flag for flag in self.tasks[title].stage().command if flag.startswith('--gin_bindings=')]
    return dict(flag.removeprefix('--gin_bindings=').split(' = ') for flag in found)

  def config(self, title):
    command = self.tasks[title].stage().command
    self.assertIn('synthetic_slices', command)
    return json.loads(command[command.index('--config') + 1])

  def test_one_generator_a_set_for_each_number_of_patients(self):
    needs = {title: task.needs for title, task in self.tasks.items()}
    one = ('joint generator, seed 0',)
    self.assertEqual(
      needs,
      {
        'joint generator': (),
        'joint set of 1': one,
        'joint set': one,
        'near the mean set': one,
        'masks then images generator': (),
        'masks then images translator': (),
        'masks then images set of 2': (
          'masks then images generator, seed 0',
          'masks then images translator, seed 0',
        ),
        'translated': ('masks then images set of 2, seed 0',),
        'real': (),
        'real + 1': ('joint set of 1, seed 0',),
        'real + 3': ('joint set, seed 0',),
        'generated': ('near the mean set, seed 0',),
      },
    )

  def test_a_generator_learns_from_the_training_cases_alone(self):
    flags = self.flags('joint generator')
    self.assertEqual(
      flags,
      {'train_style_gan.sources': repr([f'{slice_study.COHORT}:train']), 'train_style_gan.seed': '0'},
    )
    self.assertIn('launchers.train_style_gan', self.tasks['joint generator'].stage().command)

  def test_a_translator_of_classes_learns_from_the_same_cases(self):
    flags = self.flags('masks then images translator')
    self.assertEqual(
      flags,
      {
        'train_itm.sources': repr([f'{slice_study.COHORT}:train']),
        'train_itm.validation': repr([f'{slice_study.COHORT}:healthy']),
        'train_itm.seed': '0',
      },
    )
    flags = self.flags('masks then images generator')
    self.assertEqual(flags['train_style_gan.sources'], repr([f'{slice_study.COHORT}:train']))
    for kind, folder in zip(('generator', 'translator'), self.folders):
      self.assertEqual(self.tasks[f'masks then images {kind}'].stage().product, folder)

  def test_bindings_are_of_the_joint_generator(self):
    two_steps = slice_study.fields()['synthetic'][slice_study.TWO_STEPS]
    line = 'train_style_gan.lesion_gain = 2.0'
    synthetic = {'two': {**two_steps, 'bindings': [line]}}
    design = slice_study.design(synthetic=synthetic, arms={'x': arm(learns_from={'two': 2})})
    commands = {t.title: t.stage().command for t in Tasks(design, self.root, str(self.root)).all()[:2]}
    self.assertIn(f'--gin_bindings={line}', commands['two generator'])
    self.assertNotIn(f'--gin_bindings={line}', commands['two translator'])

  def test_a_set_of_two_steps_is_of_both_bundles(self):
    masks, translator = (str(folder / 'bundle') for folder in self.folders)
    self.assertEqual(
      self.config('masks then images set of 2'),
      {
        'joint_generator': masks,
        'translator': translator,
        'num_patients': 2,
        'seed': 0,
        **slice_study.UNAUDITED,
      },
    )
    self.assertRegex(
      self.flags('translated')['train_unet.sources'],
      rf"^\['{slice_study.COHORT}:train', 'synthetic_slices/n2_seed0-unaudited-\w+:train'\]$",
    )

  def test_sets_are_of_its_bundle(self):
    bundle = str(self.root / 'seed_0' / 'generators' / 'joint' / 'bundle')
    self.assertEqual(
      self.config('joint set of 1'),
      {'joint_generator': bundle, 'num_patients': 1, 'seed': 0, **slice_study.UNAUDITED},
    )
    self.assertEqual(
      self.config('near the mean set'),
      {
        'joint_generator': bundle,
        'num_patients': 3,
        'seed': 0,
        'truncation': 0.5,
        **slice_study.UNAUDITED,
      },
    )

  def test_arms_learn_from_the_set_of_their_number(self):
    flags = self.flags('real + 1')
    self.assertRegex(
      flags['train_unet.sources'],
      rf"^\['{slice_study.COHORT}:train', 'synthetic_slices/n1_seed0-unaudited-\w+:train'\]$",
    )
    self.assertEqual(flags['train_unet.n_slices'], '[9, 2]')
    self.assertIn("'synthetic_slices/n3_seed0-", self.flags('real + 3')['train_unet.sources'])


@pytest.mark.slow
class WholeStudyTest(tf.test.TestCase):
  def test_from_the_design_to_the_report(self):
    folder = Path(tfds.testing.make_tmp_dir())
    study = folder / 'study'
    slice_study.build(folder / 'data')
    arms = {k: fields for k, fields in slice_study.fields()['arms'].items() if k != 'generated'}
    arms['real + {count}']['counts'] = [1]
    environment = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])}
    command = slice_study.command(study, folder / 'data', arms=arms)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    self.assertEqual(done.returncode, 0, done.stderr[-3000:] + done.stdout[-3000:])
    with (study / 'table.csv').open(newline='') as file:
      rows = list(csv.DictReader(file))
    self.assertEqual([row['arm'] for row in rows], ['real', 'real + 1', 'translated'])
    regions = {'necrotic_core', 'oedema', 'enhancing_tumour', 'whole_tumour', 'tumour_core'}
    self.assertContainsSubset({f'dice_{name}' for name in regions}, rows[0])
    with (study / 'cases.csv').open(newline='') as file:
      cases = list(csv.DictReader(file))
    for case in cases:
      # The union of all classes is the lesion.
      self.assertEqual(case['dice_whole_tumour'], case['dice'])
    result = json.loads((study / 'seed_0' / 'real_1' / 'result.json').read_text())
    self.assertEqual(result['n_cases'], {'clinical': 2, 'joint': 1})
    result = json.loads((study / 'seed_0' / 'translated' / 'result.json').read_text())
    self.assertEqual(result['n_cases'], {'clinical': 2, 'masks then images': 2})
    self.assertIn('tumour core', (study / 'report.html').read_text())


if __name__ == '__main__':
  tf.test.main()
