"""Data sets and generators small enough for tests."""

from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

import stroke_tfds  # noqa: F401
from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import JOINT_GENERATOR, LESION_GENERATOR, TRANSLATOR, BundleSpec
from stroke_tfds.phantom_stroke.phantom_stroke_dataset_builder import PhantomStrokeConfig

GRID = {
  'name': 'tiny',
  'shape': [32, 32, 8],
  'spacing_mm': [6.0, 6.0, 16.0],
  'corner_mm': [-96.0, -114.0, -56.0],
}


def build_phantom(data_dir: str, **fields) -> str:
  """Builds a cohort of a few subjects and returns its TFDS name."""
  counts = {'n_healthy': 4, 'n_train': 4, 'n_test': 3, 'n_test_negative': 1}
  config = PhantomStrokeConfig(**{'grid': GRID, **counts, **fields})
  builder = tfds.builder('phantom_stroke', config=config, data_dir=data_dir)
  builder.download_and_prepare()
  return f'phantom_stroke/{config.name}'


class CohortTestCase(tf.test.TestCase):
  """Has a folder with a tiny cohort in it: `folder`, `data_dir`, `cohort`; FIELDS are its own."""

  FIELDS: dict = {}

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = Path(tfds.testing.make_tmp_dir())
    cls.data_dir = str(cls.folder / 'data')
    cls.cohort = build_phantom(cls.data_dir, **cls.FIELDS)


class ToyTranslator(tf.keras.Model):
  """Brightness from the label, the lesion brightest; the weight makes bundles differ."""

  def __init__(self, weight: float = 0.01):
    super().__init__()
    self.weight = tf.Variable(weight)

  def call(self, segmentation: tf.Tensor) -> tf.Tensor:
    brightness = tf.cast(segmentation, tf.float32) / 28
    return (2 * brightness - 1 + self.weight * 0)[..., tf.newaxis]


class ToyLesions(tf.keras.Model):
  """A ball whose centre and radius follow the latent."""

  def __init__(self, shape: tuple[int, int, int], radius: float = 4.0):
    super().__init__()
    self.radius = tf.Variable(radius)
    axes = [tf.range(n, dtype=tf.float32) for n in shape]
    self._points = tf.stack(tf.meshgrid(*axes, indexing='ij'), -1)
    self._middle = tf.constant(shape, tf.float32) / 2

  def call(self, latent: tf.Tensor) -> tf.Tensor:
    centre = self._middle + 2 * latent[:, tf.newaxis, tf.newaxis, tf.newaxis, :3]
    distance = tf.norm(self._points - centre, axis=-1)
    return tf.sigmoid(self.radius + latent[:, 3, tf.newaxis, tf.newaxis, tf.newaxis] - distance)


def save_toy_bundles(
  folder: Path,
  metadata: dict,
  *,
  weight: float = 0.01,
  radius: float = 4.0,
  training_set: str = '',
  trained_on: tuple[str, ...] = (),
  licences: tuple[str, ...] = (),
) -> tuple[Path, Path]:
  """Saves a translator and a lesion generator that fit a data set, and returns their folders."""
  facts = {
    'grid': metadata['grid'],
    'label_scheme': metadata['label_scheme'],
    'training_set': training_set,
    'trained_on': trained_on,
    'licences': licences,
  }
  translator, generator = ToyTranslator(weight), ToyLesions(metadata['grid']['shape'], radius)
  scaling = metadata.get('intensity_scaling', 'percentile')
  made = {'latent_size': 0, 'intensity_range': (-1.0, 1.0), 'intensity_scaling': scaling}
  spec = BundleSpec(kind=TRANSLATOR, **made, **facts)
  serve = lambda segmentation, latent: translator(segmentation)
  save_bundle(folder / 'translator', spec, serve, translator, '')
  spec = BundleSpec(kind=LESION_GENERATOR, latent_size=4, intensity_range=(0.0, 1.0), **facts)
  save_bundle(folder / 'lesions', spec, lambda latent: generator(latent), generator, '')
  return folder / 'translator', folder / 'lesions'


JOINT_CLASSES = ('background', 'white matter', 'grey matter', 'CSF', 'lesion')


class ToyJoint(tf.keras.Model):
  """The level as brightness, then the first number of the latent; a square of lesion where asked."""

  def __init__(self, size: tuple[int, int], n_contrasts: int = 2):
    super().__init__()
    self.n_contrasts = n_contrasts
    self.weight = tf.Variable(0.5)
    self._size = size
    x, y = tf.meshgrid(*map(tf.range, size), indexing='ij')
    self._ids = tf.where(x < size[0] // 2, 1, 0)
    self._square = tf.logical_and(x < 4, y < 3)

  def call(
    self, latent: tf.Tensor, condition: tf.Tensor, truncation: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    plane = lambda values: tf.tile(values[:, tf.newaxis, tf.newaxis], [1, *self._size])
    image = tf.stack([plane(condition[:, 0]), plane(self.weight * truncation * latent[:, 0])], axis=-1)
    image = image[..., : self.n_contrasts]
    is_lesion = tf.logical_and(plane(condition[:, 1]) > 0, self._square)
    ids = tf.where(is_lesion, len(JOINT_CLASSES) - 1, self._ids)
    return {'image': image, 'probability': tf.one_hot(ids, len(JOINT_CLASSES))}


def save_toy_joint(folder: Path, metadata: dict, n_contrasts: int = 2, **facts) -> Path:
  """Saves a generator of slices that fit a data set, and returns its folder."""
  toy = ToyJoint(tuple(metadata['grid']['shape'][:2]), n_contrasts)
  more = {'kind': JOINT_GENERATOR, 'conditions': ('level', 'lesion'), **facts}
  return _save_of_slices(folder, toy, metadata, **more)


class ToyClassTranslator(tf.keras.Model):
  """The class as brightness, then a number of the latent."""

  def __init__(self, weight: float = 0.5, n_contrasts: int = 2):
    super().__init__()
    self.n_contrasts = n_contrasts
    self.weight = tf.Variable(weight)

  def call(self, segmentation: tf.Tensor, latent: tf.Tensor) -> tf.Tensor:
    brightness = tf.cast(segmentation, tf.float32) / 2 - 1
    drawn = self.weight * latent[:, :1, tf.newaxis]
    image = tf.stack([brightness, tf.ones_like(brightness) * drawn], axis=-1)
    return image[..., : self.n_contrasts]


def save_toy_class_translator(
  folder: Path, metadata: dict, weight: float = 0.5, n_contrasts: int = 2, **facts
) -> Path:
  """Saves a translator of the classes of `save_toy_joint`, and returns its folder."""
  toy = ToyClassTranslator(weight, n_contrasts)
  return _save_of_slices(folder, toy, metadata, **{'kind': TRANSLATOR, **facts})


def _save_of_slices(folder: Path, toy: ToyJoint | ToyClassTranslator, metadata: dict, **facts) -> Path:
  given = {
    'grid': metadata['grid'],
    'label_scheme': metadata['label_scheme'],
    'latent_size': 3,
    'intensity_range': (-1.0, 1.0),
    'training_set': '',
    'classes': JOINT_CLASSES,
    'contrasts': ('DWI', 'ADC')[: toy.n_contrasts],
  }
  save_bundle(folder, BundleSpec(**{**given, **facts}), lambda **inputs: toy(**inputs), toy, '')
  return folder
