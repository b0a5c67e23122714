"""Registration to the MNI152 brain, affine or deformable."""

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import ants_calls
from stroke_tfds.imaging.brain_extraction import brain_mask, even_intensities, typical_intensity
from stroke_tfds.imaging.mni152 import template_t1
from stroke_tfds.imaging.rough_alignment import best_placement, isotropic
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import LabelScheme

_WORKING_MM = 2.5
_MARGIN_MM = 20.0
_LESION_MARGIN_MM = 3.0


def register_labels(labels: Volume, scheme: LabelScheme, deformable: bool = False) -> Transform:
  """Registers a label map by the T1 contrast that its structures would have.

  Args:
    labels: Ids of `scheme`.
    scheme: What they mean.
    deformable: Whether a deformation follows the affine.

  Returns:
    From MNI space to the label map's world.

  Raises:
    InputError: antspyx is not installed, or the map is empty.
  """
  if not labels.data.any():
    raise InputError('the label map holds background only, expected structures of a brain')
  contrast = np.array([_t1_contrast(name) for name in scheme.names], np.float32)
  brain = isotropic(Volume(contrast[labels.data], labels.affine), _WORKING_MM)
  return _register(brain, np.ones(brain.data.shape, bool), deformable)


def register_image(
  image: Volume, *, deformable: bool = False, lesion: Volume | None = None
) -> Transform:
  """Registers a scan in which the brain is brighter than the scalp, or that shows no scalp.

  The scan may cover a part of the brain: what lies outside it is left out of the metric, and so is
  the lesion, which the template does not have, with the 3 mm around it (cost-function masking, Brett
  et al. 2001).

  Args:
    image: Intensities.
    deformable: Whether a deformation follows the affine.
    lesion: Mask in the world of `image`, on any grid.

  Returns:
    From MNI space to the image's world.

  Raises:
    InputError: antspyx is not installed, or the image shows no brain.
  """
  scan = isotropic(image, _WORKING_MM)
  even = even_intensities(scan)
  inside = brain_mask(even, scan.spacing_mm)
  brain = np.where(inside, np.minimum(even, 2 * typical_intensity(even)), 0).astype(np.float32)
  counts = np.ones(brain.shape, bool)
  if lesion is not None:
    counts = ~_lesion_on(scan, lesion)
  return _register(Volume(brain, scan.affine), counts, deformable)


def _register(brain: Volume, counts: np.ndarray, deformable: bool) -> Transform:
  """Registers a brain without what surrounds it."""
  ants_calls.load_ants()
  template = template_t1(masked=True)
  box = _box_around(brain)
  brain, counts = _cropped(brain, box), counts[box]
  # ANTs smooths before it masks: what does not count must not shine into its surroundings.
  tissue = brain.data > 0
  brain.data[tissue & ~counts] = np.median(brain.data[tissue & counts])
  start = best_placement(brain, counts, template)
  # The metric at the scan's voxels: a start cannot gain by covering less of the template.
  to_mni = ants_calls.affine(brain, template, start, counts)
  if not deformable:
    return Transform.from_affine(to_mni)
  return Transform(*ants_calls.deformable(template, brain, np.linalg.inv(to_mni), counts))


def _lesion_on(scan: Volume, lesion: Volume) -> np.ndarray:
  """Voxels of the scan within 3 mm of the lesion, bool."""
  index = np.argwhere(lesion.data) @ lesion.affine[:3, :3].T + lesion.affine[:3, 3]
  to_index = np.linalg.inv(scan.affine)
  index = np.rint(index @ to_index[:3, :3].T + to_index[:3, 3]).astype(int)
  index = index[np.all((index >= 0) & (index < scan.data.shape), axis=1)]
  outside = np.ones(scan.data.shape, bool)
  outside[tuple(index.T)] = False
  if outside.all():
    return ~outside
  reach_mm = _LESION_MARGIN_MM + scan.spacing_mm.max() / 2
  return ndimage.distance_transform_edt(outside, scan.spacing_mm) <= reach_mm


def _box_around(brain: Volume) -> tuple[slice, slice, slice]:
  """The brain and 20 mm around it, where the volume goes that far."""
  margin = np.ceil(_MARGIN_MM / brain.spacing_mm).astype(int)
  found = ndimage.find_objects((brain.data > 0).astype(np.uint8))[0]
  x, y, z = (slice(max(s.start - n, 0), s.stop + n) for s, n in zip(found, margin))
  return x, y, z


def _cropped(volume: Volume, box: tuple[slice, slice, slice]) -> Volume:
  affine = volume.affine.copy()
  affine[:3, 3] += affine[:3, :3] @ [s.start for s in box]
  return Volume(volume.data[box], affine)


def _t1_contrast(name: str) -> float:
  """About what the structure shows in a T1-weighted image, 0 outside the brain."""
  if name == 'background':
    return 0.0
  if 'ventricle' in name or 'CSF' in name:
    return 0.3
  if 'white matter' in name or name == 'brain stem':
    return 0.85
  return 0.72 if name.split()[-1] in ('thalamus', 'pallidum', 'diencephalon') else 0.62
