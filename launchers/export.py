"""Writes built data sets as files that other tools read: nnU-Net, BIDS or plain NIfTI.

  python -m launchers.export --source=phantom_stroke/mini:train --format=nnunet --data_dir=data \\
    --output=nnUNet_raw/Dataset501_Stroke --source='synthetic_stroke/NAME:train'
  python -m launchers.export --source=soop/mini:train --format=bids --data_dir=data --output=soop_bids

  nnunet   imagesTr, labelsTr, dataset.json, and splits_final.json with synthetic cases in training
           alone; for nnU-Net before 2.8 copy it to nnUNet_preprocessed/Dataset501_Stroke
  bids     derivatives: scans, desc-lesion_mask, dseg with its table, participants.tsv
  nifti    a folder for each case, cases.csv, dataset.json

Several sources must agree in grid, label scheme, contrasts and scaling. The same command again goes on
where it was stopped; the folder is whole once dataset.json or dataset_description.json is there.
"""

from absl import flags

from launchers import app
from launchers.export_lib import export

_VALUES = (
  flags.DEFINE_multi_string('source', None, 'A built set, name/config:split; again for each other.'),
  flags.DEFINE_enum('format', None, ['nnunet', 'bids', 'nifti'], 'Who shall read the files.'),
  flags.DEFINE_string('output', None, 'Folder to make, or to go on with.'),
  flags.DEFINE_integer('workers', None, 'Cases at a time; as many as cores when absent.', 1),
)

if __name__ == '__main__':
  app.launch(export, leaves_run=False, values=_VALUES)
