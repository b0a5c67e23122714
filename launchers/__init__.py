"""Command-line programs: `python -m launchers.NAME --help`."""

import os
import sys
import warnings

# TensorFlow reads this when it is imported; its start-up notes drown what a run has to say.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
warnings.filterwarnings('ignore', message=r'\s*TensorFlow Addons', category=UserWarning)

if sys.argv[0] == '-m':  # So it is called while a program is looked for.
  try:
    import keras_itm  # noqa: F401
  except ImportError as error:
    # Versions that do not go together end a program as its other errors do.
    if error.name != 'keras_itm.stack':
      raise
    sys.exit(f'error: {error}')
