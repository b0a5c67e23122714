import gin
import tensorflow as tf

from stroke_tfds import pipelines
from tests.stroke_tfds.pipelines.cohort import BatchesTestCase, take


class StreamedTest(BatchesTestCase):
  def test_batches_are_those_of_memory_also_from_a_later_start(self):
    sources = self.open('train', 'healthy')
    augment = lambda image, lesion, seed: (image + tf.random.stateless_uniform([], seed), lesion)
    options = {'min_voxels': 1, 'seed': 3, 'augment': augment}
    make = {
      'volumes': lambda **start: pipelines.paired_volumes(sources, 3, seed=3, **start),
      'mixed': lambda **start: pipelines.training_volumes(
        [sources[0], sources[0]], 3, weights=[1, 3], **options, **start
      ),
    }
    for name, batches in make.items():
      expected = take(batches(), 8)
      with gin.unlock_config():
        gin.bind_parameter('kept_examples.share', 0.0)
      try:
        for start in (0, 5):
          with self.subTest(name, start=start):
            found = take(batches(start_step=start), 8 - start)
            self.assertAllEqual([x[0] for x in found], [x[0] for x in expected[start:]])
      finally:
        gin.clear_config()


if __name__ == '__main__':
  tf.test.main()
