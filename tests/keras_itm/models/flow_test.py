"""Flows that can be integrated by hand, the objective, and that samples are not means."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm.models.flow import RectifiedFlow
from keras_itm.networks.flow_unet_3d import flow_unet_3d
from tests.keras_itm.models.model_testing import adam

_SHAPE = (4, 4, 2)
_layers = tf.keras.layers


def _network(velocity):
  """A network of a single weight, 1, that multiplies what `velocity` makes of (image, labels, time)."""
  inputs = [_layers.Input((*_SHAPE, n)) for n in (1, 3)] + [_layers.Input((1,))]
  scale = _layers.Conv3D(1, 1, use_bias=False, kernel_initializer='ones')
  return tf.keras.Model(inputs, scale(velocity(*inputs)))


def _image(image, labels, time):
  return image


def _time(image, labels, time):
  return _layers.UpSampling3D(_SHAPE)(_layers.Reshape((1, 1, 1, 1))(time))


def _one(image, labels, time):
  kernel, bias = (tf.keras.initializers.Constant(value) for value in (0.0, 1.0))
  return _layers.Conv3D(1, 1, kernel_initializer=kernel, bias_initializer=bias)(image)


class _Gaussian(_layers.Layer):
  """The mean of image - noise at a point, for images of deviation .5."""

  def call(self, inputs):
    x, t = inputs
    t = tf.reshape(t, [-1, 1, 1, 1, 1])
    return x * (0.25 * t - (1 - t)) / ((1 - t) ** 2 + 0.25 * t**2)


def _gaussian(image, labels, time):
  return _Gaussian()([image, time])


def _lesion(image, labels, time):
  kernel = tf.keras.initializers.Constant(np.reshape([0.0, 0.0, 1.0], (1, 1, 1, 3, 1)))
  return _layers.Conv3D(1, 1, use_bias=False, kernel_initializer=kernel)(labels)


def _noise(n=2):
  return np.random.default_rng(0).normal(size=(n, *_SHAPE, 1)).astype(np.float32)


def _draw(velocity, **options):
  segmentation = np.zeros((2, *_SHAPE), np.uint8)
  segmentation[1] = 2
  model = RectifiedFlow(_network(velocity), **options)
  return model(segmentation, tf.reshape(_noise(), [2, -1])).numpy()


class FollowTest(parameterized.TestCase, tf.test.TestCase):
  def test_growth_by_euler_and_by_heun(self):
    """Of dx/dt = x a step makes 1 + h, or 1 + h + h^2 / 2 but for the last."""
    one = {'step_power': 1.0}
    self.assertAllClose(_draw(_image, n_steps=3, solver='euler', **one), _noise() * (4 / 3) ** 3)
    factor = (1 + 1 / 3 + 1 / 18) ** 2 * (4 / 3)
    self.assertAllClose(_draw(_image, n_steps=3, solver='heun', **one), _noise() * factor)
    self.assertAllClose(_draw(_image, n_steps=1, solver='heun', **one), _noise() * 2)
    # Steps of .75 and .25.
    self.assertAllClose(_draw(_image, n_steps=2, solver='euler'), _noise() * 1.75 * 1.25)
    self.assertAllClose(_draw(_image, n_steps=2), _noise() * (1.75 + 0.75**2 / 2) * 1.25)

  def test_time_at_the_begin_of_a_step_or_at_both_ends(self):
    """Of dx/dt = t, with steps that begin at 0, .4375, .75 and .9375."""
    begins = np.array([0, 0.4375, 0.75, 0.9375])
    euler = (begins * np.diff([*begins, 1])).sum()
    # Exact up to the last step.
    heun = 0.9375**2 / 2 + 0.9375 * 0.0625
    for solver, added in (('euler', euler), ('heun', heun)):
      moved = _draw(_time, n_steps=4, solver=solver) - _noise()
      self.assertAllClose(moved, np.full((2, *_SHAPE, 1), added))

  def test_churn_goes_back_before_each_step_but_the_first(self):
    """Of dx/dt = 1, in steps of half: from .5 back by a quarter, and .75 forth."""
    noise = np.random.default_rng(2).normal(size=(2, 2, *_SHAPE, 1)).astype(np.float32)
    model = RectifiedFlow(_network(_one), n_steps=2, solver='euler', step_power=1.0, churn=0.5)
    self.assertEqual(model.latent_size, 2 * 32)
    made = model(np.zeros((2, *_SHAPE), np.uint8), noise.reshape(2, -1)).numpy()
    at_half = noise[:, 0] + 0.5
    # At .25 a point is .25 of the image and .75 of noise; half of that at .5 is half of .5 of it.
    at_quarter = at_half / 2 + np.sqrt(0.75**2 - 0.25**2) * noise[:, 1]
    self.assertAllClose(made, at_quarter + 0.75, atol=1e-6)

  def test_churn_keeps_a_distribution(self):
    """Where the velocity is that of images of deviation .5, so are the volumes."""
    n_steps, noise = 24, np.random.default_rng(0)
    model = RectifiedFlow(_network(_gaussian), n_steps=n_steps, step_power=1.5, churn=0.5)
    latent = noise.normal(size=(16, n_steps * 32)).astype(np.float32)
    made = model(np.zeros((16, *_SHAPE), np.uint8), latent).numpy()
    self.assertAllClose(made.std(), 0.5, atol=0.04)

  def test_labels_steer(self):
    """Only the second volume is lesion, where the velocity is 1."""
    moved = _draw(_lesion, n_steps=2) - _noise()
    self.assertAllClose(moved[0], np.zeros((*_SHAPE, 1)))
    self.assertAllClose(moved[1], np.ones((*_SHAPE, 1)), atol=1e-6)

  def test_without_noise_given_it_is_the_same_each_time(self):
    model = RectifiedFlow(_network(_image))
    labels = np.zeros((2, *_SHAPE), np.uint8)
    self.assertAllEqual(model(labels), model(labels))
    self.assertEqual(model.latent_size, 32)
    self.assertEqual(model.n_labels, 3)


class ObjectiveTest(tf.test.TestCase):
  def test_weights_by_hand(self):
    model = RectifiedFlow(_network(_image), lesion_weight=5.0, outside_weight=0.3)
    segmentation = np.ones((2, *_SHAPE), np.uint8)
    segmentation[0, 0, 0, 0], segmentation[0, 1] = 2, 0  # One voxel of lesion, eight outside.
    error = np.full((2, *_SHAPE, 1), 2.0, np.float32)  # Squared 4.
    error[0, 0, 0, 0], error[0, 1] = 1, 3  # Squared 1 and 9.
    values = model.losses_of(segmentation, tf.zeros_like(error), error)
    # 32 voxels: 23 of weight 1, one of 5, eight of .3.
    expected = (23 * 4 + 5 * 1 + 8 * 0.3 * 9) / (23 + 5 + 8 * 0.3)
    self.assertAllClose(values['velocity_loss'], [expected, 4])
    self.assertAllClose(values['lesion_loss'], [1, 0])

  def test_point_on_the_way_its_velocity_and_time(self):
    model = RectifiedFlow(_network(_image), time_mean=0.5, time_stddev=2.0)
    image = np.full((2, *_SHAPE, 1), 0.8)
    draws = iter([_noise(), np.array([[0.0], [-1.0]], np.float32)])
    noisy, velocity, time = model._draw(image, lambda shape: next(draws))
    t = 1 / (1 + np.exp(-np.array([0.5, -1.5])))
    self.assertAllClose(time, t[:, None])
    self.assertAllClose(velocity, 0.8 - _noise())
    t = t[:, None, None, None, None]
    self.assertAllClose(noisy, t * 0.8 + (1 - t) * _noise())
    # From the point, the velocity leads to the image.
    self.assertAllClose(noisy + (1 - t) * velocity, image)

  def test_validation_has_noise_and_times_of_each_batch_the_same_each_time(self):
    model = RectifiedFlow(_network(_time), lesion_weight=1.0, outside_weight=1.0)
    model.compile('adam')
    image = np.zeros((1, *_SHAPE, 1), np.float32)
    one, other = np.zeros((2, 1, *_SHAPE), np.uint8)
    other[..., 0, 0] = 1

    def loss(segmentation):
      batch = tf.data.Dataset.from_tensors((segmentation, image))
      return model.evaluate(batch, return_dict=True, verbose=0)['velocity_loss']

    self.assertEqual(loss(one), loss(one))
    self.assertNotAllClose(loss(one), loss(other))

  def test_refused(self):
    for options, message in (
      ({'n_steps': 0}, 'n_steps is 0, expected at least 1'),
      ({'solver': 'rk45'}, "solver is 'rk45', expected one of"),
      ({'step_power': 0.5}, 'step_power is 0.5, expected at least 1'),
      ({'churn': 1.0}, 'churn is 1.0, expected from 0 to below 1'),
      ({'lesion_weight': -1.0}, 'lesion_weight is -1.0'),
      ({'time_stddev': 0.0}, 'time_stddev is 0.0, expected above 0'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        RectifiedFlow(_network(_image), **options)


class SamplesTest(tf.test.TestCase):
  def test_draws_one_of_two_kinds_and_not_their_mean(self):
    """Volumes of the same labels are all dark or all bright; the mean of both, 0, is none."""
    tf.keras.utils.set_random_seed(0)
    network = flow_unet_3d(_SHAPE, 3, 1, (8, 16), (1, 1), 4, 16, n_groups=4)
    model = RectifiedFlow(network, ema_decay=0.9, n_steps=8)
    model.compile(adam(5e-3)())
    signs = np.tile([-1.0, 1.0], 8)[:, None, None, None, None]
    image = np.broadcast_to(0.8 * signs, (16, *_SHAPE, 1)).astype(np.float32)
    batch = tf.constant(np.ones((16, *_SHAPE), np.uint8)), tf.constant(image)
    step = tf.function(model.train_step)
    for _ in range(300):
      step(batch)
    noise = np.random.default_rng(1).normal(size=(64, 32)).astype(np.float32)
    means = model(np.ones((64, *_SHAPE), np.uint8), noise).numpy().mean((1, 2, 3, 4))
    self.assertBetween(np.mean(means > 0), 0.25, 0.75)
    self.assertGreater(np.mean(np.abs(means) > 0.6), 0.8)


if __name__ == '__main__':
  tf.test.main()
