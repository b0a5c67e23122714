"""A trained generator of slices beside real ones: what it draws, and whether it copies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gin
import numpy as np

from keras_itm.bundle import Bundle
from launchers.console import say
from launchers.reports.slices.page import Evaluation, write_page
from launchers.reports.slices.tables import csv_rows
from launchers.run_folder import output_folder
from stroke_eval import nearest_slices, slice_checks, slice_fidelity
from stroke_eval.plain_values import plain
from stroke_eval.slice_sets import UNKNOWN, SliceSet, joined, read_slices
from stroke_eval.synthesis_checks import Check
from stroke_tfds import files
from stroke_tfds.class_maps import TISSUES, ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.generators import check_fits
from stroke_tfds.slice_example import CONDITIONS, LESION, LEVEL
from stroke_tfds.sources import Source, fingerprint, open_sources
from stroke_tfds.synthetic_slices.drawing import TRIES, Generators, open_generators
from stroke_tfds.synthetic_slices.patients import conditions_of


@gin.configurable
def evaluate_slices(
  workdir: str,
  data_dir: str | None = None,
  *,
  bundle: str = gin.REQUIRED,
  translator: str = '',
  real: Sequence[str] = gin.REQUIRED,
  held_out: str = gin.REQUIRED,
  number: int = 256,
  truncation: float = 1.0,
  tries: int = TRIES,
  groups: Mapping[str, Sequence[str]] = TISSUES,
  seed: int = 0,
) -> None:
  """Draws slices at the levels of held-out ones and says what is alike and what is not.

  Writes report.html, fidelity.json and fidelity.csv, over those of an earlier comparison.

  Args:
    workdir: Output folder.
    data_dir: TFDS data folder.
    bundle: Folder of a joint generator's bundle.
    translator: Folder of the bundle of a translator of its classes, where it draws these alone; without
      one, such classes are compared alone.
    real: What it was trained on, `name/config:split` each; with a translator, all that either was.
    held_out: Volumes of other patients, likewise.
    number: Slices to draw; held-out slices are gone through again where there are fewer.
    truncation: How far styles are from their mean: 1 as learnt, 0 the mean.
    tries: How often a slice is drawn at most, until it has a lesion as asked, see `synthetic_slices`.
    groups: Tissues, as in its training.
    seed: Of latents, levels and halves.

  Raises:
    InputError: A number out of its range, bundles that do not fit the data or one another or were
      trained on something else, or held-out patients that are among those of the training, or fewer
      than two.
  """
  _check_numbers(number, tries, truncation)
  folder = output_folder(workdir)
  *learnt, test = open_sources([*([real] if isinstance(real, str) else real), held_out], data_dir)
  generators = open_generators(bundle, translator)
  class_map = _check(generators, learnt, test, groups)
  n_contrasts = generators.of_images.n_contrasts
  training = nearest_slices.training_blocks(
    one for source in learnt for one in read_slices(source, class_map, n_contrasts)
  )
  real_slices = joined(list(read_slices(test, class_map, n_contrasts)))
  _check_patients(training, real_slices, test)
  say(f'{len(training)} training slices, {len(real_slices)} held-out ones; drawing {number}')
  asked_like = np.resize(np.random.default_rng(seed).permutation(len(real_slices)), number)
  options = {'seed': seed, 'truncation': truncation}
  drawn = _draw(generators, real_slices.take(asked_like), tries=tries, **options)
  at_once = None
  if LESION in generators.joint.spec.conditions:
    at_once = _draw(generators, real_slices.take(asked_like), tries=1, **options).has_lesion
  found, nearness = slice_fidelity.compare(
    drawn, real_slices, training, asked_like, at_once=at_once, seed=seed
  )
  facts = {
    'bundle': generators.joint.fingerprint,
    **({'translator': generators.translator.fingerprint} if generators.translator else {}),
    'real': list(map(str, learnt)),
    'held_out': str(test),
    'seed': seed,
    'truncation': truncation,
    'tries': tries,
  }
  checks = slice_checks.check_all(found)
  (folder / 'fidelity.json').write_text(json.dumps({**facts, **found.to_json()}, indent=2) + '\n')
  files.write_csv(folder / 'fidelity.csv', plain(csv_rows(found), digits=5))
  evaluation = Evaluation(
    generators, facts, drawn, real_slices, training, asked_like, nearness, found, checks
  )
  write_page(folder / 'report.html', evaluation, test.grid)
  say(f'{folder / "report.html"}\n{_table(checks)}')


def _check_numbers(number: int, tries: int, truncation: float) -> None:
  for name, count in (('number', number), ('tries', tries)):
    if count < 1:
      raise InputError(f'{name} {count}: expected at least 1')
  if not 0 <= truncation <= 1:
    raise InputError(f'truncation {truncation}: expected a number from 0 to 1')


def _check(
  generators: Generators, learnt: Sequence[Source], test: Source, groups: Mapping[str, Sequence[str]]
) -> ClassMap:
  """The classes of the bundles, which are checked against the data."""
  for one in generators.bundles:
    check_fits(one, test)
  _check_contrasts(generators.of_images, test)
  spec, path = generators.joint.spec, generators.joint.path
  class_map = ClassMap.from_scheme(test.metadata['label_scheme'], groups)
  if spec.classes != class_map.names:
    raise InputError(
      f'{path} makes the classes {list(spec.classes)}, expected {list(class_map.names)} by the labels '
      f'of {test.name}'
    )
  unknown = sorted(set(spec.conditions) - set(CONDITIONS))
  if unknown:
    raise InputError(f'{path} is asked for {unknown}, expected {LEVEL} and {LESION} at most')
  _check_training(generators.bundles, learnt)
  return class_map


def _check_contrasts(generator: Bundle, test: Source) -> None:
  names, contrasts = list(generator.spec.contrasts), test.metadata['contrasts']
  expected = list(contrasts[: generator.n_contrasts])
  if len(expected) != generator.n_contrasts or names not in ([], expected):
    raise InputError(
      f'{generator.path} makes {generator.n_contrasts} contrast(s) {names}, expected the first of '
      f'{contrasts}, which {test.name} has'
    )


def _check_training(generators: Sequence[Bundle], learnt: Sequence[Source]) -> None:
  """Each has learnt from some of the sources, and each source is one that some have learnt from."""
  by_name, seen = {str(source): source for source in learnt}, set()
  for one in generators:
    # A bundle that does not name its sets has learnt from all.
    names = one.spec.trained_on or tuple(by_name)
    if one.spec.training_set != fingerprint([by_name[name] for name in names if name in by_name]):
      raise InputError(
        f'{one.path} was not trained on {list(by_name)}, expected the sets that it has seen'
        f'{f", {list(names)}" if one.spec.trained_on else ""}'
      )
    seen.update(names)
  unseen = sorted(set(by_name) - seen)
  if unseen:
    paths = ' or '.join(str(one.path) for one in generators)
    raise InputError(f'real has {unseen}, expected the sets that {paths} has seen, {sorted(seen)}')


def _check_patients(training: SliceSet, held_out: SliceSet, test: Source) -> None:
  shared = sorted({*training.subject_ids} & {*held_out.subject_ids})
  if shared:
    raise InputError(
      f'held_out {test}: {len(shared)} of its patients are in the training, such as {shared[0]}; '
      'expected others'
    )
  n_patients = len({*held_out.subject_ids})
  if n_patients < 2:
    raise InputError(f'held_out {test} has {n_patients} patient, expected two or more')


def _draw(generators: Generators, like: SliceSet, **options: Any) -> SliceSet:
  """A slice at the level of each real one, and with a lesion where that has one."""
  spec = generators.joint.spec
  conditions = conditions_of(spec, like.numbers, like.has_lesion)
  image, ids, _ = generators.draw(conditions, 0, **options)
  numbers = like.numbers if LEVEL in spec.conditions else np.full(len(like), UNKNOWN)
  subjects = np.array([f'drawn {i}' for i in range(len(like))])
  return SliceSet(image, ids, numbers, subjects, like.classes, like.contrasts)


def _table(checks: Sequence[Check]) -> str:
  """The checks as text, a line each."""
  lines = []
  for check in checks:
    verdict = {True: 'pass', False: 'ATTENTION', None: ''}[check.is_good]
    real = '' if check.real is None else check.form(check.real)
    lines.append(f'{check.form(check.generated):>10} {real:>10}  {verdict:9}  {check.text}')
  return '\n'.join([f'{"drawn":>10} {"real":>10}', *lines])
