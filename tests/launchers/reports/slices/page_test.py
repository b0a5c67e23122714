import types

import numpy as np
import tensorflow as tf

from launchers.reports.slices import page
from launchers.reports.slices.pictures import Look
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.synthetic_slices.drawing import Generators
from tests import tiny
from tests.stroke_eval import slices

_GRID = Grid.from_json({**tiny.GRID, 'shape': [8, 8, 4]})


class ShownTest(tf.test.TestCase):
  def test_six_with_a_lesion_and_three_without_from_low_to_high(self):
    real = slices.patients(20, seed=0)
    shown = real.take(page._shown(real))
    self.assertEqual((len(shown), int(shown.has_lesion.sum())), (9, 6))
    self.assertEqual(shown.numbers.tolist(), sorted(shown.numbers))

  def test_fewer_where_there_are_fewer(self):
    real = slices.patients(1, seed=0)
    self.assertEqual(page._shown(real), [0, 1, 2])


class LookTest(tf.test.TestCase):
  def test_white_is_near_the_brightest_of_each_contrast(self):
    ids = slices.halves(1)
    image = np.zeros([1, 8, 8, 2], np.float32)
    image[..., 0], image[..., 1] = 0.25, 0.75
    look = Look.of(slices.slice_set(ids, image), _GRID)
    self.assertAllClose(look.white, (0.25, 0.75))


class InterpolationTest(tf.test.TestCase):
  def joint(self, calls):
    """A generator of noughts, whose classes are all the first; what it is called with."""

    def call(latent, condition, truncation):
      calls.append((latent.numpy(), condition.numpy()))
      n = len(latent)
      return {'image': tf.zeros([n, 8, 8, 2]), 'probability': tf.ones([n, 8, 8, 5])}

    spec = types.SimpleNamespace(
      latent_size=400,
      conditions=('lesion', 'level'),
      grid={'shape': [8, 8, 4]},
      intensity_range=(-1.0, 1.0),
    )
    return types.SimpleNamespace(spec=spec, call=call)

  def evaluation(self, generators):
    facts, real = {'seed': 0, 'truncation': 1.0}, slices.patients(2, seed=0)
    return types.SimpleNamespace(generators=generators, facts=facts, real=real)

  def test_latents_stay_on_the_sphere_between_two_draws(self):
    """Two latents of about equal length: all between are as long, evenly apart in angle."""
    calls = []
    evaluation = self.evaluation(Generators(self.joint(calls)))
    section = page._interpolation(evaluation, Look.of(evaluation.real, _GRID))
    latents, conditions = (np.concatenate(part) for part in zip(*calls))
    # The level of lesions is the second of four.
    self.assertAllClose(conditions, [[1, -0.25]] * 9)
    lengths = np.linalg.norm(latents, axis=1)
    self.assertAllClose(lengths, [20] * 9, atol=1.5)
    units = latents / lengths[:, None]
    angles = np.arccos((units[1:] * units[:-1]).sum(1))
    self.assertAllClose(angles, [np.mean(angles)] * 8, rtol=0.1)
    self.assertIn('asked for a lesion', section.caption)
    self.assertNotIn('second bundle', section.caption)

  def test_images_of_a_translator_are_of_one_latent(self):
    calls = []

    def call(segmentation, latent):
      calls.append((segmentation.numpy(), latent.numpy()))
      return tf.fill([len(latent), 8, 8, 2], 0.5)

    spec = types.SimpleNamespace(latent_size=400, intensity_range=(-1.0, 1.0))
    generators = Generators(joint := self.joint([]), types.SimpleNamespace(spec=spec, call=call))
    evaluation = self.evaluation(generators)
    section = page._interpolation(evaluation, Look.of(evaluation.real, _GRID))
    self.assertIn('second bundle has one latent', section.caption)
    made = page._slices(evaluation, np.zeros((9, 400)), [1] * 9, False)
    self.assertAllClose(made.image, np.full([9, 8, 8, 2], 0.75))
    ids, latents = (np.concatenate(part) for part in zip(*calls))
    self.assertAllEqual(ids, np.zeros([18, 8, 8]))
    self.assertAllEqual(latents, np.tile(latents[:1], [18, 1]))
    # As many numbers as those of the classes, and others.
    own = page._latents(evaluation, joint.spec.latent_size, 1)
    self.assertLess(abs(np.corrcoef(own[0], latents[0])[0, 1]), 0.2)


if __name__ == '__main__':
  tf.test.main()
