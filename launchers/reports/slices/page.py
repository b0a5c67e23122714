"""The page on which generated slices stand beside real ones: pictures, verdicts and numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from keras_itm.slice_synthesis import images_of_latents, slices_of_latents
from launchers.reports import axial_view as view
from launchers.reports import style
from launchers.reports.page import Panel, Section, environment, style_sheet
from launchers.reports.slices import tables
from launchers.reports.slices.pictures import Look, legend_figure, slices_figure
from launchers.reports.study.tables import checks_table
from stroke_eval.chosen_cases import evenly_spread
from stroke_eval.nearest_slices import Nearness, blocks
from stroke_eval.slice_fidelity import SliceFidelity
from stroke_eval.slice_sets import UNKNOWN, SliceSet
from stroke_eval.synthesis_checks import Check
from stroke_tfds.files import write_whole
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.slice_example import LESION, LEVEL
from stroke_tfds.synthetic_slices.drawing import Generators
from stroke_tfds.synthetic_slices.patients import conditions_of

_TITLE = 'Does the generator draw what it should?'
_N_WITH, _N_WITHOUT = 6, 3
_N_STEPS = 9
_N_NEAREST = 6
_NOTE = (
  'Real: the same number of held-out slices. Distances, density and coverage are taken on few slices: '
  'look at how they compare with the real ones beside them and not at their size. A row without an '
  'expected value has no bound.'
)


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """What the page is about.

  Attributes:
    generators: Drew the slices.
    facts: What was compared, for the page's head.
    drawn: Generated slices.
    real: Held-out ones.
    training: Those of the training, in blocks.
    asked_like: Position of the real slice at whose level each was drawn, int [n].
    nearness: How near each generated slice comes to the training.
    found: The comparison.
    checks: Of the comparison.
  """

  generators: Generators
  facts: Mapping[str, Any]
  drawn: SliceSet
  real: SliceSet
  training: SliceSet
  asked_like: np.ndarray
  nearness: Nearness
  found: SliceFidelity
  checks: Sequence[Check]


def write_page(path: Path, evaluation: Evaluation, grid: Grid) -> None:
  """Writes the page, which needs no other file.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  found, facts = evaluation.found, evaluation.facts
  look = Look.of(evaluation.real, grid)
  with style.style():
    drawn = [_side_by_side, _interpolation, _levels, _nearest]
    sections = [section for draw in drawn if (section := draw(evaluation, look))]
  images = f', images by the bundle {facts["translator"]}' if 'translator' in facts else ''
  lead = (
    f'{found.n_drawn} slices of the bundle {facts["bundle"]}{images} (seed {facts["seed"]}, truncation '
    f'{facts["truncation"]:g}), drawn at the levels of slices of {facts["held_out"]} and with a lesion '
    f'where these have one; beside all {found.n_held_out} slices of these patients, whom no '
    f'training has seen, and the {found.n_training} training slices of {", ".join(facts["real"])}.'
  )
  text = (
    environment()
    .get_template('slices/template.html')
    .render(
      title=_TITLE,
      lead=lead,
      checks=checks_table({'': evaluation.checks}, _NOTE),
      sections=[dataclasses.replace(one, number=i) for i, one in enumerate(sections, 1)],
      tables=_tables(found),
      style_sheet=style_sheet(),
    )
  )
  write_whole(path, text.encode())


def _tables(found: SliceFidelity) -> dict[str, tables.Table]:
  made = {
    'Contrast of lesions': tables.contrasts_table(found),
    'Areas of classes': tables.areas_table(found),
    'Frechet distances': tables.distances_table(found),
    'Do classes and images agree': tables.explained_table(found),
    'What differs most': tables.gaps_table(found),
  }
  return {name: table for name, table in made.items() if table.rows}


def _side_by_side(evaluation: Evaluation, look: Look) -> Section:
  """Generated slices below the real ones that they were drawn like."""
  real, drawn = evaluation.real.take(evaluation.asked_like), evaluation.drawn
  shown = np.array(_shown(real), int)
  titles = [f'{_level(look, real.numbers[i])}{", lesion" * int(real.has_lesion[i])}' for i in shown]
  caption = (
    'Column by column at the same level, with a lesion where the real slice has one; from low to high, '
    'evenly spread over those that were drawn and not chosen by eye. Patient right is left. '
    'All slices of a contrast have one window.'
  )
  return Section(
    'Held-out slices, and drawn ones at the same levels',
    [
      Panel(_uri(slices_figure(real.take(shown), titles, look)), 'Real axial slices', 'Held out'),
      Panel(_uri(slices_figure(drawn.take(shown), titles, look)), 'Drawn axial slices', 'Drawn'),
      Panel(_uri(legend_figure(real.classes)), 'Colours of classes'),
    ],
    caption,
    [],
    columns=1,
    number=0,
  )


