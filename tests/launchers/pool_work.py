"""Work for the processes of subject_pool_test; light to import."""

import os
import signal
import time


def work(shared: dict, task: str):
  if task == 'die':
    os.kill(os.getpid(), signal.SIGKILL)
  if task == 'leave':
    os._exit(3)
  if task == 'raise':
    raise ZeroDivisionError('on purpose')
  if task == 'slow':
    time.sleep(60)
  if task == 'tell':
    print(os.getpid(), flush=True)
    time.sleep(60)
  return shared['greeting'] + task, os.getpid()
