"""How plausible and how varied a generated sample is (Naeem et al. 2020, "Reliable fidelity")."""

import numpy as np
from scipy.spatial import distance

NEIGHBOURS = 5


def density_and_coverage(
  real: np.ndarray, generated: np.ndarray, k: int = NEIGHBOURS
) -> tuple[float, float]:
  """Around each real row is a ball that reaches to its k-th nearest real one.

  Args:
    real: [n, p].
    generated: [m, p].
    k: Neighbours; n - 1 where there are fewer.

  Returns:
    Density, the mean number of balls that a generated row lies in, over k: 1 on average for a sample of
    the same kind. Coverage, the share of balls with a generated row in them. NaN without a neighbour or
    a generated row.
  """
  k = min(k, len(real) - 1)
  if k < 1 or not len(generated):
    return float('nan'), float('nan')
  # The nearest real row of each is itself.
  radii = np.partition(distance.cdist(real, real), k, axis=1)[:, k]
  inside = distance.cdist(real, generated) <= radii[:, np.newaxis]
  return float(inside.sum() / (k * len(generated))), float(inside.any(axis=1).mean())
