"""Refuses a study of slices that cannot be carried out, before anything is trained."""

from collections.abc import Mapping, Sequence
from typing import Any

import gin

from keras_itm.bundle_spec import JOINT_GENERATOR, TRANSLATOR
from launchers.gin_files import parse_gin
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.design import Design, Generator, Synthetic
from launchers.train_itm_lib import train_itm  # noqa: F401 (gin files name it)
from launchers.train_style_gan_lib import train_style_gan  # noqa: F401 (gin files name it)
from stroke_tfds.class_maps import TISSUES, ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.slice_example import CONDITIONS, LESION
from stroke_tfds.sources import SLICES, VOLUMES, Source
from stroke_tfds.synthetic_slices.audit import FEWEST_PATIENTS


def check_no_slices(arms: Sequence[Arm], units: Mapping[str, str], unet: str) -> None:
  """Arms whose segmenter is one of volumes learn from no slices.

  Args:
    arms: Those.
    units: Of each synthetic source.
    unet: Gin file of the segmenter.
  """
  for arm in arms:
    of_slices = [f'slices of {name!r}' for name in arm.learns_from if units.get(name) == SLICES]
    if found := of_slices or ['a number of slices'] * bool(arm.n_slices):
      raise InputError(
        f'arm {arm.name!r}: learns from {found[0]}, but the segmenter of {unet} is one of volumes, '
        'expected train_unet.by_slices = True'
      )


def check_one_unit(units: Mapping[str, str]) -> None:
  """Refuses a study that mixes synthetic sources of slices and of volumes.

  Args:
    units: Of each source that arms learn from.
  """
  first = {unit: name for name, unit in reversed(units.items())}
  if len(first) > 1:
    raise InputError(
      f'source {first[SLICES]!r} is of slices and {first[VOLUMES]!r} of volumes, expected synthetic '
      'sources of one kind in a study'
    )


def check_generators(design: Design, train: Source) -> None:
  """Generators fit one another and the training cases.

  A joint generator draws all contrasts, or with a translator beside it classes alone, the same as that
  one takes; a translator alone takes labels.
  """
  for name, source in design.used().items():
    values = {generator.kind: _values(generator) for generator in source.generators}
    try:
      _check_joint_generator(source, values, train)
      _check_translator(source, values, train)
      if source.joint_generator and source.config.get('audit', True):
        _check_audit(source, values[JOINT_GENERATOR], train)
    except InputError as error:
      raise InputError(f'source {name!r}: {error}') from error


def _values(generator: Generator) -> dict[str, Any]:
  """What the gin file says of a training."""
  gin.clear_config()
  parse_gin([generator.gin_file], list(generator.bindings))
  values = gin.get_bindings(generator.launcher)
  gin.clear_config()
  return values


def _check_joint_generator(
  source: Synthetic, values: Mapping[str, Mapping[str, Any]], train: Source
) -> None:
  if not source.joint_generator:
    return
  contrasts = train.metadata['contrasts']
  n = values[JOINT_GENERATOR].get('n_contrasts')
  if source.translator and n != 0:
    drawn = len(contrasts) if n is None else n
    raise InputError(f'its generator draws {drawn} contrasts, expected 0 beside a translator')
  if not source.translator and n not in (None, len(contrasts)):
    raise InputError(
      f'its generator draws {n} contrasts, expected the {len(contrasts)} of {train.name}: '
      f'{list(contrasts)}{", or a translator beside it" if n == 0 else ""}'
    )
  _check_config(source.config, values[JOINT_GENERATOR], train)


