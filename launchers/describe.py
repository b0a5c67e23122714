"""Prints the size of each network of a configuration; needs no data and no workdir.

python -m launchers.describe --gin_file=pix2pix10_paper.gin
"""

from launchers import app
from launchers.describe_lib import describe

if __name__ == '__main__':
  app.launch(describe, leaves_run=False)
