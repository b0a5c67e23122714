"""Masks that divide a lesion into classes, as files hold them."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.volume import Volume

# Of necrotic core, oedema and enhancing tumour in BraTS, until 2021 and since 2023.
BRATS_LABELS = ((1, 2, 4), (1, 2, 3))


def read_classes(path: str | os.PathLike, known: Sequence[Sequence[int]]) -> Volume:
  """Reads a mask with classes.

  Args:
    path: A label map; 0 is outside of the lesion.
    known: Ways to label the classes, of which the first that fits is taken: the label of each in order.

  Returns:
    Class of each voxel, uint8: 0, or from 1 by its place in the way to label.

  Raises:
    InputError: It cannot be read, or has labels that none of the ways has.
  """
  volume = nifti.read_label_map(path)
  found = set(np.unique(volume.data).tolist()) - {0}
  fitting = [labels for labels in known if found <= set(labels)]
  if not fitting:
    unknown = sorted(found - set(known[0])) if len(known) == 1 else sorted(found)
    expected = ' or '.join(str([0, *labels]) for labels in known)
    raise InputError(f'{path}: holds the labels {unknown[:5]}, expected {expected}')
  classes = np.zeros(volume.data.shape, np.uint8)
  for number, label in enumerate(fitting[0], 1):
    classes[volume.data == label] = number
  return dataclasses.replace(volume, data=classes)
