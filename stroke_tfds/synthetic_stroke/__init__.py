"""Synthetic stroke volumes, made by trained generators."""

from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig
from stroke_tfds.synthetic_stroke.synthetic_stroke_dataset_builder import Builder

__all__ = ['Builder', 'SyntheticStrokeConfig']
