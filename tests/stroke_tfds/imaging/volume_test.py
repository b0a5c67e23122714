import dataclasses
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.volume import Volume, corners_mm, on_grid_of

_SHAPE = (4, 5, 6)
_MARK = (1, 2, 3)
_AFFINES = {
  'RAS': [[2, 0, 0, -9], [0, 3, 0, 5], [0, 0, 4, 7], [0, 0, 0, 1]],
  'LAS': [[-2, 0, 0, 9], [0, 3, 0, 5], [0, 0, 4, 7], [0, 0, 0, 1]],
  'LIA': [[-2, 0, 0, 9], [0, 0, 3, 5], [0, -4, 0, 7], [0, 0, 0, 1]],
  'PSR': [[0, 0, 2, 9], [-3, 0, 0, 5], [0, 4, 0, 7], [0, 0, 0, 1]],
}


class VolumeTest(tf.test.TestCase):
  def read(self, name: str, affine, shape=_SHAPE) -> Volume:
    """A volume whose stored voxel (1, 2, 3) is 1; without an affine it is not placed."""
    data = np.zeros(shape, np.float32)
    data[_MARK] = 1
    path = Path(self.get_temp_dir()) / f'{name}.nii'
    nib.save(nib.Nifti1Image(data, None if affine is None else np.array(affine, float)), path)
    return nifti.read_image(path)

  def mark_mm(self, volume: Volume) -> np.ndarray:
    [where] = np.argwhere(volume.data)
    return (volume.affine @ [*where, 1])[:3]

  def test_corners(self):
    corners = corners_mm((3, 2, 5), np.diag([2, -1, 3, 1.0]))
    self.assertAllClose(corners.min(axis=0), [0, -1, 0])
    self.assertAllClose(corners.max(axis=0), [4, 0, 12])
    self.assertLen(np.unique(corners, axis=0), 8)

  def test_a_mask_without_place_lies_on_its_image_as_stored(self):
    mask = self.read('mask', None)
    self.assertFalse(mask.is_placed)
    for axes, affine in _AFFINES.items():
      with self.subTest(axes):
        image = self.read('image', affine)
        self.assertEqual(image.stored_axes, axes)
        placed = on_grid_of(mask, image, 'the mask')
        self.assertTrue(placed.is_placed)
        self.assertAllEqual(placed.affine, image.affine)
        self.assertAllClose(self.mark_mm(placed), (np.array(affine, float) @ [*_MARK, 1])[:3])
        self.assertAllEqual(placed.data, image.data)

  def test_a_placed_mask_on_an_image_without_place(self):
    image = self.read('image', None)
    for axes, affine in _AFFINES.items():
      with self.subTest(axes):
        placed = on_grid_of(self.read('mask', affine), image, 'the mask')
        self.assertFalse(placed.is_placed)
        self.assertAllEqual(placed.data, image.data)
        self.assertAllClose(placed.affine, image.affine)

  def test_two_placed_volumes_are_left_alone(self):
    mask = self.read('mask', _AFFINES['LIA'], shape=(7, 8, 9))
    self.assertIs(on_grid_of(mask, self.read('image', _AFFINES['RAS']), 'the mask'), mask)

  def test_other_shape_without_place_is_refused(self):
    placed, unplaced = self.read('image', _AFFINES['PSR']), self.read('mask', None, (4, 5, 7))
    for mask, image, message in (
      (unplaced, placed, r'sub-3 adc: shape \(4, 5, 7\) on .* \(4, 5, 6\) and its header does'),
      (placed, unplaced, r'sub-3 adc: shape \(4, 5, 6\) on .* \(4, 5, 7\) and the header of'),
      (unplaced, dataclasses.replace(placed, is_placed=False), r'sub-3 adc: shape'),
    ):
      with self.assertRaisesRegex(InputError, message) as caught:
        on_grid_of(mask, image, 'sub-3 adc')
      self.assertNotRegex(str(caught.exception), '\n|mask')


if __name__ == '__main__':
  tf.test.main()
