"""The synthetic sets of a study, gone over once for all figures."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from launchers.report_inputs import read_examples, survey_source
from launchers.set_survey import Survey
from launchers.study import shown_cases
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source

Example = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SurveyedSets:
  """The sets of a study with what one pass over each tells.

  Attributes:
    sets: Name -> synthetic set.
    clinical: Clinical training cases.
    healthy: Healthy cases.
    surveys: Name -> survey of a synthetic set.
    clinical_survey: The same of `clinical`.
    healthy_survey: The same of `healthy`.
    positions: Name -> where a set holds the case that it shares with others; without the sets that
      share none.
    shared: Name -> that case.
    parent: The healthy case that it has the anatomy of; None where nothing is shared.
    commands: `NAME set` -> the command that made the set NAME.
  """

  sets: Mapping[str, Source]
  clinical: Source
  healthy: Source
  surveys: Mapping[str, Survey]
  clinical_survey: Survey
  healthy_survey: Survey
  positions: Mapping[str, int]
  shared: Mapping[str, Example]
  parent: Example | None
  commands: Mapping[str, str]

  @property
  def structures(self) -> list[str]:
    """Names of the labels."""
    return self.clinical.metadata['label_scheme']['names']

  def made_by(self, names: Sequence[str]) -> list[str]:
    """The commands of some sets, each once; a set that was there before the study has none."""
    keys = (f'{name} set' for name in names)
    return list(dict.fromkeys(self.commands[key] for key in keys if key in self.commands))


def survey_sets(
  sets: Mapping[str, Source], clinical: Source, healthy: Source, commands: Mapping[str, str]
) -> SurveyedSets:
  """Goes over every set once.

  Raises:
    InputError: The healthy parent of the shared case is not in `healthy`, or has other labels.
  """
  surveys = {name: survey_source(source) for name, source in sets.items()}
  positions = shown_cases.shared_case(surveys)
  shared, parent = {}, None
  for name, position in positions.items():
    shared[name] = read_case(sets[name], surveys[name].subject_ids[position])
    facts = surveys[name].provenance[position]
    parent = parent or read_case(healthy, facts['healthy_parent'])
    if not np.array_equal(shared[name]['labels'], parent['labels']):
      raise InputError(
        f'set {name!r}: {name_of(shared[name])} has another label map than its healthy parent '
        f'{name_of(parent)} in {healthy}, expected the same; build the set from these healthy cases'
      )
  return SurveyedSets(
    sets,
    clinical,
    healthy,
    surveys,
    survey_source(clinical),
    survey_source(healthy),
    positions,
    shared,
    parent,
    commands,
  )


def read_case(source: Source, subject_id: str) -> Example:
  """A case by its name."""
  return read_examples(source, [subject_id])[subject_id]


def name_of(example: Example) -> str:
  """Subject of an example."""
  return example['subject_id'].decode()


def first_contrast(example: Example) -> np.ndarray:
  """Image of an example, float32 (X, Y, Z)."""
  return example['image'][..., 0].astype(np.float32)
