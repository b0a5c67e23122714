"""StyleGAN2 in plain PyTorch: the same layers, sizes and weight counts as the project's."""

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from benchmarks import sizes

_COARSEST = 4
_TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
_TINY = 1e-8


class Mapping(nn.Module):
  """`style_mapping`: latents [n, L] -> styles [n, w]."""

  def __init__(self, size: int, n_layers: int = 8):
    super().__init__()
    self.layers = nn.Sequential(*(_Dense(size, size, 0.01, activated=True) for _ in range(n_layers)))

  def forward(self, latent: torch.Tensor) -> torch.Tensor:
    return self.layers(latent * (latent.square().mean(1, keepdim=True) + _TINY).rsqrt())


class StyleGenerator(nn.Module):
  """`style_generator` with noise: (styles [n, layers, w], noise [n, m]) -> slices [n, c, X, Y]."""

  def __init__(self, image_size: int, n_contrasts: int, n_classes: int, style: int, filters: dict):
    super().__init__()
    self.n_contrasts, n_channels = n_contrasts, n_contrasts + n_classes
    self.sizes = [2**i for i in range(2, int(math.log2(image_size)) + 1)]
    self.n_styles = 2 * len(self.sizes)
    self.n_noises = sum(2 * size**2 for size in self.sizes) - _COARSEST**2
    self.constant = nn.Parameter(torch.randn(1, filters[_COARSEST], _COARSEST, _COARSEST))
    self.up = nn.ModuleList(
      _Layer(filters[size // 2], filters[size], style, doubled=True) for size in self.sizes[1:]
    )
    self.same = nn.ModuleList(_Layer(filters[size], filters[size], style) for size in self.sizes)
    self.to_image = nn.ModuleList(_ToImage(filters[size], n_channels, style) for size in self.sizes)

  def forward(self, styles: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    counts = [size**2 for size in self.sizes for _ in range(2)][1:]
    noises = iter(noise.split(counts, 1))
    x, image = self.constant.expand(len(styles), -1, -1, -1), None
    for i, same in enumerate(self.same):
      if i:
        x = self.up[i - 1](x, styles[:, 2 * i - 1], next(noises))
      x = same(x, styles[:, 2 * i], next(noises))
      addition = self.to_image[i](x, styles[:, 2 * i + 1])
      image = addition if image is None else addition + _double(image)
    contrasts, classes = image[:, : self.n_contrasts], image[:, self.n_contrasts :]
    return torch.cat([contrasts, classes.softmax(1)], 1)


class StyleDiscriminator(nn.Module):
  """`style_discriminator`: slices [n, c, X, Y] -> scores [n]."""

  def __init__(self, image_size: int, n_channels: int, filters: dict, group: int = 4):
    super().__init__()
    n, self.group = filters[_COARSEST], group
    pairs = [(size, size // 2) for size in sorted(filters, reverse=True) if size > _COARSEST]
    self.first = _Convolution(n_channels, filters[image_size], 1)
    self.blocks = nn.ModuleList(_Block(filters[size], filters[half]) for size, half in pairs)
    self.last = _Convolution(n + 1, n, 3)
    self.hidden = _Dense(_COARSEST**2 * n, n, activated=True)
    self.score = _Dense(n, 1)

  def forward(self, slices: torch.Tensor) -> torch.Tensor:
    x = self.first(slices)
    for block in self.blocks:
      x = block(x)
    groups = x.unflatten(0, (-1, self.group))
    deviation = (groups.var(1, unbiased=False) + _TINY).sqrt().mean((1, 2, 3))
    own = deviation.repeat_interleave(self.group)[:, None, None, None]
    x = self.last(torch.cat([x, own.expand(-1, 1, *x.shape[2:])], 1))
    return self.score(self.hidden(x.flatten(1)))[:, 0]


class StyleGANStep:
  """A cycle of `StyleGAN.train_step`s, in which each lazy penalty comes up when it does there."""

  def __init__(self, mapping: nn.Module, generator: nn.Module, discriminator: nn.Module):
    self.mapping, self.generator, self.discriminator = mapping, generator, discriminator
    drawing = [*mapping.parameters(), *generator.parameters()]
    adam = lambda weights: torch.optim.Adam(weights, 2e-3, (0.0, 0.99), foreach=True)
    self._generator_optimizer, self._discriminator_optimizer = (
      adam(drawing),
      adam(discriminator.parameters()),
    )
    self._weights = [p.detach() for p in drawing]
    self._average = [p.clone() for p in self._weights]
    self._path_mean = torch.zeros(())
    self._style_mean = torch.zeros(sizes.LATENT)

  def __call__(self, real: torch.Tensor) -> None:
    for step in range(sizes.STYLE_CYCLE):
      self.discriminator.requires_grad_(False)
      self._train_generator(len(real), step % sizes.PATH_EVERY == 0)
      self.discriminator.requires_grad_(True)
      self._train_discriminator(real, step % sizes.R1_EVERY == 0)
      torch._foreach_lerp_(self._average, self._weights, 0.001)

  def _train_generator(self, n: int, is_due: bool) -> None:
    style, styles = self._styles(n)
    loss = functional.softplus(-self.discriminator(self.generator(styles, self._noise(n)))).mean()
    if is_due:
      lengths = self._lengths(n // 2)
      loss = loss + sizes.PATH_EVERY * 2 * (lengths - self._path_mean).square().mean()
      self._path_mean = torch.lerp(self._path_mean, lengths.detach().mean(), 0.01)
    self._style_mean = torch.lerp(self._style_mean, style.detach().mean(0), 0.005)
    _descend(self._generator_optimizer, loss)

  def _train_discriminator(self, real: torch.Tensor, is_due: bool) -> None:
    n = len(real)
    with torch.no_grad():
      fake = self.generator(self._styles(n)[1], self._noise(n))
    scores = self.discriminator(real), self.discriminator(fake)
    loss = (functional.softplus(-scores[0]) + functional.softplus(scores[1])).mean()
    if is_due:
      seen = real.detach().requires_grad_()
      (slope,) = torch.autograd.grad(self.discriminator(seen).sum(), seen, create_graph=True)
      loss = loss + sizes.R1_EVERY * 5 * slope.square().sum((1, 2, 3)).mean()
    _descend(self._discriminator_optimizer, loss)

  def _styles(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of first latents, [n, w], and those of all layers, most of them mixed with second ones."""
    style, other = (self.mapping(torch.randn(n, sizes.LATENT)) for _ in range(2))
    n_layers = self.generator.n_styles
    first = 1 + (torch.rand(n) * (n_layers - 1)).long()
    first = torch.where(torch.rand(n) < 0.9, first, n_layers)
    is_other = torch.arange(n_layers) >= first[:, None]
    return style, torch.where(is_other[..., None], other[:, None], style[:, None])

  def _noise(self, n: int) -> torch.Tensor:
    return torch.randn(n, self.generator.n_noises)

  def _lengths(self, n: int) -> torch.Tensor:
    _, styles = self._styles(n)
    images = self.generator(styles, self._noise(n))
    product = (images * torch.randn_like(images)).sum() / math.sqrt(math.prod(images.shape[2:]))
    (slope,) = torch.autograd.grad(product, styles, create_graph=True)
    return (slope.square().sum(2).mean(1) + _TINY).sqrt()


def _descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
  optimizer.zero_grad(set_to_none=True)
  loss.backward()
  optimizer.step()


class _Dense(nn.Module):
  def __init__(
    self, n_inputs: int, units: int, rate: float = 1.0, bias: float = 0.0, activated: bool = False
  ):
    super().__init__()
    self.weight = nn.Parameter(torch.randn(units, n_inputs) / rate)
    self.bias = nn.Parameter(torch.full([units], bias / rate))
    self.rate, self.gain, self.activated = rate, rate / math.sqrt(n_inputs), activated

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    y = functional.linear(x, self.weight * self.gain, self.bias * self.rate)
    return _activate(y) if self.activated else y


class _Convolution(nn.Module):
  """With a bias and an activation, or linear; halved behind a blur, if wanted."""

  def __init__(
    self, n_inputs: int, n_filters: int, size: int, activated: bool = True, halved: bool = False
  ):
    super().__init__()
    self.weight = nn.Parameter(torch.randn(n_filters, n_inputs, size, size))
    self.bias = nn.Parameter(torch.zeros(n_filters)) if activated else None
    self.gain, self.size, self.halved = 1 / (size * math.sqrt(n_inputs)), size, halved

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    weight = self.weight * self.gain
    if not self.halved:
      y = functional.conv2d(x, weight, self.bias, padding=self.size // 2)
    elif self.size == 1:
      y = functional.conv2d(_blur(x, 1, stride=2), weight, self.bias)
    else:
      y = functional.conv2d(_blur(x, 1 + self.size // 2), weight, self.bias, 2)
    return y if self.bias is None else _activate(y)


class _Block(nn.Module):
  def __init__(self, n_inputs: int, n_filters: int):
    super().__init__()
    self.same = _Convolution(n_inputs, n_inputs, 3)
    self.down = _Convolution(n_inputs, n_filters, 3, halved=True)
    self.skip = _Convolution(n_inputs, n_filters, 1, activated=False, halved=True)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return (self.down(self.same(x)) + self.skip(x)) * math.sqrt(0.5)


class _Modulated(nn.Module):
  """Inputs are scaled by the style, outputs by one over the norm of the scaled kernel."""

  def __init__(
    self, n_inputs: int, n_filters: int, size: int, style: int, doubled: bool, demodulated: bool
  ):
    super().__init__()
    self.affine = _Dense(style, n_inputs, bias=1.0)
    self.weight = nn.Parameter(torch.randn(n_filters, n_inputs, size, size))
    self.gain, self.size = 1 / (size * math.sqrt(n_inputs)), size
    self.doubled, self.demodulated = doubled, demodulated

  def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    scale, weight = self.affine(style), self.weight * self.gain
    x = x * scale[:, :, None, None]
    if self.doubled:
      y = _blur(functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1, gain=4.0)
    else:
      y = functional.conv2d(x, weight, padding=self.size // 2)
    if not self.demodulated:
      return y
    norm = (scale.square() @ weight.square().sum((2, 3)).T + _TINY).rsqrt()
    return y * norm[:, :, None, None]


class _Layer(nn.Module):
  def __init__(self, n_inputs: int, n_filters: int, style: int, doubled: bool = False):
    super().__init__()
    self.convolution = _Modulated(n_inputs, n_filters, 3, style, doubled, demodulated=True)
    self.strength = nn.Parameter(torch.zeros(1))
    self.bias = nn.Parameter(torch.zeros(n_filters))

  def forward(self, x: torch.Tensor, style: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    y = self.convolution(x, style)
    y = y + self.strength * noise.unflatten(1, (1, *y.shape[2:]))
    return _activate(y + self.bias[:, None, None])


class _ToImage(nn.Module):
  def __init__(self, n_inputs: int, n_channels: int, style: int):
    super().__init__()
    self.convolution = _Modulated(n_inputs, n_channels, 1, style, doubled=False, demodulated=False)
    self.bias = nn.Parameter(torch.zeros(n_channels))

  def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    return self.convolution(x, style) + self.bias[:, None, None]


def filters_of(image_size: int, base: int, limit: int) -> dict[int, int]:
  """Filters of maps of each size."""
  exponents = range(2, int(math.log2(image_size)) + 1)
  return {2**i: min(base // 2**i, limit) for i in exponents}


def _blur(x: torch.Tensor, padding: int | Sequence[int], gain: float = 1.0, stride: int = 1):
  n = x.shape[1]
  kernel = (gain * torch.outer(_TAPS, _TAPS)).expand(n, 1, 4, 4)
  return functional.conv2d(x, kernel, stride=stride, padding=padding, groups=n)


def _double(image: torch.Tensor) -> torch.Tensor:
  return functional.interpolate(image, scale_factor=2, mode='bilinear', align_corners=False)


def _activate(x: torch.Tensor) -> torch.Tensor:
  return functional.leaky_relu(x, 0.2) * math.sqrt(2)
