"""The figures of a study that show volumes: the paper's Figures 2, 3, 6 and 8."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from launchers.reports import style
from launchers.reports.page import Section
from launchers.reports.study.figures.intensities import intensities
from launchers.reports.study.figures.segmentations import segmentations
from launchers.reports.study.figures.synthesis import stages_of_synthesis, translators
from launchers.reports.study.figures.synthetic_sets import survey_sets
from stroke_tfds.sources import Source


def volume_figures(
  sets: Mapping[str, Source],
  clinical: Source,
  healthy: Source | None,
  test: Source,
  predictions: Mapping[str, Path],
  dice: Mapping[str, Mapping[str, float]],
  commands: Mapping[str, str],
  data_dir: str | None,
) -> list[Section]:
  """The figures that there is something to show in, in the order of their numbers.

  Args:
    sets: Name in the study -> synthetic set, all of one seed; may be empty.
    clinical: The clinical training cases.
    healthy: The healthy cases; None where the study has none.
    test: The test cases.
    predictions: Arm -> run folder with its test_predictions.npz; the arms of Figure 8 for one seed,
      the one that the others are compared with first. Two or four to six fill its rows.
    dice: Arm, at least those of `predictions` -> test case -> Dice in [0, 1], mean over the
      evaluation window of that seed; cases are chosen by it.
    commands: Arm, or `NAME set` for the set NAME -> the command that made it; may lack sets that were
      there before the study.
    data_dir: TFDS data folder, in which the cases that synthetic ones were made from are looked for;
      a stage whose case is not there is left out, and the caption says so.

  Raises:
    InputError: A prediction is not there. Names it.
  """
  with style.style():
    return list(_sections(sets, clinical, healthy, test, predictions, dice, commands, data_dir))


def _sections(
  sets, clinical, healthy, test, predictions, dice, commands, data_dir
) -> Iterator[Section]:
  if sets:
    shown = survey_sets(sets, clinical, healthy, commands, data_dir)
    yield stages_of_synthesis(shown)
    if shown.shared:
      yield translators(shown)
    yield intensities(shown)
  if predictions:
    yield segmentations(test, predictions, {arm: dice[arm] for arm in predictions}, commands)
