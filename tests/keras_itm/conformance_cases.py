"""One small instance of every layer, network and model, its numbers other than the defaults."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_itm.layers.adaptive_augmentation import N_NUMBERS, AdaptiveAugmentation
from keras_itm.layers.blurred_resampling import Blur
from keras_itm.layers.class_tones import ClassTones
from keras_itm.layers.dropout import Dropout
from keras_itm.layers.equalised import ChannelBias, EqualisedConv2D, EqualisedDense
from keras_itm.layers.fourier_features import FourierFeatures
from keras_itm.layers.image_pool import ImagePool
from keras_itm.layers.linear_doubling import LinearDoubling
from keras_itm.layers.minibatch_deviation import MinibatchDeviation
from keras_itm.layers.modulated_convolution import ModulatedConv2D
from keras_itm.layers.moving_mean import MovingMean
from keras_itm.layers.nearest_upsampling import NearestUpsampling2D
from keras_itm.layers.normalization import InstanceNormalization, SynchronizedBatchNormalization
from keras_itm.layers.space_to_depth import (
  DepthToSpace2D,
  DepthToSpace3D,
  SpaceToDepth2D,
  SpaceToDepth3D,
)
from keras_itm.layers.spade import SpatiallyAdaptiveNormalization
from keras_itm.layers.spectral_convolution import SpectralConv2D
from keras_itm.layers.split import Split
from keras_itm.layers.upsampling_convolution import UpsamplingConvolution2D, UpsamplingConvolution3D
from keras_itm.layers.voxel_noise import VoxelNoise
from keras_itm.models.cycle_gan import CycleGAN
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.flow import RectifiedFlow
from keras_itm.models.lesion_gan import LesionGAN
from keras_itm.models.pix2pix import Pix2Pix
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.slice_segmenter import SliceSegmenter
from keras_itm.models.spade import Spade
from keras_itm.models.style_gan import StyleGAN
from keras_itm.models.style_translator import StyleTranslator
from keras_itm.networks.flow_unet_3d import flow_unet_3d
from keras_itm.networks.image_encoder import image_encoder
from keras_itm.networks.lesion_critic import LogVolume, lesion_critic
from keras_itm.networks.lesion_generator import TwoClassSoftmax, lesion_generator
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from keras_itm.networks.resnet_generator import ReflectionPadding, resnet_generator
from keras_itm.networks.spade_generator import spade_generator
from keras_itm.networks.style_discriminator import style_discriminator
from keras_itm.networks.style_generator import ClassSoftmax, Constant, style_generator
from keras_itm.networks.style_mapping import style_mapping
from keras_itm.networks.unet_2d import unet_2d
from keras_itm.networks.unet_3d import unet_3d

N_LABELS = 3
_LATENT = 5
_N_TOLD = 2  # Numbers that translators learn with beside the labels.
_VOLUME = (8, 8, 4)


@dataclasses.dataclass(frozen=True)
class LayerCase:
  """A layer and the shapes of what it takes, without the batch."""

  make: Callable[[], tf.keras.layers.Layer]
  shapes: tuple[tuple[int, ...], ...]

  def network(self) -> tf.keras.Model:
    """The layer as a network of its own."""
    inputs = [tf.keras.Input(shape) for shape in self.shapes]
    return tf.keras.Model(inputs, self.make()(inputs[0] if len(inputs) == 1 else inputs))


def _augmentation(n_contrasts: int) -> AdaptiveAugmentation:
  limits = {'shift': 0.25, 'rotation_degrees': 10.0, 'zoom': 0.1, 'brightness': 0.1, 'contrast': 0.25}
  course = {'target': 0.25, 'ramp': 30.0, 'every': 2, 'initial': 0.5}
  return AdaptiveAugmentation(n_contrasts, **limits, **course)


def _dense() -> tf.keras.Model:
  inputs = tf.keras.Input((3,))
  return tf.keras.Model(inputs, tf.keras.layers.Dense(2)(inputs))


LAYERS = {
  AdaptiveAugmentation: LayerCase(lambda: _augmentation(0), ((4, 6, 3), (N_NUMBERS,))),
  AveragedNetwork: LayerCase(lambda: AveragedNetwork(_dense(), 0.75), ((3,),)),
  Blur: LayerCase(Blur, ((4, 5, 3),)),
  ChannelBias: LayerCase(lambda: ChannelBias([0.5, -0.5], activated=True), ((3, 2),)),
  ClassSoftmax: LayerCase(lambda: ClassSoftmax(2), ((4, 5),)),
  ClassTones: LayerCase(
    lambda: ClassTones([[0.5, -0.5], [1.0, 0.0]], image_alone=True), ((3, 2, 4), (5,))
  ),
  Constant: LayerCase(lambda: Constant((2, 3)), ((4,),)),
  DepthToSpace2D: LayerCase(DepthToSpace2D, ((2, 3, 8),)),
  DepthToSpace3D: LayerCase(DepthToSpace3D, ((2, 2, 2, 16),)),
  Dropout: LayerCase(lambda: Dropout(0.25, seed=3), ((6, 5),)),
  EqualisedConv2D: LayerCase(lambda: EqualisedConv2D(3, 3, activated=False, halved=True), ((4, 6, 2),)),
  EqualisedDense: LayerCase(
    lambda: EqualisedDense(3, rate=0.5, initial_bias=0.25, activated=True), ((4,),)
  ),
  FourierFeatures: LayerCase(lambda: FourierFeatures(6, max_frequency=50.0), ((1,),)),
  ImagePool: LayerCase(lambda: ImagePool(2, (4, 4, 1), seed=5), ((4, 4, 1),)),
  InstanceNormalization: LayerCase(lambda: InstanceNormalization(epsilon=0.01), ((4, 4, 3),)),
  LogVolume: LayerCase(LogVolume, (_VOLUME,)),
  LinearDoubling: LayerCase(LinearDoubling, ((3, 4, 2),)),
  MinibatchDeviation: LayerCase(lambda: MinibatchDeviation(2), ((3, 4, 2),)),
  ModulatedConv2D: LayerCase(
    lambda: ModulatedConv2D(3, 3, doubled=True, demodulated=False), ((4, 4, 2), (5,))
  ),
  MovingMean: LayerCase(lambda: MovingMean((3,), 0.75), ((3,),)),
  NearestUpsampling2D: LayerCase(NearestUpsampling2D, ((3, 4, 2),)),
  ReflectionPadding: LayerCase(lambda: ReflectionPadding(2), ((4, 5, 2),)),
  SpaceToDepth2D: LayerCase(SpaceToDepth2D, ((4, 6, 3),)),
  SpaceToDepth3D: LayerCase(lambda: SpaceToDepth3D(padding=1), ((4, 2, 6, 3),)),
  SpatiallyAdaptiveNormalization: LayerCase(
    lambda: SpatiallyAdaptiveNormalization(hidden_filters=4), ((4, 4, 3), (8, 8, N_LABELS))
  ),
  SpectralConv2D: LayerCase(lambda: SpectralConv2D(4, 3, use_bias=False), ((5, 5, 2),)),
  Split: LayerCase(lambda: Split([2, 3]), ((5,),)),
  SynchronizedBatchNormalization: LayerCase(
    lambda: SynchronizedBatchNormalization(momentum=0.5), ((4, 3),)
  ),
  TwoClassSoftmax: LayerCase(TwoClassSoftmax, ((4, 2),)),
  UpsamplingConvolution2D: LayerCase(
    lambda: UpsamplingConvolution2D(3, activation='relu'), ((6, 6, 2),)
  ),
  UpsamplingConvolution3D: LayerCase(
    lambda: UpsamplingConvolution3D(5, use_bias=False, bias_initializer='ones'), ((2, 3, 2, 3),)
  ),
  VoxelNoise: LayerCase(lambda: VoxelNoise(shared=True), ((2, 2, 3), (4,))),
}

NETWORKS = {
  'flow_unet_3d': lambda: flow_unet_3d(_VOLUME, N_LABELS, 1, (4, 6), (1, 1), 3, 4, n_groups=2),
  'image_encoder': lambda: image_encoder((8, 8), 1, _LATENT, (3, 4)),
  'lesion_critic': lambda: lesion_critic(_VOLUME, (2, 3), 4, volume_units=3),
  'lesion_generator': lambda: lesion_generator(_VOLUME, _LATENT, 4, (3,), 0.1, noise_levels=(1,)),
  'patch_gan': lambda: _discriminator(spectral=True, image_gain=2.0, n_scales=2),
  'pix2pix_unet': lambda: pix2pix_unet((8, 8), N_LABELS, 1, (4, 5)),
  'resnet_generator': lambda: resnet_generator((8, 8), N_LABELS, 1, 4, 1, 1),
  'spade_generator': lambda: spade_generator((8, 8), N_LABELS, 1, _LATENT, 4, (5, 4), 3),
  'style_discriminator': lambda: style_discriminator(
    (8, 8), 1, N_LABELS, 32, 6, 2, class_gains=(1.0, 1.0, 4.0), n_conditions=2
  ),
  'style_generator folded': lambda: style_generator(
    (8, 8), 1, N_LABELS, 4, 16, 4, noise=False, folded=True, class_shares=(0.5, 0.4, 0.1)
  ),
  'style_generator tones': lambda: style_generator(
    (8, 8), 1, N_LABELS, 4, 32, 6, class_tones=((-1.0,), (0.5,), (0.0,))
  ),
  'style_generator labels': lambda: style_generator(
    (8, 8), 1, 0, 4, 32, 6, n_labels=N_LABELS, class_tones=[[0.0]] * N_LABELS
  ),
  'style_generator noise': lambda: style_generator((8, 8), 1, N_LABELS, 4, 32, 6),
  'style_mapping': lambda: style_mapping(_LATENT, 4, 1, n_conditions=2),
  'unet_2d': lambda: unet_2d((8, 8), 2, N_LABELS, (4, 5), 6, normalization='instance'),
  'unet_2d one logit': lambda: unet_2d((8, 8), 1, 1, (4,), 6),
  'unet_3d batch': lambda: unet_3d(_VOLUME, 1, 2, (4,), 6),
  'unet_3d instance': lambda: unet_3d(_VOLUME, 1, 2, (4,), 6, normalization='instance'),
}


def _discriminator(n_labels: int = N_LABELS, n_contrasts: int = 1, **options) -> tf.keras.Model:
  return patch_gan(n_labels, n_contrasts, (4, 5), (2, 1), normalised=(False, True), **options)


@dataclasses.dataclass(frozen=True)
class ModelCase:
  """A model and what it learns from.

  Attributes:
    make: Dropout and whether latents are random -> model, not compiled.
    data: Number of examples, seed -> their tensors.
    n_optimizers: How many `compile` takes.
    half: The policy of mixed precision that its operations know on a CPU.
  """

  make: Callable[[float], tf.keras.Model]
  data: Callable[[int, int], tuple[np.ndarray, ...] | np.ndarray]
  n_optimizers: int = 2
  half: str = 'mixed_float16'

  def compiled(
    self, optimizer: Callable[[], tf.keras.optimizers.Optimizer], dropout: float = 0.5, seed: int = 0
  ) -> tf.keras.Model:
    tf.keras.utils.set_random_seed(seed)
    model = self.make(dropout)
    model.compile(*(optimizer() for _ in range(self.n_optimizers)), run_eagerly=True)
    return model

  def batches(self, n_batches: int, seed: int = 0) -> tf.data.Dataset:
    """Batches of four."""
    return tf.data.Dataset.from_tensor_slices(self.data(4 * n_batches, seed)).batch(4)


def _pairs(n: int, seed: int) -> tuple[np.ndarray, ...]:
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, N_LABELS, (n, 8, 8), np.uint8)
  image = (labels - 1.0)[..., None] * 0.7 + rng.normal(0, 0.05, (n, 8, 8, 1))
  return labels, image.astype(np.float32)


def _masks(n: int, seed: int) -> np.ndarray:
  return (np.random.default_rng(seed).uniform(size=(n, *_VOLUME)) < 0.1).astype(np.uint8)


def _volumes(n: int, seed: int) -> tuple[np.ndarray, ...]:
  lesion = _masks(n, seed).astype(np.float32)
  noise = np.random.default_rng(seed).normal(0, 0.05, lesion.shape)
  return (0.3 + 0.4 * lesion + noise)[..., None].astype(np.float32), lesion


def _told(pairs: tuple[np.ndarray, ...], seed: int) -> tuple[np.ndarray, ...]:
  """The same, and normal scores of two numbers of each example."""
  scores = np.random.default_rng(seed).normal(size=(len(pairs[0]), _N_TOLD))
  return *pairs, scores.astype(np.float32)


def _told_pairs(n: int, seed: int) -> tuple[np.ndarray, ...]:
  return _told(_pairs(n, seed), seed)


def _pix2pix(dropout: float) -> tf.keras.Model:
  generator = pix2pix_unet((8, 8), N_LABELS + _N_TOLD, 1, (4, 5), dropout)
  options = {'l1_weight': 7.0, 'n_appearances': _N_TOLD, 'ema_decay': 0.5, 'seed': 3, 'name': 'p'}
  return Pix2Pix(generator, _discriminator(N_LABELS + _N_TOLD), **options)


def _spade(dropout: float) -> tf.keras.Model:
  n = N_LABELS + _N_TOLD
  discriminator = _discriminator(n, spectral=True, n_scales=2)
  generator = spade_generator((8, 8), n, 1, _LATENT, 4, (5, 4), 3)
  return Spade(
    generator,
    discriminator,
    NETWORKS['image_encoder'](),
    feature_weight=7.0,
    kl_weight=0.25,
    n_appearances=_N_TOLD,
    ema_decay=0.5,
    seed=3,
    name='s',
  )


def _cycle_gan(dropout: float) -> tf.keras.Model:
  return CycleGAN(
    pix2pix_unet((8, 8), N_LABELS, 1, (4, 5), dropout),
    resnet_generator((8, 8), 1, N_LABELS, 4, 1, 1, activation='softmax'),
    _discriminator(n_labels=0),
    _discriminator(n_contrasts=0),
    cycle_weight=7.0,
    pool_size=6,
    ema_decay=0.5,
    seed=3,
    name='c',
  )


def _lesion_gan(dropout: float) -> tf.keras.Model:
  return LesionGAN(
    lesion_generator(_VOLUME, _LATENT, 4, (3,), lesion_rate=0.1),
    lesion_critic(_VOLUME, (2, 3), 4),
    latent_size=_LATENT,
    critic_steps=2,
    penalty_weight=7.0,
    ema_decay=0.5,
    size_exponent=0.25,
    seed=3,
    name='l',
  )


def _labelled_volumes(n: int, seed: int) -> tuple[np.ndarray, ...]:
  image, lesion = _volumes(n, seed)
  return _told((np.where(lesion > 0, N_LABELS - 1, 1).astype(np.uint8), image), seed)


def _flow(dropout: float) -> tf.keras.Model:
  return RectifiedFlow(
    flow_unet_3d(_VOLUME, N_LABELS + _N_TOLD, 1, (4, 6), (1, 1), 3, 4, n_groups=2),
    n_steps=2,
    solver='euler',
    step_power=1.5,
    churn=0.25,
    n_appearances=_N_TOLD,
    lesion_weight=4.0,
    outside_weight=0.5,
    time_mean=0.25,
    time_stddev=0.75,
    ema_decay=0.5,
    seed=3,
    name='f',
  )


def _segmenter(dropout: float) -> tf.keras.Model:
  return Segmenter(unet_3d(_VOLUME, 1, 2, (4,), 6, dropout), name='u')


def _slice_segmenter(dropout: float) -> tf.keras.Model:
  return SliceSegmenter(unet_2d((8, 8), 1, N_LABELS, (4,), 6, dropout), name='v')


def _classed_slices(n: int, seed: int) -> tuple[np.ndarray, ...]:
  classes, image = _pairs(n, seed)
  return image, classes


def _joint(n: int, seed: int) -> tuple[np.ndarray, ...]:
  labels, image = _pairs(n, seed)
  levels = np.random.default_rng(seed).uniform(-1, 1, (n, 2)).astype(np.float32)
  return image, np.eye(N_LABELS, dtype=np.float32)[labels], levels


_STYLE_OPTIONS = {
  'n_contrasts': 1,
  'r1_weight': 0.5,
  'r1_every': 4,
  'path_weight': 0.25,
  'path_every': 3,
  'mixing': 0.75,
  'ema_half_life': 20.0,
  'ema_ramp': 0.5,
  'seed': 3,
}


def _style_gan(dropout: float) -> tf.keras.Model:
  return StyleGAN(
    NETWORKS['style_mapping'](),
    NETWORKS['style_generator noise'](),
    NETWORKS['style_discriminator'](),
    **_STYLE_OPTIONS,
    augmentation=_augmentation(1),
    name='g',
  )


def _style_translator(dropout: float) -> tf.keras.Model:
  return StyleTranslator(
    style_mapping(_LATENT, 4, 1),
    NETWORKS['style_generator labels'](),
    style_discriminator((8, 8), 1, N_LABELS, 32, 6, 2),
    **_STYLE_OPTIONS,
    name='h',
  )


MODELS = {
  CycleGAN: ModelCase(_cycle_gan, _pairs),
  LesionGAN: ModelCase(_lesion_gan, _masks),
  Pix2Pix: ModelCase(_pix2pix, _told_pairs),
  # A CPU pools no volumes of float16.
  RectifiedFlow: ModelCase(_flow, _labelled_volumes, n_optimizers=1, half='mixed_bfloat16'),
  Segmenter: ModelCase(_segmenter, _volumes, n_optimizers=1, half='mixed_bfloat16'),
  SliceSegmenter: ModelCase(_slice_segmenter, _classed_slices, n_optimizers=1, half='mixed_bfloat16'),
  Spade: ModelCase(_spade, _told_pairs),
  StyleGAN: ModelCase(_style_gan, _joint),
  StyleTranslator: ModelCase(_style_translator, _pairs),
}
