"""Test cases with what some arms found in them: the paper's Figure 8."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from launchers.reports import axial_view as view
from launchers.reports import style
from launchers.reports.images import level
from launchers.reports.inputs import read_examples, read_predictions
from launchers.reports.page import Panel, Section
from launchers.reports.study.figures.picture_panels import Picture, picture_uri, pictures_panel
from launchers.reports.study.figures.synthesis import CONVENTION
from stroke_eval import chosen_cases
from stroke_eval.lesion_sets import dice_matrix
from stroke_tfds.sources import Source

_N_COLUMNS = 3
# Of the brain's length and width, so that a small lesion is seen and the place still known.
_LEAST_SHARE = 0.6
_Masks = Mapping[str, np.ndarray]


def segmentations(
  test: Source,
  predictions: Mapping[str, Path],
  dice: Mapping[str, Mapping[str, float]],
  commands: Mapping[str, str],
) -> Section:
  """Figure 8: cases chosen by Dice, and the negative case in which most is found.

  Args:
    test: The test cases.
    predictions: Arm -> run folder with its test_predictions.npz.
    dice: The same arms -> test case -> Dice in [0, 1]; the first is what the others are compared with.
    commands: Arm -> the command that made it.
  """
  voxels = {
    example['subject_id'].decode(): int(example['lesion'].sum())
    for example in test.examples(features=('subject_id', 'lesion')).as_numpy_iterator()
  }
  masks = {
    arm: read_predictions(str(folder), voxels, test.grid.shape, commands[arm])
    for arm, folder in predictions.items()
  }
  chosen = chosen_cases.segmented_cases(dice, voxels)
  mistaken = chosen_cases.most_mistaken(masks, [s for s in voxels if not voxels[s]])
  if mistaken:
    chosen[mistaken] = 'most false-positive voxels'
  examples = read_examples(test, chosen)
  panels = [
    _panel(examples[subject], why, {arm: masks[arm][subject] for arm in predictions}, test)
    for subject, why in chosen.items()
  ]
  first = next(iter(dice))
  negative = ', and the DWI-negative case in which the arms find most' if mistaken else ''
  caption = (
    f'{len(panels)} of {len(voxels)} test cases: at the 10th percentile, the median and the 90th '
    f'percentile of Dice of {first}, those with the largest gain and the largest loss of another arm '
    f'on it, if any{negative}. Cases are chosen by their mean Dice over the evaluation window. Yellow '
    'outline: ground truth, with its volume above the DWI. Hatched blue: prediction of one seed after '
    'its last epoch, with its Dice and volume, both of the whole case. Slice: that with the largest '
    'area of the true lesion, or of the predictions in a negative case, cut to all that is marked in '
    f'it. {CONVENTION}'
  )
  made_by = list(dict.fromkeys(commands[arm] for arm in predictions))
  return Section('Segmentations of test cases', panels, caption, made_by, columns=2, number=8)


def _panel(example: Mapping[str, Any], why: str, masks: _Masks, test: Source) -> Panel:
  lesion, image = example['lesion'], example['image'][..., 0].astype(np.float32)
  found = lesion if lesion.any() else np.sum(list(masks.values()), axis=0, dtype=np.int32)
  z = int((found > 0).sum(axis=(0, 1)).argmax())
  truth = style.format_ml(float(example['lesion_volume_ml'])) if lesion.any() else 'no lesion'
  notes = {arm: _note(lesion, mask, test.grid.voxel_volume_ml) for arm, mask in masks.items()}
  cells = [Picture(image, z, 'DWI', f'{level(test.grid, z)}, {truth}')]
  if len(masks) % _N_COLUMNS != 2:  # Else the arms fill the rows with the plain DWI alone.
    cells.append(Picture(image, z, 'ground truth', outline=lesion))
  for arm, mask in masks.items():
    cells.append(Picture(image, z, arm, notes[arm], outline=lesion, filled=mask))
  rows = [cells[i : i + _N_COLUMNS] for i in range(0, len(cells), _N_COLUMNS)]
  names = test.metadata['label_scheme']['names']
  box = _window([lesion, *masks.values()], z, example['labels'])
  figure = pictures_panel(rows, box, test.grid, names)
  title = f'{why[0].upper()}{why[1:]}: {example["subject_id"].decode()}'
  alt = '; '.join([f'{title}, {truth}', *(f'{arm}: {note}' for arm, note in notes.items())])
  return Panel(picture_uri(figure), alt, title)


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
