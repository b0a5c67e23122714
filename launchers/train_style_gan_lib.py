"""Training of a generator of slices and their classes (Son et al. 2022, Vu et al. 2025)."""

from collections.abc import Callable, Mapping, Sequence

import gin
import numpy as np
import tensorflow as tf

from keras_itm import callbacks
from keras_itm.layers.adaptive_augmentation import AdaptiveAugmentation
from launchers import fitting
from launchers.run_folder import RunFolder
from stroke_tfds import pipelines
from stroke_tfds.class_maps import TISSUES, ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, open_sources

_N_MONITORED = 128
_N_PARTS = 16  # That are drawn one after another.
_N_SHOWN = 12
_N_COUNTED = 1024  # Slices whose classes and intensities the generator starts from.

Factory = Callable[..., tf.keras.Model]


@gin.configurable
def train_style_gan(
  workdir: str,
  data_dir: str | None = None,
  *,
  sources: list[str] = gin.REQUIRED,
  model: Factory = gin.REQUIRED,
  mapping: Factory = gin.REQUIRED,
  generator: Factory = gin.REQUIRED,
  discriminator: Factory = gin.REQUIRED,
  batches: Callable[..., tf.data.Dataset] = pipelines.joint_slices,
  generator_optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  discriminator_optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  epochs: int = gin.REQUIRED,
  steps_per_epoch: int = gin.REQUIRED,
  groups: Mapping[str, Sequence[str]] = TISSUES,
  conditions: Sequence[str] = (),
  n_contrasts: int | None = None,
  augmentation: Callable[..., AdaptiveAugmentation] | None = None,
  lesion_gain: float = 1.0,
  class_tones: bool = False,
  batch_size: int = 8,
  measure_every: int = 5,
  seed: int = 0,
) -> None:
  """Trains a generator of axial slices with their classes and leaves its bundle.

  Args:
    workdir: The run's folder.
    data_dir: TFDS data folder.
    sources: What it learns from, `name/config:split` each.
    model: Takes the networks, the number of contrasts, the augmentation and seed.
    mapping: Network factory, given n_conditions.
    generator: Network factory, given image_size, n_contrasts, n_classes, style_size, class_shares and
      class_tones.
    discriminator: Network factory, given image_size, n_contrasts, n_classes, class_gains and
      n_conditions.
    batches: What it learns from, such as `pipelines.joint_slices`.
    generator_optimizer: Optimizer factory.
    discriminator_optimizer: Optimizer factory.
    epochs: Epochs in all.
    steps_per_epoch: Optimizer steps in each.
    groups: Tissues beside background and lesion, see `ClassMap.from_scheme`; none, when empty.
    conditions: What the generator can be asked for: some of `level` and `lesion`.
    n_contrasts: The first contrasts of the data are drawn; all, when None; 0 for classes alone.
    augmentation: Of what the discriminator sees: a factory, given n_contrasts; None for none.
    lesion_gain: How much the discriminator amplifies classes of lesions.
    class_tones: Whether images start from what their classes look like in real slices, see
      `style_generator`.
    batch_size: Slices in a batch.
    measure_every: Epochs between two looks at generated slices.
    seed: Of weights, order, mirroring, latents and noise.

  Raises:
    InputError: A source that is not there, more contrasts than it has, unknown conditions, a share of
      slices with lesions where there are none, or networks that do not fit.
  """
  devices, run = fitting.open_run(workdir, batch_size)
  if run.is_finished():
    return
  opened = open_sources(sources, data_dir)
  grid, metadata = opened[0].grid, opened[0].metadata
  classes = ClassMap.from_scheme(metadata['label_scheme'], groups)
  channels = _n_drawn(n_contrasts, opened[0])
  options = {'classes': classes, 'conditions': conditions, 'seed': seed}
  make_batches = lambda step: batches(opened, batch_size, start_step=step, **options)
  fitting.begin(seed)
  with fitting.building(devices, opened):
    networks = build_networks(
      grid.shape[:2],
      classes,
      channels,
      len(conditions),
      mapping=mapping,
      generator=generator,
      discriminator=discriminator,
      lesion_gain=lesion_gain,
      **_start(make_batches, batch_size, channels if class_tones else 0),
    )
    changes = augmentation(n_contrasts=channels) if augmentation else None
    gan = model(**networks, n_contrasts=channels, augmentation=changes, seed=seed)
    gan.compile(generator_optimizer(), discriminator_optimizer(), jit_compile=devices.xla)
  config = run.write_operative_config()
  draws = Draws(gan, classes, make_batches(0))
  fitting.fit(
    run,
    gan,
    lambda step: _with_contrasts(make_batches(step), channels),
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    shown=('discriminator_loss', 'generator_loss', 'real_sign', 'augmentation', 'lesion_slices'),
    extra_callbacks=draws.callbacks(run, measure_every),
  )
  facts = {
    'classes': classes.names,
    'conditions': conditions,
    **pipelines.slice_shares(opened, classes),
  }
  contrasts = metadata['contrasts'][:channels]
  name = fitting.export(run, gan, opened, config, contrasts=contrasts, **facts)
  run.finish({'bundle': name, 'epochs': epochs, **draws.measure()})


