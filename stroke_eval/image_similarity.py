"""How near a translated image comes to a real one, beyond the mean difference of its voxels.

Intensities lie in [0, 1]; volumes are [X, Y, Z], masks 0 or 1 of the same shape. A mean over no voxel
is NaN.
"""

import tensorflow as tf

# Of Wang et al. 2003, finest scale first.
_MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SSIM_WINDOW = 11


def mean_difference(truth: tf.Tensor, image: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
  """Mean absolute difference of two volumes inside a mask."""
  return _mean(tf.abs(image - truth), inside)


def ms_ssim(truth: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
  """Multi-scale structural similarity of slices, [n, X, Y, C] -> [n]; 1 for equal slices.

  Each scale halves the slice, and the window of 11 pixels must fit into the last. Small slices have
  fewer scales than the standard five: four at 128 x 128, three at 64 x 64. The standard weights of
  those that are left are divided by their sum, so compare values only at one slice size.

  Raises:
    ValueError: Slices smaller than the window.
  """
  smallest = min(truth.shape[1:3])
  if smallest < _SSIM_WINDOW:
    raise ValueError(f'slices are {truth.shape[1:3]}, expected at least {_SSIM_WINDOW} pixels')
  weights = [w for i, w in enumerate(_MS_SSIM_WEIGHTS) if smallest // 2**i >= _SSIM_WINDOW]
  weights = [w / sum(weights) for w in weights]
  return tf.image.ssim_multiscale(truth, image, 1.0, weights, filter_size=_SSIM_WINDOW)


def lesion_contrast(image: tf.Tensor, lesion: tf.Tensor, parenchyma: tf.Tensor) -> tf.Tensor:
  """By how much a lesion is brighter than the parenchyma without it, relative to the latter."""
  is_lesion = tf.cast(lesion, tf.bool)
  healthy = _mean(image, tf.logical_and(tf.cast(parenchyma, tf.bool), tf.logical_not(is_lesion)))
  return (_mean(image, is_lesion) - healthy) / healthy


def slice_difference(image: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
  """Mean absolute difference of neighbouring slices where both are inside a mask.

  Anatomy makes some of it; where it is much higher than in real images, the volume flickers.
  """
  inside = tf.cast(inside, tf.bool)
  both = tf.logical_and(inside[..., 1:], inside[..., :-1])
  return _mean(tf.abs(image[..., 1:] - image[..., :-1]), both)


def grain(image: tf.Tensor, tissue: tf.Tensor) -> tf.Tensor:
  """Standard deviation of what a mean over 3 x 3 pixels in plane takes away, in one tissue.

  Counted are the voxels whose whole 3 x 3 neighbourhood is that tissue, so that no border of
  structures is taken for grain. Independent noise of deviation s gives s * sqrt(8 / 9).
  """
  slices = lambda x: tf.transpose(tf.cast(x, tf.float32), [2, 0, 1])[..., tf.newaxis]
  mean = lambda x: tf.nn.avg_pool2d(x, 3, 1, 'VALID')
  image, tissue = slices(image), slices(tissue)
  detail = image[:, 1:-1, 1:-1] - mean(image)
  pure = mean(tissue) > 1 - 0.5 / 9
  return tf.sqrt(_mean((detail - _mean(detail, pure)) ** 2, pure))


def _mean(values: tf.Tensor, where: tf.Tensor) -> tf.Tensor:
  return tf.reduce_mean(tf.boolean_mask(tf.cast(values, tf.float32), tf.cast(where, tf.bool)))
