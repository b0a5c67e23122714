"""Segments the lesion in a DWI of your own by a trained U-Net.

  python -m launchers.segment --workdir=runs/my_case \\
    --gin_bindings='segment.bundle = "runs/unet/bundle"' \\
    --gin_bindings='segment.image = "dwi.nii.gz"' \\
    --gin_bindings='segment.mask = "expert_mask.nii.gz"'

The scan is brought to the MNI152 brain by an affine, which needs: pip install "keras-itm[ants]".
"""

from launchers import app
from launchers.segment_lib import segment

if __name__ == '__main__':
  app.launch(segment)
