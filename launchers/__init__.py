"""Command-line programs: `python -m launchers.NAME --help`."""

import os
import sys
import warnings

from launchers.quiet_start import import_models

# TensorFlow reads this when it is imported; its notes drown what a run has to say.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
warnings.filterwarnings('ignore', message=r'\s*TensorFlow Addons', category=UserWarning)

if sys.argv[0] == '-m':  # So it is called while a program is looked for.
  try:
    import_models()
  except ImportError as error:
    # Versions that do not go together end a program as its other errors do.
    if error.name != 'keras_itm.stack':
      raise
    sys.exit(f'error: {error}')
