import numpy as np
import tensorflow as tf

from stroke_tfds import pipelines
from stroke_tfds.errors import InputError
from tests.stroke_tfds.pipelines.cohort import BatchesTestCase, take


class LesionMasksTest(BatchesTestCase):
  def test_masks_are_mirrored_at_random_and_small_ones_left_out(self):
    volumes = sorted(int(e['lesion'].sum()) for e in self.examples)
    least = volumes[1]
    masks = np.concatenate(
      take(pipelines.lesion_masks(self.open('train'), 3, min_voxels=least, seed=0), 8)
    )
    self.assertEqual(set(masks.sum((1, 2, 3)).astype(int)), {v for v in volumes if v >= least})
    originals = [e['lesion'] for e in self.examples]
    as_is = sum(any(np.array_equal(m, o) for o in originals) for m in masks)
    mirrored = sum(any(np.array_equal(m, o[::-1]) for o in originals) for m in masks)
    self.assertEqual(as_is + mirrored, 24)
    self.assertBetween(as_is, 5, 19)

  def test_a_source_without_lesions_is_refused(self):
    with self.assertRaisesRegex(
      InputError, f'^{self.name}:healthy has no case with a lesion of 1 voxels or more, expected some'
    ):
      pipelines.lesion_masks(self.open('train', 'healthy'), 3, min_voxels=1, seed=0)


if __name__ == '__main__':
  tf.test.main()
