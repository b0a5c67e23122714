"""Which structure, or class of a lesion, an id of a label map stands for.

`aseg28` has the anatomy alone: what is under a lesion keeps its id. `aseg28_tumour` has three classes
of a glioma past the anatomy, which take the place of the structures under the tumour; `lesion` is 1
where one of them is. The classes of an example, numbered from 1 in the order of the scheme as in BraTS
since 2023, and 0 elsewhere, are `ASEG28_TUMOUR.lesion_classes_of(labels)`, in `tf.data`

    first = metadata['label_scheme']['lesion_class_ids'][0]
    tf.maximum(tf.cast(example['labels'], tf.int32) - (first - 1), 0)

`TUMOUR_REGIONS` has the classes of each union that BraTS measures.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from stroke_tfds.errors import InputError

_SHOWN = 5  # Codes in an error.

# FreeSurfer codes of the twelve paired structures of `aseg28`, left and right.
_PAIRS = {
  'cerebral white matter': ((2,), (41,)),
  'cerebral cortex': ((3,), (42,)),
  'lateral ventricle': ((4, 5), (43, 44)),
  'cerebellar white matter': ((7,), (46,)),
  'cerebellar cortex': ((8,), (47,)),
  'thalamus': ((10,), (49,)),
  'caudate': ((11,), (50,)),
  'putamen': ((12, 26), (51, 58)),
  'pallidum': ((13,), (52,)),
  'hippocampus': ((17,), (53,)),
  'amygdala': ((18,), (54,)),
  'ventral diencephalon': ((28,), (60,)),
}
_MIDLINE = {
  'third and fourth ventricle': (14, 15),
  'brain stem': (16,),
  'other CSF': (24,),
}
_FLUID = ('ventricle', 'CSF')


@dataclasses.dataclass(frozen=True)
class LabelScheme:
  """Contiguous ids for anatomical structures, 0 for background.

  Attributes:
    name: Short name, such as `aseg28`.
    names: Name of each id, `background` first, then the anatomy, then classes of lesions.
    codes: FreeSurfer codes gathered under each id of the anatomy.
    lesion_classes: Names of the last ids, which stand for classes of a lesion; none in `aseg28`.
  """

  name: str
  names: tuple[str, ...]
  codes: tuple[tuple[int, ...], ...]
  lesion_classes: tuple[str, ...] = ()

  @property
  def lesion_id(self) -> int:
    """The id of a lesion without a class that is put into a label map: one past all names."""
    return len(self.names)

  @property
  def lesion_class_ids(self) -> tuple[int, ...]:
    """Ids of the classes of a lesion in a label map."""
    return tuple(range(len(self.names) - len(self.lesion_classes), len(self.names)))

  @property
  def n_anatomy(self) -> int:
    """Number of ids of background and anatomy, which come before the classes of a lesion."""
    return len(self.names) - len(self.lesion_classes)

  @property
  def parenchyma_ids(self) -> tuple[int, ...]:
    """All ids but background, ventricles and other CSF; classes of a lesion are among them."""
    return tuple(
      i for i, name in enumerate(self.names) if i and not any(word in name for word in _FLUID)
    )

  def id_of(self, name: str) -> int:
    return self.names.index(name)

  def lesion_classes_of(self, labels: np.ndarray) -> np.ndarray:
    """Class of a lesion in each voxel.

    Args:
      labels: Ids, any shape.

    Returns:
      uint8 of the same shape: 1 for the first of `lesion_classes` and so on, 0 for anatomy.
    """
    return np.maximum(np.asarray(labels, np.int16) - (self.n_anatomy - 1), 0).astype(np.uint8)

  def from_codes(self, codes: np.ndarray, source: str) -> np.ndarray:
    """Turns FreeSurfer codes into ids.

    Args:
      codes: Whole numbers, any shape.
      source: The file, named in the error.

    Raises:
      InputError: A code that the scheme does not know.
    """
    top = int(np.max(codes, initial=0))
    table = np.full(top + 1, -1, np.int16)
    for i, group in enumerate(self.codes):
      table[[code for code in group if code <= top]] = i
    ids = table[np.maximum(codes, 0)]
    if np.min(codes, initial=0) < 0 or np.min(ids, initial=0) < 0:
      unknown = np.unique(codes[(ids < 0) | (codes < 0)]).tolist()
      more = f' and {len(unknown) - _SHOWN} more' if len(unknown) > _SHOWN else ''
      raise InputError(
        f'{source}: label codes {unknown[:_SHOWN]}{more} are not in {self.name}, expected those of '
        'FreeSurfer'
      )
    return ids.astype(np.uint8)

  def to_json(self) -> dict[str, Any]:
    """`name`, `names`, `lesion_id`, `parenchyma_ids`, and `lesion_class_ids` where there are such."""
    fields: dict[str, Any] = {
      'name': self.name,
      'names': list(self.names),
      'lesion_id': self.lesion_id,
      'parenchyma_ids': list(self.parenchyma_ids),
    }
    if self.lesion_classes:  # Sets without classes, also those of earlier releases, stay as they are.
      fields['lesion_class_ids'] = list(self.lesion_class_ids)
    return fields


def _aseg28() -> LabelScheme:
  # What lies outside the brain, the optic chiasm among it, is background.
  names, codes = ['background'], [(0, 85, *range(502, 531))]
  # Lesions, vessels, the fifth ventricle and the choroid plexus count as the structure they lie in.
  within = {2: (25,), 41: (57,), 12: (30,), 51: (62,), 4: (31, 72, 136, 137), 43: (63, 163, 164)}
  for name, sides in _PAIRS.items():
    for side, group in zip(('left', 'right'), sides):
      names.append(f'{side} {name}')
      codes.append((*group, *within.get(group[0], ())))
  for name, group in _MIDLINE.items():
    names.append(name)
    codes.append(group)
  return LabelScheme('aseg28', tuple(names), tuple(codes))


def check_one_class(label_scheme: Mapping[str, Any], what: str) -> None:
  """Refuses data whose lesions have classes where lesions without a class are to be put into them.

  Args:
    label_scheme: JSON fields of the scheme.
    what: Names the data in the error.

  Raises:
    InputError: The scheme has classes of lesions.
  """
  if label_scheme.get('lesion_class_ids'):
    raise InputError(
      f'{what}: the label scheme {label_scheme["name"]} divides lesions into classes, expected one '
      f'without, such as {ASEG28.name}: the lesions that are put in have no class'
    )


def lesion_regions(label_scheme: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
  """What Dice is measured of where lesions have classes: each class, and the unions of BraTS.

  Args:
    label_scheme: JSON fields of the scheme.

  Returns:
    Name -> classes, counted from 1; empty in schemes without such classes.
  """
  names = [label_scheme['names'][i] for i in label_scheme.get('lesion_class_ids', ())]
  regions: dict[str, tuple[int, ...]] = {name: (k,) for k, name in enumerate(names, 1)}
  if tuple(names) == TUMOUR_CLASSES:
    regions |= TUMOUR_REGIONS
  return regions


ASEG28 = _aseg28()
TUMOUR_CLASSES = ('necrotic core', 'oedema', 'enhancing tumour')
ASEG28_TUMOUR = LabelScheme(
  'aseg28_tumour', (*ASEG28.names, *TUMOUR_CLASSES), ASEG28.codes, TUMOUR_CLASSES
)
# Classes, numbered as `lesion_classes_of` does, of each region that BraTS measures.
TUMOUR_REGIONS = {'whole tumour': (1, 2, 3), 'tumour core': (1, 3), 'enhancing tumour': (3,)}
