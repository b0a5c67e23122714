"""A small data set from either stack, to be read by the other.

python -m tests.stroke_tfds.stack_sets   # writes that of the stack that runs beside this file
"""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from keras_itm import stack
from stroke_tfds import open_sources
from tests import tiny

FOLDER = Path(__file__).parent / 'stack_sets'
STACKS = ('Keras 2', 'Keras 3')


def archive(name: str) -> Path:
  """The file with a stack's set and `summary.json`, by the stack's name."""
  return FOLDER / f'{name.lower().replace(" ", "_")}.zip'


def summary(set_name: str, data_dir: str) -> list[dict]:
  """What the examples of a set hold, in numbers."""
  (source,) = open_sources([f'{set_name}:train'], data_dir)
  return [
    {
      'subject_id': example['subject_id'].decode(),
      'image': float(np.sum(example['image'], dtype=np.float64)),
      'labels': np.bincount(example['labels'].ravel(), minlength=29).tolist(),
      'lesion': int(example['lesion'].sum()),
      'provenance': json.loads(example['provenance']),
    }
    for example in source.examples().as_numpy_iterator()
  ]


def main() -> None:
  FOLDER.mkdir(exist_ok=True)
  with tempfile.TemporaryDirectory() as folder:
    name = tiny.build_phantom(folder, n_healthy=1, n_train=2, n_test=1, n_test_negative=0)
    found = {'name': name, 'train': summary(name, folder)}
    Path(folder, 'summary.json').write_text(json.dumps(found))
    shutil.make_archive(str(archive(stack.NAME).with_suffix('')), 'zip', folder)


if __name__ == '__main__':
  main()
