"""Numbers of a study as people read them: Dice in percent, differences in points."""

from collections.abc import Iterable, Sequence

from launchers.reports import style
from launchers.study.summary import DiceSummary
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent

MISSING = '\N{EN DASH}'


def percent(share: float | None) -> str:
  """A share in [0, 1] in percent."""
  return MISSING if share is None else f'{100 * share:.1f}'


def spread(mean: float, sd: float | None) -> str:
  """Mean and standard deviation in percent; the mean alone where one value has no deviation."""
  return f'{mean:.1f}' if sd is None else f'{mean:.1f} \N{PLUS-MINUS SIGN} {sd:.1f}'


def dice(summary: DiceSummary) -> str:
  """Test Dice over the evaluated epochs, in percent."""
  return spread(100 * summary.mean, None if summary.sd is None else 100 * summary.sd)


def points(difference: float) -> str:
  """A difference of Dice in points."""
  # The sum makes a negative zero a positive one.
  return style.signed(round(100 * difference, 1) + 0.0, 1)


def interval(difference: Interval | None) -> str:
  """A difference of Dice with its interval, in points; empty where there is none."""
  return '' if difference is None else f'{points(difference.mean)} ({ends(difference)})'


def ends(difference: Interval) -> str:
  """The interval of a difference of Dice, in points."""
  return f'{points(difference.low)} to {points(difference.high)}'


def p_value(p: float | None) -> str:
  """A p-value with the digits that matter; empty where there is none."""
  if p is None:
    return ''
  return '< 0.001' if p < 0.001 else f'{p:.3f}' if p < 0.1 else f'{p:.2f}'


def p_text(p: float | None) -> str:
  """A p-value as a statement, such as `p < 0.001` or `p = 0.02`; empty where there is none."""
  text = p_value(p)
  return f'p {text}' if text.startswith('<') else text and f'p = {text}'


def worth(equivalent: Equivalent | None) -> str:
  """How many clinical cases an arm is worth, such as `43 (31 to > 120)`; empty where unknown."""
  return ' '.join(part for part in worth_parts(equivalent) if part)


def worth_parts(equivalent: Equivalent | None) -> tuple[str, str]:
  """The number of clinical cases and its interval, such as `43` and `(31 to > 120)`."""
  if equivalent is None:
    return '', ''
  n, low, high = (
    f'{beyond} {n:.0f}'.strip()
    for n, beyond in (
      (equivalent.n, equivalent.n_beyond),
      (equivalent.low, equivalent.low_beyond),
      (equivalent.high, equivalent.high_beyond),
    )
  )
  # An interval that is all beyond the same end of the learning curve says no more than its middle.
  return n, '' if n == low == high and equivalent.n_beyond else f'({low} to {high})'


def either(numbers: Iterable[int]) -> str:
  """Different numbers in their order, such as `4` or `4 or 6`."""
  return ' or '.join(map(str, sorted(set(numbers))))


def listed(names: Sequence[str], last: str = 'and') -> str:
  """`a`, `a and b`, `a, b and c`; `last` joins the last one."""
  return f' {last} '.join(part for part in (', '.join(names[:-1]), names[-1]) if part)


def seeds(n: int) -> str:
  """`1 seed`, `3 seeds`."""
  return f'{n} seed{"" if n == 1 else "s"}'


def cases_and_seeds(n_seeds: int) -> str:
  """What an interval is over."""
  return 'cases and seeds' if n_seeds > 1 else 'cases'
