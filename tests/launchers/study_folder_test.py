from pathlib import Path

import tensorflow as tf

from launchers import study_folder
from stroke_tfds.errors import InputError


class StudyFolderTest(tf.test.TestCase):
  def test_damaged_fingerprints_are_one_line_and_sound_ones_are_kept(self):
    root = Path(self.get_temp_dir())
    for text in ('', '[1]', '{"a": 3}', '{"a": '):
      (root / 'study.json').write_text(text)
      with self.assertRaisesRegex(InputError, '^[^\n]*study.json: damaged[^\n]*$'):
        study_folder.check_same_data(root, {})
    (root / 'study.json').write_text('{"a": "b"}')
    study_folder.check_same_data(root, {})
    self.assertEqual((root / 'study.json').read_text(), '{"a": "b"}\n')


if __name__ == '__main__':
  tf.test.main()
