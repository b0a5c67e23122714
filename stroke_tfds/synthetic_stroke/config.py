"""What a synthetic data set is derived from, checked and named."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_itm import bundle as bundles
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from stroke_tfds.builder import is_number
from stroke_tfds.derived_config import DerivedVolumesConfig
from stroke_tfds.errors import InputError
from stroke_tfds.generators import load_fitting_bundle
from stroke_tfds.label_schemes import check_one_class
from stroke_tfds.phantom.territories import NAMES, OUTSIDE
from stroke_tfds.sources import Source, fingerprint, open_sources
from stroke_tfds.synthetic_stroke.training_cases import TrainingCases, open_training

_GENERATORS = (TRANSLATOR, LESION_GENERATOR)
_MOST_RATIO = 1000  # Of two weights; so many lesions are drawn for one of the lighter kind.
_OTHER = 'other'  # Territories that `territory_weights` does not name.
_QUANTILES = ('nearest_quantile', 'fidelity_quantile')


@dataclasses.dataclass
class SyntheticStrokeConfig(DerivedVolumesConfig):
  """Which generators, which healthy brains; more volumes than there are brains use them again.

  Attributes:
    translator: Folder of the translator's bundle.
    lesion_generator: Folder of the lesion generator's bundle.
    healthy: Brains to put lesions into, `name/config` (split healthy) or `name/config:split`. Patients'
      are taken, too: without `keep_scan` their label maps, with it their scans with their own lesions.
    healthy_dir: TFDS data folder of the healthy brains; that of the new set when empty.
    max_draws: Draws of a lesion for one brain before the build gives up.
    equalize_slice_brightness: Whether all slices of a volume get one brightness, see
      `keras_itm.slice_brightness`; the paper leaves them as they are.
    keep_scan: Whether the healthy scan is kept: of the translation, only what the lesion changes is put
      into it, see `lesion_transfer`; `equalize_slice_brightness` has no part in it. A lesion in the
      scan stays, beside the drawn one; the mask holds both.
    audit: Whether cases that copy a training case, or whose image and mask do not agree, are rejected
      and drawn again, see `audit`; the sets that the generators learnt from must be there. Without, the
      set's name has the word `unaudited`.
    training_dir: TFDS data folder of what the generators learnt from; that of the healthy brains when
      empty.
    nearest_quantile: Share of real people whose nearest training case counts as near.
    fidelity_quantile: Share of real cases that would be rejected for each other reason.
    max_redraws: Rejected draws of a case before the build gives up.
    share_negative: Chance of a volume to have no lesion.
    size_weights: Pairs of ml and how often lesions from there on are kept beside those of other sizes:
      by `[[0, 3], [5, 1]]`, those below 5 ml three times as often as others among what is drawn, see
      `stroke_eval.lesion_weights`. All alike when empty.
    territory_weights: Arterial territory -> the same for lesions of which it holds most; `outside` are
      those in no territory, `other` all that are not named, with 1 where it is missing.
  """

  RENAMED = {'level': 'equalize_slice_brightness', 'in_scan': 'keep_scan'}

  translator: str = ''
  lesion_generator: str = ''
  healthy: str = ''
  healthy_dir: str = ''
  max_draws: int = 100
  equalize_slice_brightness: bool = True
  keep_scan: bool = False
  audit: bool = True
  training_dir: str = ''
  nearest_quantile: float = 0.05
  fidelity_quantile: float = 0.01
  max_redraws: int = 20
  share_negative: float = 0.0
  size_weights: Sequence[Sequence[float]] = ()
  territory_weights: Mapping[str, float] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    super().__post_init__()
    for name in ('equalize_slice_brightness', 'keep_scan', 'audit'):
      value = getattr(self, name)
      if not isinstance(value, bool):
        raise InputError(f'{name} is {value!r}, expected true or false')

  def origins(self, data_dir: str | None) -> dict[str, Any]:
    source = self.open_healthy(data_dir)
    return {
      'translator': self.load('translator', source).fingerprint,
      'lesion_generator': self.load('lesion_generator', source).fingerprint,
      'healthy': fingerprint([source]),
      'max_draws': self.max_draws,
      # These keys, and when they are there, are part of the names of all sets built so far.
      'level': self.equalize_slice_brightness,
      **({'in_scan': True} if self.keep_scan else {}),
      **({'audit': self._audit_origins(source, data_dir)} if self.audit else {}),
      **({'share_negative': self.share_negative} if self.share_negative else {}),
      **({'size_weights': self.size_weights} if self.size_weights else {}),
      **({'territory_weights': dict(self.territory_weights)} if self.territory_weights else {}),
    }

  def chance(self, volume_ml: float, territory: str) -> float:
    """Of a lesion to be kept, by both weights; 1 for the largest ones."""
    sizes = [weight for from_ml, weight in self.size_weights if from_ml <= volume_ml] or [1]
    places = self.territory_weights
    place = places.get(territory, places.get(_OTHER, 1))
    largest = [max(weights) for weights in self._weights()]
    return sizes[-1] / largest[0] * place / largest[1]

  @property
  def most_draws(self) -> int:
    """`max_draws`, and the more the rarer the weights make some lesions."""
    return math.ceil(self.max_draws * self._rarest)

  @property
  def _rarest(self) -> float:
    """Of how many lesions of the least likely kind one is kept."""
    return math.prod(max(weights) / min(weights) for weights in self._weights())

  def _weights(self) -> tuple[list[float], list[float]]:
    """All that there are of sizes, and of territories."""
    sizes = [weight for _, weight in self.size_weights] or [1]
    places = self.territory_weights
    unnamed = [] if {*NAMES[1:], OUTSIDE} <= set(places) else [places.get(_OTHER, 1)]
    return sizes, [weight for name, weight in places.items() if name != _OTHER] + unnamed

  def remarks(self) -> list[str]:
    return [] if self.audit else ['unaudited']

  def _audit_origins(self, healthy: Source, data_dir: str | None) -> dict[str, Any]:
    training = self.open_training(healthy, data_dir)
    learnt_from = [*training.translator, *training.lesion_generator]
    quantiles = {name: getattr(self, name) for name in _QUANTILES}
    return {'training': fingerprint(learnt_from), **quantiles}

  def open_training(self, healthy: Source, data_dir: str | None) -> TrainingCases:
    """What both generators learnt from.

    Raises:
      InputError: A bundle does not say it, or the sets are not there or no longer the same.
    """
    folder = self.training_dir or self.healthy_dir or data_dir
    return TrainingCases(
      *(open_training(getattr(self, kind), kind, healthy, folder) for kind in _GENERATORS)
    )

  def open_healthy(self, data_dir: str | None) -> Source:
    text = self.healthy if ':' in self.healthy else f'{self.healthy}:healthy'
    source = open_sources([text], self.healthy_dir or data_dir, build=False)[0]
    check_one_class(source.metadata['label_scheme'], f'healthy {source}')
    return source

  def load(self, kind: str, source: Source) -> bundles.Bundle:
    """Opens the bundle of a kind and checks that it fits the healthy set."""
    return load_fitting_bundle(getattr(self, kind), kind, source)

  def check_fields(self) -> None:
    self.check_strings('translator', 'lesion_generator', 'healthy', 'healthy_dir', 'training_dir')
    for name in ('translator', 'lesion_generator', 'healthy'):
      if not getattr(self, name):
        raise InputError(
          f'synthetic_stroke needs {name!r}; give --config \'{{"translator": "W1/bundle", '
          '"lesion_generator": "W2/bundle", "healthy": "phantom_stroke/mini", "num_volumes": 8, '
          '"seed": 0}\''
        )
    if self.keep_scan and not self.equalize_slice_brightness:
      raise InputError(
        'equalize_slice_brightness is False, expected it left out: with keep_scan it changes nothing'
      )
    if self.keep_scan and self.share_negative:
      raise InputError(
        f'share_negative is {self.share_negative}, expected it left out: with keep_scan a volume '
        'without lesion would be the healthy scan itself'
      )
    self.check_count('max_draws', 1)
    self.check_count('max_redraws', 0)
    for name, most in (*((name, 0.5) for name in _QUANTILES), ('share_negative', 0.99)):
      self.check_number(name, 0, most)
    _check_size_weights(self.size_weights)
    _check_territory_weights(self.territory_weights)
    if self._rarest > _MOST_RATIO:
      raise InputError(
        f'size_weights and territory_weights together keep one lesion in {self._rarest:g}, expected at '
        f'least one in {_MOST_RATIO}'
      )
    super().check_fields()


def _check_size_weights(weights: Any) -> None:
  are_pairs = isinstance(weights, (list, tuple)) and all(
    isinstance(pair, (list, tuple)) and len(pair) == 2 and all(map(is_number, pair)) for pair in weights
  )
  if are_pairs and not weights:
    return
  starts = [from_ml for from_ml, _ in weights] if are_pairs else []
  if not starts or starts[0] != 0 or sorted(set(starts)) != starts or min(w for _, w in weights) <= 0:
    raise InputError(
      f'size_weights is {weights!r}, expected pairs of ml that rise from 0 and of a weight above 0, '
      'such as [[0, 3], [5, 1], [20, 0.5]]'
    )


def _check_territory_weights(weights: Any) -> None:
  names = (*NAMES[1:], OUTSIDE, _OTHER)
  if not isinstance(weights, Mapping):
    raise InputError(
      f'territory_weights is {weights!r}, expected weights by name, such as {{"basilar": 3}}'
    )
  for name, weight in weights.items():
    if name not in names:
      raise InputError(f'territory_weights has {name!r}, expected some of {list(names)}')
    if not is_number(weight) or weight <= 0:
      raise InputError(f'territory_weights has {weight!r} for {name!r}, expected a number above 0')
