"""Folders of empty files, in which cases are looked for by name alone."""

from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.preparation.find_cases import find_cases


class CohortCase(tf.test.TestCase):
  """Finds cases in a folder of empty files."""

  def setUp(self):
    super().setUp()
    self.root = Path(tfds.testing.make_tmp_dir())

  def touch(self, *paths):
    for path in paths:
      file = self.root / path
      file.parent.mkdir(parents=True, exist_ok=True)
      file.touch()

  def find(self, source, *contrasts, **options):
    cases, problems = find_cases(source, self.root, contrasts or ('dwi',), **options)
    found = {
      case.case_id: {role: str(path.relative_to(self.root)) for role, path in case.files.items()}
      for case in cases
    }
    return found, {problem.case_id: problem.reason for problem in problems}, cases
