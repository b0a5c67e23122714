"""Which structure an id of a label map stands for."""

import dataclasses
from typing import Any

import numpy as np

from stroke_tfds.errors import InputError

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
    names: Name of each id, `background` first.
    codes: FreeSurfer codes gathered under each id.
  """

  name: str
  names: tuple[str, ...]
  codes: tuple[tuple[int, ...], ...]

  @property
  def lesion_id(self) -> int:
    """The id that a lesion takes when it is put into a label map: one past the anatomy."""
    return len(self.names)

  @property
  def parenchyma_ids(self) -> tuple[int, ...]:
    """All ids but background, ventricles and other CSF."""
    return tuple(
      i for i, name in enumerate(self.names) if i and not any(word in name for word in _FLUID)
    )

  def id_of(self, name: str) -> int:
    return self.names.index(name)

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
      raise InputError(f'{source}: label codes {unknown} are not in {self.name}')
    return ids.astype(np.uint8)

  def to_json(self) -> dict[str, Any]:
    return {
      'name': self.name,
      'names': list(self.names),
      'lesion_id': self.lesion_id,
      'parenchyma_ids': list(self.parenchyma_ids),
    }


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


ASEG28 = _aseg28()
