"""A trained lesion generator beside real lesions that it has not seen."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from keras_itm import lesions
from keras_itm.bundle import Bundle
from keras_itm.bundle_spec import LESION_GENERATOR
from launchers.console import say
from launchers.reports import style
from launchers.reports.lesions_figure import lesion_figure
from launchers.run_folder import output_folder
from stroke_eval.lesion_sets import LesionSet, describe, lesion_sets
from stroke_eval.plain_values import plain
from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import hash_array
from stroke_tfds.generators import load_fitting_bundle
from stroke_tfds.sources import Source, fingerprint, open_sources

_BATCH = 32
_LINES = (
  ('n', 'masks of at least {min_voxels} voxels', '{:d}'),
  ('volume_ml_median', 'volume, median (ml)', '{:.1f}'),
  ('volume_ks', 'volume, KS distance to held-out', '{:.3f}'),
  ('components_mean', 'components, mean', '{:.2f}'),
  ('components_median', 'components, median', '{:.0f}'),
  ('components_ks', 'components, KS distance to held-out', '{:.3f}'),
  ('laterality', 'left / right / both (%)', ''),
  ('territory_distance', 'territories, distance to held-out', '{:.3f}'),
  ('nearest_training_dice_median', 'nearest training mask, Dice, median', '{:.3f}'),
  ('nearest_training_dice_95', 'nearest training mask, Dice, 95th percentile', '{:.3f}'),
  ('pairwise_dice', 'Dice of two masks, mean', '{:.3f}'),
)


@gin.configurable
def compare_lesions(
  workdir: str,
  data_dir: str | None = None,
  *,
  generator: str = gin.REQUIRED,
  training: str = gin.REQUIRED,
  held_out: str = gin.REQUIRED,
  n_draws: int = 1000,
  min_voxels: int = lesions.MIN_VOXELS,
  shown: Sequence[str] = ('held_out', 'generated'),
  seed: int = 0,
) -> None:
  """Draws lesions and compares them with held-out real ones and with those of the training.

  Writes lesions.json, lesions.md (the table) and lesions.png, over those of an earlier comparison.

  Args:
    workdir: Output folder.
    data_dir: TFDS data folder.
    generator: Folder of a lesion generator's bundle.
    training: What it was trained on, `name/config:split`.
    held_out: Real lesions that it has not seen, likewise.
    n_draws: Lesions to draw.
    min_voxels: Smaller ones are left out everywhere, as synthesis draws them again.
    shown: Sets of which the figure shows masks: any of held_out, generated, training.
    seed: Of the latents.

  Raises:
    InputError: Fewer than two masks of `min_voxels` in a set, a bundle that does not fit, or held-out
      masks that are among those of the training.
  """
  if n_draws < 2 or min_voxels < 1:
    raise InputError(f'n_draws {n_draws}, min_voxels {min_voxels}: expected at least 2 and 1')
  if not shown or not set(shown) <= {'held_out', 'generated', 'training'}:
    raise InputError(f'shown is {shown}, expected some of held_out, generated, training')
  folder = output_folder(workdir)
  train, test = open_sources([training, held_out], data_dir)
  bundle = load_fitting_bundle(generator, LESION_GENERATOR, train)
  if bundle.spec.training_set != fingerprint([train]):
    raise InputError(f'{generator} was not trained on {training}, expected the set that it has seen')
  sets = _measured_sets(bundle, train, test, n_draws, min_voxels, seed)
  say(f'{len(sets["generated"])} of {n_draws} draws have at least {min_voxels} voxels')
  facts = {'generator': bundle.fingerprint, 'training': training, 'held_out': held_out, 'seed': seed}
  _write_comparison(folder, sets, {**facts, 'n_draws': n_draws}, min_voxels)
  with style.style():
    lesion_figure(sets, train.grid, shown).savefig(folder / 'lesions.png', dpi=170)


def _measured_sets(
  bundle: Bundle, train: Source, test: Source, n_draws: int, min_voxels: int, seed: int
) -> dict[str, LesionSet]:
  """Masks of at least `min_voxels`: `generated`, `held_out`, none of them seen, and `training`."""
  learnt = _large(_stored(train), min_voxels, str(train))
  held_out = _large(_stored(test), min_voxels, str(test))
  seen = set(map(hash_array, learnt))
  known = sum(hash_array(mask) in seen for mask in held_out)
  if known:
    raise InputError(
      f'held_out {test}: {known} of its masks are in {train} as well, expected masks that the '
      'generator has not seen'
    )
  generated = _large(draw_masks(bundle, n_draws, seed), min_voxels, str(bundle.path))
  return lesion_sets(learnt, {'generated': generated, 'held_out': held_out}, train.grid)


def _write_comparison(
  folder: Path, sets: Mapping[str, LesionSet], facts: dict[str, Any], min_voxels: int
) -> None:
  """Writes lesions.json and lesions.md, and says the table."""
  columns = {name: describe(one, sets['held_out']) for name, one in sets.items()}
  pass_rate = round(len(sets['generated']) / facts['n_draws'], 4)
  text = json.dumps({**facts, 'pass_rate': pass_rate, 'sets': plain(columns)}, indent=2) + '\n'
  (folder / 'lesions.json').write_text(text)
  rows = table_rows(columns, min_voxels)
  (folder / 'lesions.md').write_text(_markdown(rows))
  say('\n' + _plain_text(rows))


def draw_masks(generator: Bundle, n: int, seed: int) -> np.ndarray:
  """Draws of a lesion generator's bundle, thresholded; uint8 [n, X, Y, Z]."""
  latents = np.random.default_rng(seed).standard_normal((n, generator.spec.latent_size), np.float32)
  batches = [tf.constant(latents[i : i + _BATCH]) for i in range(0, n, _BATCH)]
  return np.concatenate([lesions.binarise(generator.call(latent=z)).numpy() for z in batches])


def _stored(source: Source) -> np.ndarray:
  stored = source.examples(features=('lesion',)).as_numpy_iterator()
  return np.stack([example['lesion'] for example in stored])


def _large(masks: np.ndarray, min_voxels: int, name: str) -> np.ndarray:
  """The masks of at least `min_voxels` voxels."""
  large = masks[masks.sum(axis=(1, 2, 3), dtype=np.int64) >= min_voxels]
  if len(large) < 2:
    raise InputError(
      f'{name}: {len(large)} of {len(masks)} masks have {min_voxels} voxels or more, expected 2'
    )
  return large


def table_rows(columns: Mapping[str, Mapping[str, Any]], min_voxels: int) -> list[list[str]]:
  """The table as text: a header, then a line for each number."""
  rows = [['', *(name.replace('_', '-') for name in columns)]]
  for key, text, form in _LINES:
    cells = [_cell(key, column[key], form) for column in columns.values()]
    rows.append([text.format(min_voxels=min_voxels), *cells])
  return rows


def _cell(key: str, value: Any, form: str) -> str:
  if key == 'laterality':
    return ' / '.join(f'{100 * share:.0f}' for share in value.values())
  return form.format(value) if np.isfinite(value) else '\N{EN DASH}'


def _markdown(rows: list[list[str]]) -> str:
  header, *body = ['| ' + ' | '.join(row) + ' |' for row in rows]
  return '\n'.join([header, '|---' * len(rows[0]) + '|', *body]) + '\n'


def _plain_text(rows: list[list[str]]) -> str:
  widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
  return '\n'.join(
    '  '.join(
      cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))
    )
    for row in rows
  )
