"""What is saved when, what a restart finds, and what is never saved."""

import contextlib
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from keras_itm import training_state
from keras_itm.checks import TrainingError
from keras_itm.models.tracked import TrackedModel
from tests.keras_itm.models.model_testing import two_replicas

_STEPS = 4  # In an epoch.


class _Toy(TrackedModel):
  """Adds up the numbers that it is given."""

  def __init__(self):
    super().__init__(('value',), 'toy')
    self.total = self.add_weight(name='total', shape=(), initializer='zeros')
    self.compile()

  def train_step(self, batch):
    self.total.assign_add(batch[0])
    self.track({'value': batch})
    return self.results()


class _Watch(_Toy):
  """Reports the mean of the numbers that it is given."""

  def train_step(self, batch):
    self.track({'value': batch})
    return self.results()


class _Stop(tf.keras.callbacks.Callback):
  def __init__(self, after):
    super().__init__()
    self.left = after

  def on_train_batch_begin(self, batch, logs=None):
    if not self.left:
      raise KeyboardInterrupt
    self.left -= 1


class TrainingStateTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

  def train(self, stop_after=-1, every=3, epochs=3):
    """Numbers 0, 1, 2, ... from the step at which the newest checkpoint was written."""
    model, seen = _Toy(), []
    state = training_state.TrainingState(model, self.folder, _STEPS)
    state.restore(self.folder)
    log = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs)))
    data = lambda step: tf.data.Dataset.range(step, 100).map(lambda n: tf.cast(n, tf.float32)).batch(1)
    made = [training_state.CountSteps(state), _Stop(stop_after), log]
    made += [training_state.SaveState(state, every)]
    with contextlib.suppress(KeyboardInterrupt):
      state.fit(data, epochs=epochs, callbacks=made)
    return model, state, seen

  def saved(self):
    names = {name.split('.')[0] for name in os.listdir(self.folder) if name != 'checkpoint'}
    return sorted(int(name.removeprefix('step-')) for name in names)

  def test_after_so_many_steps_and_at_the_end(self):
    self.train(stop_after=7)
    self.assertEqual(self.saved(), [3, 6])
    self.train()
    # From step 6: 9 and 12, the newest two.
    self.assertEqual(self.saved(), [9, 12])

  def test_goes_on_within_an_epoch(self):
    whole, _, log = self.train(every=100)
    self.assertAllClose(whole.total, 66.0)  # 0 + 1 + ... + 11
    for name in os.listdir(self.folder):
      os.remove(self.folder / name)
    self.train(stop_after=7, every=3)
    model, state, rest = self.train(every=3)
    self.assertAllClose(model.total, 66.0)
    self.assertEqual((state.step, state.epoch), (12, 3))
    # The epoch that was cut off reports the mean of all its steps: 4, 5, 6, 7.
    self.assertEqual(rest[0], (1, {'value': 5.5}))
    self.assertEqual(rest, log[1:])

  def test_goes_on_at_the_end_of_an_epoch(self):
    self.train(stop_after=5, every=4)
    self.assertEqual(self.saved(), [4])
    model, _, rest = self.train(every=4)
    self.assertAllClose(model.total, 66.0)
    self.assertEqual(rest[0], (1, {'value': 5.5}))

  def test_shuffled_batches_come_in_one_order_on_one_device_and_two(self):
    numbers = tf.data.Dataset.range(100).map(lambda n: tf.cast(n, tf.float32))
    data = lambda step: numbers.shuffle(100, seed=1).batch(2).skip(step)
    seen = []
    for scope in (contextlib.nullcontext(), two_replicas().scope()):
      with scope:
        model = _Watch()
      state = training_state.TrainingState(model, self.folder, 1)
      values = []
      log = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs, v=values: v.append(logs))
      state.fit(data, epochs=4, callbacks=[training_state.CountSteps(state), log])
      seen.append(values)
    expected = [{'value': np.mean(batch)} for batch in data(0).take(4).as_numpy_iterator()]
    self.assertAllClose(seen, [expected, expected])

  def test_a_weight_that_is_not_finite_is_not_saved(self):
    model, state, _ = self.train(stop_after=4)
    before = self.saved()
    model.total.assign(np.inf)
    with self.assertRaisesRegex(TrainingError, 'step 4: total.* not finite'):
      state.save()
    self.assertEqual(self.saved(), before)


if __name__ == '__main__':
  tf.test.main()
