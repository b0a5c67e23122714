"""How long a study will take: multiply-adds of its networks, at the speed of this machine."""

import dataclasses
import inspect
import time
from collections.abc import Mapping, Sequence
from typing import Any

import gin
import tensorflow as tf

from keras_itm.models.flow import RectifiedFlow
from keras_itm.models.lesion_gan import LesionGAN
from keras_itm.multiply_adds import count_multiply_adds
from launchers.console import clock
from launchers.describe_lib import configured_training
from launchers.gin_files import parse_gin
from launchers.study.arms import ALL, Arm
from launchers.study.design import Design, describe_sources
from launchers.study.tasks import Task, generator_title, lesion_gan_title
from stroke_tfds import sources
from stroke_tfds.errors import InputError, first_line

# Forward and backward passes of one training step, in forward passes.
_FORWARD_AND_BACK = 3
_DISCRIMINATED = 8  # True and synthetic images to learn from, and once more to teach the generator.
_START_SECONDS = 12.0  # Imports and tracing.


@dataclasses.dataclass(frozen=True)
class Training:
  """A training as its gin file has it.

  Attributes:
    epochs: Of the gin file; an arm has its own.
    steps_per_epoch: Optimizer steps.
    step_multiply_adds: Multiply-adds of one step.
    network_multiply_adds: Multiply-adds of the networks for one example; of a segmenter of slices, for
      one volume.
    drawn_multiply_adds: The same of a generator for a volume that it draws.
  """

  epochs: int
  steps_per_epoch: int
  step_multiply_adds: float
  network_multiply_adds: float
  drawn_multiply_adds: float


class Costs:
  """Estimates, within a factor of two or so.

  Args:
    design: The study.
    data_dir: TFDS data folder.
    seconds: Stage -> seconds that it took already; they set the speed where there are any.
    tasks: All tasks of the study.
    workers: Tasks at a time, now and when those seconds were taken; they share one machine.

  Raises:
    InputError: A gin file that is not one of such a training, or networks that do not fit the grid.
  """

  def __init__(
    self,
    design: Design,
    data_dir: str,
    tasks: Sequence[Task],
    seconds: Mapping[str, float],
    workers: int = 1,
  ):
    self._design = design
    read = lambda root, file, lines=(): _read(root, file, lines, design.train, data_dir)
    self._trainings = {
      generator_title(design, generator): read(
        generator.launcher, generator.gin_file, generator.bindings
      )
      for generator in design.trained()
    }
    if design.lesion_gans():
      lesion_gan = read('train_lesion_gan', design.lesion_gan)
      self._trainings |= {lesion_gan_title(count): lesion_gan for count in design.lesion_gans()}
    # The study gives each arm its own.
    self._unet = read(
      'train_unet', design.unet, ['train_unet.epochs = 1', f'train_unet.test = {design.test!r}']
    )
    self._n_test = sources.open_sources([design.test], data_dir, build=False)[0].n_examples
    self._done = seconds
    multiply_adds = {task.name: self._multiply_adds(task) for task in tasks}
    trained = [task.name for task in tasks if not task.synthetic]  # A set also takes files and checks.
    known = [name for name in trained if multiply_adds[name] and name in seconds]
    if known:
      self._rate = sum(multiply_adds[name] for name in known) / sum(seconds[name] for name in known)
    else:
      self._rate = _measured_rate() / workers
    self._workers = workers

  def seconds(self, task: Task) -> float:
    """Of a task: what it took, or an estimate."""
    if task.name in self._done:
      return self._done[task.name]
    return _START_SECONDS + self._multiply_adds(task) / self._rate

  def seconds_left(self, task: Task) -> float:
    """Of a task that is not done yet; 0 of one that is."""
    return 0.0 if task.name in self._done else self.seconds(task)

  def listing(self, trainings: Sequence[Task], tasks: Sequence[Task]) -> str:
    """A table of the trainings by number, and the time of all tasks.

    Args:
      trainings: Those of arms, all of the study.
      tasks: What would be run.
    """
    wanted = {task.name for task in tasks}
    of_arm: dict[str, list[tuple[int, Task]]] = {}
    for i, task in enumerate(trainings):
      if task.name in wanted:
        of_arm.setdefault(task.arm[0].name, []).append((i, task))
    head = [
      'index, a seed each',
      'arm',
      'learns from',
      'starts from',
      'steps',
      'evaluated',
      'time each',
    ]
    rows = [
      [
        ' '.join(str(i) for i, _ in runs),
        *self._row(runs[0][1].arm[0]),
        self._time([t for _, t in runs]),
      ]
      for runs in of_arm.values()
    ]
    others = [task for task in tasks if not (task.arm or task.search)]
    parts = {'generators and data sets': others, 'segmenters': [t for t in tasks if t.arm]}
    if searches := [task for task in tasks if task.search]:
      parts['trials of a learning rate'] = searches
    lines = [
      f'{len(part)} {what}: about {clock(sum(map(self.seconds, part)))}' for what, part in parts.items()
    ]
    n_done = sum(task.name in self._done for task in tasks)
    seconds = sum(map(self.seconds, tasks)) / self._workers
    at_once = f', {self._workers} at a time' if self._workers > 1 else ''
    total = f'All: about {clock(seconds)}{at_once}; {n_done} of {len(tasks)} stages are done'
    return '\n'.join([*_columns([head, *rows]), '', *lines, total])

  def _row(self, arm: Arm) -> list[str]:
    evaluated = arm.evaluated_range
    return [
      arm.name,
      describe_sources(arm),
      arm.start or '-',
      f'{self._steps(arm):,} in {arm.epochs} epochs',
      f'{evaluated.start} to {evaluated.stop - 1}',
    ]

  def _time(self, tasks: Sequence[Task]) -> str:
    """The mean, whether measured or estimated."""
    return clock(sum(map(self.seconds, tasks)) / len(tasks))

  def _steps(self, arm: Arm) -> int:
    return arm.epochs * (arm.steps_per_epoch or self._unet.steps_per_epoch)

  def _multiply_adds(self, task: Task) -> float:
    if task.arm or task.search:
      return self._arm_multiply_adds((task.arm or task.search)[0])
    if task.synthetic:
      return self._set_multiply_adds(task.synthetic[0], task.size)
    training = self._trainings.get(task.title)
    return training.epochs * training.steps_per_epoch * training.step_multiply_adds if training else 0.0

  def _set_multiply_adds(self, name: str, size: int | str) -> float:
    n_volumes = self._design.num_volumes if size == ALL else size
    titles = [generator_title(self._design, one) for one in self._design.synthetic[name].generators]
    return n_volumes * sum(self._trainings[title].drawn_multiply_adds for title in titles)

  def _arm_multiply_adds(self, arm: Arm) -> float:
    steps = self._steps(arm)
    tests = self._n_test * len(arm.evaluated_range)
    return steps * self._unet.step_multiply_adds + tests * self._unet.network_multiply_adds


