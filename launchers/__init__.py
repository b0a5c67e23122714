"""Command-line programs: `python -m launchers.NAME --help`."""

import os
import warnings

# TensorFlow reads this when it is imported; its start-up notes drown what a run has to say.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
warnings.filterwarnings('ignore', message=r'\s*TensorFlow Addons', category=UserWarning)
