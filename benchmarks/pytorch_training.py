"""The project's training steps in plain PyTorch: same losses, same order of updates."""

import torch
from torch import nn
from torch.nn import functional


class Averaged:
  """The moving average of a network's weights, moved in one operation over all of them."""

  def __init__(self, network: nn.Module, decay: float = 0.999):
    self._weights = [p.detach() for p in network.parameters()]
    self._average = [p.clone() for p in self._weights]
    self._decay = decay

  def update(self) -> None:
    torch._foreach_lerp_(self._average, self._weights, 1 - self._decay)


def adam(network: nn.Module, learning_rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
  """Adam over all weights at once; a whole step takes as long with its fused form.

  That is faster by itself, but copies gradients of another memory layout than their weights.
  """
  return torch.optim.Adam(network.parameters(), learning_rate, betas, foreach=True)


def descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
  optimizer.zero_grad(set_to_none=True)
  loss.backward()
  optimizer.step()


class SegmenterStep:
  """`Segmenter.train_step`: cross-entropy plus 1 - Dice."""

  def __init__(self, network: nn.Module):
    self.network = network.train()
    self.optimizer = adam(network, 1e-4, (0.9, 0.999))

  def __call__(self, image: torch.Tensor, lesion: torch.Tensor) -> None:
    logits = self.network(image)
    probability = torch.softmax(logits, 1)[:, 1]
    cross_entropy = functional.cross_entropy(logits, lesion)
    overlap = (probability * lesion).sum((1, 2, 3))
    size = probability.sum((1, 2, 3)) + lesion.sum((1, 2, 3))
    descend(self.optimizer, cross_entropy + 1 - ((2 * overlap + 1) / (size + 1)).mean())


class TranslatorStep:
  """`PairedTranslator.train_step`: the discriminator on a fake, then the generator that made it."""

  def __init__(
    self, generator: nn.Module, discriminator: nn.Module, rates: tuple[float, float], beta_1: float
  ):
    self.generator, self.discriminator = generator.train(), discriminator.train()
    self.generator_optimizer = adam(generator, rates[0], (beta_1, 0.999))
    self.discriminator_optimizer = adam(discriminator, rates[1], (beta_1, 0.999))
    self.average = Averaged(generator)

  def __call__(self, labels: torch.Tensor, image: torch.Tensor, *latent: torch.Tensor) -> None:
    fake = self.generator(labels, *latent)
    real_maps, fake_maps = (self.discriminator(labels, x) for x in (image, fake.detach()))
    descend(self.discriminator_optimizer, self.discriminator_loss(real_maps, fake_maps))
    # Its weights' gradients are not wanted here.
    self.discriminator.requires_grad_(False)
    descend(self.generator_optimizer, self.generator_loss(labels, image, fake))
    self.discriminator.requires_grad_(True)
    self.average.update()


class Pix2PixStep(TranslatorStep):
  """Minimax losses and the L1 distance."""

  def discriminator_loss(self, real_maps: list, fake_maps: list) -> torch.Tensor:
    real = mean_over_scales([functional.softplus(-maps[-1]) for maps in real_maps])
    return (real + mean_over_scales([functional.softplus(maps[-1]) for maps in fake_maps])) / 2

  def generator_loss(
    self, labels: torch.Tensor, image: torch.Tensor, fake: torch.Tensor
  ) -> torch.Tensor:
    maps = self.discriminator(labels, fake)
    adversarial = mean_over_scales([functional.softplus(-scale[-1]) for scale in maps])
    return adversarial + 10 * functional.l1_loss(fake, image)


class SpadeStep(TranslatorStep):
  """Hinge losses and feature matching."""

  def discriminator_loss(self, real_maps: list, fake_maps: list) -> torch.Tensor:
    real = mean_over_scales([functional.relu(1 - maps[-1]) for maps in real_maps])
    return real + mean_over_scales([functional.relu(1 + maps[-1]) for maps in fake_maps])

  def generator_loss(
    self, labels: torch.Tensor, image: torch.Tensor, fake: torch.Tensor
  ) -> torch.Tensor:
    fake_maps = self.discriminator(labels, fake)
    with torch.no_grad():
      real_maps = self.discriminator(labels, image)
    distances = [
      functional.l1_loss(a, b)
      for real, fake in zip(real_maps, fake_maps)
      for a, b in zip(fake[:-1], real[:-1])
    ]
    features = sum(distances) / len(fake_maps)
    return 10 * features - mean_over_scales([scale[-1] for scale in fake_maps])


class LesionGANStep:
  """`LesionGAN.train_step` with one step of the critic."""

  def __init__(self, generator: nn.Module, critic: nn.Module):
    self.generator, self.critic = generator.train(), critic.train()
    self.generator_optimizer = adam(generator, 1e-4, (0.0, 0.9))
    self.critic_optimizer = adam(critic, 1e-4, (0.0, 0.9))
    self.average = Averaged(generator)

  def __call__(self, real: torch.Tensor) -> None:
    n = len(real)
    with torch.no_grad():
      fake = self.generator(torch.randn(n, 128))
    real_scores, fake_scores = self.critic(torch.cat([real, fake])).chunk(2)
    penalty = self._penalty(real, fake)
    descend(self.critic_optimizer, (fake_scores - real_scores + 10 * penalty).mean())
    self.critic.requires_grad_(False)
    descend(self.generator_optimizer, -self.critic(self.generator(torch.randn(n, 128))).mean())
    self.critic.requires_grad_(True)
    self.average.update()

  def _penalty(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    between = torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1)).requires_grad_()
    (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).square().sum(1).add(1e-12).sqrt() - 1).square()


def mean_over_scales(maps: list[torch.Tensor]) -> torch.Tensor:
  return sum(values.mean() for values in maps) / len(maps)
