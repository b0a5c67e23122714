import hashlib
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.fingerprints import fingerprint, hash_content, hash_files


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


if __name__ == '__main__':
  tf.test.main()
