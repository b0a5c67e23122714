"""Estimates of time: what they are proportional to, and how they are shown."""

from pathlib import Path
from unittest import mock

import gin
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.multiply_adds import count_multiply_adds
from keras_itm.networks.flow_unet_3d import flow_unet_3d
from keras_itm.networks.unet_3d import unet_3d
from launchers.console import clock
from launchers.study import cost
from launchers.study.cost import Costs
from launchers.study.tasks import Tasks
from stroke_tfds.errors import InputError
from tests import tiny
from tests.launchers.study import tiny_study
from tests.launchers.study.tiny_study import arm

_ARMS = {
  'short': arm(epochs=2, evaluated_epochs=1),
  'long': arm(epochs=4, evaluated_epochs=1),
  'watched': arm(epochs=2, evaluated_epochs=2),
  'SPADE': arm(learns_from={'SPADE': 'all'}, start='short', epochs=2, evaluated_epochs=1),
}
_SYNTHETIC = {'SPADE': {'translator': 'spade_mini.gin', 'bindings': ['train_itm.epochs = 6']}}


class CostsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, _ = tiny_study.cohort()
    self.root = Path(tfds.testing.make_tmp_dir())

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def costs(self, seconds=None, workers=1, **changes):
    """Costs at 1e9 products a second where nothing is known yet, and the tasks by name."""
    design = tiny_study.design(**{'arms': _ARMS, 'synthetic': _SYNTHETIC, 'n_seeds': 1, **changes})
    tasks = Tasks(design, self.root, self.data_dir).all()
    with mock.patch.object(cost, '_measured_rate', return_value=1e9):
      made = Costs(design, self.data_dir, tasks, seconds or {}, workers)
    return made, {task.name: task for task in tasks}

  def network_multiply_adds(self) -> float:
    network = unet_3d(shape=tiny.GRID['shape'], n_contrasts=1, filters=(4, 8), bottleneck_filters=8)
    return count_multiply_adds(network, tiny.GRID['shape'])

  def test_by_hand(self):
    """2 steps an epoch of 2 volumes, forward and back; 6 test cases in the evaluated epochs."""
    costs, tasks = self.costs()
    one = self.network_multiply_adds() / 1e9
    seconds = lambda name: costs.seconds(tasks[f'{name}, seed 0']) - 12
    self.assertAllClose(seconds('short'), one * (2 * 2 * 2 * 3 + 6), rtol=1e-6)
    self.assertAllClose(seconds('long'), one * (4 * 2 * 2 * 3 + 6), rtol=1e-6)
    self.assertAllClose(seconds('watched'), one * (2 * 2 * 2 * 3 + 6 * 2), rtol=1e-6)

  def test_generators_by_their_own_files(self):
    costs, tasks = self.costs()
    twice, _ = self.costs(
      synthetic={'SPADE': {'translator': 'spade_mini.gin', 'bindings': ['train_itm.epochs = 12']}}
    )
    translator = tasks['SPADE translator, seed 0']
    self.assertGreater(costs.seconds(translator), 13)
    self.assertAllClose(twice.seconds(translator) - 12, 2 * (costs.seconds(translator) - 12), rtol=1e-6)
    self.assertGreater(costs.seconds(tasks['lesion GAN, seed 0']), 12)
    # A set of 2D translations is made in hardly more time than the start takes.
    self.assertBetween(costs.seconds(tasks['SPADE set, seed 0']), 12, 15)
    # The arm of the same name is another training.
    arms = [costs.seconds(tasks[f'{name}, seed 0']) for name in ('SPADE', 'short')]
    self.assertEqual(arms[0], arms[1])

  def test_a_volume_of_a_flow_takes_as_many_calls_as_its_way_has(self):
    """Four volumes; by Heun's rule each step but the last has two calls, by Euler's each has one."""
    sizes = ['flow_unet_3d.filters = (8, 8)', 'flow_unet_3d.blocks = (1, 1)']
    network = flow_unet_3d(tiny.GRID['shape'], filters=(8, 8), blocks=(1, 1))
    one = count_multiply_adds(network, tiny.GRID['shape']) / 1e9
    for way, n_calls in (('heun', 13), ('euler', 7)):
      lines = [*sizes, 'RectifiedFlow.n_steps = 7', f'RectifiedFlow.solver = {way!r}']
      synthetic = {'SPADE': {'translator': 'flow_mini.gin', 'bindings': lines}}
      costs, tasks = self.costs(synthetic=synthetic)
      seconds = costs.seconds(tasks['SPADE set, seed 0']) - 12
      self.assertAllClose(seconds, 4 * n_calls * one, rtol=1e-6)

  def test_both_generators_of_slices(self):
    """Each by its own file; a translator of classes takes less time than one of labels."""
    two = {'joint_generator': 'stylegan_masks_mini.gin', 'translator': 'spade_mini.gin'}
    by_classes = tiny_study.gin_file("""
include 'gin_configs/experiments/spade_mini.gin'
train_itm.by_classes = True
""")
    arms, costs = {'x': arm(learns_from={'two': 'all'})}, []
    for translator in ('spade_mini.gin', by_classes):
      made, tasks = self.costs(synthetic={'two': {**two, 'translator': translator}}, arms=arms)
      costs.append(made.seconds(tasks['two translator, seed 0']))
      self.assertGreater(made.seconds(tasks['two generator, seed 0']), 13)
    self.assertGreater(costs[0], costs[1])
    self.assertNotIn('lesion GAN, seed 0', tasks)

  def test_steps_of_the_critic_are_those_of_the_gin_file(self):
    seconds = []
    for n in (2, 4):
      text = f'{tiny_study.LESION_GAN}\nLesionGAN.critic_steps = {n}\n'
      costs, tasks = self.costs(lesion_gan=tiny_study.gin_file(text))
      seconds.append(costs.seconds(tasks['lesion GAN, seed 0']) - 12)
    self.assertAllClose(seconds[1], 2 * seconds[0], rtol=1e-6)

  def test_speed_follows_what_is_done(self):
    costs, tasks = self.costs()
    long = costs.seconds(tasks['long, seed 0']) - 12
    known = costs.seconds(tasks['short, seed 0']) - 12
    costs, tasks = self.costs({'short, seed 0': 10 * known})
    self.assertAllClose(costs.seconds(tasks['short, seed 0']), 10 * known)
    self.assertAllClose(costs.seconds(tasks['long, seed 0']) - 12, 10 * long, rtol=1e-6)

  def test_listing(self):
    costs, tasks = self.costs({'short, seed 0': 30.0})
    trainings = [task for task in tasks.values() if task.arm]
    wanted = [tasks['long, seed 0'], tasks['short, seed 0'], tasks['lesion GAN, seed 0']]
    lines = costs.listing(trainings, wanted).splitlines()
    self.assertStartsWith(lines[0], 'index, a seed each')
    columns = [[cell.strip() for cell in line.split('  ') if cell.strip()] for line in lines[1:3]]
    self.assertEqual(columns[0], ['0', 'short', 'all clinical', '-', '4 in 2 epochs', '2 to 2', '30 s'])
    self.assertEqual(columns[1][:-1], ['1', 'long', 'all clinical', '-', '8 in 4 epochs', '4 to 4'])
    self.assertEqual(lines[3], '')
    self.assertStartsWith(lines[4], '1 generators and data sets: about ')
    self.assertStartsWith(lines[5], '2 segmenters: about ')
    self.assertRegex(lines[6], r'^All: about .*; 1 of 3 stages are done$')

  def test_listing_puts_the_seeds_of_an_arm_together(self):
    costs, tasks = self.costs({'short, seed 0': 30.0, 'short, seed 1': 60.0}, n_seeds=2)
    trainings = [task for task in tasks.values() if task.arm]
    row = costs.listing(trainings, trainings).splitlines()[1]
    self.assertRegex(row, rf'^0 {len(trainings) // 2} +short .* 45 s$')

  def test_several_at_a_time_are_slower_each_and_as_fast_together(self):
    alone, tasks = self.costs()
    both, _ = self.costs(workers=2)
    task = tasks['long, seed 0']
    self.assertAllClose(both.seconds(task) - 12, 2 * (alone.seconds(task) - 12), rtol=1e-6)
    last = both.listing([task], [task]).splitlines()[-1]
    self.assertStartsWith(last, f'All: about {clock(both.seconds(task) / 2)}, 2 at a time')

  def test_an_arm_may_have_steps_of_its_own(self):
    costs, tasks = self.costs(arms={**_ARMS, 'short': {**_ARMS['short'], 'steps_per_epoch': 6}})
    one = self.network_multiply_adds() / 1e9
    self.assertAllClose(
      costs.seconds(tasks['short, seed 0']) - 12, one * (2 * 6 * 2 * 3 + 6), rtol=1e-6
    )

  def test_the_segmenter_needs_neither_epochs_nor_test_cases_in_its_file(self):
    unet = tiny_study.gin_file("""
import keras_itm.networks.unet_3d
train_unet.network = @unet_3d
train_unet.optimizer = @Adam
unet_3d.filters = (4, 8)
unet_3d.bottleneck_filters = 8
train_unet.steps_per_epoch = 2
train_unet.batch_size = 2
""")
    costs, tasks = self.costs(unet=unet)
    one = self.network_multiply_adds() / 1e9
    self.assertAllClose(
      costs.seconds(tasks['short, seed 0']) - 12, one * (2 * 2 * 2 * 3 + 6), rtol=1e-6
    )

  def test_refuses_networks_that_do_not_fit_the_grid(self):
    with self.assertRaisesRegex(
      InputError, 'lesion_gan_mini.gin: its networks do not fit .*:train: shape .*divisible by 16$'
    ):
      self.costs(lesion_gan='lesion_gan_mini.gin')

  def test_this_machine_has_a_speed(self):
    self.assertBetween(cost._measured_rate(), 1e7, 1e15)


if __name__ == '__main__':
  tf.test.main()
