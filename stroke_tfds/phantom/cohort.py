"""Who gets which anatomy and which lesion, so that nothing leaks into the test split."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import hash_content
from stroke_tfds.imaging import nifti, registration
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.lesion_size import check_volume
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import Anatomy, label_map_solidity, template_anatomy
from stroke_tfds.phantom.growth import Lesion

MIN_OVERLAP = 0.75  # Dice of the brains of an anatomy said to be in MNI space and the template.
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
    InputError: A damaged file, an unknown code, or a brain that lies elsewhere than MNI's.
  """
  volume = nifti.read_label_map(path)
  ids = Volume(ASEG28.from_codes(volume.data, str(path)), volume.affine)
  template = template_anatomy()
  transform = registration.register_labels(ids, ASEG28) if space == 'native' else None
  (n_x, n_y, n_z), (x, y, z) = template.labels.shape, template.origin_mm.astype(float) - 0.5
  box = Grid('template', (n_x, n_y, n_z), (1.0, 1.0, 1.0), (float(x), float(y), float(z)))
  labels = resample_labels(ids, box, len(ASEG28.names), transform)
  overlap = brain_overlap(labels, template.labels)
  if overlap < MIN_OVERLAP:
    advice = 'expected a brain in MNI space' + (
      '; for other scans set anatomy_space to native' if space == 'mni' else ''
    )
    raise InputError(f'{path}: overlaps the MNI152 brain with a Dice of {overlap:.2f}, {advice}')
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


def brain_overlap(labels: np.ndarray, template: np.ndarray) -> float:
  """Dice of two brains without the fluid around them, which label maps treat differently."""
  fluid = ASEG28.id_of('other CSF')
  one, other = ((ids > 0) & (ids != fluid) for ids in (labels, template))
  return 2 * np.count_nonzero(one & other) / max(np.count_nonzero(one) + np.count_nonzero(other), 1)
