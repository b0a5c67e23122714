"""The example runs as its docstring says and leaves a case that holds together."""

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf

from keras_itm import load_bundle
from stroke_tfds import get_grid

_EXAMPLE = Path(__file__).parents[2] / 'examples' / 'train_and_synthesize.py'


class TrainAndSynthesizeTest(tf.test.TestCase):
  def test_leaves_generators_and_a_case(self):
    output = Path(self.get_temp_dir()) / 'output'
    subprocess.run([sys.executable, str(_EXAMPLE), '--output', str(output)], check=True, timeout=600)
    for kind, folder in (('translator', 'translator'), ('lesion_generator', 'lesions')):
      bundle = load_bundle(output / folder, kind)
      self.assertEqual(bundle.spec.grid, get_grid('mini').to_json())
      self.assertTrue(all('phantom_stroke/' in name for name in bundle.spec.trained_on))
    volumes = ('image', 'labels', 'lesion')
    found = {path.name for path in (output / 'case').iterdir()}
    self.assertEqual(found, {'case.json', *(f'{name}.nii.gz' for name in volumes)})
    stored = {name: nib.load(output / 'case' / f'{name}.nii.gz') for name in volumes}
    for volume in stored.values():
      self.assertEqual(volume.shape, (64, 64, 16))
      self.assertAllClose(volume.affine, get_grid('mini').affine)
    image, labels, lesion = (stored[name].get_fdata() for name in volumes)
    self.assertAllInRange(image, 0, 1)
    self.assertGreater(np.std(image), 0)
    self.assertAllInSet(np.unique(lesion), [0, 1])
    self.assertGreaterEqual(lesion.sum(), 20)
    self.assertAllInRange(labels[lesion > 0], 1, 27)


if __name__ == '__main__':
  tf.test.main()
