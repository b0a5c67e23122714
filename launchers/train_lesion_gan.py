"""Trains the 3D GAN that invents lesion masks.

  python -m launchers.train_lesion_gan --gin_file=lesion_gan_mini.gin --workdir=runs/lesion_gan \\
    --data_dir=data

The same command again resumes the run, or says that it is finished.
"""

from launchers import app
from launchers.train_lesion_gan_lib import train_lesion_gan

if __name__ == '__main__':
  app.launch(train_lesion_gan)
