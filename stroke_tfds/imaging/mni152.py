"""The T1 contrast of the MNI152 template; its structures are `phantom.anatomy.template_labels`."""

import functools

import numpy as np

from stroke_tfds.imaging.volume import Volume

T1_MM = 2


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
