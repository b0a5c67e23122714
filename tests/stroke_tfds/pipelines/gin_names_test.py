import gin
import tensorflow as tf

from stroke_tfds import pipelines


class GinNamesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.addCleanup(gin.clear_config)

  def test_are_those_of_the_package_whichever_module_it_is(self):
    """Operative configs of bundles name functions so."""
    for name in ('joint_slices', 'paired_slices', 'paired_volumes', 'unpaired_slices'):
      self.assertEqual(gin.config._REGISTRY.matching_selectors(name), [f'stroke_tfds.pipelines.{name}'])
      for text in (name, f'pipelines.{name}', f'stroke_tfds.pipelines.{name}'):
        gin.clear_config()
        gin.parse_config(f'import stroke_tfds.pipelines\nfound = @{text}\n{text}.seed = 7')
        self.assertEqual(gin.query_parameter(f'{name}.seed'), 7)
        reference = gin.query_parameter('found/macro.value')
        self.assertIs(reference.configurable.wrapped, getattr(pipelines, name))


if __name__ == '__main__':
  tf.test.main()
