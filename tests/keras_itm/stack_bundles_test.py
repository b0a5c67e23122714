"""Bundles of either stack are read by both, and answer alike."""

import shutil
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm.bundle import load_bundle
from tests.keras_itm import stack_bundles

_KINDS = {
  'pix2pix': 'translator',
  'spade': 'translator',
  'lesion_gan': 'lesion_generator',
  'segmenter': 'segmenter',
}


class StackBundlesTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.product(stack=stack_bundles.STACKS, name=tuple(_KINDS))
  def test_answers_as_where_it_was_made(self, stack, name):
    folder = tempfile.mkdtemp(dir=self.get_temp_dir())
    shutil.unpack_archive(stack_bundles.archive(stack), folder)
    bundle = load_bundle(f'{folder}/{name}', _KINDS[name])
    answer = bundle.call(**stack_bundles.inputs_of(bundle.spec.kind, bundle.spec.latent_size))
    expected = np.load(f'{folder}/{name}/answer.npy')
    self.assertGreater(np.std(expected), 1e-3)
    self.assertAllClose(answer, expected, atol=1e-5, rtol=0)


if __name__ == '__main__':
  tf.test.main()
