"""The signal of a diffusion-weighted image, from tissue to what the scanner records.

S = PD * exp(-TE / T2) * exp(-b * ADC), with b in s/mm2, TE and T2 in ms and ADC in 1e-3 mm2/s.
"""

import dataclasses

import numpy as np
from scipy import ndimage

from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.fields import Lattice

# Proton density, T2 in ms, ADC in 1e-3 mm2/s. Iron shortens the T2 of
# the pallidum and, less, of the putamen.
_TISSUES = {
  'cerebral white matter': (0.72, 75, 0.70),
  'cerebral cortex': (0.79, 95, 0.80),
  'cerebellar white matter': (0.72, 77, 0.66),
  'cerebellar cortex': (0.80, 91, 0.76),
  'thalamus': (0.75, 77, 0.74),
  'caudate': (0.78, 78, 0.74),
  'putamen': (0.77, 72, 0.74),
  'pallidum': (0.73, 52, 0.78),
  'hippocampus': (0.81, 102, 0.84),
  'amygdala': (0.81, 100, 0.82),
  'ventral diencephalon': (0.73, 70, 0.74),
  'brain stem': (0.73, 78, 0.70),
  'lateral ventricle': (1.0, 1800, 2.95),
  'third and fourth ventricle': (1.0, 1800, 2.9),
  'other CSF': (0.85, 1600, 2.9),  # Vessels and membranes in it have no signal.
}
SCALP_ID = len(ASEG28.names)  # Past the anatomy: fat-suppressed skin and muscle.
_SCALP = (0.25, 45, 0.9)

# Cortex that is brighter than the rest in every diffusion-weighted image: centre of the left side in
# MNI mm, extent in mm, and by how much.
_BRIGHT_CORTEX = (
  ((-38.0, 4.0, 0.0), (7.0, 17.0, 11.0), 0.16),  # Insula.
  ((-4.0, 8.0, 33.0), (8.0, 34.0, 16.0), 0.14),  # Cingulate gyrus.
  ((-24.0, -12.0, -26.0), (10.0, 18.0, 8.0), 0.10),  # Parahippocampal gyrus.
)
_IS_CORTEX = np.array([name.endswith('cerebral cortex') for name in ASEG28.names] + [False])
_NOISE_MM = 0.9  # How far interpolation smears the noise of a voxel; standard deviation.


@dataclasses.dataclass(frozen=True)
class Tissues:
  """Proton density, T2 in ms and ADC in 1e-3 mm2/s of each label, `SCALP_ID` last; or of each voxel."""

  density: np.ndarray
  t2_ms: np.ndarray
  adc: np.ndarray

  def shining_through(self, t2_factor: float, adc_factor: float) -> 'Tissues':
    """The same tissues with old damage: T2 raised, ADC raised too, but bright all the same."""
    return dataclasses.replace(self, t2_ms=self.t2_ms * t2_factor, adc=self.adc * adc_factor)


@dataclasses.dataclass(frozen=True)
class Protocol:
  """Echo time in ms, b-value in s/mm2 and noise as a share of the white matter's signal."""

  te_ms: float
  b_value: float
  noise: float


def mean_tissues() -> Tissues:
  """The constants above, in the order of the labels; background has no protons."""
  rows = [(0.0, 1.0, 0.0)]
  for name in ASEG28.names[1:]:
    rows.append(_TISSUES[name.removeprefix('left ').removeprefix('right ')])
  return Tissues(*np.array([*rows, _SCALP], np.float32).T)


def draw_tissues(rng: np.random.Generator) -> Tissues:
  """Tissues of one subject: constants shared by all regions vary, and each region a little."""
  mean = mean_tissues()
  return Tissues(
    mean.density * draw_spread(rng, 0, 0.015),
    mean.t2_ms * draw_spread(rng, 0.05, 0.025),
    mean.adc * draw_spread(rng, 0.04, 0.02),
  )


