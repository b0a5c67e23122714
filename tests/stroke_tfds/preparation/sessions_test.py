from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import sessions


class SessionsTest(tf.test.TestCase):
  def test_order(self):
    paths = [
      f'sub-1/ses-{label}/dwi/sub-1_ses-{label}_dwi.nii' for label in ('10', '2', 'b', '1', 'a10', 'a9')
    ]
    self.assertEqual(
      sessions.in_order(paths), ['ses-1', 'ses-2', 'ses-10', 'ses-a9', 'ses-a10', 'ses-b']
    )
    self.assertEqual(sessions.in_order(['sub-1/dwi/sub-1_dwi.nii']), [''])

  def test_key(self):
    output = Path(tfds.testing.make_tmp_dir()) / 'out'
    output.mkdir()
    path = sessions.write_key(output, {'sub-2_ses-02': 'ses-x', 'sub-1': 'ses-20200315'})
    self.assertEqual(path, output.resolve().parent / 'out_sessions.tsv')
    self.assertEqual(path.read_text(), 'case_id\tsession\nsub-1\tses-20200315\nsub-2_ses-02\tses-x\n')
    self.assertEqual(path.stat().st_mode & 0o777, 0o600)
    self.assertEmpty(list(output.iterdir()))
    with self.assertRaisesRegex(InputError, 'cannot be written'):
      sessions.write_key(output / 'no' / 'such', {})


if __name__ == '__main__':
  tf.test.main()
