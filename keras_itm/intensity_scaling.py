"""What 1 is in images without a unit: in those that a translator makes or a segmenter takes.

| scaling | 1 is |
|---|---|
| `percentile` | the 99.5th percentile inside the head (Platscher et al. 2020, section 2.1) |
| `parenchyma_median` | 2.5 medians of the brain tissue inside the head, lesions included |
"""

import numpy as np

PERCENTILE, PARENCHYMA_MEDIAN = SCALINGS = ('percentile', 'parenchyma_median')
TOP_PERCENTILE = 99.5
TOP_MEDIANS = 2.5


def scale(image: np.ndarray, head: np.ndarray, tissue: np.ndarray, scaling: str) -> np.ndarray:
  """Divides by what is 1 and clips to [0, 1].

  Args:
    image: At least 0, [X, Y, Z].
    head: Where the percentile is measured, bool [X, Y, Z].
    tissue: Where the median is measured, inside the head, bool [X, Y, Z].
    scaling: `percentile` or `parenchyma_median`.

  Returns:
    float [X, Y, Z]; where nothing above 0 is there to measure, what is above 0 is 1.

  Raises:
    ValueError: An unknown scaling.
  """
  check_scaling(scaling)
  if scaling == PERCENTILE:
    top = np.percentile(image[head], TOP_PERCENTILE)
  else:
    inside = image[head & tissue]
    top = TOP_MEDIANS * np.median(inside) if inside.size else 0.0
  return np.clip(image / max(top, np.finfo(np.float32).tiny), 0, 1)


def check_scaling(scaling: str) -> None:
  """Raises a ValueError where a scaling is unknown."""
  if scaling not in SCALINGS:
    raise ValueError(f'intensity_scaling is {scaling!r}, expected one of {list(SCALINGS)}')
