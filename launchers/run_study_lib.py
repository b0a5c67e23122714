"""A study from its design to its report (Platscher et al. 2020, section 3)."""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import stages, study_folder
from launchers.console import say, shell_line
from launchers.reports.study.figures.segmentations import shown_arms
from launchers.reports.study.report import write_study_report
from launchers.reports.study.report_inputs import ReportInputs, Volumes
from launchers.run_folder import output_folder
from launchers.stages import StageRunner
from launchers.study import checks, external, external_sets, leakage, rates, resolution
from launchers.study import design as designs
from launchers.study.analysis import analyse
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.claims import MARGIN
from launchers.study.cost import Costs
from launchers.study.design import Design
from launchers.study.regimes import read_arms
from launchers.study.results import RESULT, Study, collect, read_results
from launchers.study.schedule import needed_by, run_tasks
from launchers.study.tasks import Task, Tasks
from stroke_tfds import files, sources
from stroke_tfds.errors import InputError

_PHANTOMS = ('phantom_stroke/', 'phantom_tumour/')


@gin.configurable('run_study')
def study_design(
  *,
  train: str = gin.REQUIRED,
  test: str = gin.REQUIRED,
  unet: str = gin.REQUIRED,
  healthy: str = '',
  validation: str = '',
  lesion_gan: str = '',
  synthetic: Mapping[str, Mapping[str, Any]] = gin.REQUIRED,
  num_volumes: int = gin.REQUIRED,
  arms: Mapping[str, Mapping[str, Any]] = gin.REQUIRED,
  published: Mapping[str, Sequence[float]] | None = None,
  n_seeds: int = 3,
  development: str = '',
  learning_rates: Sequence[float] = (),
  margin: float = MARGIN,
  ranks: str = '',
  external_tests: Mapping[str, str | Mapping[str, str]] | None = None,
  about: str = '',
) -> Design:
  """What a gin file says of a study, as `run_study.train` and so on.

  Args:
    train, test, unet, healthy, validation, lesion_gan, num_volumes, development, learning_rates,
      margin, ranks, about: See `study.design.Design`.
    synthetic: Name of a synthetic source -> what it is, see `study.design.Synthetic`.
    arms: Name of an arm, or of a regime that stands for several -> what it learns from and how, see
      `study.arms.Arm` and `study.regimes.read_arms`. The others are compared with the first.
    published: Name of an arm -> published mean and sd of its test Dice in percent.
    external_tests: Name -> a further test set, `name/config:split`, or fields of
      `study.external_sets.ExternalTest`; every arm is tested on each.
    n_seeds: Trainings of each arm; generators are trained anew for each seed.

  Raises:
    InputError: A value that is none of its kind; names it.
  """
  made = designs.read_synthetic(synthetic)
  designs.check_claims(margin, ranks)
  return Design(
    train=train,
    test=test,
    healthy=healthy,
    validation=validation,
    unet=unet,
    lesion_gan=lesion_gan,
    synthetic=made,
    num_volumes=num_volumes,
    arms=read_arms(arms, made, published),
    seeds=designs.read_seeds(n_seeds),
    development=development,
    learning_rates=designs.read_rates(development, learning_rates),
    margin=float(margin),
    ranks=ranks,
    external=external_sets.read_external(external_tests or {}),
    about=about,
  )


def run_study(
  workdir: str,
  data_dir: str | None = None,
  design: Design | None = None,
  *,
  arm_index: int | None = None,
  dry_run: bool = False,
  workers: int = 1,
  budget_hours: float | None = None,
  viewer: bool = False,
) -> None:
  """Trains generators and segmenters, arm by arm and seed by seed, and writes the report.

  Args:
    workdir: Takes a folder per seed, the stages' times and logs, and the report.
    data_dir: TFDS data folder; its own default when None. Simulated data sets that are not there are
      built first.
    design: The study; that of the gin configuration when None.
    arm_index: The one training to run, with all that it needs; all and the report when None.
    dry_run: Whether to list the trainings and run none.
    workers: Trainings at a time.
    budget_hours: Of this start: once they are over nothing more is begun, and the report is of the
      seeds that are complete. With `dry_run`, how many seeds fit.
    viewer: Whether the report's pictures of cases lead to pages that hold these cases' volumes.

  Raises:
    InputError: A budget of no hours; a design that cannot be carried out, which is said before anything
      is trained; a folder of something else.
  """
  if budget_hours is not None and not 0 < budget_hours < float('inf'):
    raise InputError(f'--budget_hours={budget_hours:g}: expected a number of hours above 0')
  if not dry_run:
    # Stages are processes of their own; a GPU's memory is theirs.
    tf.config.set_visible_devices([], 'GPU')
  design = design or study_design()
  root = Path(workdir) if dry_run else output_folder(workdir)
  data_dir = data_dir or tfds.core.constants.DATA_DIR
  study_folder.check_no_demo(root)
  checks.check_names(design)
  if not dry_run:
    _build_phantoms(design, StageRunner(root / 'stages'), data_dir)
  StudyRun(design, root, data_dir, viewer).run(arm_index, dry_run, workers, budget_hours)


