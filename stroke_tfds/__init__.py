"""Data sets of ischemic stroke on diffusion MRI: real, simulated and synthetic.

Importing this package registers their TFDS builders: `tfds.load('phantom_stroke/mini')`, or in a shell
`tfds build --imports stroke_tfds phantom_stroke/mini`. All sets hold the same examples, see `example`.

  open_sources: Built sets by text, such as 'phantom_stroke/mini:train[:12]'; each is a `Source`, with
    `examples()`, `metadata` and `grid`. `pipelines` makes batches for training of them.
  PhantomStrokeConfig, PhantomTumourConfig, SyntheticStrokeConfig, LesionFusionConfig, CarveMixConfig,
    BratsConfig, PreparedConfig: What a set of one's own is made of, for
    `tfds.builder('phantom_stroke', config=PhantomStrokeConfig(...))`; a PreparedConfig is for
    `bids_stroke`, `soop` and `isles22`.
  Grid, get_grid: Where voxels lie in MNI space.
  LabelScheme, ASEG28, ASEG28_TUMOUR: What the ids of a label map mean.
  read_map: A SynthSeg or FreeSurfer map on a grid, for `keras_itm.synthesize`, and the way back.
  template_labels: Label map of the MNI152 template's brain on a grid.
  InputError: All that a user can mend, said in one line.
"""

import sys

from stroke_tfds import build_mistakes as _build_mistakes
from stroke_tfds import pipelines
from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as _bids_stroke  # noqa: F401
from stroke_tfds.brats.brats_dataset_builder import BratsConfig
from stroke_tfds.carvemix.carvemix_dataset_builder import CarveMixConfig
from stroke_tfds.errors import InputError, show_in_one_line
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.isles22 import isles22_dataset_builder as _isles22  # noqa: F401
from stroke_tfds.label_schemes import ASEG28, ASEG28_TUMOUR, LabelScheme
from stroke_tfds.lesion_fusion.lesion_fusion_dataset_builder import LesionFusionConfig
from stroke_tfds.lesion_masks import lesion_masks_dataset_builder as _lesion_masks  # noqa: F401
from stroke_tfds.own_map import OwnMap, read_map
from stroke_tfds.phantom.anatomy import template_labels
from stroke_tfds.phantom_stroke.phantom_stroke_dataset_builder import PhantomStrokeConfig
from stroke_tfds.phantom_tumour.phantom_tumour_dataset_builder import PhantomTumourConfig
from stroke_tfds.prepared import PreparedConfig
from stroke_tfds.soop import soop_dataset_builder as _soop  # noqa: F401
from stroke_tfds.sources import Source, open_sources
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig

__all__ = [
  'ASEG28',
  'ASEG28_TUMOUR',
  'BratsConfig',
  'CarveMixConfig',
  'Grid',
  'InputError',
  'LabelScheme',
  'LesionFusionConfig',
  'OwnMap',
  'PhantomStrokeConfig',
  'PhantomTumourConfig',
  'PreparedConfig',
  'Source',
  'SyntheticSlicesConfig',
  'SyntheticStrokeConfig',
  'get_grid',
  'open_sources',
  'pipelines',
  'read_map',
  'template_labels',
]

# `tfds build --imports` leaves a package no other moment to say how its errors are shown.
if 'tensorflow_datasets.scripts.cli.build' in sys.modules:
  show_in_one_line(_build_mistakes.in_one_line)
