"""Slices by a joint generator, or by one of classes and then a translator of these."""

import dataclasses

import numpy as np

from keras_itm.bundle import Bundle
from keras_itm.bundle_spec import JOINT_GENERATOR, TRANSLATOR, BundleSpec
from keras_itm.slice_synthesis import CopiedSliceError, draw_slices, translate_slices
from stroke_tfds.errors import InputError, apart
from stroke_tfds.generators import open_bundle
from stroke_tfds.pipelines import MIN_LESION_PIXELS
from stroke_tfds.slice_example import LESION
from stroke_tfds.synthetic_slices.audit import SliceAudit

TRIES = 8


@dataclasses.dataclass(frozen=True)
class Generators:
  """What slices are drawn by.

  Attributes:
    joint: Draws classes, and images where there is no translator.
    translator: Turns classes into images, or None.
    audit: Finds copies of the training, of images or, where a translator makes these, of classes; none
      are looked for when None.
    max_redraws: Copies of a slice that are drawn again.
  """

  joint: Bundle
  translator: Bundle | None = None
  audit: SliceAudit | None = None
  max_redraws: int = 0

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
    self, conditions: np.ndarray, index: int, *, seed: int, truncation: float, tries: int = TRIES
  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slices of a patient and how many copies each was drawn before; arguments as of `draw_slices`.

    A slice that has no lesion where one was asked for, or one where none was, or that is a copy, is
    drawn again.

    Raises:
      InputError: Too many draws of a slice were copies.
    """
    spec, is_wanted = self.joint.spec, None
    n_copies = np.zeros(len(conditions), int)
    if LESION in spec.conditions:
      asked = conditions[:, spec.conditions.index(LESION)] > 0
      n_pixels = lambda classes: (classes >= first_lesion(spec)).sum(axis=(1, 2))
      is_wanted = lambda classes: (n_pixels(classes) >= MIN_LESION_PIXELS) == asked

    def is_copy(positions: np.ndarray, image: np.ndarray, classes: np.ndarray) -> np.ndarray:
      found = self.audit.copies(image, classes)  # type: ignore[union-attr]
      n_copies[positions] += found
      return found

    try:
      image, classes = draw_slices(
        self.joint,
        conditions,
        index,
        seed=seed,
        truncation=truncation,
        is_wanted=is_wanted,
        tries=tries,
        is_copy=is_copy if self.audit else None,
        max_redraws=self.max_redraws if self.audit else 0,
      )
    except CopiedSliceError as error:
      raise InputError(
        f'{error}: train {self.joint.path} on more cases, raise "max_redraws", or give "audit": false'
      ) from error
    if self.translator:
      image = translate_slices(self.translator, classes, index, seed=seed)
    return image, classes, n_copies


def first_lesion(spec: BundleSpec) -> int:
  """The last classes of a joint generator are those of the label scheme's lesion."""
  n_classes = len(spec.label_scheme.get('lesion_class_ids', ())) or 1
  return len(spec.classes) - n_classes


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
      found, expected = apart(found, expected)
      raise InputError(
        f'{name} has the {field} {found}, expected {expected} as joint_generator {joint.path}'
      )
