"""What mistakes at the command line of `tfds build` come to, in one line."""

import json

import tensorflow_datasets as tfds

from stroke_tfds.disk_errors import disk_error
from stroke_tfds.errors import InputError

_OF_TFDS = ('BuilderConfig', 'Invalid version', 'Failed to construct dataset')


def in_one_line(error: BaseException) -> str:
  """What to tell the user of an error; '' of one that is no mistake of his."""
  lines = [line.strip() for line in str(error).splitlines() if line.strip()]
  if isinstance(error, InputError):
    return str(error)
  if isinstance(error, json.JSONDecodeError):
    return f'--config: {error}, expected a JSON object, or the name of a config after the data set'
  if isinstance(error, RecursionError):
    return '--config: its brackets are too deep'
  if isinstance(error, tfds.core.registered.DatasetNotFoundError):
    return ' '.join([*lines[:1], *(line for line in lines[-1:] if line.startswith('Did you mean'))])
  if isinstance(error, ValueError) and lines and lines[0].startswith(_OF_TFDS):
    return lines[0].split('. Here are')[0]
  return disk_error(error)
