"""What the report of a study is made of."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from launchers.study.external import ExternalResult
from launchers.study.results import Study
from launchers.study.summary import Analysis
from stroke_tfds.sources import Source


@dataclasses.dataclass(frozen=True)
class Volumes:
  """Data sets and runs of one seed, of which figures show pictures, histograms and curves.

  Attributes:
    sets: Name in the study -> synthetic set; may be empty.
    clinical: The clinical training cases.
    healthy: The healthy cases; None where the study has none.
    test: The test cases.
    predictions: Arm -> run folder with its test_predictions.npz; the arms whose segmentations are
      shown, the one that the others are compared with first. Two or four to six fill the rows of
      the figure.
    dice: Arm, at least those of `predictions` -> test case -> Dice in [0, 1], mean over the evaluated
      epochs of that seed; cases are chosen by it.
    generators: What was trained, such as `lesion GAN` -> its run folder; may be empty.
    commands: Arm, key of `generators`, or `NAME set` for the set NAME -> the command that made it; may
      lack sets that were there before the study.
    data_dir: TFDS data folder, in which the cases that synthetic ones were made from are looked for; a
      picture whose case is not there is left out, and the caption says so.
    viewer: Whether figures of cases lead to pages that hold their volumes.
  """

  sets: Mapping[str, Source]
  clinical: Source
  healthy: Source | None
  test: Source
  predictions: Mapping[str, Path]
  dice: Mapping[str, Mapping[str, float]]
  generators: Mapping[str, Path]
  commands: Mapping[str, str]
  data_dir: str | None
  viewer: bool = False


@dataclasses.dataclass(frozen=True)
class ReportInputs:
  """A study with all that its report says besides.

  Attributes:
    study: Its trainings; those arms are shown that are finished for every seed.
    analysis: Its statistics.
    stages: Stage -> wall-clock seconds; the name of one that is of a seed ends in `, seed N`.
    commands: What made the study; said below every figure that has no command of its own.
    about: What the reader must know about the data, in sentences.
    ready_sets: Synthetic sources that the study found built, and did not make.
    few: Synthetic sources that it made from a number of clinical cases alone.
    volumes: What figures of volumes show; these figures are left out when None.
    external: Name of a further test set -> the arms on it; may be empty.
  """

  study: Study
  analysis: Analysis
  stages: Mapping[str, float]
  commands: Sequence[str]
  about: str = ''
  ready_sets: Collection[str] = ()
  few: Mapping[str, int] = dataclasses.field(default_factory=dict)
  volumes: Volumes | None = None
  external: Mapping[str, ExternalResult] = dataclasses.field(default_factory=dict)
