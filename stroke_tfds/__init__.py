"""Data sets of ischemic stroke on diffusion MRI; importing this package registers their builders."""

from stroke_tfds.phantom_stroke import phantom_stroke_dataset_builder as _phantom_stroke  # noqa: F401
from stroke_tfds.synthetic_stroke import synthetic_stroke_dataset_builder as _synthetic  # noqa: F401
