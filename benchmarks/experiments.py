"""What is compared with what, and the targets."""

import dataclasses
from collections.abc import Callable

from benchmarks import results, sizes
from benchmarks.results import Calls, Row

_TENSORFLOW, _PYTORCH, _OTHER_STACK = 'tensorflow', 'pytorch', 'other_stack'
Run = tuple[str, str]  # (side, case).


@dataclasses.dataclass(frozen=True)
class Experiment:
  """Runs that take turns.

  Attributes:
    name: For the reader, and for --only.
    runs: In the order of their turns.
    rows: (facts by run, calls by run) -> lines of the table.
    is_timed: Whether calls are timed, by workers that have done other work before; else each run is
      prepared alone, by a worker of its own.
  """

  name: str
  runs: tuple[Run, ...]
  rows: Callable[[dict[Run, dict], dict[Run, Calls]], list[Row]]
  is_timed: bool = True


def _against_pytorch(name: str, case: str, at_most: float | None = None, note: str = '') -> Experiment:
  ours, theirs = (_TENSORFLOW, case), (_PYTORCH, case)

  def rows(facts: dict[Run, dict], calls: dict[Run, Calls]) -> list[Row]:
    said = '; '.join(filter(None, [f'PyTorch in {facts[theirs]["layout"]}', note]))
    return [results.compared(name, calls[ours], calls[theirs], at_most, said)]

  return Experiment(name, (ours, theirs), rows)


def _pix2pix_inference() -> Experiment:
  name = 'Pix2Pix inference, 32 slices'
  against = _against_pytorch(name, 'pix2pix_inference')
  ours, _ = against.runs
  products = ((_TENSORFLOW, 'matrix_product'), (_PYTORCH, 'matrix_product'))

  def rows(facts: dict[Run, dict], calls: dict[Run, Calls]) -> list[Row]:
    peak = results.matrix_rate([calls[run] for run in products], facts[products[0]]['flops'])
    rate = results.computing_rate(f'{name}, rate', calls[ours], facts[ours]['flops'], peak, 0.85)
    return [*against.rows(facts, calls), rate]

  return Experiment(name, (*against.runs, *products), rows)


def _against_other_stack(name: str, case: str) -> Experiment:
  ours, theirs = (_TENSORFLOW, case), (_OTHER_STACK, case)

  def rows(facts: dict[Run, dict], calls: dict[Run, Calls]) -> list[Row]:
    seconds = (results.median(calls[run], 'cpu') for run in (ours, theirs))
    return [results.of_other_stack(name, *seconds)]

  return Experiment(f'{name}, other stack', (ours, theirs), rows)


def _memory_against_pytorch(name: str, case: str, n_volumes: int, note: str) -> Experiment:
  runs = (_TENSORFLOW, case), (_PYTORCH, case)

  def rows(facts: dict[Run, dict], calls: dict[Run, Calls]) -> list[Row]:
    grown = [facts[run]['memory_mib'] for run in runs]
    if None in grown:  # The system does not say.
      return []
    ours, theirs = (mib / n_volumes for mib in grown)
    return [Row(name, ours, 'MiB', 'PyTorch', theirs, note=note)]

  return Experiment(name, runs, rows, is_timed=False)


def _synthesis() -> Experiment:
  whole, alone = (_TENSORFLOW, 'synthesis'), (_TENSORFLOW, 'generators')

  def rows(facts: dict[Run, dict], calls: dict[Run, Calls]) -> list[Row]:
    return results.synthesis_rows(calls[whole], calls[alone], facts[whole]['volumes'], 1.15)

  return Experiment('Synthesis', (whole, alone), rows)


def _reading() -> Experiment:
  run = (_TENSORFLOW, 'reading')

  def rows(facts: dict[Run, dict], calls: dict[Run, Calls]) -> list[Row]:
    rate = facts[run]['volumes'] / results.median(calls[run])
    return [Row('Reading a prepared set', rate, 'volumes/s', note='128x128x32, decoded')]

  return Experiment('Reading', (run,), rows)


EXPERIMENTS = (
  _against_pytorch('U-Net train step', 'unet_train', 0.70, 'batch 1 of 128x128x32'),
  _against_pytorch('U-Net inference', 'unet_inference', note='batch 1 of 128x128x32'),
  _against_pytorch('Pix2Pix train step', 'pix2pix_train', 0.80, 'batch 8 of 128x128'),
  _pix2pix_inference(),
  _against_pytorch('SPADE train step', 'spade_train', 0.85, 'batch 8 of 128x128'),
  _against_pytorch('SPADE inference, 32 slices', 'spade_inference'),
  _against_pytorch('Flow train step', 'flow_train', note='batch 2 of 64x64x16'),
  _against_pytorch('Flow drawing, a volume', 'flow_inference', note='64x64x16, 10 steps of Heun'),
  _against_pytorch(
    'StyleGAN2, 16 train steps', 'style_gan_train', 0.80, 'batch 8 of 64x64x8, penalties in turn'
  ),
  _against_pytorch('StyleGAN2 drawing, 32 slices', 'style_gan_inference', note='64x64x8'),
  _memory_against_pytorch(
    'StyleGAN2 drawing, memory of a volume',
    'style_gan_inference',
    sizes.SLICES // sizes.STYLE_LEVELS,
    'two volumes of 16 slices',
  ),
  _against_pytorch('Lesion GAN train step', 'lesion_gan_train', note='batch 2, 1 critic step'),
  _against_pytorch('Lesion GAN inference', 'lesion_gan_inference', note='1 mask of 128x128x32'),
  _synthesis(),
  _reading(),
)

# Only where a Python of the other stack is given; the networks, all that a stack decides.
OTHER_STACK_EXPERIMENTS = tuple(
  _against_other_stack(experiment.name, experiment.runs[0][1])
  for experiment in EXPERIMENTS
  if experiment.is_timed and (_PYTORCH, experiment.runs[0][1]) in experiment.runs
)
