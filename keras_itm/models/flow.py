"""Rectified flow: whole volumes drawn from noise, given their label map (Liu et al. 2023)."""

import math
from collections.abc import Callable
from typing import Any

import gin
import tensorflow as tf

from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.exported import ExportsTranslator
from keras_itm.models.tracked import TrackedModel, apply_gradients_of_mean, get_optimizer

_METRICS = ('velocity_loss', 'lesion_loss')
_Velocity = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
_SOLVERS = ('euler', 'heun')
_OPTIONS = (
  *('n_steps', 'solver', 'step_power', 'churn', 'lesion_weight', 'outside_weight'),
  *('time_mean', 'time_stddev', 'n_appearances', 'seed'),
)


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class RectifiedFlow(ExportsTranslator, TrackedModel):
  """Learns the velocity that carries noise to volumes along straight paths, given their label map.

  On the path x(t) = (1 - t) * noise + t * image the velocity is image - noise; the network learns its
  mean at (x, t, labels), and following it from t = 0 to 1 turns noise into a sample: of many volumes
  that fit the labels one, not their mean (Liu et al. 2023, equation 1). Times are drawn logit-normal
  (Esser et al. 2024, section 3.1).

  A batch is `(segmentation, image)`: uint8 [n, X, Y, Z], the lesion as its own id, and float32
  [n, X, Y, Z, C] in [-1, 1]; with `n_appearances` a third, normal scores float32 [n, k]. Calling the
  model draws volumes by the moving average of the network.

  Attributes:
    latent_size: Length of the noise of a volume, X * Y * Z * C; with churn, of as much for each step.
  """

  learns_appearance = True

  def __init__(
    self,
    network: tf.keras.Model,
    n_steps: int = 6,
    solver: str = 'heun',
    step_power: float = 2.0,
    churn: float = 0.0,
    lesion_weight: float = 5.0,
    outside_weight: float = 0.3,
    time_mean: float = 0.0,
    time_stddev: float = 1.0,
    ema_decay: float = 0.999,
    n_appearances: int = 0,
    seed: int = 0,
    name: str = 'rectified_flow',
  ):
    """Takes the network over.

    Args:
      network: [image [n, X, Y, Z, C], one-hot segmentation [n, X, Y, Z, n_labels], time [n, 1]] ->
        velocity, of the image's shape; the last label is the lesion. Appearances follow the labels.
      n_steps: Steps from noise to volume.
      solver: `euler`, one call of the network a step, or `heun`, two, the second to correct the first;
        not in the last step, as no training tells the velocity at its end.
      step_power: Step i of n ends at 1 - (1 - i / n) ** step_power: above 1, steps grow shorter towards
        the volume, whose texture is made there. Steps of one length, 1, leave noise behind.
      churn: Share of each step that noise takes back before the next one (Karras et al. 2022, section
        4), so that what the network got wrong is drawn anew. 0 follows the path.
      lesion_weight: Weight of the squared error in the lesion, that of the rest of the head being 1.
      outside_weight: The same where the label is 0.
      time_mean: Of the normal distribution whose logistic is the time.
      time_stddev: Of the same.
      ema_decay: Of the network's moving average, in [0, 1).
      n_appearances: Numbers beside the labels, see `keras_itm.appearance`.
      seed: Of noise and times.
      name: Of the model.

    Raises:
      ValueError: No step, an unknown solver, a power below 1, a churn outside of [0, 1), a weight below
        0, no spread of times.
    """
    if n_steps < 1:
      raise ValueError(f'n_steps is {n_steps}, expected at least 1')
    if solver not in _SOLVERS:
      raise ValueError(f'solver is {solver!r}, expected one of {_SOLVERS}')
    if step_power < 1:
      raise ValueError(f'step_power is {step_power}, expected at least 1')
    if not 0 <= churn < 1:
      raise ValueError(f'churn is {churn}, expected from 0 to below 1')
    if min(lesion_weight, outside_weight) < 0:
      raise ValueError(
        f'lesion_weight is {lesion_weight} and outside_weight {outside_weight}, expected at least 0'
      )
    if time_stddev <= 0:
      raise ValueError(f'time_stddev is {time_stddev}, expected above 0')
    super().__init__(_METRICS, name=name)
    self.network = network
    self.n_steps = n_steps
    self.solver = solver
    self.step_power = step_power
    self.churn = churn
    self.lesion_weight = lesion_weight
    self.outside_weight = outside_weight
    self.time_mean = time_mean
    self.time_stddev = time_stddev
    self.average = AveragedNetwork(network, ema_decay)
    self.n_appearances = n_appearances
    self.n_labels = network.input_shape[1][-1] - n_appearances
    self.latent_size = math.prod(network.output_shape[1:]) * (n_steps if churn else 1)
    self.rng = tf.random.Generator.from_seed(seed)
    self.seed = seed

  def get_config(self) -> dict[str, Any]:
    return {
      **super().get_config(),
      'network': tf.keras.utils.serialize_keras_object(self.network),
      'ema_decay': self.average.decay,
      **{name: getattr(self, name) for name in _OPTIONS},
    }

  def compile(  # type: ignore[override]
    self, optimizer: tf.keras.optimizers.Optimizer | str, **options: Any
  ) -> None:
    """Takes the optimizer, or its name, and options of `tf.keras.Model.compile` over."""
    super().compile(optimizer=get_optimizer(optimizer), **options)
    self.optimizer.build(self.network.trainable_variables)

  def call(
    self,
    segmentation: tf.Tensor,
    latent: tf.Tensor | None = None,
    appearance: tf.Tensor | None = None,
    training: bool = False,
  ) -> tf.Tensor:
    """Draws volumes [n, X, Y, Z, C] for uint8 [n, X, Y, Z] and scores [n, k] from noise [n, L].

    Without noise it is a fixed one, and without scores each number is that of the median case.
    """
    if latent is None:
      latent = tf.random.stateless_normal([tf.shape(segmentation)[0], self.latent_size], seed=[0, 0])
    # Under a mixed policy Keras casts down what comes in.
    shape = [tf.shape(segmentation)[0], -1, *self.network.output_shape[1:]]
    noise = tf.reshape(tf.cast(latent, tf.float32), shape)
    labels = self.condition(segmentation, appearance)
    velocity = lambda x, t: self.average([x, labels, tf.fill([tf.shape(x)[0], 1], t)])
    return self._follow(velocity, noise)

  def _follow(self, velocity: _Velocity, noise: tf.Tensor) -> tf.Tensor:
    """Integrates dx/dt = velocity(x, t) from 0 to 1; noise is [n, 1 or one for each step, ...]."""
    left = tf.linspace(1.0, 0.0, self.n_steps + 1)
    times = 1 - left**self.step_power

    def advance(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      t = times[i]
      if self.churn:
        t, x = self._go_back(x, t, times[tf.maximum(i - 1, 0)], noise[:, i])
      step = times[i + 1] - t
      first = velocity(x, t)
      ahead = x + step * first
      if self.solver == 'heun':
        correct = lambda: x + step / 2 * (first + velocity(ahead, times[i + 1]))
        ahead = tf.cond(i < self.n_steps - 1, correct, lambda: ahead)
      return i + 1, tf.ensure_shape(ahead, x.shape)

    return tf.while_loop(lambda i, x: i < self.n_steps, advance, [0, noise[:, 0]])[1]

  def _go_back(
    self, x: tf.Tensor, t: tf.Tensor, before: tf.Tensor, noise: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """From a point at t to one that is distributed as at an earlier time; at 0 there is noise alone."""
    earlier = t - self.churn * (t - before)
    kept = tf.math.divide_no_nan(earlier, t)
    added = tf.sqrt(tf.maximum((1 - earlier) ** 2 - (kept * (1 - t)) ** 2, 0))
    return earlier, kept * x + added * noise

  def train_step(self, batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    variables = self.network.trainable_variables
    segmentation, image, *appearance = batch
    noisy, target, time = self._draw(image, self.rng.normal)
    inputs = [noisy, self.condition(segmentation, *appearance), time]
    with tf.GradientTape() as tape:
      values = self.losses_of(segmentation, target, self.network(inputs, training=True))
    apply_gradients_of_mean(self.optimizer, tape, values['velocity_loss'], variables)
    self.average.update(self.network)
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    """The losses of the averaged network at noise and times of the batch's own, the same each time."""
    segmentation, image, *appearance = batch
    own = 2 * tf.reduce_sum(tf.cast(segmentation, tf.int32))
    seeds = iter(([self.seed, own], [self.seed, own + 1]))
    noisy, target, time = self._draw(
      image, lambda shape: tf.random.stateless_normal(shape, seed=next(seeds))
    )
    velocity = self.average([noisy, self.condition(segmentation, *appearance), time])
    self.track(self.losses_of(segmentation, target, velocity))
    return self.results()

  def losses_of(
    self, segmentation: tf.Tensor, target: tf.Tensor, velocity: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """The weighted mean squared error of the velocity, and that in the lesion alone, each [n]."""
    error = tf.reduce_mean(tf.square(velocity - target), axis=-1)
    lesion = tf.cast(segmentation == self.n_labels - 1, tf.float32)
    outside = tf.cast(segmentation == 0, tf.float32)
    weight = 1 + (self.lesion_weight - 1) * lesion + (self.outside_weight - 1) * outside
    return {
      'velocity_loss': _weighted_mean(error, weight),
      'lesion_loss': _weighted_mean(error, lesion),
    }

  def _draw(
    self, image: tf.Tensor, normal: Callable[..., tf.Tensor]
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A point on the way of each volume, the velocity there, and the time."""
    image = tf.cast(image, tf.float32)
    noise = normal(tf.shape(image))
    time = tf.sigmoid(self.time_mean + self.time_stddev * normal([tf.shape(image)[0], 1]))
    t = time[:, :, tf.newaxis, tf.newaxis, tf.newaxis]
    return (1 - t) * noise + t * image, image - noise, time


def _weighted_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
  """Over all but the batch, [n]; 0 where nothing has a weight."""
  axes = list(range(1, len(values.shape)))
  total = tf.reduce_sum(weights, axes)
  return tf.math.divide_no_nan(tf.reduce_sum(values * weights, axes), total)
