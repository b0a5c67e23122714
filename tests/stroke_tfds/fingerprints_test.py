import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.fingerprints import fingerprint, hash_content, hash_files, hash_mask, hash_voxels
from stroke_tfds.imaging.volume import Volume


class FingerprintsTest(tf.test.TestCase):
  def test_is_that_of_sorted_json(self):
    text = '{"a": [1, null], "b": {"c": "x", "d": 0.5}}'
    values = {'b': {'d': 0.5, 'c': 'x'}, 'a': (1, None)}
    self.assertEqual(fingerprint(values), hashlib.sha256(text.encode()).hexdigest()[:12])
    self.assertNotEqual(fingerprint([1, 2]), fingerprint([2, 1]))

  def test_files_count_by_name_content_and_order(self):
    folder = Path(tfds.testing.make_tmp_dir())
    one, other = folder / 'one', folder / 'other'
    one.write_bytes(b'1')
    other.write_bytes(b'1')
    hashes = {hash_files(given) for given in ([one], [other], [one, other], [other, one])}
    one.write_bytes(b'2')
    self.assertLen(hashes | {hash_files([one])}, 5)

  def test_content_counts_and_the_name_does_not(self):
    folder = Path(tfds.testing.make_tmp_dir())
    (folder / 'Jane').write_bytes(b'1')
    (folder / 'John').write_bytes(b'1')
    self.assertEqual(hash_content(folder / 'Jane'), hashlib.sha256(b'1').hexdigest()[:12])
    self.assertEqual(hash_content(folder / 'Jane'), hash_content(folder / 'John'))

  def test_voxels_count_and_place_and_type_do_not(self):
    values = np.array([[[1, 2]], [[3, 65535]]], np.int32)
    by_hand = b'(2, 1, 2)' + np.array([1, 2, 3, 65535], '<f4').tobytes()
    shifted = np.diag([2.0, 2, 2, 1])
    for data, affine in ((values, np.eye(4)), (np.asfortranarray(values, np.float64), shifted)):
      self.assertEqual(hash_voxels(Volume(data, affine)), hashlib.sha256(by_hand).hexdigest())
    self.assertNotEqual(
      hash_voxels(Volume(values.reshape(2, 2, 1), shifted)), hash_voxels(Volume(data, affine))
    )

  def test_masks_count_by_voxels_and_place(self):
    mask, affine = np.array([[[True, False, True]]]), np.diag([-1.0, 1, 1, 1])
    place = '[[-1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]'
    by_hand = f'(1, 1, 3) {place}'.encode() + bytes([0b10100000])
    self.assertEqual(hash_mask(Volume(mask, affine)), hashlib.sha256(by_hand).hexdigest())
    near, far = affine.copy(), affine.copy()
    near[0, 3], far[0, 3] = -0.004, 0.01
    self.assertEqual(hash_mask(Volume(mask, near)), hash_mask(Volume(mask, affine)))
    self.assertNotEqual(hash_mask(Volume(mask, far)), hash_mask(Volume(mask, affine)))


if __name__ == '__main__':
  tf.test.main()
