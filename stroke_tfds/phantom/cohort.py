"""Who gets which anatomy and which lesion, so that nothing leaks into the test split."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import hash_content
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.brain_map import read_brain_map
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.lesion_size import check_volume
from stroke_tfds.phantom.anatomy import Anatomy, label_map_solidity, template_anatomy
from stroke_tfds.phantom.growth import Lesion

_EDGE_SIGMA_MM = 0.7
MAX_LOADED = 12  # Real anatomies held in memory, about 40 MB each.


@dataclasses.dataclass(frozen=True)
class Shares:
  """Files of the test split, and files of the others."""

  test: tuple[Path, ...]
  others: tuple[Path, ...]

  def of(self, split: str) -> tuple[Path, ...]:
    return self.test if split == 'test' else self.others


def share_files(files: list[Path], test_share: float, seed: int) -> Shares:
  """Divides files between the test split and the others by a draw that only `seed` decides.

  Args:
    files: In a fixed order. One file alone serves all splits.
    test_share: Wanted share of the test split; it gets at least one file, and never all.
    seed: Of the draw.
  """
  if len(files) == 1:
    return Shares(tuple(files), tuple(files))
  order = np.random.default_rng(np.random.SeedSequence([seed, 0x5A])).permutation(len(files))
  n_test = int(np.clip(round(test_share * len(files)), 1, len(files) - 1))
  drawn = [files[i] for i in order]
  return Shares(tuple(drawn[:n_test]), tuple(drawn[n_test:]))


def check_each_once(files: Sequence[Path], hashes: Iterable[str]) -> None:
  """Refuses what is there under two names: one could train, the other test.

  Args:
    files: As given to `share_files`.
    hashes: Of what each of them holds.

  Raises:
    InputError: Two files hold the same; names both.
  """
  first: dict[str, Path] = {}
  for file, found in zip(files, hashes):
    other = first.setdefault(found, file)
    if other != file:
      raise InputError(f'{file}: has the voxels of {other.name}, expected each file once')


@functools.lru_cache(maxsize=MAX_LOADED)
def load_anatomy(path: Path, space: str) -> Anatomy:
  """A real anatomy in MNI space, from FreeSurfer codes or aseg28 ids.

  Args:
    path: NIfTI label map.
    space: 'mni' when its world coordinates are MNI's, 'native' to register it.

  Raises:
    InputError: A damaged file or one that does not say where it lies, an unknown code, or a brain that
      lies elsewhere than MNI's.
  """
  template = template_anatomy()
  (n_x, n_y, n_z), (x, y, z) = template.labels.shape, template.origin_mm.astype(float) - 0.5
  box = Grid('template', (n_x, n_y, n_z), (1.0, 1.0, 1.0), (float(x), float(y), float(z)))
  labels = read_brain_map(path, box, template.labels, space, 'anatomy_space native').labels
  return Anatomy(hash_content(path), labels, template.origin_mm, label_map_solidity(labels))


def load_lesion(path: Path) -> Lesion:
  """A lesion mask whose world coordinates are MNI's.

  Raises:
    InputError: A damaged file, an empty mask, or one that is too large for a lesion.
  """
  mask = nifti.read_mask(path)
  found = ndimage.find_objects(mask.data.astype(np.uint8))
  if not found:
    raise InputError(f'{path}: the mask is empty, expected a lesion')
  check_volume(mask, str(path))
  margin = 3
  box = tuple(slice(max(s.start - margin, 0), s.stop + margin) for s in found[0])
  sigma = _EDGE_SIGMA_MM / mask.spacing_mm
  fraction = ndimage.gaussian_filter(mask.data[box].astype(np.float32), sigma)
  affine = mask.affine.copy()
  affine[:3, 3] += affine[:3, :3] @ [s.start for s in box]
  return Lesion(fraction, affine, hash_content(path))
