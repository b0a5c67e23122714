"""Whether volumes of a set are told from test cases: which are compared, and when there are too few."""

from unittest import mock

import numpy as np
import tensorflow as tf

from launchers.reports.study import report
from launchers.reports.study.figures import synthetic_sets
from stroke_eval import synthesis_checks
from stroke_tfds.label_schemes import ASEG28

_SHAPE = (16, 16, 6)


def _source(n: int, lesion_level: float = 1.6, dark: int = 0, seed: int = 0, n_anatomies: int = 99):
  """Cases of noise with a bright block; the first `dark` have no signal, anatomies come again."""
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, len(ASEG28.names), (n, *_SHAPE)).astype(np.uint8)
  labels = labels[np.arange(n) % n_anatomies]
  lesion = np.zeros((n, *_SHAPE), np.uint8)
  lesion[:, 4:9, 4:9, 2:4] = 1
  image = rng.normal(1, 0.1, (n, *_SHAPE, 1)).astype(np.float32) * 0.4
  image *= np.where(lesion, lesion_level, 1)[..., np.newaxis]
  image[:dark] = 0
  cases = {'image': image, 'labels': labels, 'lesion': lesion}
  return mock.Mock(
    usable_positions=np.arange(n),
    n_examples=n,
    examples=lambda names=('image', 'labels', 'lesion'): tf.data.Dataset.from_tensor_slices(
      {name: cases[name] for name in names}
    ),
    metadata={'label_scheme': ASEG28.to_json()},
  )


def _first(source, n: int):
  """Its first n cases."""
  examples = source.examples
  first = lambda *names: examples(*names).take(n)
  return mock.Mock(
    usable_positions=np.arange(n), n_examples=n, examples=first, metadata=source.metadata
  )


class ToldApartTest(tf.test.TestCase):
  def told_apart(self, test, healthy=None, **sets):
    found, of_healthy = synthetic_sets._tell_apart(mock.Mock(test=test, sets=sets, healthy=healthy))
    return (found, of_healthy) if healthy else found

  def test_of_each_set(self):
    test = _source(20)
    found = self.told_apart(test, alike=_source(25, seed=1), brighter=_source(15, 2.4, seed=2))
    self.assertLess(found['alike'].auc, 0.9)
    self.assertEqual(found['brighter'].auc, 1.0)
    self.assertEqual((found['brighter'].n_real, found['brighter'].n_synthetic), (20, 15))
    gaps = {gap.name: gap.auc for gap in found['brighter'].gaps}
    self.assertEqual(gaps['lesion_to_parenchyma'], 1.0)

  def test_too_few_of_either(self):
    self.assertEqual(self.told_apart(_source(9), some=_source(20)), {'some': None})
    found = self.told_apart(_source(20), few=_source(9), dark=_source(12, dark=3))
    self.assertEqual(found, {'few': None, 'dark': None})

  def test_too_few_stand_in_the_table_of_checks(self):
    surveyed = mock.Mock(generated=(), told_apart={'few': None}, healthy_told_apart=None)
    (check,) = report._checks(surveyed)['few']
    self.assertEqual((check.key, check.is_good), ('told_apart_auc', None))
    self.assertEqual(synthesis_checks.to_numbers([check]), {'told_apart_auc': None})

  def test_large_sets_are_thinned(self):
    with mock.patch.object(synthetic_sets, '_COMPARED', 11):
      found = self.told_apart(_source(20), large=_source(30, seed=1))
    self.assertEqual((found['large'].n_real, found['large'].n_synthetic), (11, 11))

  def test_an_anatomy_counts_once(self):
    found = self.told_apart(_source(20), again=_source(45, seed=1, n_anatomies=15))
    self.assertEqual((found['again'].n_real, found['again'].n_synthetic), (20, 15))

  def test_they_are_evenly_spread_over_the_first_cases_of_all_anatomies(self):
    source = _source(30, seed=1, n_anatomies=12)
    with mock.patch.object(synthetic_sets, '_COMPARED', 4):
      rows = synthetic_sets._features(source)
    every = synthetic_sets._features(_first(source, 12))
    self.assertEqual(rows, [every[i] for i in (0, 3, 7, 11)])

  def test_in_the_table_of_checks(self):
    found = self.told_apart(_source(20), theirs=_source(15, 2.4, seed=2))
    surveyed = mock.Mock(generated=(), told_apart=found, healthy_told_apart=None)
    (check,) = report._checks(surveyed)['theirs']
    self.assertEqual((check.key, check.is_good, check.real), ('told_apart_auc', False, None))

  def test_healthy_cases_beside_it(self):
    healthy = _source(12, seed=3)
    healthy.usable_positions = np.arange(0)
    found, of_healthy = self.told_apart(_source(20), healthy, theirs=_source(15, 2.4, seed=2))
    self.assertEqual((of_healthy.n_real, of_healthy.n_synthetic), (20, 12))
    self.assertLess(of_healthy.auc, 0.9)
    surveyed = mock.Mock(generated=(), told_apart=found, healthy_told_apart=of_healthy)
    (check,) = report._checks(surveyed)['theirs']
    self.assertEqual((check.generated, check.real), (1.0, of_healthy.auc))
    self.assertIsNone(self.told_apart(_source(20), _source(9), theirs=_source(15))[1])


if __name__ == '__main__':
  tf.test.main()
