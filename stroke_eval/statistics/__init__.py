"""Did it help? Statistics of arrays [seeds, n cases], for any measure of cases.

>>> import numpy as np
>>> from stroke_eval import statistics
>>> dice = np.array([[0.5, 0.7, 0.6, 0.8]])
>>> difference = statistics.paired_difference(dice + 0.1, dice)
>>> round(difference.mean, 6), round(difference.low, 6), round(difference.high, 6)
(0.1, 0.1, 0.1)
"""

from stroke_eval.statistics.bootstrap import Interval, mean_interval, paired_difference
from stroke_eval.statistics.density_coverage import density_and_coverage
from stroke_eval.statistics.equivalents import Equivalent, equivalent
from stroke_eval.statistics.frechet import frechet_distance
from stroke_eval.statistics.kolmogorov_smirnov import ks_of_histograms, ks_of_samples
from stroke_eval.statistics.power import Components, components, power_of, smallest_effect
from stroke_eval.statistics.significance import (
  Friedman,
  critical_difference,
  critical_difference_to_control,
  friedman,
  mean_ranks,
  nemenyi,
  wilcoxon_holm,
)
from stroke_eval.statistics.simultaneous import Family

__all__ = [
  'Components',
  'Equivalent',
  'Family',
  'Friedman',
  'Interval',
  'components',
  'critical_difference',
  'critical_difference_to_control',
  'density_and_coverage',
  'equivalent',
  'frechet_distance',
  'friedman',
  'ks_of_histograms',
  'ks_of_samples',
  'mean_interval',
  'mean_ranks',
  'nemenyi',
  'paired_difference',
  'power_of',
  'smallest_effect',
  'wilcoxon_holm',
]
