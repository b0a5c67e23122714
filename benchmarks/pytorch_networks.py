"""The project's convolutional networks in plain PyTorch: the same layers, sizes and weight counts."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

_LEAKINESS = 0.2
_EPSILON = 1e-3


class InstanceNorm(nn.GroupNorm):
  """Instance normalisation as one group per channel: faster on a CPU than nn.InstanceNorm2d."""

  def __init__(self, channels: int, affine: bool = True):
    super().__init__(channels, channels, eps=_EPSILON, affine=affine)


class Conv4x4Same(nn.Conv2d):
  """4x4 convolution that keeps the size, one zero before and two after as in TensorFlow.

  Two zeros on each side and a crop, which is a view, spare the padded copy of the input that
  padding='same' makes.
  """

  def __init__(self, n_inputs: int, n_outputs: int):
    super().__init__(n_inputs, n_outputs, 4, padding=2)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return super().forward(x)[:, :, 1:, 1:]


class UNet3D(nn.Module):
  """`unet_3d`: volumes [n, c, X, Y, Z] -> logits [n, 2, X, Y, Z]."""

  def __init__(self, filters: Sequence[int] = (16, 32, 64, 128), bottleneck: int = 256):
    super().__init__()
    sizes = (1, *filters)
    self.downs = nn.ModuleList(_two_convolutions(a, b) for a, b in pairwise(sizes))
    self.bottleneck = _two_convolutions(filters[-1], bottleneck)
    sizes = (bottleneck, *reversed(filters))
    self.ups = nn.ModuleList(
      nn.Sequential(
        nn.ConvTranspose3d(a, b, 2, stride=2), nn.BatchNorm3d(b, _EPSILON, 0.01), nn.ReLU(inplace=True)
      )
      for a, b in pairwise(sizes)
    )
    self.joins = nn.ModuleList(_two_convolutions(2 * b, b) for b in reversed(filters))
    self.last = nn.Conv3d(filters[0], 2, 3, padding=1)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    skips = []
    for down in self.downs:
      x = down(x)
      skips.append(x)
      x = functional.max_pool3d(x, 2)
    x = self.bottleneck(x)
    for up, join in zip(self.ups, self.joins):
      x = join(torch.cat([up(x), skips.pop()], 1))
    return self.last(x)


def _two_convolutions(n_inputs: int, n_filters: int) -> nn.Sequential:
  layers = []
  for channels in (n_inputs, n_filters):
    layers += [nn.Conv3d(channels, n_filters, 3, padding=1), nn.ReLU(inplace=True), nn.Dropout(0.02)]
  return nn.Sequential(*layers)


class Pix2PixUNet(nn.Module):
  """`pix2pix_unet`: one-hot slices [n, 29, X, Y] -> images [n, 1, X, Y]."""

  def __init__(
    self,
    n_labels: int = 29,
    filters: Sequence[int] = (64, 128, 256, 512, 512, 512, 512),
    n_dropout_blocks: int = 3,
  ):
    super().__init__()
    sizes = (n_labels, *filters)
    last = len(filters) - 1
    self.downs = nn.ModuleList(
      _down(a, b, normalised=i < last) for i, (a, b) in enumerate(pairwise(sizes))
    )
    self.ups = nn.ModuleList()
    channels = filters[-1]
    for i, n_filters in enumerate(filters[-2::-1]):
      self.ups.append(_up(channels, n_filters, 0.5 if i < n_dropout_blocks else 0.0))
      channels = 2 * n_filters
    self.last = nn.Sequential(nn.Upsample(scale_factor=2), Conv4x4Same(channels, 1), nn.Tanh())

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    skips = []
    for down in self.downs:
      x = down(x)
      skips.append(x)
    skips.pop()
    for up in self.ups:
      x = functional.leaky_relu_(torch.cat([up(x), skips.pop()], 1), _LEAKINESS)
    return self.last(x)


def _down(n_inputs: int, n_filters: int, normalised: bool) -> nn.Sequential:
  layers = [nn.Conv2d(n_inputs, n_filters, 4, stride=2, padding=1)]
  if normalised:
    layers.append(InstanceNorm(n_filters))
  return nn.Sequential(*layers, nn.LeakyReLU(_LEAKINESS, inplace=True))


def _up(n_inputs: int, n_filters: int, dropout: float) -> nn.Sequential:
  layers = [nn.Upsample(scale_factor=2), Conv4x4Same(n_inputs, n_filters), nn.LeakyReLU(_LEAKINESS)]
  if dropout:
    layers.append(nn.Dropout(dropout))
  return nn.Sequential(*layers, InstanceNorm(n_filters))


class PatchGAN(nn.Module):
  """`patch_gan`: (one-hot slices, images) -> per scale the maps after each layer, logits last.

  Convolutions of stride 1 pad one zero on each side, so that their maps are smaller by one than the
  project's: a little less work, and no copy.
  """

  def __init__(
    self, n_scales: int = 1, spectral: bool = False, normalised: Sequence[bool] = (True, True, True)
  ):
    super().__init__()
    self.scales = nn.ModuleList(_patch_layers(spectral, normalised) for _ in range(n_scales))

  def forward(self, labels: torch.Tensor, image: torch.Tensor) -> list[list[torch.Tensor]]:
    x = torch.cat([labels, image], 1)
    scales = []
    for i, layers in enumerate(self.scales):
      if i:
        x = functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
      maps = [x]
      for layer in layers:
        maps.append(layer(maps[-1]))
      scales.append(maps[1:])
    return scales


def _patch_layers(spectral: bool, normalised: Sequence[bool]) -> nn.ModuleList:
  layers, channels = nn.ModuleList(), 30
  for n_filters, stride, norm in zip((32, 64, 128), (2, 2, 1), normalised):
    convolution = nn.Conv2d(channels, n_filters, 4, stride=stride, padding=1)
    if spectral and norm:
      convolution = nn.utils.parametrizations.spectral_norm(convolution)
    norms = [InstanceNorm(n_filters)] if norm else []
    layers.append(nn.Sequential(convolution, *norms, nn.LeakyReLU(_LEAKINESS, inplace=True)))
    channels = n_filters
  layers.append(nn.Conv2d(channels, 1, 4, padding=1))
  return layers


class LesionGenerator(nn.Module):
  """`lesion_generator`: latents [n, 128] -> lesion probability [n, X, Y, Z]."""

  def __init__(
    self,
    coarse: tuple[int, int, int] = (4, 4, 1),
    coarse_filters: int = 256,
    filters: Sequence[int] = (128, 64, 32, 16),
  ):
    super().__init__()
    self.coarse = (coarse_filters, *coarse)
    self.dense = nn.Linear(128, coarse_filters * coarse[0] * coarse[1] * coarse[2])
    sizes = (coarse_filters, *filters)
    self.ups = nn.ModuleList(
      nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv3d(a, b, 3, padding=1, bias=False),
        InstanceNorm(b),
        nn.LeakyReLU(_LEAKINESS, inplace=True),
      )
      for a, b in pairwise(sizes)
    )
    self.last = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv3d(filters[-1], 2, 3, padding=1))

  def forward(self, latent: torch.Tensor) -> torch.Tensor:
    x = self.dense(latent).unflatten(1, self.coarse)
    for up in self.ups:
      x = up(x)
    return torch.softmax(self.last(x), 1)[:, 1]


class LesionCritic(nn.Module):
  """`lesion_critic`: masks [n, X, Y, Z] -> scores [n]."""

  def __init__(
    self,
    shape: tuple[int, int, int] = (128, 128, 32),
    filters: Sequence[int] = (32, 64, 128, 256, 512),
  ):
    super().__init__()
    sizes = (1, *filters)
    layers = []
    for a, b in pairwise(sizes):
      layers += [nn.Conv3d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(_LEAKINESS, inplace=True)]
    voxels = shape[0] * shape[1] * shape[2] // 8 ** len(filters)
    dense = nn.Linear(filters[-1] * voxels, 64)
    self.layers = nn.Sequential(
      *layers, nn.Flatten(), dense, nn.LeakyReLU(_LEAKINESS), nn.Linear(64, 1), nn.Flatten(0)
    )

  def forward(self, masks: torch.Tensor) -> torch.Tensor:
    return self.layers(masks[:, None])
