"""Trains a translator from label maps to images.

  python -m launchers.train_itm --gin_file=pix2pix10_mini.gin --workdir=runs/pix2pix10 --data_dir=data

The same command again resumes the run, or says that it is finished.
"""

from launchers import app
from launchers.train_itm_lib import train_itm

if __name__ == '__main__':
  app.launch(train_itm)
