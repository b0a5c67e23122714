"""Which learning rate is an arm's: the one of the highest Dice on the development cases."""

from collections.abc import Mapping
from pathlib import Path

from launchers.study.results import RESULT, read_result


def dice_by_rate(folders: Mapping[float, Path]) -> dict[float, float]:
  """Mean Dice over the scored development cases and the evaluated epochs, for each rate.

  Args:
    folders: Learning rate -> folder of its finished training.

  Raises:
    InputError: A result that is not there or damaged.
  """
  found = {}
  for rate, folder in folders.items():
    result, cases = read_result(folder / RESULT)
    found[rate] = float(result.metrics['dice'][:, cases.is_scored].mean())
  return found


def best(dice: Mapping[float, float]) -> float:
  """The rate of the highest Dice; of equal ones the lowest rate."""
  return max(sorted(dice), key=lambda rate: dice[rate])
