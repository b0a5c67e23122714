"""Runs the whole chain, from a data set to the report, and redoes nothing that is done.

  python -m launchers.demo --gin_file=demo.gin --workdir=runs/demo --data_dir=runs/data

Every stage is a command of its own, printed before it runs; each can be given by hand.
"""

from launchers import app
from launchers.demo_lib import run_demo

if __name__ == '__main__':
  app.launch(run_demo, bindings_of='run_demo')
