"""The rectified flow in plain PyTorch: the same layers, sizes and weight counts as the project's."""

import math

import torch
from torch import nn
from torch.nn import functional

from benchmarks import sizes
from benchmarks.pytorch_training import Averaged, adam, descend

_GROUPS, _LABEL_SIZE, _TIME_SIZE = 8, 16, 128
_EPSILON = 1e-3  # Of Keras' normalisation.


class FlowUNet3D(nn.Module):
  """`flow_unet_3d`: (image, one-hot labels [n, k, X, Y, Z], time [n, 1]) -> velocity as the image."""

  def __init__(
    self, n_labels: int, filters: tuple[int, ...] = sizes.FLOW_FILTERS, blocks=sizes.FLOW_BLOCKS
  ):
    super().__init__()
    self.time = nn.Sequential(
      nn.Linear(_TIME_SIZE, _TIME_SIZE), nn.SiLU(), nn.Linear(_TIME_SIZE, _TIME_SIZE), nn.SiLU()
    )
    self.labels = nn.Conv3d(n_labels, _LABEL_SIZE, 1, bias=False)
    self.first = nn.Conv3d(1 + _LABEL_SIZE, filters[0], 3, padding=1)
    before = (filters[0], *filters)
    self.down = nn.ModuleList(_Blocks(before[i], n, blocks[i]) for i, n in enumerate(filters))
    coarser = list(enumerate(filters))[-2::-1]
    self.narrow = nn.ModuleList(nn.Conv3d(filters[i + 1], n, 1) for i, n in coarser)
    self.up = nn.ModuleList(_Blocks(n, n, blocks[i]) for i, n in coarser)
    self.norm = nn.GroupNorm(_GROUPS, filters[0], _EPSILON)
    self.velocity = _zeroed(nn.Conv3d(filters[0], 1, 3, padding=1))

  def forward(self, image: torch.Tensor, labels: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    n = _TIME_SIZE // 2
    angles = time * torch.exp(torch.arange(n) * (math.log(1000) / (n - 1)))
    when = self.time(torch.cat([angles.sin(), angles.cos()], 1))
    maps = [self.labels(labels)]
    for _ in self.narrow:
      maps.append(functional.avg_pool3d(maps[-1], 2))
    x, skips = self.first(torch.cat([image, maps[0]], 1)), []
    for i, blocks in enumerate(self.down):
      x = blocks(functional.avg_pool3d(x, 2) if i else x, when, maps[i])
      skips.append(x)
    for i, (narrow, blocks) in enumerate(zip(self.narrow, self.up)):
      x = functional.interpolate(narrow(x), scale_factor=2)
      x = blocks(x + skips[-2 - i], when, maps[-2 - i])
    return self.velocity(functional.silu(self.norm(x)))


class FlowStep:
  """`RectifiedFlow.train_step`."""

  def __init__(self, network: nn.Module):
    self.network = network.train()
    self.optimizer = adam(network, 1e-3, (0.9, 0.999))
    self.average = Averaged(network)

  def __call__(self, segmentation: torch.Tensor, labels: torch.Tensor, image: torch.Tensor) -> None:
    noise, time = torch.randn_like(image), torch.sigmoid(torch.randn(len(image), 1))
    t = time[:, :, None, None, None]
    velocity = self.network((1 - t) * noise + t * image, labels, time)
    error = (velocity - (image - noise)).square().mean(1)
    weight = 1 + 4 * (segmentation == sizes.LABELS - 1) - 0.7 * (segmentation == 0)
    axes = (1, 2, 3)
    descend(self.optimizer, ((error * weight).sum(axes) / weight.sum(axes)).mean())
    self.average.update()


def draw(network: nn.Module, labels: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
  """Heun's method from noise to volumes, as `RectifiedFlow.call` without churn."""
  x, times = noise, 1 - torch.linspace(1, 0, sizes.FLOW_STEPS + 1) ** 2
  velocity = lambda x, t: network(x, labels, t.expand(len(x), 1))
  for i in range(sizes.FLOW_STEPS):
    step = times[i + 1] - times[i]
    first = velocity(x, times[i])
    ahead = x + step * first
    if i < sizes.FLOW_STEPS - 1:
      ahead = x + step / 2 * (first + velocity(ahead, times[i + 1]))
    x = ahead
  return x


class _Blocks(nn.Module):
  def __init__(self, n_inputs: int, n_filters: int, n_blocks: int):
    super().__init__()
    self.blocks = nn.ModuleList(
      _Block(n_filters if i else n_inputs, n_filters) for i in range(n_blocks)
    )

  def forward(self, x: torch.Tensor, when: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    for block in self.blocks:
      x = block(x, when, labels)
    return x


class _Block(nn.Module):
  def __init__(self, n_inputs: int, n_filters: int):
    super().__init__()
    self.shortcut = nn.Conv3d(n_inputs, n_filters, 1) if n_inputs != n_filters else nn.Identity()
    self.norm = nn.GroupNorm(_GROUPS, n_inputs, _EPSILON)
    in_plane = {'kernel_size': (3, 3, 1), 'padding': (1, 1, 0)}
    self.first = nn.Conv3d(n_inputs, n_filters, **in_plane)
    self.at_time = nn.Linear(_TIME_SIZE, n_filters)
    self.at_labels = nn.Conv3d(_LABEL_SIZE, n_filters, 1)
    self.second = nn.Conv3d(n_filters, n_filters, **in_plane)
    self.across = _zeroed(nn.Conv3d(n_filters, n_filters, (1, 1, 3), padding=(0, 0, 1)))

  def forward(self, x: torch.Tensor, when: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    y = self.first(functional.silu(self.norm(x)))
    y = y + self.at_time(when)[:, :, None, None, None] + self.at_labels(labels)
    return self.shortcut(x) + self.across(self.second(functional.silu(y)))


def _zeroed(convolution: nn.Conv3d) -> nn.Conv3d:
  nn.init.zeros_(convolution.weight)
  return convolution
