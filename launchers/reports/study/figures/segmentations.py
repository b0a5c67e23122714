"""Test cases with what some arms found in them: the paper's Figure 8."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from launchers.reports import axial_view as view
from launchers.reports import case_view, style
from launchers.reports.page import Panel, Section
from launchers.reports.stored_cases import (
  name_of,
  read_examples,
  read_predictions,
)
from launchers.reports.study.figures.picture_panels import Picture, pictures_panel
from launchers.reports.study.figures.synthesis import CONVENTION
from launchers.reports.study.report_inputs import Volumes
from launchers.study.arms import Arm, arm_groups
from launchers.study.results import Study
from stroke_eval import chosen_cases
from stroke_eval.lesion_sets import dice_matrix

_N_COLUMNS = 3
_N_ARMS = 5
# Of the brain's length and width, so that a small lesion is seen and the place still known.
_LEAST_SHARE = 0.6
_Masks = Mapping[str, np.ndarray]


def shown_arms(study: Study) -> list[Arm]:
  """Arms whose segmentations are shown, at most five, one of each group of the table.

  It is the study's first, then one that a translator's arm is or is compared with.
  """
  references = {arm.reference for arm in study.arms if arm.system}
  preferred = lambda arm: (arm is study.arms[0], bool(arm.system) or arm.name in references)
  return [max(members, key=preferred) for members in arm_groups(study.finished).values()][:_N_ARMS]


def segmentations(volumes: Volumes) -> Section | None:
  """Figure 8: cases chosen by Dice, and the negative case in which most is found; None without arms.

  Raises:
    InputError: A prediction is not there. Names it.
  """
  if not volumes.predictions:
    return None
  test, commands = volumes.test, volumes.commands
  dice = {arm: volumes.dice[arm] for arm in volumes.predictions}
  voxels = {
    name_of(example): int(example['lesion'].sum())
    for example in test.examples(features=('subject_id', 'lesion')).as_numpy_iterator()
  }
  masks = {
    arm: read_predictions(folder, voxels, test.grid.shape, commands[arm])
    for arm, folder in volumes.predictions.items()
  }
  chosen = chosen_cases.segmented_cases(dice, voxels)
  mistaken = chosen_cases.most_mistaken(masks, [s for s in voxels if not voxels[s]])
  if mistaken:
    chosen[mistaken] = 'most false-positive voxels'
  examples = read_examples(test, chosen)
  panels = [
    _panel(examples[subject], why, {arm: masks[arm][subject] for arm in masks}, volumes)
    for subject, why in chosen.items()
  ]
  contrasts = test.metadata['contrasts']
  shown = contrasts[view.shown_contrast(contrasts)]
  caption = _caption(len(panels), len(voxels), next(iter(dice)), bool(mistaken), shown)
  made_by = list(dict.fromkeys(commands[arm] for arm in masks))
  return Section('Segmentations of test cases', panels, caption, made_by, columns=2, number=8)


def _caption(n_shown: int, n_cases: int, first: str, is_mistaken: bool, contrast: str) -> str:
  negative = f', and the {contrast}-negative case in which the arms find most' if is_mistaken else ''
  return (
    f'{n_shown} of {n_cases} test cases: at the 10th percentile, the median and the 90th '
    f'percentile of Dice of {first}, those with the largest gain and the largest loss of another arm '
    f'on it, if any{negative}. Cases are chosen by their mean Dice over the evaluation window. Yellow '
    f'outline: ground truth, with its volume above the {contrast}. Hatched blue: prediction of one '
    'seed after its last epoch, with its Dice and volume, both of the whole case. Slice: that with '
    'the largest area of the true lesion, or of the predictions in a negative case, cut to all '
    f'that is marked in it. {CONVENTION}'
  )


def _panel(example: Mapping[str, Any], why: str, masks: _Masks, volumes: Volumes) -> Panel:
  test = volumes.test
  contrasts = test.metadata['contrasts']
  shown = view.shown_contrast(contrasts)
  lesion, image = example['lesion'], example['image'][..., shown].astype(np.float32)
  found = lesion if lesion.any() else np.sum(list(masks.values()), axis=0, dtype=np.int32)
  z = int((found > 0).sum(axis=(0, 1)).argmax())
  truth = style.format_ml(float(example['lesion_volume_ml'])) if lesion.any() else 'no lesion'
  notes = {arm: _note(lesion, mask, test.grid.voxel_volume_ml) for arm, mask in masks.items()}
  cells = [Picture(image, z, contrasts[shown], f'{view.level(test.grid, z)}, {truth}')]
  if len(masks) % _N_COLUMNS != 2:  # Else the arms fill the rows with the plain DWI alone.
    cells.append(Picture(image, z, 'ground truth', outline=lesion))
  for arm, mask in masks.items():
    cells.append(Picture(image, z, arm, notes[arm], outline=lesion, filled=mask))
  rows = [cells[i : i + _N_COLUMNS] for i in range(0, len(cells), _N_COLUMNS)]
  names = test.metadata['label_scheme']['names']
  box = _window([lesion, *masks.values()], z, example['labels'])
  figure = pictures_panel(rows, box, test.grid, names)
  title = f'{why[0].upper()}{why[1:]}: {name_of(example)}'
  alt = '; '.join([f'{title}, {truth}', *(f'{arm}: {note}' for arm, note in notes.items())])
  viewed = case_view.of_example(test, example, masks) if volumes.viewer else None
  return Panel(style.picture_uri(figure), alt, title, viewed)


def _window(masks: Sequence[np.ndarray], z: int, labels: np.ndarray) -> tuple[slice, slice]:
  """A part of the brain's box, of the same proportions, with all that the masks hold in slice `z`."""
  marked = np.any([mask[..., z] > 0 for mask in masks], axis=0)
  brain = view.brain_box(np.maximum(labels, marked[..., np.newaxis]))
  brain = [range(*cut.indices(n)) for cut, n in zip(brain, labels.shape)]
  around = [
    range(*cut.indices(n)) for cut, n in zip(view.brain_box(marked[..., np.newaxis]), marked.shape)
  ]
  share = min(1, max(_LEAST_SHARE, *(len(part) / len(whole) for part, whole in zip(around, brain))))
  window = []
  for part, whole in zip(around, brain):
    size = round(share * len(whole))
    start = (part.start + part.stop - size) // 2
    start = min(max(start, whole.start), whole.stop - size)
    window.append(slice(start, start + size))
  return tuple(window)


def _note(lesion: np.ndarray, mask: np.ndarray, voxel_volume_ml: float) -> str:
  volume = style.format_ml(mask.sum() * voxel_volume_ml)
  if not lesion.any():
    return f'found {volume}'
  dice = dice_matrix(lesion[np.newaxis], mask[np.newaxis])[0, 0]
  return f'Dice {dice:.2f}, {volume}'