def draw_spread(rng: np.random.Generator, shared: float, own: float) -> np.ndarray:
  """Factors about 1 for the labels of one subject, float32; deviations of their logarithm are given.

  Args:
    rng: Source of randomness.
    shared: Standard deviation of what all regions have in common.
    own: Standard deviation of what each region has for itself.
  """
  n_labels = SCALP_ID + 1
  # Left and right of a structure are neighbours in the scheme, from id 1 on, and vary as one.
  each = np.repeat(rng.normal(0, own, n_labels // 2 + 1), 2)[1 : n_labels + 1]
  return np.exp(rng.normal(0, shared) + each).astype(np.float32)


def draw_protocol(rng: np.random.Generator) -> Protocol:
  """Echo time 80 to 100 ms, b near 1000 s/mm2, and a noise level as routine scanners have."""
  return Protocol(
    te_ms=rng.uniform(80, 100),
    b_value=rng.choice((900, 1000, 1000, 1100)),
    noise=float(np.exp(rng.uniform(np.log(0.012), np.log(0.045)))),
  )


def dwi_signal(tissues: Tissues, protocol: Protocol) -> np.ndarray:
  """The signal of each label or voxel by the equation above, float32."""
  decay = np.exp(-protocol.te_ms / tissues.t2_ms) * np.exp(-protocol.b_value * 1e-3 * tissues.adc)
  return (tissues.density * decay).astype(np.float32)


def coil_bias(rng: np.random.Generator, lattice: Lattice) -> np.ndarray:
  """Receive sensitivity about 1: smooth, and higher towards the coil elements around the head."""
  x, y, z = np.meshgrid(*lattice.coordinates_mm(), indexing='ij', sparse=True)
  radius_squared = ((x / 75) ** 2 + ((y + 18) / 92) ** 2 + ((z - 10) / 90) ** 2).astype(np.float32)
  bias = rng.uniform(0.0, 0.3) * (radius_squared - 0.5) + 0.07 * lattice.noise(rng, 40.0)
  return np.exp(lattice.to_grid(np.clip(bias, -0.5, 0.5)))


def texture(rng: np.random.Generator, lattice: Lattice) -> np.ndarray:
  """How tissue varies from place to place, a factor about 1."""
  fine = rng.standard_normal(lattice.shape, np.float32)
  return 1 + lattice.to_grid(0.035 * fine + 0.03 * lattice.noise(rng, 12.0))


def cortical_pattern(lattice: Lattice, tissue: np.ndarray) -> np.ndarray:
  """What multiplies the signal of each voxel: above 1 in cortex that is bright in every brain."""
  x, y, z = np.meshgrid(*lattice.coordinates_mm(), indexing='ij', sparse=True)
  gain = np.zeros(lattice.shape, np.float32)
  for centre, extent, height in _BRIGHT_CORTEX:
    reach = sum(((c - a) / e) ** 2 for c, a, e in zip((-np.abs(x), y, z), centre, extent))
    gain += np.float32(height) * np.exp(-reach / 2).astype(np.float32)
  return 1 + lattice.to_grid(gain) * _IS_CORTEX[tissue]


def blur_in_plane(image: np.ndarray, spacing_mm: tuple[float, ...], sigma_mm: float) -> np.ndarray:
  """The blur of an echo-planar readout within each slice."""
  sigma = [sigma_mm / spacing_mm[0], sigma_mm / spacing_mm[1], 0]
  return ndimage.gaussian_filter(image, sigma, truncate=3)


def add_rician_noise(
  rng: np.random.Generator, image: np.ndarray, sigma: float, spacing_mm: tuple[float, ...]
) -> np.ndarray:
  """The magnitude of the image with Gaussian noise of `sigma` in both channels.

  The noise of neighbours in a slice is alike, as it is after a scan has been interpolated.
  """
  real, imaginary = (_smeared_noise(rng, image.shape, spacing_mm) for _ in range(2))
  return np.hypot(image + np.float32(sigma) * real, np.float32(sigma) * imaginary)


def _smeared_noise(
  rng: np.random.Generator, shape: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> np.ndarray:
  """Gaussian noise of standard deviation 1 that is alike within `_NOISE_MM` in plane."""
  noise = rng.standard_normal(shape, np.float32)
  for axis in (0, 1):
    offset = np.array((-1, 0, 1)) * spacing_mm[axis] / _NOISE_MM
    weights = np.exp(-(offset**2) / 2)
    noise = ndimage.correlate1d(noise, weights / np.linalg.norm(weights), axis, mode='wrap')
  return noise