def _read(root: str, gin_file: str, bindings: Sequence[str], train: str, data_dir: str) -> Training:
  """The stages run in processes of their own, so that this process's configuration is free."""
  gin.clear_config()
  # On the study's grid, whatever data set the file names.
  parse_gin([gin_file], [*bindings, f'{root}.sources = {[train]!r}'])
  try:
    networks, grid, values = configured_training(data_dir)
  except ValueError as error:
    raise InputError(f'{gin_file}: its networks do not fit {train}: {first_line(error)}') from error
  multiply_adds = {name: count_multiply_adds(net, grid.shape) for name, net in networks.items()}
  judged = sum(n for name, n in multiply_adds.items() if 'discriminator' in name or 'critic' in name)
  others = sum(multiply_adds.values()) - judged
  step = _FORWARD_AND_BACK * others + _DISCRIMINATED * judged
  if root == 'train_lesion_gan':
    step *= _arguments(LesionGAN)['critic_steps']
  n_slices = grid.shape[2]
  of_case = sum(multiply_adds.values()) * (n_slices if values.get('by_slices') else 1)
  is_flow = getattr(values.get('model'), '__name__', '') == RectifiedFlow.__name__
  drawn = others * (_calls_of_flow() if is_flow else n_slices)
  return Training(
    values['epochs'], values['steps_per_epoch'], values['batch_size'] * step, of_case, drawn
  )


def _calls_of_flow() -> int:
  """Of the network for a volume."""
  values = _arguments(RectifiedFlow)
  return 2 * values['n_steps'] - 1 if values['solver'] == 'heun' else values['n_steps']


def _arguments(model: type[tf.keras.Model]) -> dict[str, Any]:
  """Those that the configuration gives a model, and its defaults."""
  defaults = {name: one.default for name, one in inspect.signature(model).parameters.items()}
  return {**defaults, **gin.get_bindings(model.__name__)}


def _measured_rate() -> float:
  """Multiply-adds in a second, by a convolution of about the size of a segmenter's.

  The fastest of several, so that what else runs for a moment does not make it slow.
  """
  image = tf.ones([2, 64, 64, 16, 8])
  kernel = tf.Variable(tf.ones([3, 3, 3, 8, 8]))

  @tf.function
  def work():
    with tf.GradientTape() as tape:
      total = tf.reduce_sum(tf.nn.conv3d(image, kernel, [1] * 5, 'SAME'))
    return tape.gradient(total, kernel)

  work()
  seconds = []
  for _ in range(10):
    start = time.monotonic()
    work().numpy()
    seconds.append(time.monotonic() - start)
  return 2 * 2 * 64 * 64 * 16 * 27 * 64 / min(seconds)


def _columns(rows: list[list[str]]) -> list[str]:
  widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
  return ['  '.join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