def _check_audit(source: Synthetic, told: Mapping[str, Any], train: Source) -> None:
  """Slices can be held against those of the training."""
  n_patients = train.n_examples if source.clinical == ALL else int(source.clinical)
  if n_patients < FEWEST_PATIENTS:
    raise InputError(
      f'its generators learn from {n_patients} patient(s), expected at least {FEWEST_PATIENTS} to tell '
      'copies from people who are alike; or "audit": False in its config'
    )
  scheme = train.metadata['label_scheme']
  groups = told.get('groups', TISSUES)
  own, by_default = (ClassMap.from_scheme(scheme, one).names for one in (groups, TISSUES))
  if source.translator and own != by_default:
    raise InputError(
      f'train_style_gan.groups is {groups}, expected the default ones, by which classes are held '
      'against those of the training; or "audit": False in its config'
    )


def _check_config(config: Mapping[str, Any], told: Mapping[str, Any], train: Source) -> None:
  """What the sets of a joint generator shall be is what it will make."""
  conditions = list(told.get('conditions', ()))
  unknown = sorted(set(conditions) - set(CONDITIONS))
  if unknown:
    raise InputError(f'train_style_gan.conditions has {unknown}, expected some of {list(CONDITIONS)}')
  if config.get('share_lesion') is not None and LESION not in conditions:
    raise InputError(
      f'share_lesion is {config["share_lesion"]}, but its generator cannot be asked for lesions: '
      f'train_style_gan.conditions is {conditions}'
    )
  classes = ClassMap.from_scheme(train.metadata['label_scheme'], told.get('groups', TISSUES)).names
  for name, made in (('contrasts', train.metadata['contrasts']), ('classes', classes)):
    if config.get(name) and list(config[name]) != list(made):
      raise InputError(f'{name} is {list(config[name])}, but its generator makes {list(made)}')


def _check_translator(
  source: Synthetic, values: Mapping[str, Mapping[str, Any]], train: Source
) -> None:
  if not source.translator:
    return
  told, by_classes = values[TRANSLATOR], bool(values[TRANSLATOR].get('by_classes'))
  if by_classes != bool(source.joint_generator):
    expected = 'True beside a joint generator' if source.joint_generator else 'False without one'
    raise InputError(
      f'train_itm.by_classes is {by_classes} in {source.translator}, expected {expected}'
    )
  if not by_classes:
    return
  if told.get('appearance'):
    raise InputError(f'train_itm.appearance is {told["appearance"]!r}, expected none beside classes')
  if 'volumes' in getattr(told.get('batches'), '__name__', ''):
    raise InputError(f'{source.translator} is of whole volumes, expected a translator of slices')
  groups = [values[kind].get('groups', TISSUES) for kind in (JOINT_GENERATOR, TRANSLATOR)]
  scheme = train.metadata['label_scheme']
  if ClassMap.from_scheme(scheme, groups[0]) != ClassMap.from_scheme(scheme, groups[1]):
    raise InputError(
      f'train_style_gan.groups is {groups[0]} and train_itm.groups {groups[1]}, expected the same'
    )


def check_numbers(design: Design, opened: Mapping[str, Source]) -> None:
  """Arms draw no more slices than there are; of generated patients, than these can have.

  Args:
    design: The study.
    opened: `train` and each built synthetic set by its name.
  """
  for arm in design.arms:
    for name, count in arm.n_slices.items():
      most = _most_slices(design, opened, name, arm.learns_from[name])
      if count > most:
        raise InputError(
          f'arm {arm.name!r}: asks for {count} slices of {name!r}, expected at most {most}'
        )


def _most_slices(design: Design, opened: Mapping[str, Source], name: str, n_cases: int | str) -> int:
  """How many a number of cases of a source has at most; exact for all clinical ones."""
  train = opened['train']
  if name == CLINICAL and n_cases == ALL:
    return sum(
      int(example['labels'].any(axis=(0, 1)).sum())
      for example in train.examples(['labels']).as_numpy_iterator()
    )
  if n_cases == ALL:
    n_cases = opened[name].n_examples if name in opened else design.num_volumes
  is_slices = name in opened and opened[name].holds_slices
  return int(n_cases) * (1 if is_slices else train.grid.shape[2])
