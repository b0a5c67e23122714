"""Means over the examples of an epoch."""

import tensorflow as tf

from keras_itm.models.tracked import TrackedModel


class _Toy(TrackedModel):
  def train_step(self, batch):
    self.track({'value': batch, 'square': batch**2})
    return self.results()


class TrackedModelTest(tf.test.TestCase):
  def test_means_over_examples_not_batches(self):
    model = _Toy(('value', 'square'), 'toy')
    for values in ([1.0, 2.0, 3.0], [6.0]):
      model.track({'value': tf.constant(values)})
    model.track({'square': tf.constant([4.0])})
    self.assertAllClose(model.results(), {'value': 3.0, 'square': 4.0})

  def test_each_epoch_starts_anew(self):
    model = _Toy(('value', 'square'), 'toy')
    model.compile()
    data = tf.data.Dataset.from_tensor_slices([1.0, 2.0, 6.0]).batch(2)
    history = model.fit(data, epochs=2, verbose=0).history
    self.assertAllClose(history, {'value': [3.0, 3.0], 'square': [41 / 3, 41 / 3]})

  def test_an_unknown_name_is_an_error(self):
    with self.assertRaisesRegex(KeyError, 'other'):
      _Toy(('value',), 'toy').track({'other': tf.constant([1.0])})


if __name__ == '__main__':
  tf.test.main()
