"""isles22: diffusion MRI of the Ischemic Stroke Lesion Segmentation challenge of 2022."""

import tensorflow_datasets as tfds

from stroke_tfds import manual_dir, prepared


class Builder(prepared.PreparedBuilder):
  """Acute and subacute strokes of several centers, all with a lesion."""

  VERSION = tfds.core.Version('2.0.0')
  HOMEPAGE = 'https://isles22.grand-challenge.org'
  LICENCE = 'CC BY-SA 4.0'
  RELEASE_NOTES = {
    '2.0.0': 'Suspicious cases are left out unless `with_suspicious` is true.',
    '1.0.0': 'Initial release.',
  }
  MANUAL_DOWNLOAD_INSTRUCTIONS = """\
  1. Download the 250 training cases from the challenge (https://isles22.grand-challenge.org) or from
     Zenodo (https://doi.org/10.5281/zenodo.7153326).
  2. python -m launchers.prepare_data --source=isles22 --input=ISLES-2022 --output=isles22_prepared
  3. tfds build --imports stroke_tfds isles22/mini --manual_dir isles22_prepared
  """
  BUILDER_CONFIGS = manual_dir.built_in_configs(prepared.PreparedConfig)
  SOURCE = 'isles22'
  CONTENT = 'a folder made by python -m launchers.prepare_data --source=isles22'
