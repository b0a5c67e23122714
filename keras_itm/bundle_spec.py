"""The facts of a bundle: what training tells synthesis beside the network."""

import dataclasses
import hashlib
import json
import math
from typing import Any

from keras_itm.appearance import Appearances
from keras_itm.intensity_scaling import PERCENTILE, check_scaling

TRANSLATOR = 'translator'
LESION_GENERATOR = 'lesion_generator'
SEGMENTER = 'segmenter'
JOINT_GENERATOR = 'joint_generator'
KINDS = (TRANSLATOR, LESION_GENERATOR, SEGMENTER, JOINT_GENERATOR)
# Facts of a joint generator alone, and those of translators and segmenters, too.
_OF_SLICES = ('conditions', 'slice_shares', 'lesion_shares')
_OF_CLASSES = ('classes', 'contrasts')


@dataclasses.dataclass(frozen=True)
class BundleSpec:
  """The facts of a bundle, stored as `bundle.json`.

  Attributes:
    kind: `translator`, `lesion_generator`, `segmenter` or `joint_generator`.
    grid: JSON fields of the grid that the network was trained on.
    label_scheme: JSON fields of the label scheme (`name`, `names`, `lesion_id`, `parenchyma_ids`).
    latent_size: Length of the latent vector, 0 for a deterministic network.
    intensity_range: Least and greatest value of images, at the network's side.
    training_set: Fingerprint of the data that it was trained on.
    weights: Fingerprint of weights and graph, see `fingerprint`; filled in on saving.
    trained_on: The data by name, `name/config:split` each, so that a test set can be kept apart; empty
      where it is not known.
    licences: Of the data that it was trained on, such as `CC BY-SA 4.0`; empty where not known. No part
      of the bundle's fingerprint.
    whole_volumes: Whether a translator takes and makes volumes rather than axial slices.
    intensity_scaling: Of the images that it makes or takes, see `keras_itm.intensity_scaling`; a lesion
      generator has none, and `percentile` stands for it. No part of the fingerprint where `percentile`.
    classes: Names of the classes whose probabilities a joint generator or a segmenter makes, or whose
      ids a translator takes in the place of labels, background first; empty for a translator of labels
      and for a segmenter that tells lesions from the rest alone.
    conditions: Names of the numbers that it can be asked for, such as `level`.
    contrasts: Names of the contrasts that it makes or, a segmenter, takes; empty where there are none,
      or where not known.
    slice_shares: For each axial slice of the grid, from the lowest, the share of the patients that it
      learnt from who have brain there; empty where not known.
    lesion_shares: Likewise, the share of these slices with a lesion.
    appearances: Numbers that a translator takes beside the labels, and how its training cases had them;
      None for none.

  Raises:
    ValueError: An unknown kind or scaling, or numbers out of their range.
  """

  kind: str
  grid: dict[str, Any]
  label_scheme: dict[str, Any]
  latent_size: int
  intensity_range: tuple[float, float]
  training_set: str
  weights: str = ''
  trained_on: tuple[str, ...] = ()
  licences: tuple[str, ...] = ()
  whole_volumes: bool = False
  intensity_scaling: str = PERCENTILE
  classes: tuple[str, ...] = ()
  conditions: tuple[str, ...] = ()
  contrasts: tuple[str, ...] = ()
  slice_shares: tuple[float, ...] = ()
  lesion_shares: tuple[float, ...] = ()
  appearances: Appearances | None = None

  def __post_init__(self):
    for field in ('trained_on', 'licences', 'classes', 'conditions', 'contrasts'):
      texts = getattr(self, field)
      if isinstance(texts, str) or not all(isinstance(one, str) for one in texts):
        raise ValueError(f'{field} is {texts!r}, expected names of data sets, licences and so on')
      object.__setattr__(self, field, tuple(texts))  # JSON knows lists alone.
    if self.kind not in KINDS:
      raise ValueError(f'kind is {self.kind!r}, expected one of {sorted(KINDS)}')
    check_scaling(self.intensity_scaling)
    shape = self.grid['shape']
    if len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
      raise ValueError(f'grid has the shape {shape!r}, expected three sizes')
    if self.whole_volumes not in (False, True) or (self.whole_volumes and self.kind != TRANSLATOR):
      raise ValueError(
        f'whole_volumes is {self.whole_volumes!r} in a {self.kind}, expected true or false, and true '
        'in a translator alone'
      )
    for names, kinds in (
      (_OF_SLICES, (JOINT_GENERATOR,)),
      (_OF_CLASSES, (JOINT_GENERATOR, TRANSLATOR, SEGMENTER)),
    ):
      told = {name: value for name in names if (value := getattr(self, name))}
      if told and self.kind not in kinds:
        raise ValueError(f'{told} in a {self.kind}, expected them in a {" or ".join(kinds)} alone')
    for field in ('slice_shares', 'lesion_shares'):
      object.__setattr__(self, field, _shares(getattr(self, field), field, shape[2]))
    if self.slice_shares and not any(self.slice_shares):
      raise ValueError(f'slice_shares is {self.slice_shares}, expected a share above 0')
    if self.appearances is not None:
      if self.kind != TRANSLATOR:
        raise ValueError(f'appearances in a {self.kind}, expected them in a {TRANSLATOR} alone')
      if not isinstance(self.appearances, Appearances):
        object.__setattr__(self, 'appearances', Appearances.from_json(self.appearances))
    for field in ('spacing_mm', 'corner_mm'):
      values = self.grid.get(field)
      if values is not None and not _are_three(values, above=0 if field == 'spacing_mm' else -math.inf):
        raise ValueError(f'grid has the {field} {values!r}, expected three numbers of mm')
    if not isinstance(self.label_scheme, dict):
      raise ValueError(f'label_scheme is {self.label_scheme!r}, expected fields by name')
    names = self.label_scheme.get('names', [])
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
      raise ValueError(f'label_scheme has the names {str(names)[:80]!r}, expected a list of texts')
    if not isinstance(self.latent_size, int) or self.latent_size < 0:
      raise ValueError(f'latent_size is {self.latent_size!r}, expected a whole number of at least 0')
    low, high = self.intensity_range
    if not -math.inf < low < high < math.inf:
      raise ValueError(f'intensity_range is {self.intensity_range}, expected the lower value first')

  @property
  def fingerprint(self) -> str:
    """Short name of exactly these facts, and by `weights` of the network that they are of."""
    facts = dataclasses.asdict(self)
    # Bundles from before these were stated keep their names.
    del facts['licences']
    if not self.whole_volumes:
      del facts['whole_volumes']
    if facts['intensity_scaling'] == PERCENTILE:
      del facts['intensity_scaling']
    for name in (*_OF_SLICES, *_OF_CLASSES, 'appearances'):
      if not facts[name]:
        del facts[name]
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _are_three(values: Any, above: float) -> bool:
  return (
    isinstance(values, (list, tuple))
    and len(values) == 3
    and all(isinstance(value, (int, float)) and above < value < math.inf for value in values)
  )


def _shares(values: Any, field: str, n_slices: int) -> tuple[float, ...]:
  are_shares = isinstance(values, (list, tuple)) and all(
    isinstance(share, (int, float)) and 0 <= share <= 1 for share in values
  )
  if not are_shares or len(values) not in (0, n_slices):
    raise ValueError(f'{field} is {values!r}, expected none or {n_slices} numbers from 0 to 1')
  return tuple(values)
