"""How synthetic sets were made and how they look: the paper's Figures 2 and 3."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from keras_itm.viewer.view import View
from launchers.reports import axial_view as view
from launchers.reports import case_view, style
from launchers.reports.page import Panel, Section
from launchers.reports.stored_cases import Example, first_contrast, name_of, read_case
from launchers.reports.study.figures import case_origins
from launchers.reports.study.figures.picture_panels import (
  Picture,
  Stage,
  pictures_panel,
  stages_panel,
)
from launchers.reports.study.figures.synthetic_sets import SurveyedSets
from launchers.reports.study.formatting import listed
from stroke_eval import chosen_cases
from stroke_eval.lesion_contrast import RING_MM
from stroke_eval.survey import Survey
from stroke_tfds.provenance import DONOR, Origin, origins_of

CONVENTION = (
  'Axial slices in radiological convention (R: right side of the patient), level in MNI mm; '
  f'intensity window 0 to {view.WINDOW[1]:g} throughout.'
)
_LABEL_COLOURS = (
  'Label map: light grey white matter, grey cortex, dark blue ventricles and CSF, brown cerebellum, '
  'other colours deep grey matter and brain stem, red lesion.'
)
_N_COLUMNS = 3


def stages_of_synthesis(shown: SurveyedSets) -> Section:
  """Figure 2: from a healthy volume to its synthetic ones; sets of other origin apart."""
  apart = [name for name in shown.sets if name not in shown.shared]
  panels, missing = list(_shared_panels(shown)) if shown.shared else [], list(shown.missing)
  for name in apart:
    panel, not_there = _apart_panel(shown, name)
    panels.append(panel)
    missing += not_there
  title = 'From a healthy volume to synthetic ones'
  made_by = shown.made_by(list(shown.sets))
  return Section(title, panels, _stages_caption(shown, apart, missing), made_by, columns=2, number=2)


def _stages_caption(shown: SurveyedSets, apart: Sequence[str], missing: Sequence[Origin]) -> str:
  parts = []
  if shown.shared:
    parts.append(
      'One healthy case, its label map, and one generated lesion, translated by '
      f'{listed(list(shown.shared))}: provenance, label map and lesion are the same in each.'
    )
  if apart:
    parts.append(
      f'Apart, since of another origin or label map, one case of {listed(apart)}: the parent, the '
      'donor of the lesion where there is one, and what was made of them, in the same slices.'
    )
  parts += _in_scan_note(shown, list(shown.sets))
  parts += [case_origins.missing_note(missing)] if missing else []
  parts += [
    'Cases at the upper quartile of lesion volume. Yellow outline: lesion; on a DWI it runs one '
    'voxel outside, so that the border in the image is seen.',
    _LABEL_COLOURS,
    CONVENTION,
  ]
  return ' '.join(parts)


def _in_scan_note(shown: SurveyedSets, names: Sequence[str]) -> list[str]:
  """Says of which sets the images are no translations."""
  kept = [n for n in names if any(facts.get('in_scan') for facts in shown.surveys[n].provenance)]
  if not kept:
    return []
  return [f"{listed(kept)}: the parent's scan with what the lesion changes in its translation."]


def translators(shown: SurveyedSets) -> Section | None:
  """Figure 3: one slice of the shared case by every translator, after what it is compared with.

  None where no case is shared.
  """
  if not shown.shared:
    return None
  parent, made = shown.parent, shown.shared
  first = next(iter(made.values()))
  z = int(first['lesion'].sum(axis=(0, 1)).argmax())
  like = chosen_cases.case_like(shown.clinical_survey, first['lesion'], z)
  clinical = read_case(shown.clinical, shown.clinical_survey.subject_ids[like])
  cells = {
    'Label map with the lesion': Picture(
      _with_lesion(first, shown), z, note=f'lesion {_volume(first)}', is_labels=True
    )
  }
  if parent is not None:
    title = f'Healthy parent {name_of(parent)}'
    cells[title] = Picture(first_contrast(parent), z, note='no lesion')
  cells[f'Clinical case {name_of(clinical)}'] = Picture(
    first_contrast(clinical),
    z,
    note=_brightness(shown.clinical_survey, like),
    outline=clinical['lesion'],
    around=True,
  )
  for name, example in made.items():
    note = _brightness(shown.surveys[name], shown.positions[name])
    cells[name] = Picture(first_contrast(example), z, note=note)
  box = view.brain_box(np.maximum(first['labels'], clinical['labels']))
  panels = []
  for title, cell in cells.items():
    figure = pictures_panel([[cell]], box, shown.grid, shown.structures, column_in=2.4)
    panels.append(Panel(style.picture_uri(figure), f'{title}: {cell.note}', title))
  title = f'One label map by {listed(list(made))}'
  caption = _translators_caption(shown, z)
  columns = 4 if len(panels) == 4 else 3
  return Section(title, panels, caption, shown.made_by(list(made)), columns, number=3)


def _translators_caption(shown: SurveyedSets, z: int) -> str:
  compared = ['the clinical training case whose lesion has the most similar area in this slice']
  if shown.parent is not None:
    compared.insert(0, 'the healthy parent')
  parts = [
    f'The case of Figure 2 at {view.level(shown.grid, z)}, where its lesion is largest, by each '
    f'translator, after its label map and, to compare with, {listed(compared)} (yellow: one voxel '
    'outside that lesion).',
    *_in_scan_note(shown, list(shown.shared)),
    *([case_origins.missing_note(shown.missing)] if shown.missing else []),
    'Numbers: mean intensity of the whole lesion, and of the parenchyma up to '
    f'{RING_MM:g} mm around it.',
    _LABEL_COLOURS,
    CONVENTION,
  ]
  return ' '.join(parts)


def _shared_panels(shown: SurveyedSets) -> Iterator[Panel]:
  parent, made = shown.parent, shown.shared
  first = next(iter(made.values()))
  slices, box = view.lesion_slices(first['lesion']), view.brain_box(first['labels'])
  # Its label map is that of its parent.
  case = [
    Stage('label map', first['labels'], is_labels=True),
    Stage('lesion put in', _with_lesion(first, shown), is_labels=True),
  ]
  if parent is not None:
    case.insert(0, Stage('healthy DWI', first_contrast(parent)))
  subject = shown.missing[0].subject if parent is None else name_of(parent)
  images = [Stage(name, first_contrast(example), example['lesion']) for name, example in made.items()]
  title = f'Healthy case {subject}, lesion of {_volume(first)}'
  yield _stages(shown, case, slices, box, title, _shared_view(shown, title) if shown.viewer else None)
  # Four in two panels of two.
  n_columns = math.ceil(len(images) / math.ceil(len(images) / _N_COLUMNS))
  for i in range(0, len(images), n_columns):
    title = 'Synthetic DWIs of this label map'
    yield _stages(shown, images[i : i + n_columns], slices, box, title)


def _apart_panel(shown: SurveyedSets, name: str) -> tuple[Panel, list[Origin]]:
  """A case of a set with those that it was made from, and which of these are not at hand."""
  position = chosen_cases.typical_case(shown.surveys[name])
  made = read_case(shown.sets[name], shown.surveys[name].subject_ids[position])
  stages, missing = [], []
  origins = origins_of(shown.surveys[name].provenance[position])
  for origin in origins:
    found = case_origins.find(origin, made, shown.sets[name], shown.data_dir)
    if found is None:
      missing.append(origin)
    else:
      stages.append(Stage(origin.role, first_contrast(found), found['lesion']))
  if all(origin.role != DONOR for origin in origins):
    stages.append(Stage('lesion put in', _with_lesion(made, shown), is_labels=True))
  stages.append(Stage(name, first_contrast(made), made['lesion']))
  slices, box = view.lesion_slices(made['lesion']), view.brain_box(made['labels'])
  title = f'{name}: {name_of(made)}, lesion of {_volume(made)}'
  whole = case_view.of_example(shown.sets[name], made) if shown.viewer else None
  return _stages(shown, stages, slices, box, title, whole), missing


def _shared_view(shown: SurveyedSets, title: str) -> View:
  """The parent and its translations by all sets, to be switched between."""
  parent = {} if shown.parent is None else {'healthy DWI': first_contrast(shown.parent)}
  made = {name: first_contrast(example) for name, example in shown.shared.items()}
  lesion = next(iter(shown.shared.values()))['lesion']
  facts = {name: f'{shown.sets[name]}, {name_of(one)}' for name, one in shown.shared.items()}
  return case_view.make(title, parent | made, shown.grid.affine, {'lesion': lesion}, facts)


def _stages(
  shown: SurveyedSets,
  stages: Sequence[Stage],
  slices: Sequence[int],
  box: tuple[slice, slice],
  title: str,
  whole: View | None = None,
) -> Panel:
  figure = stages_panel(stages, slices, box, shown.grid, shown.structures, _N_COLUMNS)
  alt = f'{title}: {listed([stage.title for stage in stages])} in {len(slices)} slices'
  return Panel(style.picture_uri(figure), alt, title, whole)


def _with_lesion(example: Example, shown: SurveyedSets) -> np.ndarray:
  return np.where(example['lesion'] > 0, len(shown.structures), example['labels'])


def _brightness(survey: Survey, position: int) -> str:
  inside, around = survey.lesion_means[position], survey.ring_means[position]
  return f'lesion {inside:.2f}, around it {around:.2f}'


def _volume(example: Example) -> str:
  return style.format_ml(float(example['lesion_volume_ml']))
