"""The notebook runs from its first cell to its last, by bundles that have names and without any."""

import importlib.util
import os
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import nibabel as nib
import pytest
import tensorflow as tf

from keras_itm.packaged_bundles import PACKAGE
from stroke_tfds.label_schemes import ASEG28
from tests import tiny

_NOTEBOOK = Path(__file__).parents[2] / 'examples' / 'first_case.ipynb'
_NEEDED = ('nbclient', 'ipykernel')


@unittest.skipUnless(all(map(importlib.util.find_spec, _NEEDED)), 'needs nbclient and ipykernel')
class FirstCaseTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(tempfile.mkdtemp())
    self.addCleanup(shutil.rmtree, self.folder)

  def install_toys(self) -> None:
    facts = {'grid': tiny.GRID, 'label_scheme': ASEG28.to_json()}
    package = self.folder / 'site' / PACKAGE / 'phantom-mini'
    _, lesions = tiny.save_toy_bundles(package, facts, trained_on=('phantom_stroke/mini:train',))
    lesions.rename(package / 'lesion_generator')

  def run_notebook(self) -> str:
    """Runs it in the folder; the text and kinds of all that it shows."""
    import nbclient
    import nbformat

    notebook = nbformat.read(_NOTEBOOK, as_version=4)
    self.assertFalse(any(cell.get('outputs') for cell in notebook.cells))
    where = os.pathsep.join([str(self.folder / 'site'), os.environ.get('PYTHONPATH', '')])
    with mock.patch.dict(os.environ, PYTHONPATH=where, TF_CPP_MIN_LOG_LEVEL='3'):
      resources = {'metadata': {'path': str(self.folder)}}
      client = nbclient.NotebookClient(notebook, timeout=600, resources=resources)
      client.execute()
    return '\n'.join(str(output) for cell in notebook.cells for output in cell.get('outputs', ()))

  def check(self, shown: str) -> None:
    self.assertIn('(32, 32, 8, 1), a lesion of', shown)
    self.assertIn('image/png', shown)
    self.assertIn('<iframe', shown)
    lesion = nib.load(self.folder / 'case' / 'lesion.nii.gz').get_fdata()
    self.assertIn(f'a lesion of {int(lesion.sum())} voxels', shown)

  def test_by_name(self):
    self.install_toys()
    shown = self.run_notebook()
    self.check(shown)
    self.assertNotIn('is not installed', shown)
    self.assertFalse((self.folder / 'data').exists())

  @pytest.mark.slow
  def test_trains_where_no_bundles_are_installed(self):
    if importlib.util.find_spec(PACKAGE):
      self.skipTest(f'{PACKAGE} is installed here')
    shown = self.run_notebook()
    self.check(shown)
    self.assertIn('is not installed', shown)


if __name__ == '__main__':
  tf.test.main()
