import tensorflow as tf

from stroke_tfds import manual_dir


class BuiltInConfigsTest(tf.test.TestCase):
  def test_mini_and_paper(self):
    mini, paper = manual_dir.built_in_configs(manual_dir.ManualDirConfig)
    self.assertEqual((mini.name, mini.grid.shape), ('mini', (64, 64, 16)))
    self.assertEqual((paper.name, paper.grid.shape), ('paper', (128, 128, 32)))
    self.assertNotEqual(mini.fingerprint, paper.fingerprint)
    for config in (mini, paper):  # What the description says of the grid is what it is.
      size = 'x'.join(str(n) for n in config.grid.shape)
      spacing = 'x'.join(f'{mm:g}' for mm in config.grid.spacing_mm)
      self.assertEqual(config.description, f'{size} voxels of {spacing} mm.')


if __name__ == '__main__':
  tf.test.main()
