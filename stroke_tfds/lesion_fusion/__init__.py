"""Real lesions in healthy scans."""

from stroke_tfds.lesion_fusion.lesion_fusion_dataset_builder import Builder, LesionFusionConfig

__all__ = ['Builder', 'LesionFusionConfig']
