"""Curves of generators show what was measured, where it was measured."""

import tempfile
from pathlib import Path

import tensorflow as tf

from launchers.reports import style
from launchers.reports.study.figures import generators
from stroke_tfds.errors import InputError
from tests.launchers import fake_runs


class DrawTest(tf.test.TestCase):
  def test_lines_differ_without_colour(self):
    epochs = [{'step': s, 'a': s / 10, 'b': s / 5} for s in (10, 20, 30)]
    figure = generators.draw('Loss', 'loss', epochs, {'a': 'first', 'b': 'second'}, (2.0, 'target'))
    first, second, target = figure.axes[0].lines
    self.assertAllClose(first.get_xydata(), [[10, 1], [20, 2], [30, 3]])
    self.assertAllClose(second.get_ydata(), [2, 4, 6])
    self.assertAllClose(target.get_ydata(), [2, 2])
    self.assertNotEqual(first.get_linestyle(), second.get_linestyle())
    self.assertNotEqual(first.get_marker(), second.get_marker())

  def test_a_sparse_metric_keeps_its_steps(self):
    epochs = [{'step': 10}, {'step': 20, 'a': 0.2}, {'step': 30}, {'step': 40, 'a': 0.5}]
    (line,) = generators.draw('Rate', 'share', epochs, {'a': 'a'}).axes[0].lines
    self.assertAllClose(line.get_xydata(), [[20, 0.2], [40, 0.5]])


class GeneratorsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    root = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    wave = lambda scale: [scale / (1 + i) for i in range(5)]
    gan = {'wasserstein_distance': wave(4), 'gradient_norm': wave(2), 'pass_rate': ['', 0.2, '', 1, 1]}
    itm = {'l1_loss': wave(1), 'adversarial_loss': wave(2), 'discriminator_loss': wave(0.7)}
    self.runs = {
      'lesion GAN': fake_runs.write_run(root / 'gan', gan),
      'A translator': fake_runs.write_run(root / 'itm', itm),
    }

  def test_a_run_has_the_plots_that_it_measured(self):
    commands = {'lesion GAN': 'train it', 'other': 'x'}
    with style.style():
      section = generators.generators(self.runs, commands)
    self.assertEqual(section.number, 14)
    self.assertEqual(section.commands, ['train it'])
    self.assertEqual(
      [panel.title for panel in section.panels], ['lesion GAN'] * 3 + ['A translator'] * 2
    )
    self.assertLen({panel.alt for panel in section.panels}, 5)

  def test_a_run_without_metrics_is_named(self):
    (self.runs['A translator'] / 'metrics.csv').unlink()
    with style.style(), self.assertRaisesRegex(InputError, 'itm/metrics.csv: not there'):
      generators.generators(self.runs, {})

  def test_nothing_trained(self):
    self.assertIsNone(generators.generators({}, {}))


if __name__ == '__main__':
  tf.test.main()
