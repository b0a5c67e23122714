"""bids_stroke: diffusion MRI of your own, or any other prepared folder."""

import tensorflow_datasets as tfds

from stroke_tfds import manual_dir, prepared


class Builder(prepared.PreparedBuilder):
  """Whatever `launchers.prepare_data` made, with the splits of its participants.tsv if it has any."""

  VERSION = tfds.core.Version('2.0.0')
  HOMEPAGE = 'https://bids.neuroimaging.io'
  LICENCE = 'that of the prepared scans'
  RELEASE_NOTES = {
    '2.0.0': 'Suspicious cases are left out unless `with_suspicious` is true.',
    '1.0.0': 'Initial release.',
  }
  MANUAL_DOWNLOAD_INSTRUCTIONS = """\
  1. Bring your scans into a BIDS layout; python -m launchers.prepare_data --help shows it.
  2. python -m launchers.prepare_data --source=bids --input=our_scans --output=ours_prepared
  3. tfds build --imports stroke_tfds bids_stroke/mini --manual_dir ours_prepared
  """
  BUILDER_CONFIGS = manual_dir.built_in_configs(prepared.PreparedConfig)
