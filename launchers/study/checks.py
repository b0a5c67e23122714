"""Refuses a study that cannot be carried out, before anything is trained."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence

import gin

from keras_itm.lesions import MIN_VOXELS
from launchers.gin_files import gin_lines, gin_values, parse_gin
from launchers.stages import slug
from launchers.study import leakage, slice_checks
from launchers.study.arms import ALL, CLINICAL, Arm, is_count
from launchers.study.design import DATA_FIELDS, Design, first_cases, source_text
from launchers.study.external import NativeScans
from launchers.study.tasks import SCHEDULE, SECOND, lesion_gan_title
from launchers.train_unet_lib import train_unet  # noqa: F401 (gin files name it)
from stroke_tfds import sources
from stroke_tfds.errors import InputError, first_line
from stroke_tfds.sources import SLICES, VOLUMES, Source

_NOT_LEARNT = ('test', 'validation', 'development')
# What the study says of its trainings; of arms also these, where they have them.
_OF_ARM = ('sources', 'test', 'epochs', 'evaluated_epochs', 'seed', 'start')
_OF_SOME_ARMS = ('weights', 'n_slices')
_OF_GENERATOR = ('sources', 'validation', 'seed')


def check_names(design: Design) -> None:
  """Refuses what is wrong whatever the data are.

  Raises:
    InputError: An arm that names an unknown source or asks for more synthetic cases than a set has,
      sources of slices beside some of volumes or for a segmenter of volumes, a gin file that is not
      there, a number below 1.
  """
  if not is_count(design.num_volumes):
    raise InputError(f'num_volumes is {design.num_volumes!r}, expected a whole number from 1')
  if design.train.endswith(')'):
    raise InputError(f'train is {design.train!r}: train must be a whole split; arms sample from it')
  _check_counts(design)
  _check_folders(design)
  _check_generators(design)
  gin_lines(design.unet)
  units = {name: source.unit for name, source in design.used().items() if not source.set}
  slice_checks.check_one_unit(units)
  _check_bindings(design, units)


def _check_counts(design: Design) -> None:
  """Arms learn from sources that exist, and from no more cases than a new set will have."""
  for arm in design.arms:
    for name, count in arm.learns_from.items():
      if name != CLINICAL and name not in design.synthetic:
        raise InputError(
          f'arm {arm.name!r}: source {name!r} is unknown, expected some of '
          f'{[CLINICAL, *design.synthetic]}'
        )
      is_new = name != CLINICAL and not design.synthetic[name].set
      if is_new and count != ALL and count > design.num_volumes:
        raise InputError(
          f'arm {arm.name!r}: asks for {count} cases of {name!r}, but num_volumes is '
          f'{design.num_volumes}'
        )


def _check_generators(design: Design) -> None:
  """New sets have the scans and gin files that they are made with."""
  for name, source in design.used().items():
    has_scans = design.healthy and (design.validation or not source.translator)
    if source.needs_healthy and not has_scans:
      raise InputError(
        f'source {name!r}: needs healthy scans, and healthy or validation is empty; carvemix and built '
        'sets do without'
      )
    if source.translator and not design.validation:
      raise InputError(
        f'source {name!r}: validation is empty, expected scans that its translator is measured on'
      )
    for generator in source.generators:
      gin_lines(generator.gin_file)
      _check_own(f'source {name!r}', generator.bindings, generator.launcher, _OF_GENERATOR)
      if generator.takes_labels and not design.lesion_gan:
        raise InputError(
          f'source {name!r}: needs the gin file of a lesion GAN, and lesion_gan is empty'
        )
      if generator.takes_labels:
        gin_lines(design.lesion_gan)


def _check_bindings(design: Design, units: Mapping[str, str]) -> None:
  """Every arm's bindings and sources must fit its segmenter. Ends with a configuration of gin's own."""
  for bindings in dict.fromkeys(arm.bindings for arm in design.arms):
    arms = [arm for arm in design.arms if arm.bindings == bindings]
    gin.clear_config()
    try:
      parse_gin([design.unet], list(bindings))
    except InputError as error:
      raise InputError(f'arm {arms[0].name!r}: {first_line(error)}') from error
    _check_searched(design, arms)
    for arm in arms:
      own = (*_OF_ARM, *(field for field in _OF_SOME_ARMS if getattr(arm, field)))
      _check_own(f'arm {arm.name!r}', bindings, 'train_unet', own)
    _check_negatives(design, arms)
    if not gin.get_bindings('train_unet').get('by_slices'):
      slice_checks.check_no_slices(arms, units, design.unet)
  gin.clear_config()


def _check_own(what: str, bindings: Sequence[str], root: str, fields: Sequence[str]) -> None:
  """What the study gives is not bound once more: it would say one thing and do another."""
  bound = [f'.{name}' for name in gin_values(bindings)]
  for field in fields:
    if any(name.endswith(f'.{root}.{field}') for name in bound):
      raise InputError(
        f'{what}: bindings have {root}.{field}, which is for the study to say, expected it left out'
      )


def _check_searched(design: Design, arms: Sequence[Arm]) -> None:
  """A learning rate that is searched must be the one that the configured optimizer has."""
  searched = [arm for arm in arms if design.searches_rate(arm)]
  if not searched:
    return
  values = gin_values([*gin_lines(design.unet), *searched[0].bindings])
  used = [
    name for name, value in values.items() if re.search(rf'@([\w./]+[./])?{SCHEDULE}\b', repr(value))
  ]
  if not used:
    raise InputError(
      f'arm {searched[0].name!r}: learning_rates are those of {SCHEDULE}, which {design.unet} does not '
      f'use, expected a line such as Adam.learning_rate = @{SCHEDULE}()'
    )


def _check_negatives(design: Design, arms: Sequence[Arm]) -> None:
  """Cases without lesion are below the smallest lesion that arms learn from, unless they say so."""
  for arm in arms:
    for name in arm.synthetic_sources:
      share = design.synthetic[name].config.get('share_negative', 0)
      if share and gin_values(arm.bindings).get('train_unet.min_voxels') != 0:
        raise InputError(
          f'arm {arm.name!r}: learns from lesions of {MIN_VOXELS} voxels or more, so that the '
          f"share_negative {share} of {name!r} is left out, expected 'train_unet.min_voxels = 0' among "
          'its bindings'
        )


def _check_folders(design: Design) -> None:
  """Each training has a folder of its own, named after its arm or its source."""
  trained = [name for name, source in design.synthetic.items() if source.generators]
  lesion_gans = dict.fromkeys(map(lesion_gan_title, [ALL, *design.lesion_gans()]))
  kinds = {'arm': (['generators'], [arm.name for arm in design.arms])}
  kinds['source'] = ([*lesion_gans, SECOND], trained)
  for kind, (taken, names) in kinds.items():
    found = {'': 'the seed', **{slug(title): f'the {title}' for title in taken}}
    for name in names:
      other = found.setdefault(slug(name), name)
      if other != name:
        raise InputError(
          f'{kind} {name!r}: its folder would be that of {other!r}, expected a name that differs in '
          'letters or digits'
        )


def check_data(design: Design, data_dir: str) -> dict[str, Source]:
  """Opens the data sets that are there before the study begins.

  Returns:
    train, test, healthy, validation and development by these names, and each built synthetic set by its
    own.

  Raises:
    InputError: A set that is not there, does not fit the others, or holds fewer cases than an arm asks
      for; names the arm where it concerns one.
  """
  texts = {field: getattr(design, field) for field in DATA_FIELDS if getattr(design, field)}
  opened = dict(zip(texts, sources.open_sources(list(texts.values()), data_dir, build=False)))
  n_scored = len(opened['test'].usable_positions)
  if n_scored < 2:
    raise InputError(
      f'test {design.test}: {n_scored} case(s) with a lesion of {MIN_VOXELS} voxels or more, '
      'expected at least 2'
    )
  used = design.used().values()
  if any(source.needs_healthy for source in used):
    sources.check_healthy(opened['healthy'])
  if 'validation' in opened and any(source.needs_healthy or source.translator for source in used):
    _check_validation(opened)
  for name, source in design.used().items():
    if source.clinical != ALL:
      with _named(f'source {name!r}'):
        sources.open_sources([source_text(design.train, source.clinical, 0)], data_dir, build=False)
  for arm in design.arms:
    for name, count in arm.learns_from.items():
      with _named(f'arm {arm.name!r}'):
        opened |= _check_source(design, name, count, data_dir)
  if 'development' in opened:
    _check_development(opened, data_dir)
  _check_opened_units(design, opened)
  slice_checks.check_generators(design, opened['train'])
  slice_checks.check_numbers(design, opened)
  return opened


def _check_opened_units(design: Design, opened: Mapping[str, Source]) -> None:
  """Ready sets are of the unit of the others, and of one that the segmenter learns from."""
  units = {name: source.unit for name, source in design.used().items()}
  units |= {name: SLICES for name in units if name in opened and opened[name].holds_slices}
  slice_checks.check_one_unit(units)
  if SLICES in units.values():
    _check_bindings(design, units)


def _check_development(opened: Mapping[str, Source], data_dir: str) -> None:
  """Refuses cases that learning rates cannot be chosen on."""
  development = opened['development']
  if not len(development.usable_positions):
    raise InputError(
      f'development {development}: no case with a lesion of {MIN_VOXELS} voxels or more, expected some '
      'to choose learning rates on'
    )
  learnt = {name: [source] for name, source in opened.items() if name not in _NOT_LEARNT}
  leakage.check_no_leakage(development, learnt, data_dir)


def check_external(
  design: Design, learnt: Mapping[str, Sequence[Source]], data_dir: str
) -> dict[str, Source]:
  """Opens the further test sets.

  Raises:
    InputError: One that is not there, does not fit the training cases, has no lesion, or holds a case
      that is learnt from; or folders of scans that are none.
  """
  found = {}
  for name, test in design.external.items():
    with _named(f'external test {name!r}'):
      _, found[name] = sources.open_sources([design.train, test.set], data_dir, build=False)
      if not found[name].lesion_volumes_ml.any():
        raise InputError(f'{test.set} has no case with a lesion, expected some to measure Dice on')
      leakage.check_no_leakage(found[name], learnt, data_dir)
      if test.prepared:
        NativeScans(test)
  return found


@contextlib.contextmanager
def _named(what: str) -> Iterator[None]:
  """Errors inside name what they concern."""
  try:
    yield
  except InputError as error:
    raise InputError(f'{what}: {error}') from error


def _check_validation(opened: Mapping[str, Source]) -> None:
  """Refuses validation on what is learnt from."""
  validation = opened['validation']
  validation_keys = leakage.read(validation)
  for field in ('healthy', 'train'):
    if field not in opened:
      continue
    learnt = opened[field]
    if shared := leakage.first_shared(validation_keys, leakage.read(learnt)):
      case, learnt_case, reason = shared
      raise InputError(
        f'validation {validation} holds {case!r}, which is {learnt_case!r} of {field} {learnt} '
        f'({reason}); expected scans that no translator learns from'
      )


def _check_source(design: Design, name: str, count: int | str, data_dir: str) -> dict[str, Source]:
  """Opens what an arm learns from, if it is there already; a ready set by its name."""
  if name == CLINICAL:
    sources.open_sources([source_text(design.train, count, 0)], data_dir, build=False)
    return {}
  text = design.synthetic[name].set
  if not text:
    return {}
  units = (VOLUMES, SLICES)
  _, whole = sources.open_sources([design.train, text], data_dir, build=False, units=units)
  if count != ALL and text[-1] in '])':
    raise InputError(f'asks for {count} cases of {name!r}, which is the part {text} already')
  if count != ALL and count > whole.n_examples:
    raise InputError(f'asks for {count} cases of {name!r}, but {whole} has {whole.n_examples}')
  sources.open_sources([first_cases(text, count)], data_dir, build=False, units=units)
  return {name: whole}