def _interpolation(evaluation: Evaluation, look: Look) -> Section:
  """From one latent to another, on the sphere on which nearly all of them lie."""
  real = evaluation.real
  spec = evaluation.generators.joint.spec
  first, last = _latents(evaluation, spec.latent_size, 2)
  angle = np.arccos(np.clip(first @ last / np.linalg.norm(first) / np.linalg.norm(last), -1, 1))
  steps = np.linspace(0, 1, _N_STEPS)
  weights = np.sin((1 - steps) * angle) / np.sin(angle), np.sin(steps * angle) / np.sin(angle)
  latents = weights[0][:, None] * first + weights[1][:, None] * last
  with_lesion = real.numbers[real.has_lesion]
  number = int(np.median(with_lesion if len(with_lesion) else real.numbers))
  slices = _slices(evaluation, latents, [number] * _N_STEPS, True)
  titles = [f'{step:.0%}' for step in steps]
  kept = ' The second bundle has one latent for all.' if evaluation.generators.translator else ''
  return Section(
    'From one draw to another',
    [Panel(_uri(slices_figure(slices, titles, look)), 'Slices between two draws')],
    f'Latents on the great circle between two, at one level ({_level(look, number)})'
    f'{", asked for a lesion" * (LESION in spec.conditions)}.{kept} A generator that '
    'has learnt slices one by one jumps; one that has learnt how they vary changes step by step.',
    [],
    columns=1,
    number=0,
  )


def _levels(evaluation: Evaluation, look: Look) -> Section | None:
  """One latent at all levels, with and without a lesion; None for a generator that is not asked."""
  spec = evaluation.generators.joint.spec
  asked = spec.conditions
  if LEVEL not in asked:
    return None
  numbers = np.unique(evaluation.real.numbers)
  numbers = [int(numbers[i]) for i in evenly_spread(numbers, _N_STEPS)]
  latents = np.repeat(_latents(evaluation, spec.latent_size, 1), len(numbers), axis=0)
  panels = []
  for has_lesion, title in ((False, 'Asked for no lesion'), (True, 'Asked for a lesion')):
    if has_lesion and LESION not in asked:
      continue
    slices = _slices(evaluation, latents, numbers, has_lesion)
    figure = slices_figure(slices, [_level(look, number) for number in numbers], look)
    panels.append(Panel(_uri(figure), title, title if LESION in asked else ''))
  return Section(
    'One latent at all levels',
    panels,
    'The same latent, asked for one level after another. Only what is asked for changes.',
    [],
    columns=1,
    number=0,
  )


def _nearest(evaluation: Evaluation, look: Look) -> Section:
  """The slices that are most like copies, above the training slices that they are nearest to."""
  near = evaluation.nearness
  ranked = np.argsort(np.where(np.isfinite(near.ratios), near.ratios, near.distances))[:_N_NEAREST]
  own, learnt = blocks(evaluation.drawn.take(ranked)), evaluation.training.image[near.nearest[ranked]]
  learnt = np.where(near.mirrored[ranked][:, None, None, None], learnt[:, ::-1], learnt)
  titles = [f'{near.distances[i]:.3f}, ratio {near.ratios[i]:.2f}' for i in ranked]
  panels = [
    Panel(_uri(_block_figure(images, titles, look)), title, title)
    for images, title in ((own, 'Drawn'), (learnt, 'Nearest training slice'))
  ]
  bound = evaluation.found.ratio.bound
  return Section(
    'Draws that are most like a copy',
    panels,
    'First contrast, in the blocks of pixels that are compared. Distance to the training slice (root '
    'mean square), and its ratio to that of the nearest slice of another training patient: 1 where no '
    f'patient is nearer than others, near 0 for a copy. Of held-out slices 1 % are below {bound:.2f}.',
    [],
    columns=1,
    number=0,
  )


def _block_figure(images: np.ndarray, titles: Sequence[str], look: Look) -> Figure:
  figure, axes = view.image_grid(1, len(images), (slice(None), slice(None)), look.grid, 1.4, 1.2)
  white = look.white[0] if look.white else 1.0
  for ax, image, title in zip(axes[0], images, titles):
    view.show(ax, image[..., 0], look.grid, cmap='gray', vmin=0, vmax=white)
    ax.set_title(title, fontsize=7.5, loc='center', fontweight='normal', pad=3)
  return figure


def _shown(real: SliceSet) -> list[int]:
  """Positions of slices with a lesion and without, spread over the levels, from low to high."""
  found = []
  for n, is_kind in ((_N_WITH, real.has_lesion), (_N_WITHOUT, ~real.has_lesion)):
    of_kind = np.flatnonzero(is_kind)
    found += [int(of_kind[i]) for i in evenly_spread(real.numbers[of_kind], n)]
  return sorted(found, key=lambda i: real.numbers[i])


def _latents(evaluation: Evaluation, size: int, n: int, stream: int = 0) -> np.ndarray:
  rng = np.random.default_rng((evaluation.facts['seed'], stream))
  return rng.standard_normal((n, size), np.float32)


def _slices(
  evaluation: Evaluation, latents: np.ndarray, numbers: Sequence[int], has_lesion: bool
) -> SliceSet:
  """Slices of latents, asked for levels, and a lesion or none; a translator has one latent for all."""
  generator, translator = evaluation.generators.joint, evaluation.generators.translator
  real = evaluation.real
  conditions = conditions_of(generator.spec, numbers, [has_lesion] * len(numbers))
  image, ids = slices_of_latents(
    generator, latents, conditions, truncation=evaluation.facts['truncation']
  )
  if translator:
    latent = _latents(evaluation, translator.spec.latent_size, 1, stream=1)
    image = images_of_latents(translator, np.repeat(latent, len(ids), axis=0), ids)
  unknown = np.full(len(numbers), UNKNOWN)
  return SliceSet(image, ids, unknown, unknown.astype(str), real.classes, real.contrasts)


def _level(look: Look, number: int) -> str:
  return f'{style.signed(look.grid.coordinates_mm()[2][number], 0)} mm'


def _uri(figure: Figure) -> str:
  return style.picture_uri(figure, dpi=150)
