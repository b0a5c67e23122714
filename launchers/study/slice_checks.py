"""Refuses a study of slices that cannot be carried out, before anything is trained."""

from collections.abc import Mapping, Sequence

import gin

from launchers.gin_files import parse_gin
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.design import Design
from launchers.train_style_gan_lib import train_style_gan  # noqa: F401 (gin files name it)
from stroke_tfds.errors import InputError
from stroke_tfds.sources import SLICES, VOLUMES, Source


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


def check_contrasts(design: Design, train: Source) -> None:
  """Joint generators draw all contrasts of the training cases."""
  contrasts = train.metadata['contrasts']
  for name, source in design.trained().items():
    if source.joint_generator:
      gin.clear_config()
      parse_gin([source.joint_generator], list(source.bindings))
      n = gin.get_bindings('train_style_gan').get('n_contrasts')
      gin.clear_config()
      if n not in (None, len(contrasts)):
        raise InputError(
          f'source {name!r}: its generator draws {n} contrasts, expected the {len(contrasts)} of '
          f'{train.name}: {list(contrasts)}'
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