class StudyRun:
  """A checked design in its folder.

  Args:
    design: The study.
    root: Its folder.
    data_dir: TFDS data folder.
    viewer: See `run_study`.
  """

  def __init__(self, design: Design, root: Path, data_dir: str, viewer: bool = False):
    self._viewer = viewer
    self._design, self._root, self._data_dir = design, root, data_dir
    self._opened = checks.check_data(design, data_dir)
    learnt = {name: [source] for name, source in self._opened.items() if name != 'test'}
    leakage.check_no_leakage(self._opened['test'], learnt, data_dir)
    self._external = checks.check_external(design, learnt, data_dir)
    self._tasks = Tasks(design, root, data_dir)
    self._all = self._tasks.all()

  def run(
    self, arm_index: int | None, dry_run: bool, workers: int, budget_hours: float | None = None
  ) -> None:
    """Runs one training or all of them and the report, or lists them."""
    trainings = [task for task in self._all if task.arm]
    if arm_index is not None and arm_index >= len(trainings):
      raise InputError(
        f'--arm_index={arm_index}: the study has {len(trainings)} trainings, expected 0 to '
        f'{len(trainings) - 1}; --dry_run lists them'
      )
    wanted = trainings if arm_index is None else [trainings[arm_index]]
    tasks = needed_by(self._all, [task.name for task in wanted])
    runner = StageRunner(self._root / 'stages')
    costs = Costs(self._design, self._data_dir, self._all, runner.seconds(), workers)
    if dry_run:
      print(costs.listing(trainings, tasks))
      print('\n'.join(self._resolution(costs, tasks, workers, budget_hours)))
      return
    study_folder.check_same_data(self._root, self._opened)
    end = time.monotonic() + 3600 * budget_hours if budget_hours else float('inf')
    may_start = lambda: time.monotonic() < end
    try:
      left = run_tasks(
        tasks, runner, workers=workers, after=self._after, cost=costs.seconds_left, may_start=may_start
      )
    except InputError:
      # What is finished is shown all the same, and the error after it.
      if arm_index is None:
        with contextlib.suppress(InputError):
          self._report(runner, self._design.seeds)
      raise
    seeds = self._complete_seeds() if left else self._design.seeds
    # What an earlier start has finished is not left, though nothing looked at it any more.
    left = [task for task in left if not self._is_done(task, costs)]
    if left:
      told = '' if seeds else '; no seed is complete, so there is no report yet'
      say(f'--budget_hours={budget_hours:g} is used; {len(left)} stages are left{told}')
    if arm_index is None and seeds:
      self._report(runner, seeds)

  def _is_done(self, task: Task, costs: Costs) -> bool:
    """By what an arm leaves; other stages, whose product may have no name yet, by their time."""
    if task.arm:
      return (self._tasks.run_folder(*task.arm) / RESULT).exists()
    return not costs.seconds_left(task)

  def _resolution(
    self, costs: Costs, tasks: Sequence[Task], workers: int, budget_hours: float | None
  ) -> list[str]:
    """What the study can see, and what of it fits into the budget."""
    n_scored = len(self._opened['test'].usable_positions)
    found = resolution.Resolution(self._design, n_scored, self._results(self._design.seeds))
    lines = ['', *found.lines(len(self._design.seeds))]
    if budget_hours:
      lines += found.budget_lines(budget_hours, tasks, costs.seconds_left, workers)
    return lines

  def _complete_seeds(self) -> tuple[int, ...]:
    """Seeds in which every arm is finished."""
    is_there = lambda seed: all(
      (self._tasks.run_folder(arm, seed) / RESULT).exists() for arm in self._design.arms
    )
    return tuple(filter(is_there, self._design.seeds))

  def _results(self, seeds: Sequence[int]) -> Study | None:
    """What is finished of these seeds; None where nothing is."""
    found = [self._tasks.run_folder(*task.arm) / RESULT for task in self._all if task.arm]
    found = [path for path in found if path.exists()]
    if not found:
      return None
    return read_results(found, self._design.arms, tuple(seeds))

  def _after(self, task: Task) -> None:
    """Keeps the result of a training; looks whether a new set has seen a test case."""
    if task.arm:
      stage, arm = task.stage(), task.arm[0]
      facts = {'command': str(stage), 'test': self._design.test, 'n_cases': self._n_cases(arm)}
      collect(stage.product, *task.arm, {**facts, **self._chosen_rate(arm)})
    elif task.search:
      (arm, rate), stage = task.search, task.stage()
      facts = {'command': str(stage), 'test': self._design.development, 'learning_rate': rate}
      collect(stage.product, arm, task.seed, facts)
    elif task.synthetic:
      name, seed = task.synthetic
      learnt = {name: [self._open_set(name, seed, task.size)]}
      unseen = [self._opened[name] for name in ('test', 'development') if name in self._opened]
      for tested in (*unseen, *self._external.values()):
        leakage.check_no_leakage(tested, learnt, self._data_dir)

  def _chosen_rate(self, arm: Arm) -> dict[str, Any]:
    """What the result says of the search for the arm's learning rate; nothing without one."""
    if not self._design.searches_rate(arm):
      return {}
    dice = self._tasks.development_dice(arm)
    # None where the training could not come out right.
    tried = {f'{rate:g}': dice.get(rate) for rate in self._tasks.search_folders(arm)}
    return {'learning_rate': rates.best(dice), 'development_dice': tried}

  def _n_cases(self, arm: Arm) -> dict[str, int]:
    """How many cases an arm learns from, of each of its sources."""
    n_clinical = len(self._opened['train'].usable_positions)
    available = dict.fromkeys(arm.learns_from, self._design.num_volumes) | {CLINICAL: n_clinical}
    available |= {n: self._opened[n].n_examples for n in arm.learns_from if n in self._opened}
    return {n: available[n] if count == ALL else count for n, count in arm.learns_from.items()}

  def _open_set(self, name: str, seed: int, size: int | str = ALL) -> sources.Source:
    text, units = self._tasks.set_text(name, seed, size), (sources.VOLUMES, sources.SLICES)
    return sources.open_sources([text], self._data_dir, build=False, units=units)[0]

  def _report(self, runner: StageRunner, seeds: Sequence[int]) -> None:
    """Of the finished trainings of these seeds."""
    design = self._design
    study = self._results(seeds)
    if study is None:
      raise InputError('no training of the study is finished, expected at least one')
    analysis = analyse(study, margin=design.margin, ranks=design.ranks, seen=design.seen())
    text = json.dumps(analysis.to_json(), indent=2, allow_nan=False) + '\n'
    files.write_whole(self._root / 'statistics.json', text.encode())
    seconds = runner.seconds()
    names = [*_phantom_titles(self._design).values(), *(task.name for task in self._all)]
    inputs = ReportInputs(
      study,
      analysis,
      stages={name: seconds[name] for name in names if name in seconds},
      commands=[_this_command()],
      about=self._design.about,
      ready_sets=[name for name, made in self._design.used().items() if made.set],
      few={name: n for name, n in design.seen().items() if isinstance(n, int)},
      volumes=self._volumes(study),
      external=self._test_externally(study),
    )
    write_study_report(self._root, inputs)
    say(f'Report: {self._root / "report.html"}')

  def _test_externally(self, study: Study) -> dict[str, external.ExternalResult]:
    """The finished arms on the further test sets."""
    runs = {
      arm.name: [self._tasks.run_folder(arm, seed) for seed in study.seeds] for arm in study.finished
    }
    found = {}
    for name, source in self._external.items():
      test = self._design.external[name]
      cases = external.ExternalCases(name, test, source)
      found[name] = external.evaluate(cases, test.set, runs)
      if test.prepared and not found[name].native:
        say(
          f'{name}: no case of {test.prepared} can be carried back to its scan, so Dice is on the grid'
        )
    return found

  def _volumes(self, study: Study) -> Volumes:
    """What figures of volumes show, of the first seed."""
    seed = study.seeds[0]
    shown = shown_arms(study)
    ids, names = study.cases.subject_id, {arm.name for arm in study.finished}
    finished = [task.name for task in self._all if task.arm and task.arm[0].name in names]
    made = [task for task in needed_by(self._all, finished) if task.seed == seed]
    learnt = {name for arm in study.finished for name in arm.learns_from}
    dice = {arm.name: study.results[arm.name, seed].metrics['dice'].mean(axis=0) for arm in shown}
    used = {name: made for name, made in self._design.used().items() if name in learnt}
    opened = {n: self._open_set(n, seed) for n, made in used.items() if not made.joint_generator}
    return Volumes(
      # Of slices there are other reports: evaluate_slices.
      sets={name: source for name, source in opened.items() if not source.holds_slices},
      clinical=self._opened['train'],
      healthy=self._opened.get('healthy'),
      test=self._opened['test'],
      predictions={arm.name: self._tasks.run_folder(arm, seed) for arm in shown},
      dice={arm: dict(zip(ids, values)) for arm, values in dice.items()},
      generators={t.title: t.stage().product for t in made if not (t.arm or t.synthetic or t.search)},
      commands={task.title: str(task.stage()) for task in made},
      data_dir=self._data_dir,
      viewer=self._viewer,
    )


def _build_phantoms(design: Design, runner: StageRunner, data_dir: str) -> None:
  """Builds what the study names and can be built from nothing; other data are refused later."""
  for name, title in _phantom_titles(design).items():
    builder = sources.find_builder(name, data_dir)
    if not builder.is_prepared():
      say(f'{name} is not in {data_dir}: building it')
      stage = stages.build(title, name, [name], data_dir)
      # An older version of the data set does not count.
      runner.run(dataclasses.replace(stage, mark=f'{builder.version}/dataset_info.json'))


def _phantom_titles(design: Design) -> dict[str, str]:
  """Name of each simulated data set that the study learns from or tests on -> its stage."""
  texts = [design.train, design.test, design.healthy, design.validation]
  names = dict.fromkeys(text.partition(':')[0] for text in texts)
  return {name: f'{name} data set' for name in names if name.startswith(_PHANTOMS)}


def _this_command() -> str:
  return shell_line(['python', '-m', 'launchers.run_study', *sys.argv[1:]])
