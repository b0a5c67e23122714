"""Brings together all that a report shows, and refuses early what is missing."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from launchers import arm_statistics
from launchers.arm_statistics import Case
from launchers.reports import inputs
from launchers.reports.inputs import Curves
from stroke_eval.survey import Survey
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.sources import Source

# Synthetic cases shown: where they stand among all when ordered by lesion volume.
_SHOWN_QUANTILES = (0.25, 0.5, 0.75)


@dataclasses.dataclass(frozen=True)
class Synthesis:
  """A synthetic case beside the healthy one that it was made from; examples of the contract."""

  made: dict[str, Any]
  parent: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Segmented:
  """A test case with what each arm predicted.

  Attributes:
    why: Why it is shown.
    example: The case.
    predictions: Arm -> mask.
    cases: Arm -> its numbers.
  """

  why: str
  example: dict[str, Any]
  predictions: Mapping[str, np.ndarray]
  cases: Mapping[str, Case]


@dataclasses.dataclass(frozen=True)
class Inputs:
  """All that a report shows, read from disk.

  Attributes:
    clinical: Name of the clinical set.
    synthetic: Name of the synthetic set.
    grid: The grid of both.
    structures: Name of each label, `background` first.
    healthy: Survey of the clinical set's split healthy.
    train: Survey of its split train.
    generated: Survey of the synthetic set.
    lesion_gan: Curves of the lesion GAN.
    translator: Curves of the translator.
    unets: Arm -> curves.
    learnt_from: Arm -> data that it was trained on.
    cases: Arm -> test cases.
    syntheses: Synthetic cases to show.
    segmented: Test cases to show.
    commands: Stage -> what made it; `clinical data set`, `synthetic data set`, `lesion GAN`,
      `translator` and `U-Net: <arm>`.
  """

  clinical: str
  synthetic: str
  grid: Grid
  structures: tuple[str, ...]
  healthy: Survey
  train: Survey
  generated: Survey
  lesion_gan: Curves
  translator: Curves
  unets: Mapping[str, Curves]
  learnt_from: Mapping[str, list[str]]
  cases: Mapping[str, list[Case]]
  syntheses: list[Synthesis]
  segmented: list[Segmented]
  commands: Mapping[str, str]


def gather(
  clinical: str,
  synthetic: str,
  lesion_gan_run: str,
  translator_run: str,
  arms: Mapping[str, str],
  data_dir: str | None,
  commands: Mapping[str, str],
) -> Inputs:
  """Reads everything; the arguments are those of `write_report`.

  Raises:
    InputError: A set is not built, a run not finished, or they do not belong together.
  """
  if not arms:
    raise InputError('arms is empty, expected the name and run folder of at least one U-Net')
  commands = _all_commands(commands, clinical, synthetic, lesion_gan_run, translator_run, arms)
  lesion_gan = inputs.read_curves(lesion_gan_run, commands['lesion GAN'])
  translator = inputs.read_curves(translator_run, commands['translator'])
  of_arms = lambda read: {arm: read(run, commands[f'U-Net: {arm}']) for arm, run in arms.items()}
  unets = of_arms(inputs.read_curves)
  cases = of_arms(inputs.read_cases)
  arm_statistics.check_same_cases(cases)
  healthy, train, test, made = _open_sets(clinical, synthetic, data_dir, commands)
  surveys = {source: inputs.survey_source(source) for source in (healthy, train, made)}
  for source in (train, made):
    if not surveys[source].with_lesion().size:
      raise InputError(f'data set {source}: no case has a lesion, expected at least one')
  return Inputs(
    clinical=clinical,
    synthetic=synthetic,
    grid=made.grid,
    structures=tuple(made.metadata['label_scheme']['names']),
    healthy=surveys[healthy],
    train=surveys[train],
    generated=surveys[made],
    lesion_gan=lesion_gan,
    translator=translator,
    unets=unets,
    learnt_from=of_arms(inputs.read_sources),
    cases=cases,
    syntheses=_syntheses(made, surveys[made], clinical, data_dir, commands['clinical data set']),
    segmented=_segmented(test, arms, cases, commands),
    commands=commands,
  )


def _all_commands(given: Mapping[str, str], *names) -> dict[str, str]:
  usual = _usual_commands(*names)
  unknown = sorted(set(given) - set(usual))
  if unknown:
    raise InputError(f'commands: {unknown[0]!r} is no stage, expected some of {sorted(usual)}')
  return {**usual, **given}


def _usual_commands(clinical, synthetic, lesion_gan_run, translator_run, arms) -> dict[str, str]:
  """Commands that repeat a stage: a run folder holds the configuration that made it."""
  train = lambda program, run: (
    f'python -m launchers.{program} --gin_file={run}/config.gin --workdir={run}'
  )
  return {
    'clinical data set': f'tfds build --imports stroke_tfds {clinical}',
    'synthetic data set': f'tfds build --imports stroke_tfds synthetic_stroke --config ... '
    f'({synthetic})',
    'lesion GAN': train('train_lesion_gan', lesion_gan_run),
    'translator': train('train_itm', translator_run),
    **{f'U-Net: {arm}': train('train_unet', run) for arm, run in arms.items()},
  }


def _open_sets(
  clinical: str, synthetic: str, data_dir: str | None, commands: Mapping[str, str]
) -> list[Source]:
  """The clinical splits healthy, train and test, and the synthetic set."""
  splits = inputs.open_splits(
    [f'{clinical}:{split}' for split in ('healthy', 'train', 'test')],
    data_dir,
    commands['clinical data set'],
  )
  # Opened together with a clinical split, whose grid and labels it must share.
  made, _ = inputs.open_splits(
    [f'{synthetic}:train', str(splits[0])], data_dir, commands['synthetic data set']
  )
  return [*splits, made]


def _syntheses(
  made: Source, generated: Survey, clinical: str, data_dir: str | None, command: str
) -> list[Synthesis]:
  order = np.argsort(generated.voxels, kind='stable')
  at = np.quantile(np.arange(len(order)), _SHOWN_QUANTILES, method='nearest')
  shown = [int(order[int(i)]) for i in dict.fromkeys(at)]
  examples = inputs.read_examples(made, [generated.subject_ids[i] for i in shown])
  syntheses = []
  for i in shown:
    facts = generated.provenance[i]
    source = facts.get('healthy_source', clinical)
    source = source if ':' in source else f'{source}:healthy'
    parent = facts['healthy_parent']
    opened = inputs.open_splits([source, str(made)], data_dir, command)[0]
    found = inputs.read_examples(opened, [parent])
    syntheses.append(Synthesis(examples[generated.subject_ids[i]], found[parent]))
  return syntheses


def _segmented(
  test: Source, arms: Mapping[str, str], cases: Mapping[str, list[Case]], commands
) -> list[Segmented]:
  chosen = arm_statistics.choose_cases(cases)
  ids = [subject_id for _, subject_id in chosen]
  examples = inputs.read_examples(test, ids)
  predictions = {
    arm: inputs.read_predictions(run, ids, test.grid.shape, commands[f'U-Net: {arm}'])
    for arm, run in arms.items()
  }
  by_id = {arm: {case.subject_id: case for case in rows} for arm, rows in cases.items()}
  return [
    Segmented(
      why,
      examples[subject_id],
      {arm: predictions[arm][subject_id] for arm in arms},
      {arm: by_id[arm][subject_id] for arm in arms},
    )
    for why, subject_id in chosen
  ]
