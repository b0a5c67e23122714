"""Small bundles with what they answer, from either stack, to be read by the other.

python -m tests.keras_itm.stack_bundles   # writes those of the stack that runs beside this file
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm import stack
from keras_itm.bundle import load_bundle
from keras_itm.models.lesion_gan import LesionGAN
from keras_itm.models.pix2pix import Pix2Pix
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.spade import Spade
from keras_itm.networks.lesion_critic import lesion_critic
from keras_itm.networks.lesion_generator import lesion_generator
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from keras_itm.networks.spade_generator import spade_generator
from keras_itm.networks.unet_3d import unet_3d

FOLDER = Path(__file__).parent / 'stack_bundles'
STACKS = ('Keras 2', 'Keras 3')
_VOLUME = (8, 8, 4)
_GRID = {'name': 'toy', 'shape': list(_VOLUME), 'spacing_mm': [1, 1, 1], 'corner_mm': [0, 0, 0]}
_SCHEME = {'name': 'toy', 'names': ['background', 'brain'], 'lesion_id': 2, 'parenchyma_ids': [1]}


def archive(name: str) -> Path:
  """The file with a stack's bundles, by the stack's name."""
  return FOLDER / f'{name.lower().replace(" ", "_")}.zip'


def inputs_of(kind: str, n_latent: int) -> dict[str, tf.Tensor]:
  """Three examples of what a bundle takes."""
  rng = np.random.default_rng(0)
  values = {
    'segmentation': rng.integers(0, 3, (3, *_VOLUME[:2]), np.uint8),
    'latent': rng.normal(size=(3, n_latent)).astype(np.float32),
    'image': rng.uniform(size=(3, *_VOLUME, 1)).astype(np.float32),
  }
  names = {'translator': ('segmentation', 'latent'), 'segmenter': ('image',)}
  return {name: tf.constant(values[name]) for name in names.get(kind, ('latent',))}


def _models() -> dict[str, tf.keras.Model]:
  judge = lambda: patch_gan(3, 1, (2,), (2,))
  lesions = lesion_generator(_VOLUME, 4, 3, (2,), 0.3, noise_levels=(1,))
  return {
    'pix2pix': Pix2Pix(pix2pix_unet(_VOLUME[:2], 3, 1, (2, 3)), judge()),
    'spade': Spade(spade_generator(_VOLUME[:2], 3, 1, 4, 3, (2,), 2), judge()),
    'lesion_gan': LesionGAN(lesions, lesion_critic(_VOLUME, (2, 3), 2), lesions.input_shape[-1]),
    'segmenter': Segmenter(unet_3d(_VOLUME, 1, 2, (2,), 3)),
  }


def main() -> None:
  tf.keras.utils.set_random_seed(0)
  FOLDER.mkdir(exist_ok=True)
  with tempfile.TemporaryDirectory() as folder:
    for name, model in _models().items():
      path = Path(folder) / name
      model.export(path, grid=_GRID, label_scheme=_SCHEME)
      bundle = load_bundle(path, model.bundle_kind)
      answer = bundle.call(**inputs_of(model.bundle_kind, model.latent_size)).numpy()
      np.save(path / 'answer.npy', answer)
    shutil.make_archive(str(archive(stack.NAME).with_suffix('')), 'zip', folder)


if __name__ == '__main__':
  main()
