"""The project's own cases: python -m benchmarks.tensorflow_side THREADS."""

import functools
import importlib.metadata
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging

from benchmarks import sizes
from benchmarks.synthesis import SynthesisCases
from benchmarks.worker import Case, serve
from keras_itm.models.flow import RectifiedFlow
from keras_itm.models.lesion_gan import LesionGAN
from keras_itm.models.pix2pix import Pix2Pix
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.spade import Spade
from keras_itm.models.style_gan import StyleGAN
from keras_itm.networks.flow_unet_3d import flow_unet_3d
from keras_itm.networks.lesion_critic import lesion_critic
from keras_itm.networks.lesion_generator import lesion_generator
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from keras_itm.networks.spade_generator import spade_generator
from keras_itm.networks.style_discriminator import style_discriminator
from keras_itm.networks.style_generator import style_generator
from keras_itm.networks.style_mapping import style_mapping
from keras_itm.networks.unet_3d import unet_3d
from keras_itm.optimizers import Adam


def main() -> None:
  logging.set_verbosity(logging.ERROR)
  tfds.disable_progress_bar()
  threads = int(sys.argv[1])
  tf.config.threading.set_intra_op_parallelism_threads(threads)
  tf.config.threading.set_inter_op_parallelism_threads(threads)
  tf.keras.utils.set_random_seed(0)
  with tempfile.TemporaryDirectory() as folder:
    chain = SynthesisCases(Path(folder))
    makers = {
      'unet_train': lambda: training_case(_segmenter(), _volume()),
      'unet_inference': _unet_inference,
      'pix2pix_train': lambda: training_case(_pix2pix(), _slices(sizes.BATCH)),
      'pix2pix_inference': lambda: _translation(_pix2pix()),
      'spade_train': lambda: training_case(_spade(), _slices(sizes.BATCH)),
      'spade_inference': lambda: _translation(_spade()),
      'flow_train': lambda: training_case(_flow(), _labelled_volumes(sizes.FLOW_BATCH)),
      'flow_inference': _flow_inference,
      'style_gan_train': lambda: training_case(
        _style_gan(), _classified_slices(), n_steps=sizes.STYLE_CYCLE
      ),
      'style_gan_inference': _style_gan_inference,
      'lesion_gan_train': lambda: training_case(_lesion_gan(), _masks()),
      'lesion_gan_inference': _lesion_gan_inference,
      'matrix_product': _matrix_product,
      'synthesis': chain.synthesis,
      'generators': chain.generators,
      'reading': chain.reading,
    }
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    versions = {'TensorFlow': tf.__version__, 'Keras': importlib.metadata.version('keras')}
    serve(makers, {'Python': platform.python_version(), **versions, 'threads': threads})


def _segmenter() -> Segmenter:
  model = Segmenter(unet_3d())
  model.compile(Adam(1e-4))
  return model


def _pix2pix() -> Pix2Pix:
  return _compiled(Pix2Pix(pix2pix_unet(), patch_gan()), (2e-4, 2e-4), beta_1=0.5)


def _spade() -> Spade:
  discriminator = patch_gan(n_scales=2, spectral=True, normalised=(False, True, True))
  return _compiled(Spade(spade_generator(), discriminator), (1e-4, 4e-4), beta_1=0.0)


def _lesion_gan() -> LesionGAN:
  model = LesionGAN(lesion_generator(), lesion_critic(), sizes.LATENT, critic_steps=1)
  return _compiled(model, (1e-4, 1e-4), beta_1=0.0, beta_2=0.9)


def _flow() -> RectifiedFlow:
  network = flow_unet_3d(
    sizes.FLOW_VOLUME, sizes.LABELS, filters=sizes.FLOW_FILTERS, blocks=sizes.FLOW_BLOCKS
  )
  model = RectifiedFlow(network, n_steps=sizes.FLOW_STEPS)
  model.compile(Adam(1e-3))
  return model


def _style_gan() -> StyleGAN:
  shape = (sizes.STYLE_SLICE, sizes.STYLE_SLICE), sizes.STYLE_CONTRASTS, sizes.STYLE_CLASSES
  filters = {'base': sizes.STYLE_BASE, 'max_filters': sizes.STYLE_LIMIT}
  model = StyleGAN(
    style_mapping(sizes.LATENT, sizes.LATENT),
    style_generator(*shape, style_size=sizes.LATENT, **filters),
    style_discriminator(*shape, **filters),
    n_contrasts=sizes.STYLE_CONTRASTS,
    r1_every=sizes.R1_EVERY,
    path_every=sizes.PATH_EVERY,
  )
  return _compiled(model, (2e-3, 2e-3), beta_1=0.0, beta_2=0.99)


def _compiled(model: tf.keras.Model, rates: tuple[float, float], **betas: float) -> tf.keras.Model:
  model.compile(*(Adam(rate, **betas) for rate in rates))
  return model


