"""Data sets of ischemic stroke on diffusion MRI; importing this package registers their builders."""

from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as _bids_stroke  # noqa: F401
from stroke_tfds.carvemix import carvemix_dataset_builder as _carvemix  # noqa: F401
from stroke_tfds.isles22 import isles22_dataset_builder as _isles22  # noqa: F401
from stroke_tfds.lesion_fusion import lesion_fusion_dataset_builder as _lesion_fusion  # noqa: F401
from stroke_tfds.lesion_masks import lesion_masks_dataset_builder as _lesion_masks  # noqa: F401
from stroke_tfds.phantom_stroke import phantom_stroke_dataset_builder as _phantom_stroke  # noqa: F401
from stroke_tfds.soop import soop_dataset_builder as _soop  # noqa: F401
from stroke_tfds.synthetic_stroke import synthetic_stroke_dataset_builder as _synthetic  # noqa: F401
