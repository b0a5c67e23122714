"""PyTorch's cases, in the faster memory layout each: python -m benchmarks.pytorch_side THREADS."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks import pytorch_flow, sizes
from benchmarks.pytorch_networks import LesionCritic, LesionGenerator, PatchGAN, Pix2PixUNet, UNet3D
from benchmarks.pytorch_spade import SpadeGenerator
from benchmarks.pytorch_style_gan import (
  Mapping,
  StyleDiscriminator,
  StyleGANStep,
  StyleGenerator,
  filters_of,
)
from benchmarks.pytorch_training import LesionGANStep, Pix2PixStep, SegmenterStep, SpadeStep
from benchmarks.worker import Case, serve, timings

# Of maps and of kernels.
_LAYOUTS = {
  'contiguous': (False, False),
  'channels_last': (True, True),
  'channels_last maps': (True, False),
}
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
_N_TRIED = 2


class Layout:
  """A way to store maps and kernels."""

  def __init__(self, name: str):
    self._maps, self._kernels = _LAYOUTS[name]

  def __call__(self, value: Any) -> Any:
    """A network, or maps [n, c, X, Y] or [n, c, X, Y, Z], in this layout."""
    if not isinstance(value, nn.Module):
      return _stored(value, self._maps)
    # Module.to() takes one format for kernels of 2D and 3D alike and fails on the other.
    for parameter in value.parameters():
      parameter.data = _stored(parameter.data, self._kernels)
    return value


def _stored(values: torch.Tensor, channels_last: bool) -> torch.Tensor:
  wanted = _CHANNELS_LAST.get(values.ndim) if channels_last else None
  return values.contiguous(memory_format=wanted or torch.contiguous_format)


def main() -> None:
  threads = int(sys.argv[1])
  torch.set_num_threads(threads)
  torch.manual_seed(0)
  makers = {
    'unet_train': _unet_train,
    'unet_inference': _unet_inference,
    'pix2pix_train': _pix2pix_train,
    'pix2pix_inference': _pix2pix_inference,
    'spade_train': _spade_train,
    'spade_inference': _spade_inference,
    'flow_train': _flow_train,
    'flow_inference': _flow_inference,
    'style_gan_train': _style_gan_train,
    'style_gan_inference': _style_gan_inference,
    'lesion_gan_train': _lesion_gan_train,
    'lesion_gan_inference': _lesion_gan_inference,
  }
  cases = {name: functools.partial(_fastest, make) for name, make in makers.items()}
  facts = {'PyTorch': torch.__version__, 'threads': torch.get_num_threads()}
  serve({**cases, 'matrix_product': _matrix_product}, facts)


def _fastest(make: Callable[[Layout], Case]) -> Case:
  """The case in the layout that takes less time here, after one call that is not counted."""
  made = {name: make(Layout(name)) for name in _LAYOUTS}
  for case in made.values():
    case.run()
  tried = lambda: {name: timings(case.run, 0)[0]['total'] for name, case in made.items()}
  rounds = [tried() for _ in range(_N_TRIED)]
  seconds = {name: min(seconds[name] for seconds in rounds) for name in made}
  best = min(seconds, key=seconds.get)
  facts = {'layout': best, 'layout_seconds': seconds, **made[best].facts}
  return Case(made[best].run, facts)


def _unet_train(layout: Layout) -> Case:
  step = SegmenterStep(layout(UNet3D()))
  image = layout(torch.rand(1, 1, *sizes.VOLUME))
  lesion = (torch.rand(1, *sizes.VOLUME) < 0.02).long()
  return Case(lambda: step(image, lesion), _parameters(network=step.network))


def _unet_inference(layout: Layout) -> Case:
  network = layout(UNet3D())
  image = layout(torch.rand(1, 1, *sizes.VOLUME))
  return _inference(network, lambda: torch.softmax(network(image), 1)[:, 1])


def _pix2pix_train(layout: Layout) -> Case:
  step = Pix2PixStep(layout(Pix2PixUNet()), layout(PatchGAN()), (2e-4, 2e-4), 0.5)
  segmentation, image = _slices(layout, sizes.BATCH)
  return Case(lambda: step(_one_hot(layout, segmentation), image), _gan_parameters(step))


def _pix2pix_inference(layout: Layout) -> Case:
  network = layout(Pix2PixUNet())
  segmentation, _ = _slices(layout, sizes.SLICES)
  return _inference(network, lambda: network(_one_hot(layout, segmentation)))


def _spade_train(layout: Layout) -> Case:
  discriminator = PatchGAN(n_scales=2, spectral=True, normalised=(False, True, True))
  step = SpadeStep(layout(SpadeGenerator()), layout(discriminator), (1e-4, 4e-4), 0.0)
  segmentation, image = _slices(layout, sizes.BATCH)

  def run() -> None:
    step(_one_hot(layout, segmentation), image, torch.randn(sizes.BATCH, sizes.LATENT))

  return Case(run, _gan_parameters(step))


def _spade_inference(layout: Layout) -> Case:
  network = layout(SpadeGenerator())
  segmentation, _ = _slices(layout, sizes.SLICES)
  latent = torch.randn(1, sizes.LATENT).expand(sizes.SLICES, -1)
  return _inference(network, lambda: network(_one_hot(layout, segmentation), latent))


def _flow_train(layout: Layout) -> Case:
  step = pytorch_flow.FlowStep(layout(pytorch_flow.FlowUNet3D(sizes.LABELS)))
  segmentation, image = _labelled_volumes(layout, sizes.FLOW_BATCH)
  run = lambda: step(segmentation, _one_hot(layout, segmentation), image)
  return Case(run, _parameters(network=step.network))


def _flow_inference(layout: Layout) -> Case:
  network = layout(pytorch_flow.FlowUNet3D(sizes.LABELS))
  segmentation, noise = _labelled_volumes(layout, 1)
  draw = lambda: pytorch_flow.draw(network, _one_hot(layout, segmentation), noise)
  return _inference(network, draw)


def _style_gan_train(layout: Layout) -> Case:
  filters, n_channels = _style_filters(), sizes.STYLE_CONTRASTS + sizes.STYLE_CLASSES
  discriminator = StyleDiscriminator(sizes.STYLE_SLICE, n_channels, filters)
  step = StyleGANStep(Mapping(sizes.LATENT), layout(_style_generator()), layout(discriminator))
  image = torch.rand(sizes.BATCH, sizes.STYLE_CONTRASTS, sizes.STYLE_SLICE, sizes.STYLE_SLICE) * 2 - 1
  classes = torch.rand(sizes.BATCH, sizes.STYLE_CLASSES, sizes.STYLE_SLICE, sizes.STYLE_SLICE).softmax(
    1
  )
  real = layout(torch.cat([image, classes], 1))
  facts = _parameters(mapping=step.mapping, generator=step.generator, discriminator=step.discriminator)
  return Case(lambda: step(real), facts)


def _style_gan_inference(layout: Layout) -> Case:
  mapping, network = Mapping(sizes.LATENT), layout(_style_generator())
  latent = torch.randn(sizes.SLICES, sizes.LATENT)

  def draw() -> torch.Tensor:
    styles = mapping(latent)[:, None].expand(-1, network.n_styles, -1)
    return network(styles, torch.randn(sizes.SLICES, network.n_noises))

  return _inference(network, draw)


def _style_generator() -> StyleGenerator:
  channels = sizes.STYLE_CONTRASTS, sizes.STYLE_CLASSES
  return StyleGenerator(sizes.STYLE_SLICE, *channels, sizes.LATENT, _style_filters())


def _style_filters() -> dict[int, int]:
  return filters_of(sizes.STYLE_SLICE, sizes.STYLE_BASE, sizes.STYLE_LIMIT)


def _lesion_gan_train(layout: Layout) -> Case:
  step = LesionGANStep(layout(LesionGenerator()), layout(LesionCritic()))
  real = (torch.rand(sizes.LESION_BATCH, *sizes.VOLUME) < 0.02).float()
  return Case(lambda: step(real), _parameters(generator=step.generator, critic=step.critic))


def _lesion_gan_inference(layout: Layout) -> Case:
  network = layout(LesionGenerator())
  latent = torch.randn(1, sizes.LATENT)
  return _inference(network, lambda: network(latent))


def _matrix_product() -> Case:
  n = sizes.MATRIX
  a, b, out = (torch.rand(n, n) for _ in range(3))

  def run() -> None:
    torch.mm(a, b, out=out)

  return Case(run, {'flops': 2 * n**3})


def _inference(network: nn.Module, call: Callable[[], torch.Tensor]) -> Case:
  network.eval()

  def run() -> None:
    with torch.inference_mode():
      call()

  return Case(run, _parameters(network=network))


def _slices(layout: Layout, n: int) -> tuple[torch.Tensor, torch.Tensor]:
  """Label slices uint8 [n, X, Y] and images [n, 1, X, Y] in [-1, 1]."""
  segmentation = torch.randint(0, sizes.LABELS, (n, *sizes.VOLUME[:2]), dtype=torch.uint8)
  return segmentation, layout(torch.rand(n, 1, *sizes.VOLUME[:2]) * 2 - 1)


def _labelled_volumes(layout: Layout, n: int) -> tuple[torch.Tensor, torch.Tensor]:
  """Label volumes uint8 [n, X, Y, Z] and images [n, 1, X, Y, Z] in [-1, 1]."""
  segmentation = torch.randint(0, sizes.LABELS, (n, *sizes.FLOW_VOLUME), dtype=torch.uint8)
  return segmentation, layout(torch.rand(n, 1, *sizes.FLOW_VOLUME) * 2 - 1)


def _one_hot(layout: Layout, segmentation: torch.Tensor) -> torch.Tensor:
  n, *size = segmentation.shape
  labels = layout(torch.empty(n, sizes.LABELS, *size)).zero_()
  return labels.scatter_(1, segmentation[:, None].long(), 1.0)


def _gan_parameters(step: Any) -> dict[str, Any]:
  return _parameters(generator=step.generator, discriminator=step.discriminator)


def _parameters(**networks: nn.Module) -> dict[str, Any]:
  """How many weights are trained, per network."""
  counts = {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}
  return {'parameters': counts}


if __name__ == '__main__':
  main()
