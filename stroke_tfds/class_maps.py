"""Few classes instead of many labels: what is drawn together with images."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from stroke_tfds.errors import InputError

# Tissues by words that names of their structures hold.
TISSUES = {
  'white matter': ('white matter', 'brain stem'),
  'grey matter': (
    'cortex',
    'thalamus',
    'caudate',
    'putamen',
    'pallidum',
    'hippocampus',
    'amygdala',
    'diencephalon',
  ),
  'CSF': ('ventricle', 'CSF'),
}


@dataclasses.dataclass(frozen=True)
class ClassMap:
  """Which class each id of a label map belongs to.

  Attributes:
    names: Of the classes: background, tissues, then the lesion or its classes.
    class_of: Class of each id of the label scheme, and of the lesion's after them.
    n_lesion_classes: How many of the last classes are lesions.
    lesion_is_labelled: Whether labels say where lesions are, as in schemes with classes of lesions;
      otherwise the lesion takes the place of the label.
  """

  names: tuple[str, ...]
  class_of: tuple[int, ...]
  n_lesion_classes: int
  lesion_is_labelled: bool

  @property
  def first_lesion(self) -> int:
    """The first class that is a lesion."""
    return len(self.names) - self.n_lesion_classes

  @classmethod
  def from_scheme(
    cls, scheme: Mapping[str, Any], groups: Mapping[str, Sequence[str]] = TISSUES
  ) -> 'ClassMap':
    """The classes of a label scheme.

    Args:
      scheme: JSON fields, as in `info.metadata`. Where it names `lesion_class_ids`, each of these is a
        class of its own; else the lesion is one.
      groups: For each tissue, words that names of its structures hold; the first tissue that fits is
        taken. With none, all anatomy is background.

    Raises:
      InputError: A structure that is in no group.
    """
    labelled = list(scheme.get('lesion_class_ids', ()))
    lesions = [scheme['names'][i] for i in labelled] or ['lesion']
    names = ['background', *groups, *lesions]
    class_of = [
      names.index(name) if i in labelled else _tissue(name, groups, scheme['name']) if i else 0
      for i, name in enumerate(scheme['names'])
    ]
    return cls(tuple(names), (*class_of, len(names) - 1), len(lesions), bool(labelled))

  def classes(self, example: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Class of each voxel of an example, uint8 [X, Y, Z]."""
    labels = tf.cast(example['labels'], tf.int32)
    if not self.lesion_is_labelled:
      labels = tf.where(example['lesion'] > 0, len(self.class_of) - 1, labels)
    return tf.gather(tf.constant(self.class_of, tf.uint8), labels)


def _tissue(structure: str, groups: Mapping[str, Sequence[str]], scheme: str) -> int:
  for i, words in enumerate(groups.values(), start=1):
    if any(word in structure for word in words):
      return i
  if groups:
    raise InputError(f'{structure!r} of {scheme} is in no group, expected it in one of {list(groups)}')
  return 0
