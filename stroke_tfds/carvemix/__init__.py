"""Clinical cases that carry a part of another one."""

from stroke_tfds.carvemix.carvemix_dataset_builder import Builder, CarveMixConfig

__all__ = ['Builder', 'CarveMixConfig']
