"""From healthy label maps to synthetic volumes with lesions (Platscher et al. 2020, section 2.3).

Every volume depends on its own seed alone: not on the volumes made before it nor on their number.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from keras_itm import lesions, slice_brightness
from keras_itm.bundle import Bundle

# Latents of lesions and of translators, chances of lesions and appearances come from different streams;
# the negative cases of a set have 3.
_LESION, _IMAGE, _CHANCE, _APPEARANCE = 0, 1, 2, 4
# Mask, uint8 [X, Y, Z] -> chance to be kept, from 0 to 1.
Chance = Callable[[np.ndarray], float]
# Outside the head prepared scans are 0; there a sampler leaves some of its noise.
_AIR = 0.05


class LesionDrawError(RuntimeError):
  """No drawn lesion was large enough; the message says how many were drawn and their sizes."""


@dataclasses.dataclass(frozen=True)
class DrawnLesion:
  """A lesion that fits a brain.

  Attributes:
    mask: uint8 [X, Y, Z], 1 inside the lesion, in parenchyma only.
    draw_voxels: Size of every draw after its restriction to parenchyma, the kept one last.
    generated: The kept draw before its restriction, uint8 [X, Y, Z].
  """

  mask: np.ndarray
  draw_voxels: tuple[int, ...]
  generated: np.ndarray


def draw_lesions(
  generator: Bundle,
  labels: np.ndarray,
  indices: Sequence[int],
  *,
  seed: int,
  min_voxels: int = lesions.MIN_VOXELS,
  max_draws: int = 100,
  redraw: int = 0,
  chance: Chance | None = None,
) -> list[DrawnLesion]:
  """Draws a lesion for each brain, again and again until it has enough voxels of parenchyma.

  Args:
    generator: A lesion generator.
    labels: Label maps without lesion, uint8 [n, X, Y, Z].
    indices: Number of each volume in its data set, n of them.
    seed: Of the data set.
    min_voxels: Smaller lesions are drawn again; 20 in the paper.
    max_draws: Draws for one brain before giving up.
    redraw: How often the volumes were drawn before and rejected as a whole; each time other lesions.
    chance: Of each lesion to be kept rather than drawn again; 1 when None.

  Raises:
    LesionDrawError: `max_draws` lesions were all too small, or drawn again by chance.
    ValueError: No draw is allowed, or not one number for each brain.
  """
  if max_draws < 1:
    raise ValueError(f'max_draws is {max_draws}, expected at least 1')
  if len(labels) != len(indices):
    raise ValueError(f'{len(indices)} indices, expected one for each of {len(labels)} label maps')
  return [
    _draw_lesion(generator, anatomy, (seed, index), min_voxels, max_draws, redraw, chance)
    for index, anatomy in zip(indices, labels)
  ]


def _draw_lesion(
  generator: Bundle,
  labels: np.ndarray,
  key: tuple[int, int],
  min_voxels: int,
  max_draws: int,
  redraw: int,
  chance: Chance | None,
) -> DrawnLesion:
  parenchyma_ids = generator.spec.label_scheme['parenchyma_ids']
  sizes: list[int] = []
  while len(sizes) < max_draws:
    # One by one: in a batch, a network's last bits may depend on the other latents in it.
    latent = _latent(generator, *key, _LESION, len(sizes), redraw=redraw)
    generated = lesions.binarise(generator.call(latent=tf.constant(latent[np.newaxis]))[0])
    mask = lesions.restrict(generated, labels, parenchyma_ids).numpy()
    luck = random_numbers(*key, _CHANCE, len(sizes), redraw=redraw).random()
    sizes.append(int(mask.sum()))
    if sizes[-1] >= min_voxels and (chance is None or luck < chance(mask)):
      return DrawnLesion(mask, tuple(sizes), generated.numpy())
  raise LesionDrawError(
    f'volume {key[1]}: {len(sizes)} lesions were drawn from {generator.path} with '
    f'{min(sizes)} to {max(sizes)} voxels of parenchyma (median {np.median(sizes):g}), '
    f'expected one of at least {min_voxels}{" that its size and place give a chance" if chance else ""}'
  )


def draw_appearance(
  translator: Bundle,
  index: int,
  *,
  seed: int,
  redraw: int = 0,
  asked: Mapping[str, float] | None = None,
) -> dict[str, float]:
  """The numbers of a volume that its label map does not tell, see `keras_itm.appearance`.

  Args:
    translator: A translator.
    index: Number of the volume in its data set.
    seed: Of the data set.
    redraw: How often the volume was drawn before and rejected; each time others.
    asked: Some of them, by name.

  Returns:
    Numbers by name; none for a translator that takes none.

  Raises:
    ValueError: Numbers that it does not take, or beyond those of its training cases.
  """
  appearances = translator.spec.appearances
  if appearances is None:
    if asked:
      raise ValueError(
        f'{translator.path}: appearance {", ".join(asked)} asked for, expected none: it learnt from '
        'labels alone'
      )
    return {}
  rng = random_numbers(seed, index, _APPEARANCE, redraw=redraw)
  try:
    return appearances.draw(rng, asked)
  except ValueError as error:
    raise ValueError(f'{translator.path}: {error}') from error


def translate(
  translator: Bundle,
  labels: np.ndarray,
  lesion: np.ndarray,
  index: int,
  *,
  seed: int,
  equalize_slice_brightness: bool = True,
  tissue: np.ndarray | None = None,
  redraw: int = 0,
  appearance: Mapping[str, float] | None = None,
) -> np.ndarray:
  """Translates a label map with its lesion, whole or slice by slice, with one latent for the volume.

  Args:
    translator: A translator.
    labels: uint8 [X, Y, Z], without lesion.
    lesion: uint8 [X, Y, Z], in parenchyma.
    index: Number of the volume in its data set.
    seed: Of the data set.
    equalize_slice_brightness: Whether all slices get one brightness, see `slice_brightness`; whole
      volumes have one.
    tissue: Where the unit of slices made even is measured under `parenchyma_median`, bool [X, Y, Z];
      the map's parenchyma when None.
    redraw: How often the volume was drawn before and rejected; each time another latent.
    appearance: Numbers that the translator takes, by name; what is not among them counts for nothing,
      as in training. Drawn by `draw_appearance` when None.

  Returns:
    float32 [X, Y, Z, C] in [0, 1].
  """
  spec = translator.spec
  segmentation = lesions.inject(tf.constant(labels, tf.uint8), lesion, spec.label_scheme['lesion_id'])
  batch = segmentation[tf.newaxis] if spec.whole_volumes else tf.transpose(segmentation, [2, 0, 1])
  latent = np.tile(_latent(translator, seed, index, _IMAGE, 0, redraw=redraw), (len(batch), 1))
  inputs = {'segmentation': batch, 'latent': tf.constant(latent, tf.float32)}
  if spec.appearances:
    numbers = appearance
    if numbers is None:
      numbers = draw_appearance(translator, index, seed=seed, redraw=redraw)
    inputs['appearance'] = tf.constant(np.tile(spec.appearances.scores(numbers), (len(batch), 1)))
  image = translator.call(**inputs).numpy()
  low, high = spec.intensity_range
  image = np.clip((image - low) / (high - low), 0, 1)
  if spec.whole_volumes:
    return np.where((labels == 0)[..., np.newaxis] & (image[0] < _AIR), 0, image[0])
  image = image.transpose(1, 2, 0, 3)
  if equalize_slice_brightness:
    parenchyma_ids = spec.label_scheme['parenchyma_ids']
    image = slice_brightness.equalize_slice_brightness(
      image, labels, lesion, parenchyma_ids, spec.intensity_scaling, tissue
    )
  return image


def is_image(
  image: np.ndarray, labels: np.ndarray, lesion: np.ndarray, parenchyma_ids: Sequence[int]
) -> bool:
  """Whether an image shows anything: it is finite, and no contrast is even in healthy parenchyma.

  Args:
    image: Intensities, shape (X, Y, Z, C).
    labels: Its anatomy, shape (X, Y, Z).
    lesion: Above 0 in the lesion, shape (X, Y, Z).
    parenchyma_ids: Labels of brain tissue.
  """
  healthy = np.isin(labels, parenchyma_ids) & (lesion == 0)
  is_even = healthy.any() and (np.ptp(image[healthy], axis=0) == 0).any()
  return bool(np.isfinite(image).all() and not is_even)


def _latent(bundle: Bundle, *key: int, redraw: int) -> np.ndarray:
  return random_numbers(*key, redraw=redraw).standard_normal(bundle.spec.latent_size, np.float32)


def random_numbers(*key: int, redraw: int = 0) -> np.random.Generator:
  """A stream of its own for each key of whole numbers, and for each redraw."""
  key = (*key, redraw) if redraw else key
  return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
