"""Training of the lesion generator (Platscher et al. 2020, section 2.3 and appendix A.4)."""

from collections.abc import Callable

import gin
import numpy as np
import tensorflow as tf

from keras_itm import callbacks, lesions
from keras_itm.intensity_scaling import PERCENTILE
from launchers import fitting
from stroke_tfds import pipelines
from stroke_tfds.sources import open_sources

_N_MONITORED = 64


@gin.configurable
def train_lesion_gan(
  workdir: str,
  data_dir: str | None = None,
  *,
  sources: list[str] = gin.REQUIRED,
  model: Callable[..., tf.keras.Model] = gin.REQUIRED,
  generator: Callable[..., tf.keras.Model] = gin.REQUIRED,
  critic: Callable[..., tf.keras.Model] = gin.REQUIRED,
  generator_optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  critic_optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  epochs: int = gin.REQUIRED,
  steps_per_epoch: int = gin.REQUIRED,
  latent_size: int = 128,
  batch_size: int = 8,
  min_voxels: int = 1,
  measure_every: int = 5,
  seed: int = 0,
) -> None:
  """Trains a generator of lesion masks and leaves its bundle.

  Args:
    workdir: The run's folder.
    data_dir: TFDS data folder.
    sources: Where the masks come from, `name/config:split` each.
    model: Takes the generator, the critic, the length of the generator's latent vector and seed.
    generator: Network factory, given shape and latent_size.
    critic: Network factory, given shape.
    generator_optimizer: Optimizer factory.
    critic_optimizer: Optimizer factory.
    epochs: Epochs in all.
    steps_per_epoch: Generator updates in each.
    latent_size: Of the code for a whole mask; a generator may take more for its parts.
    batch_size: Masks in one update of critic or generator.
    min_voxels: Smaller lesions are left out.
    measure_every: Epochs between two looks at generated lesions.
    seed: Of weights, order, mirroring and latents.
  """
  devices, run = fitting.open_run(workdir, batch_size)
  if run.is_finished():
    return
  opened = open_sources(sources, data_dir)
  shape = opened[0].grid.shape
  fitting.begin(seed)
  with fitting.building(devices, opened):
    network = generator(shape=shape, latent_size=latent_size)
    gan = model(network, critic(shape=shape), network.input_shape[1], seed=seed)
    gan.compile(generator_optimizer(), critic_optimizer(), jit_compile=devices.xla)
  config = run.write_operative_config()
  draws = Draws(gan)
  fitting.fit(
    run,
    gan,
    lambda step: pipelines.lesion_masks(
      opened, batch_size * gan.critic_steps, min_voxels=min_voxels, seed=seed, start_step=step
    ),
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    shown=('wasserstein_distance', 'gradient_norm', 'pass_rate'),
    extra_callbacks=[
      callbacks.AddMetrics(draws.measure, measure_every),
      callbacks.SampleImages(run.samples, run.tensorboard, draws.paint, 5 * measure_every),
    ],
  )
  # Masks have no intensities, and the first scaling stands for none.
  name = fitting.export(run, gan, opened, config, intensity_scaling=PERCENTILE)
  run.finish({'bundle': name, 'epochs': epochs, **draws.measure()})


class Draws:
  """The same latents throughout a training: what becomes of them."""

  def __init__(self, gan: tf.keras.Model):
    latents = tf.random.stateless_normal([_N_MONITORED, gan.latent_size], seed=[0, 0])
    self._generate = tf.function(lambda: tf.concat([gan(z) for z in tf.split(latents, 8)], 0))

  def measure(self) -> dict[str, float]:
    """Share of at least 20 voxels, mean pairwise Dice and median volume of the draws."""
    masks = lesions.binarise(self._generate())
    return {
      'pass_rate': round(float(lesions.pass_rate(masks)), 4),
      'pairwise_dice': round(float(lesions.pairwise_dice(masks)), 4),
      'median_voxels': float(np.median(lesions.volume_voxels(masks))),
    }

  def paint(self) -> np.ndarray:
    """The first 24 draws, each as its largest extent along the axis inferior-superior."""
    flat = self._generate().numpy()[:24].max(axis=-1)
    return callbacks.mosaic([list(flat[i : i + 8]) for i in range(0, 24, 8)])
