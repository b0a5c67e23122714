"""Frechet distance between two samples, each seen as a Gaussian (Heusel et al. 2017, equation 6)."""

import numpy as np


def frechet_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
  """|m - m'|^2 + trace(S + S' - 2 (S S')^1/2) of means m and covariances S, [n, p] and [k, p].

  It grows as samples become fewer: compare only distances between samples of equal sizes.

  Returns:
    At least 0; NaN with fewer than two rows in a sample.

  Raises:
    ValueError: Other numbers of columns.
  """
  ours, theirs = (np.asarray(sample, float) for sample in (ours, theirs))
  if ours.shape[1:] != theirs.shape[1:]:
    raise ValueError(f'samples have shapes {ours.shape} and {theirs.shape}, expected equal columns')
  if min(len(ours), len(theirs)) < 2:
    return float('nan')
  shift = ours.mean(axis=0) - theirs.mean(axis=0)
  covariance, other = (np.atleast_2d(np.cov(sample, rowvar=False)) for sample in (ours, theirs))
  # S S' and S^1/2 S' S^1/2 have the same eigenvalues; those of the latter are real in floats as well.
  root = _square_root(covariance)
  shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
  return float(max(shift @ shift + np.trace(covariance) + np.trace(other) - 2 * shared, 0))


def _square_root(covariance: np.ndarray) -> np.ndarray:
  values, vectors = np.linalg.eigh(covariance)
  return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
