"""Commands of a study, what they wait for, and the files they share or do not share."""

import json
import re
from pathlib import Path

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import stages
from launchers.study.results import METRICS, RESULT, TestSet, write_result
from launchers.study.tasks import Tasks
from stroke_tfds import lesion_fusion
from stroke_tfds.errors import InputError
from tests import tiny
from tests.launchers.study import tiny_study
from tests.launchers.study.tiny_study import arm

_SYNTHETIC = {
  'SPADE': {'translator': 'spade_mini.gin', 'bindings': ['train_itm.epochs = 2']},
  'SPADE in scan': {
    'translator': 'spade_mini.gin',
    'bindings': ['train_itm.epochs = 2'],
    'config': {'keep_scan': True},
  },
  'lesion fusion': {'builder': 'lesion_fusion'},
  'CarveMix': {'builder': 'carvemix'},
  'mine': {'set': 'synthetic_stroke/mine-123:train'},
}
_ARMS = {
  'clinical': arm(bindings=['train_unet.batch_size = 3']),
  '3 clinical': arm(learns_from={'clinical': 3}),
  'SPADE': arm(learns_from={'SPADE': 'all'}),
  'SPADE, then 3 clinical': arm(learns_from={'clinical': 3}, start='SPADE', evaluated_epochs=(1, 2)),
  'all': arm(
    learns_from={'clinical': 'all', 'lesion fusion': 2, 'mine': 2},
    weights={'mine': 1, 'clinical': 3, 'lesion fusion': 2},
  ),
}


class TasksTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.cohort = tiny_study.cohort()
    self.root = Path(tfds.testing.make_tmp_dir()) / 'study'

  def tasks(self, **changes) -> Tasks:
    design = tiny_study.design(**{'synthetic': _SYNTHETIC, 'arms': _ARMS, **changes})
    return Tasks(design, self.root, self.data_dir)

  def by_name(self, **changes):
    return {task.name: task for task in self.tasks(**changes).all()}

  def bindings(self, task) -> dict[str, str]:
    flags = [flag for flag in task.stage().command if flag.startswith('--gin_bindings=')]
    return dict(flag.removeprefix('--gin_bindings=').split(' = ') for flag in flags)

  def save_generators(self, *folders):
    metadata = tfds.builder(self.cohort, data_dir=self.data_dir).info.metadata
    trained_on = (f'{self.cohort}:healthy', f'{self.cohort}:train')
    made = tiny.save_toy_bundles(self.root, metadata, trained_on=trained_on)
    for folder, kind in zip(made, folders or ('SPADE', 'lesion_GAN')):
      target = self.root / 'seed_1' / 'generators' / kind
      target.mkdir(parents=True)
      folder.rename(target / 'bundle')

  def test_each_comes_after_what_it_needs(self):
    tasks = self.tasks().all()
    names = [task.name for task in tasks]
    for i, task in enumerate(tasks):
      self.assertContainsSubset(task.needs, names[:i])
    self.assertLen(set(map(stages.slug, names)), len(names))
    # A lesion GAN, a translator, two sets and five arms, for two seeds; CarveMix is not used.
    self.assertLen(tasks, 2 * 9)

  def test_an_arm_waits_for_its_own_training_set_and_start(self):
    """Also where arm, source and translator have one name."""
    tasks = self.by_name()
    self.assertEqual(tasks['SPADE, seed 1'].needs, ('SPADE set, seed 1',))
    self.assertEqual(
      tasks['SPADE set, seed 1'].needs, ('SPADE translator, seed 1', 'lesion GAN, seed 1')
    )
    self.assertEqual(tasks['SPADE, then 3 clinical, seed 1'].needs, ('SPADE, seed 1',))
    self.assertEqual(tasks['SPADE, seed 1'].arm[0].name, 'SPADE')
    self.assertIsNone(tasks['SPADE translator, seed 1'].arm)
    self.assertEqual(tasks['SPADE set, seed 1'].synthetic, ('SPADE', 1))
    # Those need no generator, or are there already.
    self.assertEqual(tasks['lesion fusion set, seed 0'].needs, ())
    self.assertEqual(tasks['all, seed 0'].needs, ('lesion fusion set, seed 0',))
    self.assertEqual(tasks['clinical, seed 0'].needs, ())

  def test_no_lesion_gan_without_a_translator(self):
    names = list(self.by_name(arms=tiny_study.ARMS, n_seeds=1))
    self.assertEqual(
      names,
      ['lesion fusion set, seed 0', 'clinical, seed 0', 'clinical + lesion fusion, seed 0'],
    )

  def test_generators_of_the_cases_of_an_arm(self):
    spade = _SYNTHETIC['SPADE']
    few = {
      'SPADE': spade,
      'SPADE of 3': {**spade, 'clinical': 3},
      'fusion of 3': {'builder': 'lesion_fusion', 'clinical': 3},
    }
    arms = {'first': arm(learns_from=dict.fromkeys(few, 'all')), '3': arm(learns_from={'clinical': 3})}
    tasks = self.by_name(synthetic=few, arms=arms)
    three = f'{self.cohort}:train(3, seed=1)'
    # The same cases as the arm's, and the healthy ones.
    self.assertEqual(self.bindings(tasks['3, seed 1'])['train_unet.sources'], repr([three]))
    translator = self.bindings(tasks['SPADE of 3 translator, seed 1'])
    self.assertEqual(translator['train_itm.sources'], repr([f'{self.cohort}:healthy[1:]', three]))
    lesions = self.bindings(tasks['lesion GAN of 3, seed 1'])
    self.assertEqual(lesions['train_lesion_gan.sources'], repr([three]))
    for name, of in (('SPADE of 3', ' of 3'), ('SPADE', '')):
      needs = (f'{name} translator, seed 1', f'lesion GAN{of}, seed 1')
      self.assertEqual(tasks[f'{name} set, seed 1'].needs, needs)
    command = tasks['fusion of 3 set, seed 1'].stage().command
    self.assertEqual(json.loads(command[command.index('--config') + 1])['clinical'], three)

  def test_a_search_of_the_learning_rate(self):
    """On other cases than the test's, in the first seed, for every arm with a number of cases."""
    search = {'development': f'{self.cohort}:healthy[:1]', 'learning_rates': [1e-3, 1e-4]}
    tasks = self.by_name(**search)
    trials = [name for name, task in tasks.items() if task.search]
    self.assertEqual(
      trials,
      [
        f'{name} at {rate}, seed 0'
        for name in ('3 clinical', 'SPADE, then 3 clinical')
        for rate in ('0.001', '0.0001')
      ],
    )
    trial = self.bindings(tasks['SPADE, then 3 clinical at 0.001, seed 0'])
    self.assertEqual(trial['train_unet.test'], repr(search['development']))
    self.assertEqual(trial['ConstantThenLinear.learning_rate'], '0.001')
    self.assertEqual(tasks['SPADE, then 3 clinical at 0.001, seed 0'].needs, ('SPADE, seed 0',))
    self.assertEqual(
      tasks['SPADE, then 3 clinical, seed 1'].needs,
      ('SPADE, seed 1', *(name for name in trials if name.startswith('SPADE'))),
    )
    folders = [tasks[name].stage().product for name in trials]
    self.assertLen(set(folders), 4)

  def test_the_rate_of_the_highest_dice_is_taken_for_all_seeds(self):
    search = {'development': f'{self.cohort}:healthy[:1]', 'learning_rates': [1e-3, 1e-4]}
    tasks = self.tasks(**search)
    by_name = {task.name: task for task in tasks.all()}
    three = by_name['3 clinical, seed 1'].arm[0]
    cases = TestSet(np.array(['a', 'b']), np.ones(2), np.array([20, 19]), np.array(['', '']))
    # The case of 19 voxels is not scored.
    for (rate, folder), dice in zip(tasks.search_folders(three).items(), ([0.2, 1.0], [0.3, 0.0])):
      folder.mkdir(parents=True)
      metrics = {name: np.array([dice]) for name in METRICS}
      facts = {'arm': three.name, 'seed': 0, 'learning_rate': rate}
      write_result(folder / RESULT, facts, {}, cases, metrics)
    bindings = self.bindings(by_name['3 clinical, seed 1'])
    self.assertEqual(bindings['ConstantThenLinear.learning_rate'], '0.0001')
    self.assertEqual(bindings['train_unet.test'], repr(f'{self.cohort}:test'))
    # A training that failed has no result.
    for rate, left in ((1e-4, '0.001'), (1e-3, None)):
      (tasks.search_folders(three)[rate] / RESULT).unlink()
      if left:
        bindings = self.bindings(by_name['3 clinical, seed 1'])
        self.assertEqual(bindings['ConstantThenLinear.learning_rate'], left)
    with self.assertRaisesRegex(InputError, r'none of the learning rates \[0.001, 0.0001\] could be'):
      by_name['3 clinical, seed 1'].stage()
    self.assertNotIn('ConstantThenLinear.learning_rate', self.bindings(by_name['clinical, seed 1']))

  def test_folders(self):
    tasks, by_name = self.tasks(), self.by_name()
    self.assertEqual(tasks.run_folder(*by_name['SPADE, seed 1'].arm), self.root / 'seed_1' / 'SPADE')
    translator = by_name['SPADE translator, seed 1'].stage()
    self.assertEqual(translator.product, self.root / 'seed_1' / 'generators' / 'SPADE')
    for name in ('all, seed 0', 'all, seed 1', '3 clinical, seed 1'):
      self.assertEqual(by_name[name].stage().product, tasks.run_folder(*by_name[name].arm))
    folders = [tasks.run_folder(*task.arm) for task in by_name.values() if task.arm]
    self.assertLen(set(folders), 2 * len(_ARMS))

  def test_refuses_names_that_share_files(self):
    for name in ('SPADE set', 'lesion GAN', 'SPADE, translator'):
      with self.assertRaisesRegex(InputError, f"'{name}, seed 0' would have the same files"):
        self.by_name(arms={**_ARMS, name: arm()})

  def test_generators_learn_from_training_cases_alone(self):
    tasks = self.by_name()
    translator = self.bindings(tasks['SPADE translator, seed 1'])
    self.assertEqual(
      translator,
      {
        'train_itm.sources': f"['{self.cohort}:healthy[1:]', '{self.cohort}:train']",
        'train_itm.validation': f"['{self.cohort}:healthy[:1]']",
        'train_itm.seed': '1',
        'train_itm.epochs': '2',
      },
    )
    self.assertEqual(
      self.bindings(tasks['lesion GAN, seed 1']),
      {'train_lesion_gan.sources': f"['{self.cohort}:train']", 'train_lesion_gan.seed': '1'},
    )

  def test_an_arm_of_clinical_cases(self):
    tasks = self.by_name()
    few = self.bindings(tasks['3 clinical, seed 1'])
    self.assertEqual(
      few,
      {
        'train_unet.sources': f"['{self.cohort}:train(3, seed=1)']",
        'train_unet.test': f"'{self.cohort}:test'",
        'train_unet.epochs': '3',
        'train_unet.evaluated_epochs': '(2, 3)',
        'train_unet.min_voxels': '20',
        'train_unet.seed': '1',
      },
    )
    whole = self.bindings(tasks['clinical, seed 0'])
    self.assertEqual(whole['train_unet.sources'], f"['{self.cohort}:train']")
    self.assertEqual(whole['train_unet.batch_size'], '3')

  def test_an_arm_that_starts_from_another(self):
    tuned = self.bindings(self.by_name()['SPADE, then 3 clinical, seed 1'])
    self.assertEqual(tuned['train_unet.start'], repr(str(self.root / 'seed_1' / 'SPADE')))
    self.assertEqual(tuned['train_unet.sources'], f"['{self.cohort}:train(3, seed=1)']")
    self.assertEqual(tuned['train_unet.evaluated_epochs'], '(1, 2)')

  def test_weights_follow_the_order_of_the_sources(self):
    mixed = self.bindings(self.by_name()['all, seed 1'])
    sources = re.findall(r"'([^']*)'", mixed['train_unet.sources'])
    self.assertEqual(sources[0], f'{self.cohort}:train')
    self.assertRegex(sources[1], r'^lesion_fusion/n4_seed1-\w+:train\[:2\]$')
    self.assertEqual(sources[2], 'synthetic_stroke/mine-123:train[:2]')
    self.assertEqual(mixed['train_unet.weights'], '[3, 2, 1]')

  def test_all_bindings_are_gin(self):
    """As gin reads them, not as they are written here."""
    flags = self.by_name()['all, seed 1'].stage().command
    lines = [flag.partition('=')[2] for flag in flags if flag.startswith('--gin_bindings=')]
    gin.clear_config()
    gin.parse_config(['import launchers.train_unet_lib', *lines])
    self.assertEqual(gin.query_parameter('train_unet.evaluated_epochs'), (2, 3))
    self.assertEqual(gin.query_parameter('train_unet.weights'), [3, 2, 1])
    gin.clear_config()

  def test_a_copy_paste_set(self):
    task = self.by_name()['lesion fusion set, seed 1']
    command = list(task.stage().command)
    self.assertEqual(
      command[command.index('build') + 1 :][:3], ['--imports', 'stroke_tfds', 'lesion_fusion']
    )
    fields = json.loads(command[command.index('--config') + 1])
    self.assertEqual(
      fields,
      {
        'clinical': f'{self.cohort}:train',
        'healthy': f'{self.cohort}:healthy[1:]',
        'num_volumes': 4,
        'seed': 1,
      },
    )
    config = lesion_fusion.LesionFusionConfig(**fields).resolve(self.data_dir)
    self.assertEqual(task.stage().product, Path(self.data_dir) / 'lesion_fusion' / config.name)
    self.assertEqual(self.tasks().set_text('lesion fusion', 1), f'lesion_fusion/{config.name}:train')
    self.assertEqual(self.tasks().set_text('mine', 1), 'synthetic_stroke/mine-123:train')

  def test_sources_share_the_training_of_one_translator(self):
    arms = {'in scan': arm(learns_from={'SPADE in scan': 'all'})}
    both = {**_ARMS, **arms}
    for chosen in (arms, both):
      tasks = self.by_name(arms=chosen)
      # Under one name, whichever of them is used.
      trained = [name for name in tasks if name.endswith('translator, seed 1')]
      self.assertEqual(trained, ['SPADE translator, seed 1'])
      self.assertEqual(
        tasks['SPADE in scan set, seed 1'].needs, ('SPADE translator, seed 1', 'lesion GAN, seed 1')
      )
    other = {'translator': 'spade_mini.gin', 'config': {'keep_scan': True}}
    tasks = self.by_name(arms=both, synthetic={**_SYNTHETIC, 'SPADE in scan': other})
    self.assertIn('SPADE in scan translator, seed 1', tasks)
    self.save_generators()
    tasks = self.by_name(arms=both)
    commands = [tasks[f'{name} set, seed 1'].stage().command for name in ('SPADE', 'SPADE in scan')]
    plain, keep_scan = (json.loads(command[command.index('--config') + 1]) for command in commands)
    self.assertEqual(keep_scan, {**plain, 'keep_scan': True})

  def test_scans_of_the_patients_that_the_generators_learn_from(self):
    source = {'translator': 'spade_mini.gin', 'config': {'keep_scan': True}, 'scans': 'clinical'}
    for count, gan, part in (('all', 'lesion_GAN', ''), (2, 'lesion_GAN_of_2', '(2, seed=1)')):
      name = f'in {count}'
      self.save_generators(stages.slug(name), gan)
      arms = {'clinical': _ARMS['clinical'], 'made': arm(learns_from={name: 'all'})}
      tasks = self.by_name(arms=arms, synthetic={name: {**source, 'clinical': count}})
      command = tasks[f'{name} set, seed 1'].stage().command
      scans = json.loads(command[command.index('--config') + 1])['healthy']
      self.assertEqual(scans, f'{self.cohort}:train{part}')

  def test_a_set_by_trained_generators(self):
    self.save_generators()
    stage = self.by_name()['SPADE set, seed 1'].stage()
    fields = json.loads(stage.command[stage.command.index('--config') + 1])
    generators = self.root / 'seed_1' / 'generators'
    self.assertEqual(
      fields,
      {
        'translator': str(generators / 'SPADE' / 'bundle'),
        'lesion_generator': str(generators / 'lesion_GAN' / 'bundle'),
        'healthy': f'{self.cohort}:healthy[1:]',
        'num_volumes': 4,
        'seed': 1,
      },
    )
    self.assertRegex(stage.product.name, r'^n4_seed1-[0-9a-f]{12}$')
    self.assertFalse(stage.is_done())


if __name__ == '__main__':
  tf.test.main()
