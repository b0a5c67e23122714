import numpy as np
import tensorflow as tf

from stroke_tfds import kept_examples as kept


def _n_reads(dataset: tf.data.Dataset, **options) -> int:
  """How often elements are read in three rounds."""
  counter = tf.Variable(0)
  read = dataset.map(lambda x: (counter.assign_add(1), x)[1])
  rounds = kept.kept_examples(read, **options).repeat(3)
  elements = [int(x[0]) for x in rounds.as_numpy_iterator()]
  assert elements == 3 * sorted(set(elements)), elements
  return int(counter)


def _of_bytes(n: int) -> float:
  """As a share of memory."""
  return n / (kept.os.sysconf('SC_PHYS_PAGES') * kept.os.sysconf('SC_PAGE_SIZE'))


class KeptExamplesTest(tf.test.TestCase):
  def test_what_does_not_fit_is_read_in_each_round(self):
    dataset = tf.data.Dataset.from_tensor_slices(np.arange(6, dtype=np.int32)[:, np.newaxis])
    for n_bytes, n_reads in ((24, 6), (23, 18)):
      self.assertEqual(_n_reads(dataset, share=_of_bytes(n_bytes)), n_reads)

  def test_what_a_filter_leaves_is_counted_only_where_it_matters(self):
    dataset = tf.data.Dataset.from_tensor_slices(np.arange(6, dtype=np.int32)[:, np.newaxis])
    few = dataset.filter(lambda x: x[0] < 2)
    self.assertEqual(kept._most_bytes(few), 24)
    self.assertEqual(kept._counted_bytes(few, 100), 8)
    self.assertEqual(kept._counted_bytes(dataset, 9), 12)
    # Twice: to count them, and in the first round.
    self.assertEqual(_n_reads(few, share=_of_bytes(24)), 2)
    self.assertEqual(_n_reads(few, share=_of_bytes(8)), 4)
    self.assertEqual(_n_reads(few, share=_of_bytes(7)), 2 + 6)

  def test_in_a_graph_they_are_kept(self):
    """Where a dataset makes another one, as trainings on several devices do."""
    share = _of_bytes(1)
    made = tf.data.Dataset.range(1).flat_map(
      lambda _: kept.kept_examples(tf.data.Dataset.range(4), share=share).repeat(2)
    )
    self.assertEqual(list(made.as_numpy_iterator()), 2 * [0, 1, 2, 3])

  def test_bytes_of_elements(self):
    dataset = tf.data.Dataset.from_tensors({'a': np.zeros((3, 2), np.float16), 'b': b'text'})
    self.assertEqual(kept._element_bytes(dataset), 12)
    slices = dataset.map(lambda x: x['a']).unbatch().filter(lambda row: row[0] < 1)
    self.assertEqual(kept._most_bytes(slices), 12)
    self.assertEqual(kept._most_bytes(slices.concatenate(slices)), 24)


if __name__ == '__main__':
  tf.test.main()
