"""From random numbers to slices: latents, styles, their mixing and noise (Karras et al. 2020)."""

import tensorflow as tf


class StyleDraws:
  """How slices come about by a mapping and a generator, the trained ones or their moving averages.

  Attributes:
    latent_size: Numbers of a latent.
    n_conditions: Numbers of a condition, 0 for none.
    n_layers: Layers of a generator that take a style each.
    style_size: Numbers of a style.
    n_noises: Numbers of noise, 0 for none.
    n_labels: Channels of the label slices that a generator takes, 0 for none.
  """

  def __init__(self, mapping: tf.keras.Model, generator: tf.keras.Model, mixing: float):
    """Reads their sizes.

    Args:
      mapping: Latents [n, L], or a list of them and conditions [n, k], to styles [n, w].
      generator: Styles [n, layers, w], or a list of them, noise [n, m] and label slices
        [n, X, Y, n_labels] as there are, to slices.
      mixing: Share of draws whose fine layers take the style of a second latent.
    """
    self.latent_size, self.n_conditions = _sizes(mapping)
    (self.n_layers, self.style_size), self.n_noises, self.n_labels = _generator_sizes(generator)
    self._mixing = mixing

  def numbers(self, rng: tf.random.Generator, n: tf.Tensor) -> dict[str, tf.Tensor]:
    """All random numbers behind n slices."""
    return {
      'latents': rng.normal([n, 2, self.latent_size]),
      'mixing': rng.uniform([n, 2]),
      'noise': rng.normal([n, self.n_noises]),
    }

  def styles(
    self, mapping: tf.keras.layers.Layer, numbers: dict[str, tf.Tensor], condition: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """The style of each first latent, [n, w], and those of all layers, mixed, [n, layers, w]."""
    style = self.map(mapping, numbers['latents'][:, 0], condition)
    if not self._mixing:
      return style, self.on_all_layers(style)
    other = self.map(mapping, numbers['latents'][:, 1], condition)
    is_mixed, place = tf.unstack(numbers['mixing'], axis=1)
    first = 1 + tf.cast(place * (self.n_layers - 1), tf.int32)
    first = tf.where(is_mixed < self._mixing, first, self.n_layers)
    is_other = tf.range(self.n_layers) >= first[:, tf.newaxis]
    mixed = tf.where(is_other[..., tf.newaxis], other[:, tf.newaxis], style[:, tf.newaxis])
    return style, mixed

  def on_all_layers(self, style: tf.Tensor) -> tf.Tensor:
    """[n, w] to [n, layers, w]."""
    return tf.tile(style[:, tf.newaxis], [1, self.n_layers, 1])

  def noise_of(self, latent: tf.Tensor) -> tf.Tensor:
    """Noise [n, m] that a latent stands for: its first two numbers are the seed."""
    if not self.n_noises:
      return tf.zeros([tf.shape(latent)[0], 0])
    draw = lambda seed: tf.random.stateless_normal([self.n_noises], seed, alg='philox')
    seeds = tf.bitcast(tf.cast(latent[:, :2], tf.float32), tf.int32)
    return tf.map_fn(draw, seeds, fn_output_signature=tf.float32)

  def map(self, mapping: tf.keras.layers.Layer, latent: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
    """Latents to styles, [n, w]."""
    return mapping([latent, condition] if self.n_conditions else latent)

  def slices(
    self,
    generator: tf.keras.layers.Layer,
    styles: tf.Tensor,
    noise: tf.Tensor,
    labels: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Styles of all layers to slices, [n, X, Y, channels]."""
    inputs = [styles, *[noise] * bool(self.n_noises), *[labels] * bool(self.n_labels)]
    return generator(inputs if inputs[1:] else styles)


def check_networks(
  mapping: tf.keras.Model,
  generator: tf.keras.Model,
  discriminator: tf.keras.Model,
  n_contrasts: int | None,
) -> None:
  """Refuses networks whose shapes do not fit together.

  Raises:
    ValueError: Says which does not.
  """
  (_, style_size), n_noises, n_labels = _generator_sizes(generator)
  latent_size, n_conditions = _sizes(mapping)
  if mapping.output_shape[-1] != style_size:
    raise ValueError(f'mapping makes styles of {mapping.output_shape[-1]}, expected {style_size}')
  if n_noises and latent_size < 2:
    raise ValueError('latents of a single number, expected at least two, which noise is drawn from')
  shapes = discriminator.input_shape
  seen, *condition = shapes if isinstance(shapes, list) else [shapes]
  (*size, n_channels), judged = generator.output_shape[1:], condition[0][-1] if condition else 0
  shown = (*size, n_channels + n_labels)
  if seen[1:] != shown or judged != n_conditions:
    raise ValueError(
      f'discriminator takes {seen[1:]} and {judged} conditions, expected {shown} and {n_conditions}'
    )
  if n_contrasts is not None and not 0 <= n_contrasts <= n_channels:
    raise ValueError(f'n_contrasts is {n_contrasts}, expected at most {n_channels}, the channels')


def _sizes(mapping: tf.keras.Model) -> tuple[int, int]:
  """Numbers of a latent and of a condition."""
  shapes = mapping.input_shape
  latent, *condition = shapes if isinstance(shapes, list) else [shapes]
  return latent[-1], condition[0][-1] if condition else 0


def _generator_sizes(generator: tf.keras.Model) -> tuple[tuple[int, int], int, int]:
  """(Layers, numbers of a style), how many numbers of noise, and how many channels of labels."""
  shapes = generator.input_shape
  by_rank = {len(shape): shape for shape in (shapes if isinstance(shapes, list) else [shapes])}
  # Noise [n, m], styles [n, layers, w], labels [n, X, Y, n_labels].
  return by_rank[3][1:], by_rank.get(2, (0,))[-1], by_rank.get(4, (0,))[-1]
