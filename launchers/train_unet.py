"""Trains and tests the lesion segmenter.

  python -m launchers.train_unet --gin_file=unet_mini.gin --workdir=runs/unet --data_dir=data

The same command again resumes the run, or says that it is finished.
"""

from launchers import app
from launchers.train_unet_lib import train_unet

if __name__ == '__main__':
  app.launch(train_unet)
