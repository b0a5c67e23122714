"""One pass over a data set: what the report needs to know of every volume, without keeping them."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stroke_eval.lesion_contrast import lesion_and_ring_means

N_BINS = 64
REGIONS = ('brain', 'parenchyma', 'lesion')


@dataclasses.dataclass(frozen=True)
class Survey:
  """Facts on the n volumes of a split, in stored order.

  Attributes:
    subject_ids: [n].
    voxels: Lesion voxels, int [n].
    lesion_means: Mean intensity of the lesion, [n]; NaN without lesion.
    ring_means: Mean intensity of the parenchyma around it, [n].
    outside_voxels: Lesion voxels that lie outside parenchyma, int [n].
    histograms: Voxels by intensity, region -> int [N_BINS] over [0, 1]. `brain` is all that has a
      label, `parenchyma` leaves the lesion out.
    brain_share: Share of the volumes whose brain holds a voxel, (X, Y, Z).
    lesion_share: Share of the volumes whose lesion holds a voxel, (X, Y, Z).
    provenance: [n].
    packed: Lesion masks as bits, [n].
    spacing_mm: Voxel size along (X, Y, Z).
  """

  subject_ids: tuple[str, ...]
  voxels: np.ndarray
  lesion_means: np.ndarray
  ring_means: np.ndarray
  outside_voxels: np.ndarray
  histograms: Mapping[str, np.ndarray]
  brain_share: np.ndarray
  lesion_share: np.ndarray
  provenance: tuple[dict[str, Any], ...]
  packed: tuple[np.ndarray, ...]
  spacing_mm: tuple[float, float, float]

  def __len__(self) -> int:
    return len(self.subject_ids)

  @property
  def volumes_ml(self) -> np.ndarray:
    return self.voxels * np.prod(self.spacing_mm) / 1000

  @property
  def lesion_to_ring(self) -> np.ndarray:
    """Contrast of each lesion with the parenchyma around it, as `lesion_contrast` defines it; [n]."""
    return self.lesion_means / self.ring_means

  def with_lesion(self, min_voxels: int = 1) -> np.ndarray:
    """Positions of the volumes whose lesion has at least `min_voxels` voxels."""
    return np.flatnonzero(self.voxels >= min_voxels)

  def masks(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
    """Lesion masks of some volumes, uint8 [k, X, Y, Z]."""
    shape = self.brain_share.shape
    masks = [unpack(self.packed[i], shape) for i in positions]
    return np.stack(masks) if masks else np.zeros((0, *shape), np.uint8)


def survey(
  examples: Iterable[Mapping[str, Any]],
  parenchyma_ids: Sequence[int],
  spacing_mm: tuple[float, float, float],
) -> Survey:
  """Goes once over examples of the contract (NumPy, as `tfds.as_numpy` yields them).

  Raises:
    ValueError: There is no example.
  """
  rows = []
  brain, lesions = np.zeros((), np.int64), np.zeros((), np.int64)
  histograms = {region: np.zeros(N_BINS, np.int64) for region in REGIONS}
  for example in examples:
    rows.append(_facts(example, parenchyma_ids, spacing_mm, histograms))
    brain = brain + (example['labels'] > 0)
    lesions = lesions + (example['lesion'] > 0)
  if not rows:
    raise ValueError('no example to survey')
  ids, voxels, means, rings, outside, provenance, packed = zip(*rows)
  return Survey(
    subject_ids=ids,
    voxels=np.array(voxels),
    lesion_means=np.array(means),
    ring_means=np.array(rings),
    outside_voxels=np.array(outside),
    histograms=histograms,
    brain_share=brain / len(rows),
    lesion_share=lesions / len(rows),
    provenance=provenance,
    packed=packed,
    spacing_mm=spacing_mm,
  )


def unpack(bits: np.ndarray, shape: Sequence[int]) -> np.ndarray:
  """A mask from its packed bits, uint8 of `shape`."""
  return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape)


def densities(counts: np.ndarray) -> np.ndarray:
  """A histogram over [0, 1] as a density, whose mean over the bins is 1; zero without voxels."""
  total = counts.sum()
  return counts * len(counts) / total if total else np.zeros(len(counts))


def _facts(example, parenchyma_ids, spacing_mm, histograms) -> tuple:
  """The row of one volume; its voxels are added to `histograms`."""
  image = example['image'][..., 0].astype(np.float32)
  labels, lesion = example['labels'], example['lesion'] > 0
  parenchyma = np.isin(labels, parenchyma_ids)
  regions = {'brain': labels > 0, 'parenchyma': parenchyma & ~lesion, 'lesion': lesion}
  for region, where in regions.items():
    # Half precision rounds a bin's edge by less than a hundredth of the bin.
    histograms[region] += np.histogram(image[where], N_BINS, (0.0, 1.0))[0]
  return (
    example['subject_id'].decode(),
    int(np.count_nonzero(lesion)),
    *lesion_and_ring_means(image, lesion, parenchyma, spacing_mm),
    int(np.count_nonzero(lesion & ~parenchyma)),
    json.loads(example['provenance']),
    np.packbits(lesion.ravel()),
  )
