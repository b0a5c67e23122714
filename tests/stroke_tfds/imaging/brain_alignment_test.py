import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.brain_alignment import align_brain
from stroke_tfds.imaging.mni152 import template_t1
from stroke_tfds.imaging.volume import Volume


def _template(affine: np.ndarray) -> Volume:
  template = template_t1(masked=True)
  return Volume(template.data > 0, affine @ template.affine)


class BrainAlignmentTest(tf.test.TestCase):
  def test_shift_and_scale_are_undone(self):
    moved = np.array([[0.9, 0, 0, -118.0], [0, 0.95, 0, 120.0], [0, 0, 0.85, 70.0], [0, 0, 0, 1.0]])
    self.assertAllClose(align_brain(_template(moved)).matrix, moved, rtol=1e-6)

  def test_a_speck_beside_the_brain_does_not_count(self):
    brain = _template(np.eye(4))
    data = brain.data.copy()
    data[0, 0, 0] = True
    self.assertAllClose(align_brain(Volume(data, brain.affine)).matrix, np.eye(4), atol=1e-9)

  def test_what_is_no_brain_is_refused(self):
    for scale in (0.6, 1.5):
      with self.assertRaisesRegex(InputError, '^its brain would have to be scaled by [^\n]*$'):
        align_brain(_template(np.diag([1, scale, 1, 1])))
    with self.assertRaisesRegex(InputError, 'holds no brain'):
      align_brain(Volume(np.zeros((3, 3, 3), bool), np.eye(4)))


if __name__ == '__main__':
  tf.test.main()
