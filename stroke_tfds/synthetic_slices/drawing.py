"""Slices by a joint generator, or by one of classes and then a translator of these."""

import dataclasses

import numpy as np

from keras_itm.bundle import Bundle
from keras_itm.bundle_spec import JOINT_GENERATOR, TRANSLATOR
from keras_itm.slice_synthesis import draw_slices, translate_slices
from stroke_tfds.errors import InputError
from stroke_tfds.generators import open_bundle


@dataclasses.dataclass(frozen=True)
class Generators:
  """What slices are drawn by.

  Attributes:
    joint: Draws classes, and images where there is no translator.
    translator: Turns classes into images, or None.
  """

  joint: Bundle
  translator: Bundle | None = None

  @property
  def bundles(self) -> list[Bundle]:
    return [self.joint, *([self.translator] if self.translator else [])]

  @property
  def of_images(self) -> Bundle:
    """The one that makes images."""
    return self.translator or self.joint

  def fingerprints(self) -> dict[str, str]:
    """By kind."""
    return {one.spec.kind: one.fingerprint for one in self.bundles}

  def draw(
    self, conditions: np.ndarray, index: int, *, seed: int, truncation: float
  ) -> tuple[np.ndarray, np.ndarray]:
    """The slices of a patient; arguments and arrays as of `draw_slices`."""
    image, classes = draw_slices(self.joint, conditions, index, seed=seed, truncation=truncation)
    if self.translator:
      image = translate_slices(self.translator, classes, index, seed=seed)
    return image, classes


def open_generators(joint: str, translator: str = '') -> Generators:
  """Opens bundles.

  Args:
    joint: Folder of a joint generator's.
    translator: Folder of a translator's of its classes; none when empty.

  Raises:
    InputError: One is missing, broken, unsafe or of another kind, or they do not fit together.
  """
  generator = open_bundle(joint, JOINT_GENERATOR)
  if not translator:
    return Generators(generator)
  found = Generators(generator, open_bundle(translator, TRANSLATOR))
  _check_fit(found.of_images, generator)
  return found


def _check_fit(translator: Bundle, joint: Bundle) -> None:
  """Refuses a translator that cannot take what a joint generator draws."""
  spec, name = translator.spec, f'translator {translator.path}'
  if joint.n_contrasts:
    raise InputError(
      f'joint_generator {joint.path} makes {joint.n_contrasts} contrast(s) itself, expected one of '
      f'classes alone beside {name}'
    )
  if spec.whole_volumes:
    raise InputError(f'{name} takes whole volumes, expected one of slices')
  if not spec.classes:
    raise InputError(
      f'{name} takes labels, expected one of the classes {list(joint.spec.classes)}, see '
      'train_itm.by_classes'
    )
  if spec.appearances:
    raise InputError(
      f'{name} takes {list(spec.appearances.names)} beside classes, expected one of classes alone'
    )
  for field in ('classes', 'grid', 'label_scheme'):
    found, expected = getattr(spec, field), getattr(joint.spec, field)
    if found != expected:
      raise InputError(
        f'{name} has the {field} {found}, expected {expected} as joint_generator {joint.path}'
      )
