"""What callbacks write, in real trainings of a model of one weight."""

import csv
import os
import pathlib
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm import callbacks
from keras_itm.checks import TrainingError


class _Toy(tf.keras.Model):
  """Counts its steps; the loss is their number."""

  def __init__(self):
    super().__init__()
    self.count = tf.Variable(0.0)
    self.compile(run_eagerly=True)

  @property
  def metrics(self):
    return []

  def call(self, x):
    return x

  def train_step(self, batch):
    self.count.assign_add(1.0)
    return {'loss': self.count.read_value()}


def _fit(*made, epochs=3, initial_epoch=0, steps=2, model=None):
  data = tf.data.Dataset.range(100).batch(1)
  model = model or _Toy()
  arguments = {'initial_epoch': initial_epoch, 'steps_per_epoch': steps, 'verbose': 0}
  return model.fit(data, epochs=epochs, callbacks=list(made), **arguments).history


class CallbackTestCase(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.get_temp_dir()))


class AddMetricsTest(tf.test.TestCase):
  def test_every_other_epoch_and_the_last(self):
    calls = []
    measure = lambda: calls.append(1) or {'extra': float(len(calls))}
    seen = []
    look = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: seen.append(dict(logs)))
    _fit(callbacks.AddMetrics(measure, every=2), look, epochs=5)
    self.assertEqual([logs.get('extra') for logs in seen], [None, 1.0, None, 2.0, 3.0])
    self.assertEqual([logs['loss'] for logs in seen], [2.0, 4.0, 6.0, 8.0, 10.0])


class MetricsCsvTest(CallbackTestCase):
  def _train(self, initial_epoch=0, epochs=3, extra=dict, every=1, model=None):
    clock = iter(range(1000))
    with mock.patch.object(callbacks.time, 'monotonic', lambda: 10.0 * next(clock)):
      _fit(
        callbacks.AddMetrics(extra, every),
        callbacks.MetricsCsv(self.folder / 'metrics.csv', initial_epoch, 2),
        initial_epoch=initial_epoch,
        epochs=epochs,
        model=model,
      )

  def _text(self):
    return (self.folder / 'metrics.csv').read_text().splitlines()

  def test_a_row_for_each_epoch(self):
    self._train()
    self.assertEqual(
      self._text(), ['epoch,step,seconds,loss', '1,2,10.0,2', '2,4,20.0,4', '3,6,30.0,6']
    )

  def test_what_was_not_measured_stays_empty(self):
    self._train(extra=lambda: {'dice': 0.123456789}, every=2, epochs=4)
    self.assertEqual(self._text()[0], 'epoch,step,seconds,loss,dice')
    self.assertEqual([row.split(',')[-1] for row in self._text()[1:]], ['', '0.123457', '', '0.123457'])
    rows = callbacks.read_metrics(self.folder / 'metrics.csv')
    self.assertEqual(rows[0], {'epoch': 1.0, 'step': 2.0, 'seconds': 10.0, 'loss': 2.0})
    self.assertEqual(rows[1]['dice'], 0.123457)

  def test_resumed(self):
    """Two epochs are in the checkpoint, the third was lost; time adds up."""
    model = _Toy()
    self._train(epochs=3, extra=lambda: {'dice': 0.5})
    before = self._text()
    model.count.assign(4.0)
    self._train(initial_epoch=2, epochs=4, model=model, extra=lambda: {'other': 1.0})
    self.assertEqual(self._text()[0], 'epoch,step,seconds,loss,dice,other')
    self.assertEqual(self._text()[1:3], [f'{row},' for row in before[1:3]])
    self.assertEqual(self._text()[3:], ['3,6,30.0,6,,1', '4,8,40.0,8,,1'])

  def test_started_afresh(self):
    self._train()
    self._train(epochs=1)
    self.assertLen(self._text(), 2)

  def test_written_whole_or_not_at_all(self):
    self._train()
    before = self._text()
    with mock.patch.object(csv.DictWriter, 'writerows', side_effect=OSError('disk full')):
      with self.assertRaisesRegex(OSError, 'disk full'):
        self._train()
    self.assertEqual(self._text(), before)


class ReadMetricsTest(CallbackTestCase):
  def test_a_damaged_table_is_refused_in_one_line(self):
    path = self.folder / 'metrics.csv'
    head = b'epoch,step,seconds,loss\n'
    path.write_bytes(head + b'1,3,1.5,\n')
    self.assertEqual(callbacks.read_metrics(path), [{'epoch': 1, 'step': 3, 'seconds': 1.5}])
    for content in (
      b'1,3s,1.5,0.2\n',
      b'1,3,1.5,0.2,9\n',
      b'1,3\n',
      b'1,3,1.5,\xff\n',
      b'1,3,1.5,\0"\n',
    ):
      path.write_bytes(head + content)
      with self.subTest(content), self.assertRaisesRegex(TrainingError, '^[^\n]*metrics.csv: damaged'):
        callbacks.read_metrics(path)


class SampleImagesTest(CallbackTestCase):
  def test_pictures_on_disk_and_in_tensorboard(self):
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    log = self.folder / 'log'
    _fit(callbacks.SampleImages(self.folder / 'samples', log, lambda: picture, every=2), epochs=5)
    names = [f'epoch_{epoch:04d}.png' for epoch in (2, 4, 5)]
    self.assertCountEqual(os.listdir(self.folder / 'samples'), names)
    for name in names:
      content = (self.folder / 'samples' / name).read_bytes()
      self.assertAllEqual(tf.io.decode_png(content), picture)
    (events,) = log.iterdir()
    found = [
      (event.step, value.tag)
      for record in tf.data.TFRecordDataset(str(events))
      for event in [tf.compat.v1.Event.FromString(record.numpy())]
      for value in event.summary.value
    ]
    self.assertEqual(found, [(2, 'samples'), (4, 'samples'), (5, 'samples')])


class ProgressTest(tf.test.TestCase):
  def test_the_whole_run(self):
    with mock.patch.object(callbacks.tqdm, 'tqdm') as tqdm:
      _fit(callbacks.Progress(4, ('loss', 'dice')), initial_epoch=2, epochs=5)
    self.assertEqual(tqdm.call_args.kwargs['total'], 10)
    self.assertEqual(tqdm.call_args.kwargs['initial'], 4)
    bar = tqdm.return_value
    self.assertEqual(bar.update.call_count, 6)
    shown = [call.args[0] for call in bar.set_postfix.call_args_list]
    self.assertEqual(shown[0], {'epoch': '3/5', 'loss': '2'})
    self.assertEqual(shown[-1], {'epoch': '5/5', 'loss': '6'})
    bar.close.assert_called_once_with()


if __name__ == '__main__':
  tf.test.main()
