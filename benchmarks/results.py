"""From timings to ratios, and from ratios to a table."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

# Seconds of every call of a case, `total` and by stage.
Calls = Sequence[Mapping[str, float]]


@dataclasses.dataclass(frozen=True)
class Row:
  """One line of the table.

  Attributes:
    name: What was timed.
    value: Seconds, or a rate where the unit says so.
    unit: Of both values.
    reference_name: What it is compared with; empty for nothing.
    reference: Its value.
    at_most: Target for value / reference; None for none.
    at_least: The same from below.
    note: What else the reader should know.
  """

  name: str
  value: float
  unit: str = 's'
  reference_name: str = ''
  reference: float | None = None
  at_most: float | None = None
  at_least: float | None = None
  note: str = ''

  @property
  def ratio(self) -> float | None:
    return None if self.reference is None else self.value / self.reference

  @property
  def target(self) -> str:
    if self.at_most is not None:
      return f'<= {self.at_most:.2f}'
    return '' if self.at_least is None else f'>= {self.at_least:.2f}'

  @property
  def met(self) -> bool | None:
    """Whether the target is met; None without one."""
    if self.at_most is not None:
      return self.ratio <= self.at_most
    return None if self.at_least is None else self.ratio >= self.at_least

  def to_json(self) -> dict[str, Any]:
    return {**dataclasses.asdict(self), 'ratio': self.ratio, 'met': self.met}


def median(calls: Calls, stage: str = 'total') -> float:
  """Median seconds of a stage over all calls; calls without the stage count as 0.

  Raises:
    ValueError: There is no call.
  """
  if not calls:
    raise ValueError('no call was timed, expected at least one')
  return statistics.median(call.get(stage, 0.0) for call in calls)


def compared(name: str, ours: Calls, theirs: Calls, at_most: float | None, note: str = '') -> Row:
  """Our seconds against PyTorch's."""
  return Row(name, median(ours), 's', 'PyTorch', median(theirs), at_most=at_most, note=note)


def of_other_stack(name: str, ours: float, theirs: float) -> Row:
  """Seconds of the CPU, which a neighbour hardly touches: stacks differ by a few percent at most."""
  return Row(name, ours, 's of CPU', 'other stack', theirs)


def matrix_rate(products: Sequence[Calls], flops: int) -> float:
  """GFLOP/s of matrix products, by the library whose median is the best."""
  return max(flops / median(calls) for calls in products) / 1e9


def computing_rate(name: str, calls: Calls, flops: int, peak: float, at_least: float) -> Row:
  """GFLOP/s of a network against those of matrix products."""
  rate = flops / median(calls) / 1e9
  note = f'{flops / 1e9:.0f} GFLOP a call, counted from shapes'
  return Row(name, rate, 'GFLOP/s', 'matrix product', peak, at_least=at_least, note=note)


def synthesis_rows(whole: Calls, generators: Calls, n_volumes: int, at_most: float) -> list[Row]:
  """End-to-end synthesis against the generators alone, then its rate and its stages, per volume."""
  per_volume = lambda calls, stage='total': median(calls, stage) / n_volumes
  rows = [
    Row(
      'Synthesis, a volume',
      per_volume(whole),
      's',
      'generators alone',
      per_volume(generators),
      at_most=at_most,
    ),
    Row('Synthesis, rate', 1 / per_volume(whole), 'volumes/s'),
  ]
  for stage in ('lesion', 'injection', 'translation', 'write', 'read'):
    reference = per_volume(generators, stage) if stage in generators[0] else None
    against = 'generators alone' if reference else ''
    rows.append(Row(f'  of it {stage}', per_volume(whole, stage), 's', against, reference))
  return rows


def table(rows: Sequence[Row]) -> str:
  """The rows as aligned text."""
  lines = [('what', 'value', 'compared with', 'value', 'ratio', 'target', 'met', '')]
  for row in rows:
    reference, ratio = '', ''
    if row.reference is not None:
      reference, ratio = f'{row.reference:.3f}', f'{row.ratio:.2f}'
    met = {None: '', True: 'yes', False: 'NO'}[row.met]
    value = f'{row.value:.3f} {row.unit}'
    lines.append((row.name, value, row.reference_name, reference, ratio, row.target, met, row.note))
  widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
  return '\n'.join('  '.join(text.ljust(w) for text, w in zip(line, widths)).rstrip() for line in lines)
