"""The synthetic sets of a study, gone over once for all figures."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from launchers.reports.inputs import read_examples, survey_source
from launchers.reports.study import case_origins
from launchers.reports.study.case_origins import Example, Origin
from stroke_eval import chosen_cases
from stroke_eval.survey import Survey
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.sources import Source


@dataclasses.dataclass(frozen=True)
class SurveyedSets:
  """The sets of a study with what one pass over each tells.

  Attributes:
    sets: Name -> synthetic set.
    clinical: Clinical training cases.
    surveys: Name -> survey of a synthetic set.
    clinical_survey: The same of `clinical`.
    healthy_survey: The same of the healthy cases; None where the study has none.
    positions: Name -> where a set holds the case that it shares with others; without the sets that
      share none.
    shared: Name -> that case.
    parent: The healthy case that it has the anatomy of; None where nothing is shared, or where the case
      is not at hand.
    missing: That case, where it is not at hand.
    commands: `NAME set` -> the command that made the set NAME.
    data_dir: TFDS data folder.
  """

  sets: Mapping[str, Source]
  clinical: Source
  surveys: Mapping[str, Survey]
  clinical_survey: Survey
  healthy_survey: Survey | None
  positions: Mapping[str, int]
  shared: Mapping[str, Example]
  parent: Example | None
  missing: tuple[Origin, ...]
  commands: Mapping[str, str]
  data_dir: str | None

  @property
  def grid(self) -> Grid:
    """Where the voxels of all of them are."""
    return self.clinical.grid

  @property
  def structures(self) -> list[str]:
    """Names of the labels."""
    return self.clinical.metadata['label_scheme']['names']

  def made_by(self, names: Sequence[str]) -> list[str]:
    """The commands of some sets, each once; a set that was there before the study has none."""
    keys = (f'{name} set' for name in names)
    return list(dict.fromkeys(self.commands[key] for key in keys if key in self.commands))


def survey_sets(
  sets: Mapping[str, Source],
  clinical: Source,
  healthy: Source | None,
  commands: Mapping[str, str],
  data_dir: str | None,
) -> SurveyedSets:
  """Goes over every set once."""
  surveys = {name: survey_source(source) for name, source in sets.items()}
  positions, shared = _read_shared(sets, surveys)
  parent, missing = None, []
  if shared:
    first = next(iter(shared))
    origin = case_origins.origins_of(surveys[first].provenance[positions[first]])[0]
    parent = case_origins.find(origin, shared[first], sets[first], data_dir)
    missing = [origin] if parent is None else []
  return SurveyedSets(
    sets,
    clinical,
    surveys,
    survey_source(clinical),
    survey_source(healthy) if healthy else None,
    positions,
    shared,
    parent,
    tuple(missing),
    commands,
    data_dir,
  )


def _read_shared(
  sets: Mapping[str, Source], surveys: Mapping[str, Survey]
) -> tuple[dict[str, int], dict[str, Example]]:
  """Where the shared case is, and the case; without sets that have other labels than the first."""
  positions = chosen_cases.shared_case(surveys)
  shared = {name: read_case(sets[name], surveys[name].subject_ids[i]) for name, i in positions.items()}
  first = next(iter(shared.values()), None)
  alike = [name for name in shared if np.array_equal(shared[name]['labels'], first['labels'])]
  return {name: positions[name] for name in alike}, {name: shared[name] for name in alike}


def read_case(source: Source, subject_id: str) -> Example:
  """A case by its name."""
  return read_examples(source, [subject_id])[subject_id]


def name_of(example: Example) -> str:
  """Subject of an example."""
  return example['subject_id'].decode()


def first_contrast(example: Example) -> np.ndarray:
  """Image of an example, float32 (X, Y, Z)."""
  return example['image'][..., 0].astype(np.float32)
