"""Do arms differ? Tests on test cases, each the mean of its Dice over window and seeds.

They hold for the networks that were trained: a case varies, the seeds are averaged. What another seed
would do is in the intervals (bootstrap.py), so that a small p value may stand beside an interval that
contains 0.
"""

import dataclasses

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests


@dataclasses.dataclass(frozen=True)
class Friedman:
  """Friedman's test.

  Attributes:
    statistic: Chi-squared with n_arms - 1 degrees of freedom, corrected for ties.
    p_value: Of the hypothesis that all arms rank alike.
    n_cases: Cases.
    n_arms: Arms.
  """

  statistic: float
  p_value: float
  n_cases: int
  n_arms: int


def wilcoxon_holm(differences: np.ndarray) -> np.ndarray:
  """Wilcoxon's signed-rank test, two-sided, with Holm's correction over the arms.

  Args:
    differences: To the first arm by case [arms, n cases]; an arm that differs nowhere has p = 1.

  Returns:
    Corrected p values [arms].
  """
  p_values = [stats.wilcoxon(row).pvalue if np.any(row) else 1.0 for row in differences]
  return multipletests(p_values, method='holm')[1]


def friedman(values: np.ndarray) -> Friedman | None:
  """Friedman's test of values [n cases, arms]; None with fewer than three arms or two cases."""
  n_cases, n_arms = values.shape
  if n_arms < 3 or n_cases < 2:
    return None
  if np.all(values == values[:, :1]):
    return Friedman(0.0, 1.0, n_cases, n_arms)
  statistic, p_value = stats.friedmanchisquare(*values.T)
  return Friedman(float(statistic), float(p_value), n_cases, n_arms)


def mean_ranks(values: np.ndarray) -> np.ndarray:
  """Mean over cases of each arm's rank, 1 the highest value; values [n cases, arms], result [arms]."""
  return stats.rankdata(-values, axis=1).mean(axis=0)


def nemenyi(values: np.ndarray) -> np.ndarray:
  """Nemenyi's p values of all pairs [arms, arms], for after Friedman's test; values [n cases, arms]."""
  import scikit_posthocs  # It brings matplotlib along.

  return scikit_posthocs.posthoc_nemenyi_friedman(values).to_numpy()


def critical_difference_to_control(n_arms: int, n_cases: int, level: float = 0.05) -> float:
  """The difference of mean ranks to one arm, the control, that is shown (Bonferroni-Dunn, Demsar 2006).

  Args:
    n_arms: Arms, the control among them; two or more.
    n_cases: Cases.
    level: Of all n_arms - 1 comparisons together.
  """
  q = stats.norm.ppf(1 - level / (2 * (n_arms - 1)))
  return float(q * np.sqrt(n_arms * (n_arms + 1) / (6 * n_cases)))


def critical_difference(n_arms: int, n_cases: int, level: float = 0.05) -> float:
  """The difference of mean ranks from which Nemenyi's p value is below `level` (Demsar 2006)."""
  q = stats.studentized_range.ppf(1 - level, n_arms, np.inf) / np.sqrt(2)
  return float(q * np.sqrt(n_arms * (n_arms + 1) / (6 * n_cases)))