def training_case(model: tf.keras.Model, batch: Any, n_steps: int = 1) -> Case:
  """Steps as `fit` takes them, from a data set whose one batch is there already."""
  model.make_train_function()
  batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
  known = ('network', 'mapping', 'generator', 'discriminator', 'critic')
  names = [name for name in known if hasattr(model, name)]

  def run() -> None:
    for _ in range(n_steps):
      model.train_function(batches)

  return Case(run, _parameters(**{name: getattr(model, name) for name in names}))


def _unet_inference() -> Case:
  model, (image, _) = _segmenter(), _volume()
  return _inference(model, model.network, functools.partial(model.segment, image))


def _translation(model: tf.keras.Model) -> Case:
  """The averaged generator on the slices of a volume, with one latent, as a bundle calls it."""
  segmentation, _ = _slices(sizes.SLICES)
  call = tf.function(model).get_concrete_function(tf.TensorSpec([None, *sizes.VOLUME[:2]], tf.uint8))
  case = _inference(model, model.generator, lambda: call(segmentation))
  flops = sizes.SLICES * _convolution_flops(model.generator)
  return Case(case.run, {**case.facts, 'flops': flops})


def _flow_inference() -> Case:
  model, (segmentation, _) = _flow(), _labelled_volumes(1)
  latent = tf.random.normal([1, model.latent_size])
  call = tf.function(model).get_concrete_function(segmentation, latent)
  return _inference(model, model.network, lambda: call(segmentation, latent))


def _style_gan_inference() -> Case:
  model = _style_gan()
  latent = tf.random.normal([sizes.SLICES, sizes.LATENT])
  call = tf.function(model).get_concrete_function(latent)
  return _inference(model, model.generator, lambda: call(latent))


def _lesion_gan_inference() -> Case:
  model = _lesion_gan()
  latent = tf.random.normal([1, sizes.LATENT])
  call = tf.function(model).get_concrete_function(latent)
  return _inference(model, model.generator, lambda: call(latent))


def _matrix_product() -> Case:
  n = sizes.MATRIX
  a, b = tf.random.uniform([n, n]), tf.random.uniform([n, n])
  multiply = tf.function(tf.matmul).get_concrete_function(a, b)

  def run() -> None:
    multiply(a, b)

  return Case(run, {'flops': 2 * n**3})


def _inference(model: tf.keras.Model, network: tf.keras.Model, call: Callable[[], tf.Tensor]) -> Case:
  def run() -> None:
    call()

  # A traced function does not keep its variables alive.
  run.model = model
  return Case(run, _parameters(network=network))


def _convolution_flops(network: tf.keras.Model) -> int:
  """Floating-point operations of the 2D convolutions on one example, from their shapes."""
  layers = [layer for layer in network.layers if isinstance(layer, tf.keras.layers.Conv2D)]
  pixels = [np.prod(layer.output.shape[1:3]) for layer in layers]
  return int(sum(2 * n * np.prod(layer.kernel.shape) for n, layer in zip(pixels, layers)))


def _parameters(**networks: tf.keras.Model) -> dict[str, Any]:
  """How many weights are trained, per network."""
  count = lambda network: int(sum(np.prod(w.shape) for w in network.trainable_weights))
  return {'parameters': {name: count(network) for name, network in networks.items()}}


def _volume() -> tuple[tf.Tensor, tf.Tensor]:
  """An image [1, X, Y, Z, 1] and a lesion [1, X, Y, Z]."""
  lesion = tf.random.uniform([1, *sizes.VOLUME]) < 0.02
  return tf.random.uniform([1, *sizes.VOLUME, 1]), tf.cast(lesion, tf.float32)


def _labelled_volumes(n: int) -> tuple[tf.Tensor, tf.Tensor]:
  """Label volumes uint8 [n, X, Y, Z] and images [n, X, Y, Z, 1] in [-1, 1]."""
  shape = [n, *sizes.FLOW_VOLUME]
  segmentation = tf.random.uniform(shape, 0, sizes.LABELS, tf.int32)
  return tf.cast(segmentation, tf.uint8), tf.random.uniform([*shape, 1], -1.0, 1.0)


def _classified_slices() -> tuple[tf.Tensor, tf.Tensor]:
  """Images [n, X, Y, C] in [-1, 1] and probabilities of classes [n, X, Y, K]."""
  shape = [sizes.BATCH, sizes.STYLE_SLICE, sizes.STYLE_SLICE]
  image = tf.random.uniform([*shape, sizes.STYLE_CONTRASTS], -1.0, 1.0)
  return image, tf.nn.softmax(tf.random.uniform([*shape, sizes.STYLE_CLASSES]))


def _masks() -> tf.Tensor:
  return tf.cast(tf.random.uniform([sizes.LESION_BATCH, *sizes.VOLUME]) < 0.02, tf.float32)


def _slices(n: int) -> tuple[tf.Tensor, tf.Tensor]:
  """Label slices uint8 [n, X, Y] and images [n, X, Y, 1] in [-1, 1]."""
  shape = [n, *sizes.VOLUME[:2]]
  segmentation = tf.random.uniform(shape, 0, sizes.LABELS, tf.int32)
  return tf.cast(segmentation, tf.uint8), tf.random.uniform([*shape, 1], -1.0, 1.0)


if __name__ == '__main__':
  main()
