"""The MNI152 template: its T1 contrast, and its structures on a grid."""

import functools

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy

T1_MM = 2


@functools.lru_cache(maxsize=4)
def template_labels(grid: Grid) -> np.ndarray:
  """The template's structures on a grid, aseg28 ids, uint8 of the grid's shape; not to be changed."""
  anatomy = template_anatomy()
  affine = np.eye(4)
  affine[:3, 3] = anatomy.origin_mm
  labels = resample_labels(Volume(anatomy.labels, affine), grid, len(ASEG28.names))
  labels.setflags(write=False)
  return labels


@functools.lru_cache(maxsize=2)
def template_t1(masked: bool) -> Volume:
  """The template's T1-weighted intensities in voxels of 2 mm, float32; not to be changed.

  Args:
    masked: Whether what lies outside its brain mask is 0.
  """
  from nilearn import datasets  # Slow to import.

  image = datasets.load_mni152_template(resolution=T1_MM)
  data = np.array(image.dataobj, np.float32)
  if masked:
    brain = datasets.load_mni152_brain_mask(resolution=T1_MM)
    data = np.where(np.asarray(brain.dataobj) > 0, data, 0)
  data.setflags(write=False)
  return Volume(data, image.affine)
