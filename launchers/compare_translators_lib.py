"""Translators side by side, on cases whose true images are known."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np

from keras_itm import synthesis
from keras_itm.bundle import TRANSLATOR, Bundle
from launchers.console import say
from launchers.reports import style
from launchers.reports.translators_figure import ShownCase, comparison_figure
from launchers.run_folder import output_folder
from stroke_eval import chosen_cases
from stroke_eval.lesion_contrast import lesion_excess
from stroke_eval.plain_values import plain
from stroke_eval.translation import (
  FLICKER_RANGE,
  Anatomy,
  Scores,
  finite_mean,
  first_contrast,
  mean_scores,
  parenchyma,
  score,
)
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.sources import open_sources
from stroke_tfds.synthetic_stroke.config import load_fitting_bundle

_Example = Mapping[str, Any]


@gin.configurable
def compare_translators(
  workdir: str,
  data_dir: str | None = None,
  *,
  bundles: dict[str, str] = gin.REQUIRED,
  source: str = gin.REQUIRED,
  n_shown: int = 4,
  seed: int = 0,
) -> None:
  """Translates the labels of every case with a lesion and scores what comes out against its image.

  Leaves comparison.json, comparison.csv and comparison.png in the workdir, over those of an earlier
  comparison.

  Args:
    workdir: Output folder.
    data_dir: TFDS data folder.
    bundles: Name for the figure -> folder of a translator's bundle.
    source: Cases that no translator has seen, `name/config:split`.
    n_shown: Cases in the figure, spread evenly over the volumes of lesions.
    seed: Of the latents.

  Raises:
    InputError: Nothing to compare, a bundle that is missing, broken or does not fit, or a workdir
      that is a file.
  """
  if not bundles or n_shown < 1:
    raise InputError(f'bundles {bundles}, n_shown {n_shown}: expected at least one each')
  folder = output_folder(workdir)
  opened = open_sources([source], data_dir)[0]
  translators = {name: load_fitting_bundle(path, TRANSLATOR, opened) for name, path in bundles.items()}
  cases = {
    i: case for i, case in enumerate(opened.examples().as_numpy_iterator()) if case['lesion'].any()
  }
  if not cases:
    raise InputError(f'{source} holds no case with a lesion, expected at least one')
  shown = _shown(cases, n_shown)
  anatomy = Anatomy.of(opened.metadata['label_scheme'])
  real = [
    lesion_excess(first_contrast(case['image']), case['lesion'], parenchyma(case, anatomy))
    for case in cases.values()
  ]
  scores, pictures = {}, {}
  for name, bundle in translators.items():
    say(f'{name}: {len(cases)} cases')
    scores[name], pictures[name] = _translate_all(bundle, cases, shown, anatomy, seed)
  means = {name: mean_scores(rows) for name, rows in scores.items()}
  files.write_csv(folder / 'comparison.csv', _rows(list(cases.values()), real, scores))
  real_excess = finite_mean(real)
  facts = {'source': source, 'seed': seed, 'n_cases': len(cases), 'real_lesion_excess': real_excess}
  _write_json(folder / 'comparison.json', facts, translators, means)
  rows = [
    ShownCase(
      cases[i]['labels'],
      cases[i]['lesion'],
      first_contrast(cases[i]['image']),
      {name: volumes[i] for name, volumes in pictures.items()},
    )
    for i in shown
  ]
  note = f'Means over the {len(cases)} cases with a lesion of {source}.'
  with style.style():
    names = opened.metadata['label_scheme']['names']
    figure = comparison_figure(rows, means, real_excess, opened.grid, names, note)
    figure.savefig(folder / 'comparison.png', dpi=200)
  say(f'{note}\n{table(means, real_excess)}')


def _shown(cases: Mapping[int, _Example], n: int) -> list[int]:
  """Of the cases with a lesion that synthesis accepts, `n` from small to large."""
  numbers, voxels = list(cases), np.array([int(case['lesion'].sum()) for case in cases.values()])
  large = chosen_cases.large_lesions(voxels)
  return [numbers[large[i]] for i in chosen_cases.evenly_spread(voxels[large], n)]


def table(means: Mapping[str, Scores], real_excess: float) -> str:
  """The mean scores as text, a line for each translator."""
  rows = [('real', {'lesion_excess': real_excess})]
  rows += [(name, scores.to_json()) for name, scores in means.items()]
  keys = list(rows[-1][1])
  width = max(len(name) for name, _ in rows)
  cell = lambda values, key: '-' if values.get(key) is None else f'{values[key]:.3f}'
  lines = [' ' * width + ''.join(f'{key:>17}' for key in keys)]
  lines += [name.ljust(width) + ''.join(f'{cell(v, key):>17}' for key in keys) for name, v in rows]
  return '\n'.join(lines)


def _translate_all(
  bundle: Bundle, cases: Mapping[int, _Example], shown: Sequence[int], anatomy: Anatomy, seed: int
) -> tuple[list[Scores], dict[int, np.ndarray]]:
  """Scores of all cases, and the images of those shown."""
  scores, pictures = [], {}
  for i, case in cases.items():
    volume = bundle, case['labels'], case['lesion'], i
    # The translator's own work.
    translate = functools.partial(synthesis.translate, *volume, equalize_slice_brightness=False)
    made = translate(seed=seed)
    again = translate(seed=seed + 1) if bundle.spec.latent_size else None
    scores.append(score(case, made, again, anatomy))
    if i in shown:
      pictures[i] = first_contrast(made)
  return scores, pictures


def _rows(
  cases: Sequence[_Example], real: Sequence[float], scores: Mapping[str, Sequence[Scores]]
) -> list[dict[str, Any]]:
  """A row for each case and translator; None for what could not be measured."""
  return [
    {
      'subject_id': case['subject_id'].decode(),
      'lesion_volume_ml': round(float(case['lesion_volume_ml']), 4),
      'translator': name,
      'real_lesion_excess': plain(excess),
      **of_case.to_json(),
    }
    for name, of_cases in scores.items()
    for case, excess, of_case in zip(cases, real, of_cases)
  ]


def _write_json(
  file: Path, facts: dict[str, Any], translators: Mapping[str, Bundle], means: Mapping[str, Scores]
) -> None:
  """The mean scores, and what they were measured on."""
  low, high = FLICKER_RANGE
  rows = {
    name: {
      'bundle': bundle.fingerprint,
      **means[name].to_json(),
      'flicker_is_good': low <= means[name].flicker <= high,
    }
    for name, bundle in translators.items()
  }
  file.write_text(json.dumps({**facts, 'translators': rows}, indent=2) + '\n')
