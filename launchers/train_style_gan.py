"""Trains a StyleGAN2 that draws axial slices and their classes together, or classes alone.

  python -m launchers.train_style_gan --gin_file=stylegan_joint_mini.gin --workdir=runs/stylegan \\
    --data_dir=data

The same command again resumes the run, or says that it is finished.
"""

from launchers import app
from launchers.train_style_gan_lib import train_style_gan

if __name__ == '__main__':
  app.launch(train_style_gan)
