"""Translators side by side, on cases whose true images are known."""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np

from keras_itm import synthesis
from keras_itm.bundle import Bundle
from keras_itm.bundle_spec import TRANSLATOR
from launchers.console import say
from launchers.reports import style
from launchers.reports.translators_figure import ShownCase, comparison_figure
from launchers.run_folder import output_folder
from stroke_eval import chosen_cases, two_sample
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
from stroke_tfds.generators import load_fitting_bundle, open_training
from stroke_tfds.sources import Source, check_unseen, open_sources
from stroke_tfds.texts import check_label

_Example = Mapping[str, Any]
_Features = Mapping[str, float]
_Measure = Callable[..., _Features]
_GAPS_TOLD = 5


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

  Writes comparison.json, comparison.csv and comparison.png, over those of an earlier comparison.

  Args:
    workdir: Output folder.
    data_dir: TFDS data folder.
    bundles: Name for the figure -> folder of a translator's bundle.
    source: Cases that no translator has seen, `name/config:split`.
    n_shown: Cases in the figure, spread evenly over the volumes of lesions.
    seed: Of the latents.

  Raises:
    InputError: Nothing to compare, a bundle that does not fit, or one that has learnt from the source.
  """
  if not bundles or n_shown < 1:
    raise InputError(f'bundles {bundles}, n_shown {n_shown}: expected at least one each')
  for name in bundles:
    check_label(name, 'compare_translators.bundles')
  folder = output_folder(workdir)
  opened = open_sources([source], data_dir)[0]
  translators = {name: load_fitting_bundle(path, TRANSLATOR, opened) for name, path in bundles.items()}
  for bundle in translators.values():
    _check_unseen(bundle, opened, data_dir)
  cases = _cases_with_lesion(opened)
  shown, anatomy = _shown(cases, n_shown), Anatomy.of(opened.metadata['label_scheme'])
  measure = functools.partial(two_sample.measure_if_sound, scheme=opened.metadata['label_scheme'])
  scores, pictures, features = {}, {}, {}
  for name, bundle in translators.items():
    say(f'{name}: {len(cases)} cases')
    all_of_it = _translate_all(bundle, cases, shown, anatomy, measure, seed)
    scores[name], pictures[name], features[name] = all_of_it
  real = [_real_excess(case, anatomy) for case in cases.values()]
  means = {name: mean_scores(rows) for name, rows in scores.items()}
  real_mean = finite_mean(real)
  told_apart = _tell_apart(list(cases.values()), measure, features)
  files.write_csv(folder / 'comparison.csv', _rows(list(cases.values()), real, scores))
  facts = {'source': source, 'seed': seed, 'n_cases': len(cases), 'real_lesion_excess': real_mean}
  _write_json(folder / 'comparison.json', facts, translators, means, told_apart)
  aucs = {name: found.auc for name, found in told_apart.items()}
  note = f'Means over the {len(cases)} cases with a lesion of {source}.'
  rows = [_shown_case(cases[i], {name: of[i] for name, of in pictures.items()}) for i in shown]
  _draw(folder / 'comparison.png', rows, means, aucs, real_mean, opened, note)
  say(f'{note}\n{table(means, aucs, real_mean)}')


def _check_unseen(translator: Bundle, source: Source, data_dir: str | None) -> None:
  """Refuses cases that a translator has learnt from, where these are known and at hand."""
  try:
    learnt = open_training(str(translator.path), TRANSLATOR, data_dir)
  except InputError:
    say(
      f'{translator.path}: what it has learnt from is not known or not here, so nobody can say whether '
      f'cases of {source} are among it'
    )
    return
  check_unseen('source', source, learnt)


def _cases_with_lesion(source: Source) -> dict[int, _Example]:
  """Position in the split -> case."""
  numbered = enumerate(source.examples().as_numpy_iterator())
  cases = {i: case for i, case in numbered if case['lesion'].any()}
  if not cases:
    raise InputError(f'{source} holds no case with a lesion, expected at least one')
  return cases


def _real_excess(case: _Example, anatomy: Anatomy) -> float:
  return lesion_excess(first_contrast(case['image']), case['lesion'], parenchyma(case, anatomy))


def _shown_case(case: _Example, translated: Mapping[str, np.ndarray]) -> ShownCase:
  return ShownCase(case['labels'], case['lesion'], first_contrast(case['image']), translated)


def _shown(cases: Mapping[int, _Example], n: int) -> list[int]:
  """Of the cases with a lesion that synthesis accepts, `n` from small to large."""
  numbers, voxels = list(cases), np.array([int(case['lesion'].sum()) for case in cases.values()])
  large = chosen_cases.large_lesions(voxels)
  return [numbers[large[i]] for i in chosen_cases.evenly_spread(voxels[large], n)]


def _draw(
  file: Path,
  cases: Sequence[ShownCase],
  means: Mapping[str, Scores],
  aucs: Mapping[str, float],
  real_mean: float,
  source: Source,
  note: str,
) -> None:
  names = source.metadata['label_scheme']['names']
  with style.style():
    figure = comparison_figure(cases, means, aucs, real_mean, source.grid, names, note)
    figure.savefig(file, dpi=200)


def table(means: Mapping[str, Scores], aucs: Mapping[str, float], real_excess: float) -> str:
  """The mean scores as text, a line for each translator, with its AUC where it was tested."""
  rows = [('real', {'lesion_excess': real_excess})]
  rows += [(name, {**of.to_json(), 'auc': aucs.get(name)}) for name, of in means.items()]
  keys = list(rows[-1][1])
  width = max(len(name) for name, _ in rows)
  cell = lambda values, key: '-' if values.get(key) is None else f'{values[key]:.3f}'
  lines = [' ' * width + ''.join(f'{key:>17}' for key in keys)]
  lines += [name.ljust(width) + ''.join(f'{cell(v, key):>17}' for key in keys) for name, v in rows]
  return '\n'.join(lines)


def _tell_apart(
  cases: Sequence[_Example], measure: _Measure, features: Mapping[str, Sequence[_Features]]
) -> dict[str, two_sample.TwoSample]:
  """Whether a classifier tells translations from the true images; none with too few to measure."""
  real = [measure(first_contrast(case['image']), case['labels'], case['lesion']) for case in cases]
  found = {}
  for name, rows in features.items():
    sound = [i for i, row in enumerate(real) if row is not None]
    n_made = sum(rows[i] is not None for i in sound)
    if n_made < len(sound):
      say(f'{name}: {len(sound) - n_made} of {len(sound)} translations are dark or not finite')
    if n_made >= two_sample.FEWEST:
      pair = [real[i] for i in sound], [rows[i] for i in sound]
      found[name] = two_sample.compare(*pair, twins=True)
  return found


def _translate_all(
  bundle: Bundle,
  cases: Mapping[int, _Example],
  shown: Sequence[int],
  anatomy: Anatomy,
  measure: _Measure,
  seed: int,
) -> tuple[list[Scores], dict[int, np.ndarray], list[_Features]]:
  """Scores of all cases, the images of those shown, and features of all."""
  scores, pictures, features = [], {}, []
  for i, case in cases.items():
    volume = bundle, case['labels'], case['lesion'], i
    # The translator's own work.
    translate = functools.partial(synthesis.translate, *volume, equalize_slice_brightness=False)
    translated = translate(seed=seed)
    draws = bundle.spec.latent_size or bundle.spec.appearances
    redrawn = translate(seed=seed + 1) if draws else None
    scores.append(score(case, translated, redrawn, anatomy))
    features.append(measure(first_contrast(translated), case['labels'], case['lesion']))
    if i in shown:
      pictures[i] = first_contrast(translated)
  return scores, pictures, features


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
  file: Path,
  facts: dict[str, Any],
  translators: Mapping[str, Bundle],
  means: Mapping[str, Scores],
  told_apart: Mapping[str, two_sample.TwoSample],
) -> None:
  """The mean scores, what gives translations away, and what all was measured on."""
  low, high = FLICKER_RANGE
  rows = {
    name: {
      'bundle': bundle.fingerprint,
      **means[name].to_json(),
      'flicker_is_good': low <= means[name].flicker <= high,
      'told_apart': _brief(told_apart.get(name)),
    }
    for name, bundle in translators.items()
  }
  file.write_text(json.dumps(plain({**facts, 'translators': rows}, digits=None), indent=2) + '\n')


def _brief(found: two_sample.TwoSample | None) -> dict[str, Any] | None:
  if found is None:
    return None
  return dataclasses.replace(found, gaps=found.gaps[:_GAPS_TOLD]).to_json()
