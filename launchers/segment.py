"""Segments the lesion in a scan of your own by a trained U-Net.

  python -m launchers.segment --bundle=runs/unet/bundle --image=dwi.nii.gz --workdir=runs/my_case
  ... --mask=expert_mask.nii.gz            compares with an expert's mask
  ... --image=dwi.nii.gz --image=adc.nii.gz  for a segmenter of two contrasts, in its order; in any
                                           with --contrasts=dwi,adc
  ... --space=mni                          for a scan that lies in MNI space

Leaves prediction_native.nii.gz, which lies on the scan (0, then 1 or the classes of the lesion),
prediction.png, transform.json (the affine between scan and MNI space) and volumes in finished.json. The
scan is brought to the MNI152 brain by an affine, which needs: pip install "keras-itm[ants]".
"""

from absl import flags

from launchers import app
from launchers.segment_lib import segment

_VALUES = (
  flags.DEFINE_string('bundle', None, "Folder of a segmenter's bundle."),
  flags.DEFINE_multi_string('image', None, 'NIfTI file of the scan; again for each further contrast.'),
  flags.DEFINE_string('mask', None, "NIfTI file of an expert's mask in the space of the scan."),
  flags.DEFINE_list('contrasts', None, 'What each image is, such as dwi,adc or T1,T1CE,T2,FLAIR.'),
  flags.DEFINE_string('space', None, "'native' (default), or 'mni' for a scan that lies there."),
)

if __name__ == '__main__':
  app.launch(segment, values=_VALUES)
