"""The SPADE generator in plain PyTorch: the same layers, sizes and weight counts as the project's."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

_LEAKINESS = 0.2
_EPSILON = 1e-5


class SpadeGenerator(nn.Module):
  """`spade_generator`: (one-hot slices [n, 29, X, Y], latents [n, 128]) -> images [n, 1, X, Y]."""

  def __init__(
    self, n_labels: int = 29, coarse_filters: int = 128, filters: Sequence[int] = (128, 64, 32, 16, 8)
  ):
    super().__init__()
    self.coarse = (coarse_filters, 4, 4)
    self.dense = nn.Linear(128, 16 * coarse_filters)
    sizes = (coarse_filters, *filters)
    self.blocks = nn.ModuleList(_Block(a, b, n_labels) for a, b in pairwise(sizes))
    self.last = nn.Sequential(
      nn.LeakyReLU(_LEAKINESS), nn.Conv2d(filters[-1], 1, 3, padding=1), nn.Tanh()
    )

  def forward(self, labels: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
    x = self.dense(latent).unflatten(1, self.coarse)
    if labels.is_contiguous(memory_format=torch.channels_last):
      x = x.contiguous(memory_format=torch.channels_last)
    for block in self.blocks:
      step = labels.shape[-1] // x.shape[-1]
      x = functional.interpolate(block(x, labels[:, :, ::step, ::step]), scale_factor=2)
    return self.last(x)


class _Block(nn.Module):
  def __init__(self, n_inputs: int, n_filters: int, n_labels: int):
    super().__init__()
    self.shortcut = None
    if n_inputs != n_filters:
      self.shortcut_norm = _Spade(n_inputs, n_labels)
      self.shortcut = spectral_norm(nn.Conv2d(n_inputs, n_filters, 1, bias=False))
    sizes = (n_inputs, n_filters)
    self.norms = nn.ModuleList(_Spade(channels, n_labels) for channels in sizes)
    self.convolutions = nn.ModuleList(
      spectral_norm(nn.Conv2d(channels, n_filters, 3, padding=1)) for channels in sizes
    )

  def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    shortcut = self.shortcut(self.shortcut_norm(x, labels)) if self.shortcut else x
    for norm, convolution in zip(self.norms, self.convolutions):
      x = convolution(functional.leaky_relu(norm(x, labels), _LEAKINESS))
    return shortcut + x


class _Spade(nn.Module):
  def __init__(self, channels: int, n_labels: int, hidden: int = 128):
    super().__init__()
    self.normalise = nn.GroupNorm(channels, channels, eps=_EPSILON, affine=False)
    self.hidden = nn.Sequential(nn.Conv2d(n_labels, hidden, 3, padding=1), nn.ReLU(inplace=True))
    self.gamma_beta = nn.Conv2d(hidden, 2 * channels, 3, padding=1)

  def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    gamma, beta = self.gamma_beta(self.hidden(labels)).chunk(2, 1)
    return torch.addcmul(beta, self.normalise(x), 1 + gamma)