def build_networks(
  image_size: Sequence[int],
  classes: ClassMap,
  n_contrasts: int,
  n_conditions: int,
  *,
  mapping: Factory,
  generator: Factory,
  discriminator: Factory,
  lesion_gain: float,
  class_shares: Sequence[float] = (),
  class_tones: Sequence[Sequence[float]] = (),
) -> dict[str, tf.keras.Model]:
  """The networks of a training by name, built to fit together and the data."""
  n_classes = len(classes.names)
  made = mapping(n_conditions=n_conditions)
  shared = {'image_size': image_size, 'n_contrasts': n_contrasts, 'n_classes': n_classes}
  return {
    'mapping': made,
    'generator': generator(
      **shared,
      style_size=made.output_shape[-1],
      class_shares=tuple(class_shares),
      class_tones=class_tones,
    ),
    'discriminator': discriminator(
      **shared,
      n_conditions=n_conditions,
      class_gains=(1.0,) * classes.first_lesion + (lesion_gain,) * classes.n_lesion_classes,
    ),
  }


def _n_drawn(n_contrasts: int | None, source: Source) -> int:
  contrasts = source.metadata['contrasts']
  if n_contrasts is None:
    return len(contrasts)
  if not 0 <= n_contrasts <= len(contrasts):
    raise InputError(
      f'train_style_gan.n_contrasts is {n_contrasts}, expected 0 to {len(contrasts)}, the contrasts of '
      f'{source.name}: {list(contrasts)}'
    )
  return n_contrasts


def _with_contrasts(batches: tf.data.Dataset, n_contrasts: int) -> tf.data.Dataset:
  """Batches with the first contrasts alone, or without images."""
  if not n_contrasts:
    return batches.map(lambda image, *others: others if len(others) > 1 else others[0])
  return batches.map(lambda image, *others: (image[..., :n_contrasts], *others))


def _start(
  make_batches: Callable[[int], tf.data.Dataset], batch_size: int, n_contrasts: int
) -> dict[str, Sequence]:
  """Where the generator starts: how large each class is and, with contrasts, its intensities."""
  shares = _shares(make_batches(0), batch_size)
  tones = _tones(make_batches(0), batch_size, n_contrasts) if n_contrasts else ()
  return {'class_shares': shares, 'class_tones': tones}


def _shares(batches: tf.data.Dataset, batch_size: int) -> list[float]:
  """Share of each class among the first slices; one that none of them has gets half a pixel."""
  counted = _counted(batches, batch_size)
  shares = np.mean([probability.numpy().mean((0, 1, 2)) for _, probability, *_ in counted], axis=0)
  n_pixels = _N_COUNTED * int(np.prod(batches.element_spec[1].shape[1:3]))
  return np.maximum(shares, 0.5 / n_pixels).tolist()


def _tones(batches: tf.data.Dataset, batch_size: int, n_contrasts: int) -> list[list[float]]:
  """Mean intensity of each class in each contrast among the first slices; 0 of one that none has."""
  sums, weights = 0.0, 0.0
  for image, probability, *_ in _counted(batches, batch_size):
    sums += np.einsum('nxyk,nxyc->kc', probability, image[..., :n_contrasts])
    weights += probability.numpy().sum((0, 1, 2))
  known = np.maximum(weights, np.finfo(np.float32).tiny)
  return (sums / known[:, np.newaxis]).tolist()


def _counted(batches: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
  return batches.take(max(1, _N_COUNTED // batch_size))


class Draws:
  """The same latents and conditions throughout a training: what becomes of them.

  Args:
    gan: Draws the slices.
    classes: That it draws.
    batches: Real slices, whose conditions it is asked for.
  """

  def __init__(self, gan: tf.keras.Model, classes: ClassMap, batches: tf.data.Dataset):
    self._n_tissues = classes.first_lesion
    latents = tf.random.stateless_normal([_N_MONITORED, gan.latent_size], seed=[0, 0])
    asked = []
    if gan.n_conditions:
      conditions = batches.unbatch().map(lambda image, probability, condition: condition)
      asked = [tf.split(next(iter(conditions.batch(_N_MONITORED))), _N_PARTS)]
    parts = list(zip(tf.split(latents, _N_PARTS), *asked))
    self._generate = tf.function(lambda: [gan(*part) for part in parts])

  def callbacks(self, run: RunFolder, every: int) -> list[tf.keras.callbacks.Callback]:
    """Measure and paint after so many epochs each."""
    return [
      callbacks.AddMetrics(self.measure, every),
      callbacks.SampleImages(run.samples, run.tensorboard, self.paint, every),
    ]

  def _draw(self) -> tuple[np.ndarray, np.ndarray]:
    """Images in [0, 1], [n, X, Y, C], and the most probable class of each pixel, [n, X, Y]."""
    drawn = self._generate()
    image = np.concatenate([part['image'] for part in drawn]) / 2 + 0.5
    return image, np.concatenate([tf.argmax(part['probability'], axis=-1) for part in drawn])

  def measure(self) -> dict[str, float]:
    """Share of slices with a lesion of 8 pixels or more, and the median area of these in pixels."""
    pixels = (self._draw()[1] >= self._n_tissues).sum((1, 2))
    pixels = pixels[pixels >= pipelines.MIN_LESION_PIXELS]
    return {
      'lesion_slices': round(len(pixels) / _N_MONITORED, 4),
      'median_pixels': float(np.median(pixels)) if len(pixels) else 0.0,
    }

  def paint(self) -> np.ndarray:
    """Columns: the first draws; rows: each contrast, then the classes as shades of grey."""
    image, ids = (values[:_N_SHOWN] for values in self._draw())
    contrasts = [list(np.clip(image[..., i], 0, 1)) for i in range(image.shape[-1])]
    shades = np.clip(ids / max(1, self._n_tissues + 0.0), 0, 1)
    return callbacks.mosaic([*contrasts, list(shades)])
