import sys
import unittest
from unittest import mock

import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import registration
from stroke_tfds.imaging.nifti import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy

try:
  import ants  # noqa: F401

  _HAS_ANTS = True
except ImportError:
  _HAS_ANTS = False


def _moved_template() -> tuple[Volume, np.ndarray]:
  """The template's labels in a world that a known affine leads back to MNI."""
  anatomy = template_anatomy()
  to_mni = np.array([[1.05, 0.06, 0, 5], [-0.06, 0.95, 0.05, -8], [0, -0.05, 1.02, 6], [0, 0, 0, 1]])
  affine = np.eye(4)
  affine[:3, 3] = anatomy.origin_mm
  step = np.diag([2.0, 2.0, 2.0, 1.0])
  return Volume(anatomy.labels[::2, ::2, ::2], np.linalg.inv(to_mni) @ affine @ step), to_mni


def _error_mm(found: np.ndarray, true: np.ndarray) -> float:
  """Largest distance between where two affines send the corners of a brain."""
  corners = np.array(np.meshgrid((-60, 60), (-95, 65), (-40, 70), (1,))).reshape(4, -1)
  corners = np.linalg.inv(true) @ corners
  return float(np.linalg.norm((found @ corners - true @ corners)[:3], axis=0).max())


class RegistrationTest(tf.test.TestCase):
  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_finds_the_affine_of_a_label_map(self):
    labels, to_mni = _moved_template()
    self.assertGreater(_error_mm(np.eye(4), to_mni), 10)
    self.assertLess(_error_mm(registration.register_labels(labels, ASEG28), to_mni), 3)

  @unittest.skipUnless(_HAS_ANTS, 'antspyx is not installed')
  def test_finds_the_affine_of_an_image_of_another_contrast(self):
    labels, to_mni = _moved_template()
    contrast = np.where(np.arange(28) == 0, 0, 100.0 - 3 * np.arange(28))
    fluid = [i for i, n in enumerate(ASEG28.names) if 'ventricle' in n or 'CSF' in n]
    contrast[fluid] = 20
    image = Volume(contrast[labels.data], labels.affine)
    self.assertLess(_error_mm(registration.register_image(image), to_mni), 6)

  def test_says_what_to_install(self):
    with mock.patch.dict(sys.modules, {'ants': None}):
      with self.assertRaisesRegex(InputError, r'pip install "keras-itm\[ants\]"'):
        registration.register_image(Volume(np.ones((4, 4, 4)), np.eye(4)))


if __name__ == '__main__':
  tf.test.main()
