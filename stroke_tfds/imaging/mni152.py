"""T1 contrast and tissue of the MNI152 template; structures are `phantom.anatomy.template_labels`."""

import functools

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import resample_image
from stroke_tfds.imaging.volume import Volume

T1_MM = 2
_LEAST_TISSUE = 0.5  # Of a voxel.


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


@functools.lru_cache(maxsize=4)
def brain_tissue(grid: Grid) -> np.ndarray:
  """Where the template is brain tissue: grey and white matter fill half of the voxel or more.

  Returns:
    bool of the grid's shape, not to be changed; False everywhere on a grid that misses the brain.
  """
  from nilearn import datasets  # Slow to import.

  grey = datasets.load_mni152_gm_template(resolution=T1_MM)
  white = datasets.load_mni152_wm_template(resolution=T1_MM)
  share = np.asarray(grey.dataobj, np.float32) + np.asarray(white.dataobj, np.float32)
  tissue = resample_image(Volume(share, grey.affine), grid) >= _LEAST_TISSUE
  tissue.setflags(write=False)
  return tissue
