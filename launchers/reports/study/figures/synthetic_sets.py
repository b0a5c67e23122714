"""The synthetic sets of a study, gone over once for all figures."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow_datasets as tfds

from launchers.reports.stored_cases import Example, read_case
from launchers.reports.study.figures import case_origins
from launchers.reports.study.report_inputs import Volumes
from stroke_eval import chosen_cases, translation, two_sample
from stroke_eval.survey import Survey, survey
from stroke_eval.two_sample import TwoSample
from stroke_tfds.fingerprints import hash_array
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.provenance import KEPT_LESION, Origin, origins_of
from stroke_tfds.sources import Source

_Features = dict[str, float]
_COMPARED = 80  # Volumes of a set, since each is measured and more of them change little.


@dataclasses.dataclass(frozen=True)
class SurveyedSets:
  """The sets of a study with what one pass over each tells.

  Attributes:
    sets: Name -> synthetic set.
    clinical: Clinical training cases.
    surveys: Name -> survey of a synthetic set.
    clinical_survey: The same of `clinical`.
    told_apart: Name -> how well a classifier tells volumes of a set from test cases, which no generator
      saw; None for a set that holds too few for it.
    healthy_told_apart: The same of healthy cases, as they are; None where there are none or too few.
    healthy_survey: The same of the healthy cases; None where the study has none.
    positions: Name -> where a set holds the case that it shares with others; without the sets that
      share none.
    shared: Name -> that case.
    parent: The healthy case that it has the anatomy of; None where nothing is shared, or where the case
      is not at hand.
    missing: That case, where it is not at hand.
    commands: `NAME set` -> the command that made the set NAME.
    data_dir: TFDS data folder.
    viewer: Whether pictures lead to pages that hold the volumes.
  """

  sets: Mapping[str, Source]
  clinical: Source
  surveys: Mapping[str, Survey]
  clinical_survey: Survey
  told_apart: Mapping[str, TwoSample | None]
  healthy_told_apart: TwoSample | None
  healthy_survey: Survey | None
  positions: Mapping[str, int]
  shared: Mapping[str, Example]
  parent: Example | None
  missing: tuple[Origin, ...]
  commands: Mapping[str, str]
  data_dir: str | None
  viewer: bool = False

  @property
  def grid(self) -> Grid:
    """Where the voxels of all of them are."""
    return self.clinical.grid

  @property
  def structures(self) -> list[str]:
    """Names of the labels."""
    return self.clinical.metadata['label_scheme']['names']

  @property
  def generated(self) -> tuple[str, ...]:
    """The sets whose lesions a generator drew, without those whose scans keep lesions of their own."""
    is_drawn = lambda facts: 'lesion_draw_voxels' in facts
    drawn = [name for name, found in self.surveys.items() if any(map(is_drawn, found.provenance))]
    return tuple(name for name in drawn if not keeps_lesions(self.surveys[name]))

  def made_by(self, names: Sequence[str]) -> list[str]:
    """The commands of some sets, each once; a set that was there before the study has none."""
    keys = (f'{name} set' for name in names)
    return list(dict.fromkeys(self.commands[key] for key in keys if key in self.commands))


def keeps_lesions(found: Survey) -> bool:
  """Whether the masks of a set are not a generator's alone: its scans are patients'."""
  return any(KEPT_LESION in facts for facts in found.provenance)


def survey_sets(volumes: Volumes) -> SurveyedSets:
  """Goes over every set once."""
  sets, data_dir = volumes.sets, volumes.data_dir
  surveys = {name: _survey(source) for name, source in sets.items()}
  positions, shared = _read_shared(sets, surveys)
  parent, missing = None, []
  if shared:
    first = next(iter(shared))
    origin = origins_of(surveys[first].provenance[positions[first]])[0]
    parent = case_origins.find(origin, shared[first], sets[first], data_dir)
    missing = [origin] if parent is None else []
  return SurveyedSets(
    sets,
    volumes.clinical,
    surveys,
    _survey(volumes.clinical),
    *_tell_apart(volumes),
    _survey(volumes.healthy) if volumes.healthy else None,
    positions,
    shared,
    parent,
    tuple(missing),
    volumes.commands,
    data_dir,
    volumes.viewer,
  )


def _survey(source: Source) -> Survey:
  ids = source.metadata['label_scheme']['parenchyma_ids']
  return survey(tfds.as_numpy(source.examples()), ids, source.grid.spacing_mm)


def _tell_apart(volumes: Volumes) -> tuple[dict[str, TwoSample | None], TwoSample | None]:
  """Every set, and the healthy cases, against the test cases."""
  real = [row for row in _features(volumes.test) if row is not None]
  features = {name: _features(source) for name, source in volumes.sets.items()}
  healthy = _features(volumes.healthy, with_lesion=False) if volumes.healthy else []
  compare = lambda rows: two_sample.compare(real, rows) if _are_enough(real, rows) else None
  return {name: compare(rows) for name, rows in features.items()}, compare(healthy)


def _are_enough(*kinds: Sequence[_Features | None]) -> bool:
  return min(sum(row is not None for row in rows) for rows in kinds) >= two_sample.FEWEST


def _features(source: Source, with_lesion: bool = True) -> list[_Features | None]:
  """Of some of its cases, evenly spread over the set; all, or those with a lesion to synthesise.

  One case for each anatomy: a classifier would know others of it again, however well they are drawn.
  """
  usable = source.usable_positions if with_lesion else np.arange(source.n_examples)
  anatomies = [hash_array(case['labels']) for case in source.examples(['labels']).as_numpy_iterator()]
  usable = np.array(sorted({anatomies[i]: i for i in reversed(usable)}.values()))
  some = np.linspace(0, len(usable) - 1, min(len(usable), _COMPARED)).astype(int)
  wanted, features = set(usable[some].tolist()), []
  for i, case in enumerate(tfds.as_numpy(source.examples())):
    if i in wanted:
      image, scheme = translation.first_contrast(case['image']), source.metadata['label_scheme']
      row = two_sample.measure_if_sound(image, case['labels'], case['lesion'], scheme)
      features.append(row)
  return features


def _read_shared(
  sets: Mapping[str, Source], surveys: Mapping[str, Survey]
) -> tuple[dict[str, int], dict[str, Example]]:
  """Where the shared case is, and the case; without sets that have other labels than the first."""
  positions = chosen_cases.shared_case({n: s for n, s in surveys.items() if not keeps_lesions(s)})
  shared = {name: read_case(sets[name], surveys[name].subject_ids[i]) for name, i in positions.items()}
  first = next(iter(shared.values()), None)
  alike = [name for name in shared if np.array_equal(shared[name]['labels'], first['labels'])]
  return {name: positions[name] for name in alike}, {name: shared[name] for name in alike}
