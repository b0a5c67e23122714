"""soop: diffusion MRI of the Stroke Outcome Optimization Project, OpenNeuro ds004889."""

import dataclasses

import tensorflow_datasets as tfds

from stroke_tfds import manual_dir, prepared


@dataclasses.dataclass
class SoopConfig(prepared.PreparedConfig):
  """Half of the patients without a sign of a stroke are in `healthy`, half in `test`."""

  negatives_in_test: float = 0.5


class Builder(prepared.PreparedBuilder):
  """Acute strokes of one stroke center, and patients without an acute lesion."""

  VERSION = tfds.core.Version('2.0.0')
  HOMEPAGE = 'https://openneuro.org/datasets/ds004889'
  LICENCE = 'CC0 1.0'
  RELEASE_NOTES = {
    '2.0.0': 'Suspicious cases are left out unless `with_suspicious` is true; patients without an '
    'acute mask who have a chronic one, or are coded as acute strokes, are never healthy.',
    '1.0.0': 'Initial release.',
  }
  MANUAL_DOWNLOAD_INSTRUCTIONS = """\
  1. Download ds004889 from OpenNeuro (https://openneuro.org/datasets/ds004889, no registration); dwi/
     of each subject, derivatives/lesion_masks and participants.tsv are enough.
  2. python -m launchers.prepare_data --source=soop --input=ds004889 --output=soop_prepared
  3. tfds build --imports stroke_tfds soop/mini --manual_dir soop_prepared
  """
  BUILDER_CONFIGS = manual_dir.built_in_configs(SoopConfig)
  SOURCE = 'soop'
  CONTENT = 'a folder made by python -m launchers.prepare_data --source=soop'
