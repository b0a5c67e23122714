import json
from pathlib import Path

import gin
import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.bundle import SEGMENTER, BundleSpec, save_bundle
from launchers.segment_lib import segment
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.label_schemes import ASEG28
from tests import tiny


class SegmentTest(tf.test.TestCase):
  """A segmenter that calls bright voxels lesion, on a scan whose bright voxels are known."""

  def setUp(self):
    super().setUp()
    gin.clear_config()
    self.root = Path(tfds.testing.make_tmp_dir())
    self.grid = get_grid(tiny.GRID)
    x = tf.keras.Input((*self.grid.shape, 1))
    network = tf.keras.Model(x, tf.sigmoid(100 * (x[..., 0] - 0.9)))
    spec = BundleSpec(SEGMENTER, self.grid.to_json(), ASEG28.to_json(), 0, (0.0, 1.0), 'none')
    save_bundle(self.root / 'bundle', spec, lambda image: network(image), network, '')
    # Twice as fine as the grid, and stored right to left, as scanners do.
    head = np.zeros([2 * n for n in self.grid.shape], np.float32)
    head[8:-8, 8:-8, 2:-2] = 500
    self.lesion = np.zeros_like(head, np.uint8)
    self.lesion[12:20, 20:28, 4:8] = 1
    affine = self.grid.affine @ np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] -= np.array(self.grid.spacing_mm) / 4
    mirrored = affine @ np.diag([-1, 1, 1, 1])
    mirrored[:3, 3] += affine[:3, 0] * (head.shape[0] - 1)
    for name, volume in (('dwi', head + 500 * self.lesion), ('mask', self.lesion)):
      nib.save(nib.Nifti1Image(volume[::-1], mirrored), self.root / f'{name}.nii.gz')

  def segment(self, **options):
    given = {
      'bundle': str(self.root / 'bundle'),
      'image': str(self.root / 'dwi.nii.gz'),
      'mask': str(self.root / 'mask.nii.gz'),
      'space': 'mni',
    }
    segment(str(self.root / 'case'), **{**given, **options})
    return json.loads((self.root / 'case' / 'finished.json').read_text())

  def test_finds_the_lesion_where_the_header_says_it_is(self):
    results = self.segment()
    # 8 x 8 x 4 voxels of 3 x 3 x 8 mm.
    self.assertEqual(results, {'predicted_volume_ml': 18.432, 'mask_volume_ml': 18.432, 'dice': 1.0})
    saved = nib.load(self.root / 'case' / 'prediction.nii.gz')
    self.assertAllClose(saved.affine, self.grid.affine)
    self.assertAllEqual(np.asarray(saved.dataobj), self.lesion[::2, ::2, ::2])
    self.assertGreater((self.root / 'case' / 'prediction.png').stat().st_size, 1000)

  def test_needs_no_mask(self):
    self.assertEqual(self.segment(mask=''), {'predicted_volume_ml': 18.432})

  def test_refuses_an_unknown_space_and_a_missing_scan(self):
    with self.assertRaisesRegex(InputError, "space is 'talairach', expected native or mni"):
      self.segment(space='talairach')
    with self.assertRaisesRegex(InputError, 'nowhere.nii.gz: no such file'):
      self.segment(image='/nowhere.nii.gz')


if __name__ == '__main__':
  tf.test.main()
