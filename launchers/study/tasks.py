"""A study as stages: which command makes what, and what each has to wait for."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_itm.lesions import MIN_VOXELS
from launchers import stages
from launchers.stages import Stage
from launchers.study import rates
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.design import Design, Generator, Synthetic, first_cases, source_text
from launchers.study.results import RESULT
from stroke_tfds.errors import InputError

LESION_GAN = 'lesion GAN'
# Folder of those beside a joint generator, which has the one of the source's name.
SECOND = 'translators'
SCHEDULE = 'ConstantThenLinear'  # Its learning rate is the one that is searched.
_SEED = ', seed '


@dataclasses.dataclass(frozen=True)
class Task:
  """A stage whose command is known once others are done.

  Attributes:
    name: Of its stage, ends in its seed.
    needs: Names of tasks that come first.
    stage: Makes the stage, which tells whether it is done.
    arm: The arm and the seed that it trains, None for generators and data sets.
    synthetic: The source and the seed whose data set it builds, or None.
    size: Cases of that data set, or `all`.
    search: The arm and the learning rate that it tries on the development cases, or None; where it
      fails, the arm does without this rate.
  """

  name: str
  needs: tuple[str, ...]
  stage: Callable[[], Stage]
  arm: tuple[Arm, int] | None = None
  synthetic: tuple[str, int] | None = None
  size: int | str = ALL
  search: tuple[Arm, float] | None = None

  @property
  def title(self) -> str:
    """The name without the seed."""
    return self.name.rpartition(_SEED)[0]

  @property
  def seed(self) -> int:
    return int(self.name.rpartition(_SEED)[2])


class Tasks:
  """All tasks of a study.

  Args:
    design: The study.
    root: Its folder.
    data_dir: TFDS data folder.
  """

  def __init__(self, design: Design, root: Path, data_dir: str):
    self._design, self._root, self._data_dir = design, root, data_dir

  def all(self) -> list[Task]:
    """Every task, each after those that it needs, seed by seed.

    Raises:
      InputError: Two of them would have the same files.
    """
    tasks = []
    for seed in self._design.seeds:
      trained, sets = self._design.trained(), self._design.new_sets()
      tasks += [self._lesion_gan(count, seed) for count in self._design.lesion_gans()]
      tasks += [self._trained(generator, seed) for generator in trained]
      tasks += [self._set(name, size, seed) for name, size in sets]
      for arm in self._design.arms:
        if seed == self._design.seeds[0] and self._design.searches_rate(arm):
          tasks += [self._search(arm, rate, seed) for rate in self._design.learning_rates]
        tasks.append(self._arm(arm, seed))
    _check_slugs(tasks)
    return tasks

  def run_folder(self, arm: Arm, seed: int) -> Path:
    """Where the training of an arm leaves its files."""
    return self._seed_folder(seed) / stages.slug(arm.name)

  def set_text(self, name: str, seed: int, size: int | str = ALL) -> str:
    """A synthetic source as `name/config:split`; its generators must be trained."""
    source = self._design.synthetic[name]
    return source.set or f'{self._set_name(source, name, seed, size)}:train'

  def _seed_folder(self, seed: int) -> Path:
    return self._root / f'seed_{seed}'

  def _lesion_gan_folder(self, count: int | str, seed: int) -> Path:
    return self._seed_folder(seed) / 'generators' / stages.slug(lesion_gan_title(count))

  def _generator_folder(self, generator: Generator, seed: int) -> Path:
    folder = self._seed_folder(seed) / 'generators'
    folder = folder / SECOND if generator.takes_classes else folder
    return folder / stages.slug(self._design.trained_as(generator))

  def _lesion_gan(self, count: int | str, seed: int) -> Task:
    """On all clinical cases, or on a number of them."""
    bindings = [
      f'train_lesion_gan.sources = {[source_text(self._design.train, count, seed)]!r}',
      f'train_lesion_gan.seed = {seed}',
    ]
    name = _titled(lesion_gan_title(count), seed)
    stage = stages.train(
      name,
      'train_lesion_gan',
      self._design.lesion_gan,
      self._lesion_gan_folder(count, seed),
      self._data_dir,
      bindings,
    )
    return Task(name, (), lambda: stage)

  def _trained(self, generator: Generator, seed: int) -> Task:
    """The training of a translator or a joint generator."""
    learnt = [source_text(self._design.train, generator.clinical, seed)]
    if generator.takes_labels:
      learnt = [self._design.healthy, *learnt]
    validation = {'validation': [self._design.validation]} if generator.is_translator else {}
    values = {'sources': learnt, **validation, 'seed': seed}
    lines = [f'{generator.launcher}.{field} = {value!r}' for field, value in values.items()]
    title = _titled(generator_title(self._design, generator), seed)
    folder, bindings = self._generator_folder(generator, seed), [*lines, *generator.bindings]
    stage = stages.train(
      title, generator.launcher, generator.gin_file, folder, self._data_dir, bindings
    )
    return Task(title, (), lambda: stage)

  def _set(self, name: str, size: int | str, seed: int) -> Task:
    """The building of a synthetic set."""
    title, source = _set_title(name, size, seed), self._design.synthetic[name]
    needs = [generator_title(self._design, generator) for generator in source.generators]
    if any(generator.takes_labels for generator in source.generators):
      needs.append(lesion_gan_title(source.clinical))

    def stage() -> Stage:
      config = json.dumps(self._set_config(source, seed, size))
      options = [source.builder_name, '--config', config]
      return stages.build(title, self._set_name(source, name, seed, size), options, self._data_dir)

    needed = tuple(_titled(need, seed) for need in needs)
    return Task(title, needed, stage, synthetic=(name, seed), size=size)

  def _set_config(self, source: Synthetic, seed: int, size: int | str) -> dict[str, Any]:
    bundles = {
      generator.kind: str(self._generator_folder(generator, seed) / 'bundle')
      for generator in source.generators
    }
    if source.joint_generator:
      return {
        **bundles,
        'num_patients': self._design.num_volumes if size == ALL else size,
        'seed': seed,
        **source.config,
      }
    config = {'num_volumes': self._design.num_volumes, 'seed': seed, **source.config}
    clinical = source_text(self._design.train, source.clinical, seed)
    if source.builder:
      sources = {'clinical': clinical, 'healthy': self._design.healthy}
      return {**{field: sources[field] for field in source.config_class.SOURCES}, **config}
    return {
      **bundles,
      'lesion_generator': str(self._lesion_gan_folder(source.clinical, seed) / 'bundle'),
      'healthy': clinical if source.scans == CLINICAL else self._design.healthy,
      **config,
    }

  def _set_name(self, source: Synthetic, name: str, seed: int, size: int | str) -> str:
    config = source.config_class(**self._set_config(source, seed, size)).resolve(self._data_dir)
    return f'{source.builder_name}/{config.name}'

  def search_folders(self, arm: Arm) -> dict[float, Path]:
    """Learning rate -> folder of the training that tries it; none where the arm has no search."""
    rates = self._design.learning_rates if self._design.searches_rate(arm) else ()
    folder = self._root / 'learning_rates' / stages.slug(arm.name)
    return {rate: folder / f'{rate:g}' for rate in rates}

  def development_dice(self, arm: Arm) -> dict[float, float]:
    """Learning rate -> Dice on the development cases, of those of an arm whose training did not fail.

    Raises:
      InputError: All failed, or a result is damaged.
    """
    folders = self.search_folders(arm)
    trained = {rate: folder for rate, folder in folders.items() if (folder / RESULT).exists()}
    if not trained:
      raise InputError(f'{arm.name}: none of the learning rates {list(folders)} could be trained')
    return rates.dice_by_rate(trained)

  def _search(self, arm: Arm, rate: float, seed: int) -> Task:
    """A training that tries a learning rate; it sees the development cases, never a test case."""
    title = _titled(search_title(arm, rate), seed)

    def stage() -> Stage:
      bindings = [*self._arm_bindings(arm, seed, self._design.development), _rate_line(rate)]
      folder = self.search_folders(arm)[rate]
      return stages.train(title, 'train_unet', self._design.unet, folder, self._data_dir, bindings)

    return Task(title, tuple(self._needs(arm, seed)), stage, search=(arm, rate))

  def _arm(self, arm: Arm, seed: int) -> Task:
    searched = self.search_folders(arm)
    first = self._design.seeds[0]
    needs = self._needs(arm, seed) + [_titled(search_title(arm, rate), first) for rate in searched]
    title = _titled(arm.name, seed)

    def stage() -> Stage:
      folder, bindings = self.run_folder(arm, seed), self._arm_bindings(arm, seed, self._design.test)
      if searched:
        bindings.append(_rate_line(rates.best(self.development_dice(arm))))
      return stages.train(title, 'train_unet', self._design.unet, folder, self._data_dir, bindings)

    return Task(title, tuple(needs), stage, (arm, seed))

  def _needs(self, arm: Arm, seed: int) -> list[str]:
    """What comes before a training of the arm, whatever its learning rate."""
    needs = [
      _set_title(name, self._design.set_size(name, arm.learns_from[name]), seed)
      for name in arm.synthetic_sources
      if not self._design.synthetic[name].set
    ]
    return needs + ([_titled(arm.start, seed)] if arm.start else [])

  def _arm_bindings(self, arm: Arm, seed: int, test: str) -> list[str]:
    evaluated = arm.evaluated_range
    values = {
      'sources': [self._source(name, count, seed) for name, count in arm.learns_from.items()],
      'test': test,
      'epochs': arm.epochs,
      'evaluated_epochs': (evaluated.start, evaluated.stop - 1),
      'min_voxels': MIN_VOXELS,
      'seed': seed,
    }
    if arm.steps_per_epoch:
      values['steps_per_epoch'] = arm.steps_per_epoch
    if arm.weights:
      values['weights'] = [arm.weights[name] for name in arm.learns_from]
    if arm.n_slices:
      values['n_slices'] = [arm.n_slices[name] for name in arm.learns_from]
    if arm.start:
      values['start'] = str(self._seed_folder(seed) / stages.slug(arm.start))
    return [*(f'train_unet.{name} = {value!r}' for name, value in values.items()), *arm.bindings]

  def _source(self, name: str, count: int | str, seed: int) -> str:
    if name == CLINICAL:
      return source_text(self._design.train, count, seed)
    if self._design.synthetic[name].joint_generator:
      return self.set_text(name, seed, self._design.set_size(name, count))
    return first_cases(self.set_text(name, seed), count)


def lesion_gan_title(count: int | str) -> str:
  """What the training of a lesion GAN on so many clinical cases is called, without its seed."""
  return LESION_GAN if count == ALL else f'{LESION_GAN} of {count}'


def search_title(arm: Arm, rate: float) -> str:
  """What the training is called that tries a learning rate, without its seed."""
  return f'{arm.name} at {rate:g}'


def _rate_line(rate: float) -> str:
  return f'{SCHEDULE}.learning_rate = {rate!r}'


def generator_title(design: Design, generator: Generator) -> str:
  """What the training of a translator or joint generator is called, without its seed."""
  # An arm may have the name of the set that it learns from.
  kind = 'translator' if generator.is_translator else 'generator'
  return f'{design.trained_as(generator)} {kind}'


def _titled(name: str, seed: int) -> str:
  return f'{name}{_SEED}{seed}'


def _check_slugs(tasks: Sequence[Task]) -> None:
  found: dict[str, str] = {}
  for task in tasks:
    other = found.setdefault(stages.slug(task.name), task.name)
    if other is not task.name:  # The same name twice is refused as well.
      raise InputError(
        f'{other!r} and {task.name!r} would have the same files, expected names of arms and sources '
        'that differ in letters or digits'
      )


def _set_title(name: str, size: int | str, seed: int) -> str:
  return _titled(f'{name} set' if size == ALL else f'{name} set of {size}', seed)
