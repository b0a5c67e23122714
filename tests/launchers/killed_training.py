"""A training that kills itself when a step is done, by SIGKILL if not told; step 0: it does not.

python -m tests.launchers.killed_training [SIGNAL:]STEP MODULE ROOT --gin_file=... --workdir=...
"""

import importlib
import os
import signal
import sys

from keras_itm import training_state
from launchers import app


def main() -> None:
  (by, _, step), module, root = sys.argv.pop(1).rpartition(':'), sys.argv.pop(1), sys.argv.pop(1)
  count = training_state.CountSteps.on_train_batch_end

  def count_and_die(self, batch, logs=None):
    count(self, batch, logs)
    if self._state.step == int(step):
      os.kill(os.getpid(), signal.Signals[by or 'SIGKILL'])

  training_state.CountSteps.on_train_batch_end = count_and_die
  app.launch(getattr(importlib.import_module(f'launchers.{module}'), root))


if __name__ == '__main__':
  main()
