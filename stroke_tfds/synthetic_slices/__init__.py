"""Axial slices and their classes, drawn by a trained generator."""

from stroke_tfds.synthetic_slices.config import SyntheticSlicesConfig
from stroke_tfds.synthetic_slices.synthetic_slices_dataset_builder import Builder

__all__ = ['Builder', 'SyntheticSlicesConfig']
