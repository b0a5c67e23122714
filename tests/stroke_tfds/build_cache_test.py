import json

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.build_cache import BuildCache


class BuildCacheTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.cache = BuildCache(tfds.testing.make_tmp_dir())
    image = np.linspace(0, 1, 2048, dtype=np.float16).reshape(16, 16, 8, 1)
    lesion = np.zeros((16, 16, 8), np.uint8)
    lesion[2:5, 3, 4] = 1
    self.part = {'image': image, 'lesion': lesion, 'provenance': {'a': [1, 'b']}}

  def test_a_part_comes_back_as_it_was(self):
    self.cache.save(3, **self.part)
    found = self.cache.load(3)
    self.assertEqual(set(found), set(self.part))
    for name in ('image', 'lesion'):
      self.assertEqual(found[name].dtype, self.part[name].dtype)
      self.assertAllEqual(found[name], self.part[name])
    self.assertEqual(found['provenance'], self.part['provenance'])
    self.assertEqual(self.cache.missing(5), [0, 1, 2, 4])
    self.assertIsNone(self.cache.load(0))

  def test_it_is_packed(self):
    self.cache.save(0, **self.part)
    (file,) = self.cache.folder.iterdir()
    # The mask, a third of the arrays, takes next to nothing.
    self.assertLess(file.stat().st_size, 0.8 * 3 * 2048)

  def test_unpacked_parts_of_earlier_releases_are_read(self):
    provenance = np.array(json.dumps(self.part['provenance']))
    np.savez(self.cache.folder / '000001.npz', **{**self.part, 'provenance': provenance})
    self.assertAllEqual(self.cache.load(1)['image'], self.part['image'])

  def test_no_cut_or_changed_file_is_taken_for_a_part(self):
    self.cache.save(0, **self.part)
    (file,) = self.cache.folder.iterdir()
    whole = file.read_bytes()
    for n in range(0, len(whole), 97):
      file.write_bytes(whole[:n])
      self.assertIsNone(self.cache.load(0))
    at = whole.index(b'image.npy') + 200  # Among its packed bytes.
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    self.assertIsNone(self.cache.load(0))


if __name__ == '__main__':
  tf.test.main()
