"""Networks, models and synthesis for image-to-image translation of labelled anatomy.

Importing it registers every layer and model with Keras, so that `keras.models.load_model` knows them.
"""

import importlib.metadata

import keras_itm.stack  # noqa: F401  First: it refuses versions that do not go together.
from keras_itm import lesions, losses, metrics
from keras_itm.bundle import Bundle, BundleError, load_bundle, save_bundle
from keras_itm.bundle_spec import BundleSpec
from keras_itm.case import Case, synthesize
from keras_itm.layers.adaptive_augmentation import AdaptiveAugmentation
from keras_itm.models.cycle_gan import CycleGAN
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
from keras_itm.networks.lesion_critic import lesion_critic
from keras_itm.networks.lesion_generator import lesion_generator
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from keras_itm.networks.resnet_generator import resnet_generator
from keras_itm.networks.spade_generator import spade_generator
from keras_itm.networks.style_discriminator import style_discriminator
from keras_itm.networks.style_generator import style_generator
from keras_itm.networks.style_mapping import style_mapping
from keras_itm.networks.unet_2d import unet_2d
from keras_itm.networks.unet_3d import unet_3d
from keras_itm.optimizers import Adam
from keras_itm.schedules import ConstantThenLinear
from keras_itm.slice_synthesis import draw_slices
from keras_itm.synthesis import LesionDrawError

try:
  __version__ = importlib.metadata.version('keras-itm')
except importlib.metadata.PackageNotFoundError:  # Imported from its sources, not installed.
  __version__ = 'unknown'

__all__ = [
  'Adam',
  'AdaptiveAugmentation',
  'Bundle',
  'BundleError',
  'BundleSpec',
  'Case',
  'ConstantThenLinear',
  'CycleGAN',
  'LesionDrawError',
  'LesionGAN',
  'Pix2Pix',
  'RectifiedFlow',
  'Segmenter',
  'SliceSegmenter',
  'Spade',
  'StyleGAN',
  'StyleTranslator',
  'draw_slices',
  'flow_unet_3d',
  'image_encoder',
  'lesion_critic',
  'lesion_generator',
  'lesions',
  'load_bundle',
  'losses',
  'metrics',
  'patch_gan',
  'pix2pix_unet',
  'resnet_generator',
  'save_bundle',
  'spade_generator',
  'style_discriminator',
  'style_generator',
  'style_mapping',
  'synthesize',
  'unet_2d',
  'unet_3d',
]
