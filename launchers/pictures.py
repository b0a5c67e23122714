"""Small pictures of volumes for TensorBoard and the run folder."""

import numpy as np


def mosaic(rows: list[list[np.ndarray]], scale: int = 2) -> np.ndarray:
  """Lays slices out in rows, as radiologists read them: front up, patient's right on the left.

  Args:
    rows: Slices [X, Y] with values in [0, 1], all of one shape.
    scale: Screen pixels per voxel.

  Returns:
    uint8 [height, width, 1].
  """
  picture = np.concatenate([np.concatenate([_upright(s) for s in row], 1) for row in rows], 0)
  grey = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
  return grey.repeat(scale, 0).repeat(scale, 1)[..., np.newaxis]


def _upright(axial: np.ndarray) -> np.ndarray:
  return np.asarray(axial)[::-1, ::-1].T
