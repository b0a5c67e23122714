"""From data sets to what a model trains on; a module for each kind of model.

Gin files name what is registered here `stroke_tfds.pipelines`, whichever module it is in.
"""

from stroke_tfds.pipelines.joint_generators import MIN_LESION_PIXELS, joint_slices, slice_shares
from stroke_tfds.pipelines.lesion_generators import lesion_masks
from stroke_tfds.pipelines.reading import examples, to_signed
from stroke_tfds.pipelines.segmenters import training_slices, training_volumes
from stroke_tfds.pipelines.translators import (
  paired_slices,
  paired_volumes,
  signed,
  slice_pairs,
  unpaired_slices,
  volume_pairs,
)

__all__ = [
  'MIN_LESION_PIXELS',
  'examples',
  'joint_slices',
  'lesion_masks',
  'paired_slices',
  'paired_volumes',
  'signed',
  'slice_pairs',
  'slice_shares',
  'to_signed',
  'training_slices',
  'training_volumes',
  'unpaired_slices',
  'volume_pairs',
]
