"""The signal of T1, T2 and FLAIR images, by the equations of the spin echo and of inversion recovery.

Spin echo: S = PD * (1 - exp(-TR / T1)) * exp(-TE / T2). Inversion recovery, TI > 0:
S = PD * |1 - 2 exp(-TI / T1) + exp(-TR / T1)| * exp(-TE / T2). All times are in ms. A contrast agent
shortens T1: 1 / T1 grows by its relaxivity times its concentration.

Constants are choices for 3 T, of the order that textbooks give; density and T2 are those of `signal`.
"""

import dataclasses
from typing import Any

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import signal

CONTRASTS = ('T1', 'T1CE', 'T2', 'FLAIR')
_T1_MS = {
  'cerebral white matter': 850,
  'cerebral cortex': 1350,
  'cerebellar white matter': 870,
  'cerebellar cortex': 1330,
  'thalamus': 1150,
  'caudate': 1280,
  'putamen': 1200,
  'pallidum': 950,
  'hippocampus': 1400,
  'amygdala': 1400,
  'ventral diencephalon': 1000,
  'brain stem': 930,
  'lateral ventricle': 4200,
  'third and fourth ventricle': 4200,
  'other CSF': 4000,
}
_SCALP_T1_MS = 900
_RELAXIVITY = 4.0  # Of gadolinium, per second and mmol/l.


@dataclasses.dataclass(frozen=True)
class Relaxation:
  """Proton density, T1 and T2 in ms of each label, `signal.SCALP_ID` last; or of each place."""

  density: np.ndarray
  t1_ms: np.ndarray
  t2_ms: np.ndarray

  def at(self, ids: np.ndarray) -> 'Relaxation':
    """The constants of each of `ids`."""
    return Relaxation(self.density[ids], self.t1_ms[ids], self.t2_ms[ids])

  def enhanced(self, concentration: np.ndarray | float) -> 'Relaxation':
    """The same with gadolinium, whose concentration is in mmol/l; it shortens T1."""
    rate = 1 / self.t1_ms + _RELAXIVITY * 1e-3 * concentration
    return dataclasses.replace(self, t1_ms=1 / rate)

  def old_damage(self) -> 'Relaxation':
    """The same tissues with the damage of small vessel disease: T1 and T2 raised."""
    return dataclasses.replace(self, t1_ms=self.t1_ms * 1.25, t2_ms=self.t2_ms * 1.5)


@dataclasses.dataclass(frozen=True)
class Sequence:
  """Times in ms, `ti_ms` 0 for a spin echo; noise as a share of the white matter's signal."""

  tr_ms: float
  te_ms: float
  ti_ms: float = 0.0
  noise: float = 0.02

  def signal(self, tissues: Relaxation) -> np.ndarray:
    """The signal of each label or place by the equations above, float32."""
    recovery = 1 - np.exp(-self.tr_ms / tissues.t1_ms)
    if self.ti_ms:
      recovery = np.abs(recovery - 2 * (np.exp(-self.ti_ms / tissues.t1_ms) - (1 - recovery)))
    return (tissues.density * recovery * np.exp(-self.te_ms / tissues.t2_ms)).astype(np.float32)


SEQUENCES = {
  'T1': Sequence(tr_ms=600, te_ms=10),
  'T1CE': Sequence(tr_ms=600, te_ms=10),
  'T2': Sequence(tr_ms=4500, te_ms=95),
  'FLAIR': Sequence(tr_ms=9000, te_ms=100, ti_ms=2450),
}


def check_contrasts(given: Any) -> tuple[str, ...]:
  """Names of contrasts of a config, in the order given.

  Raises:
    InputError: Some that are unknown or there twice, or none.
  """
  names = list(given) if isinstance(given, list | tuple) else []
  if not names or any(name not in CONTRASTS or names.count(name) > 1 for name in names):
    raise InputError(f'contrasts is {given!r}, expected some of {list(CONTRASTS)}, each once')
  return tuple(names)


def mean_relaxation() -> Relaxation:
  """The constants above, in the order of the labels; background has no protons."""
  tissues = signal.mean_tissues()
  names = [name.removeprefix('left ').removeprefix('right ') for name in ASEG28.names[1:]]
  t1_ms = [1.0, *(_T1_MS[name] for name in names), _SCALP_T1_MS]
  return Relaxation(tissues.density, np.array(t1_ms, np.float32), tissues.t2_ms)


def draw_relaxation(rng: np.random.Generator) -> Relaxation:
  """Tissues of one subject: constants shared by all regions vary, and each region a little."""
  mean, tissues = mean_relaxation(), signal.draw_tissues(rng)
  return Relaxation(tissues.density, mean.t1_ms * signal.draw_spread(rng, 0.04, 0.02), tissues.t2_ms)


def draw_sequence(rng: np.random.Generator, contrast: str) -> Sequence:
  """A sequence as `SEQUENCES` has it; times differ by some per cent and noise by a factor of three."""
  mean = SEQUENCES[contrast]
  tr_ms, te_ms = mean.tr_ms * rng.uniform(0.9, 1.1), mean.te_ms * rng.uniform(0.9, 1.1)
  noise = float(np.exp(rng.uniform(np.log(0.01), np.log(0.03))))
  # The inversion time follows the repetition time, so that fluid stays dark.
  ti_ms = mean.ti_ms * (1 + 0.12 * (tr_ms / mean.tr_ms - 1)) * rng.uniform(0.98, 1.02)
  return Sequence(tr_ms, te_ms, ti_ms, noise)
