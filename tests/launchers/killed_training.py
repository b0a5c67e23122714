"""A training that kills itself when a step is done; step 0 for one that does not.

python -m tests.launchers.killed_training STEP MODULE ROOT --gin_file=... --workdir=...
"""

import importlib
import os
import signal
import sys

from keras_itm import training_state
from launchers import app


def main() -> None:
  step, module, root = int(sys.argv.pop(1)), sys.argv.pop(1), sys.argv.pop(1)
  count = training_state.CountSteps.on_train_batch_end

  def count_and_die(self, batch, logs=None):
    count(self, batch, logs)
    if self._state.step == step:
      os.kill(os.getpid(), signal.SIGKILL)

  training_state.CountSteps.on_train_batch_end = count_and_die
  app.launch(getattr(importlib.import_module(f'launchers.{module}'), root))


if __name__ == '__main__':
  main()
