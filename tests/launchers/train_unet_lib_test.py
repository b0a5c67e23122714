"""What a study asks of the segmenter's training: start, weights, evaluated epochs, intensity."""

import csv
import json
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm import training_state
from keras_itm.bundle import load_bundle
from keras_itm.callbacks import read_metrics
from launchers import fitting
from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from tests import tiny
from tests.launchers import small_systems

_UNET = 'unet_mini.gin'
_SIZE = {'epochs': 2, 'steps_per_epoch': 2}


def _rows(path: Path) -> list[dict[str, str]]:
  with path.open(newline='') as file:
    return list(csv.DictReader(file))


class _Stopped(Exception):
  pass


class UnetTest(small_systems.SystemsTestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # Three epochs, so that the evaluated ones can end before the last one.
    lines = small_systems.bindings(
      _UNET, cls.cohort, epochs=3, steps_per_epoch=2, evaluated_epochs=(2, 3)
    )
    cls.first = cls.folder / 'first'
    small_systems.train(_UNET, cls.first, cls.data_dir, lines)

  def train_unet(self, name: str, *lines: str, **values) -> Path:
    return self.train(_UNET, name, *lines, **{**_SIZE, **values})

  def untrained(self, name: str, *lines: str, **values) -> Path:
    """A run that is tested with the weights it would have begun with."""
    with mock.patch.object(fitting, 'fit'):
      return self.train_unet(name, *lines, **values)

  def batches(self, name: str, *lines: str, **values) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first batches that a run would learn from."""
    with mock.patch.object(fitting, 'fit', side_effect=_Stopped) as fit:
      with self.assertRaises(_Stopped):
        self.train_unet(name, *lines, **values)
    return list(fit.call_args.args[2](0).take(4).as_numpy_iterator())

  def test_by_slices_of_patients_and_generated_ones(self):
    """Tested on whole volumes, as any other, and left as a bundle of volumes."""
    metadata = tfds.builder(self.cohort, data_dir=self.data_dir).info.metadata
    scaling, contrasts = metadata['intensity_scaling'], metadata['contrasts']
    toy = {'intensity_scaling': scaling, 'contrasts': contrasts, 'lesion_shares': [0.5] * 8}
    tiny.save_toy_joint(self.folder / 'joint', metadata, n_contrasts=1, **toy)
    config = SyntheticSlicesConfig(
      joint_generator=str(self.folder / 'joint'), num_slices=6, audit=False
    )
    config = config.resolve()
    tfds.builder('synthetic_slices', config=config, data_dir=self.data_dir).download_and_prepare()
    generated = f'synthetic_slices/{config.name}:train'
    lines = (
      'import keras_itm.networks.unet_2d',
      'train_unet.network = @unet_2d',
      'unet_2d.filters = (4,)',
      'unet_2d.bottleneck_filters = 4',
      f"train_unet.sources = ['{self.cohort}:train', '{generated}']",
    )
    run = self.train_unet('slices', *lines, by_slices=True, weights=(1, 1), n_slices=(9, 6))
    cases, expected = (_rows(folder / 'test_cases.csv') for folder in (run, self.first))
    self.assertLen(cases, 3)
    self.assertEqual([case['subject_id'] for case in cases], [case['subject_id'] for case in expected])
    self.assertEqual(cases[0].keys(), expected[0].keys())
    spec = load_bundle(run / 'bundle', 'segmenter').spec
    self.assertEqual(spec.trained_on, (f'{self.cohort}:train', generated))
    with self.assertRaisesRegex(InputError, 'holds slices, expected volumes'):
      self.train_unet('mixed', lines[-1])
    with self.assertRaisesRegex(InputError, r'n_slices is \[9\], expected none where by_slices'):
      self.train_unet('volumes', n_slices=(9,))
    with self.assertRaisesRegex(InputError, 'holds slices, expected volumes'):
      self.train_unet('tested', *lines, f"clinical_test = '{generated}'", by_slices=True)

  def test_a_test_case_that_is_learnt_from_is_refused(self):
    with self.assertRaisesRegex(
      InputError, r'^test .*:train\[1:2\]: 1 of its cases are in .*:train as well, expected cases'
    ):
      self.train_unet('seen', f"clinical_test = '{self.cohort}:train[1:2]'")

  def test_a_file_for_each_evaluated_epoch(self):
    files = sorted(path.name for path in (self.first / 'window').iterdir())
    self.assertEqual(files, ['epoch_0002.csv', 'epoch_0003.csv'])
    # Nothing is learnt after the last epoch.
    last, final = self.first / 'window' / 'epoch_0003.csv', self.first / 'test_cases.csv'
    self.assertEqual(_rows(last), _rows(final))
    earlier = _rows(self.first / 'window' / 'epoch_0002.csv')
    subjects = lambda rows: [row['subject_id'] for row in rows]
    self.assertEqual(subjects(earlier), subjects(_rows(final)))
    self.assertNotEqual(earlier, _rows(final))

  def test_the_curve_is_the_mean_of_its_cases(self):
    curve = read_metrics(self.first / 'metrics.csv')
    for epoch in (2, 3):
      rows = _rows(self.first / 'window' / f'epoch_{epoch:04d}.csv')
      dice = [float(row['dice']) for row in rows if float(row['lesion_voxels']) >= 1]
      self.assertAllClose(curve[epoch - 1]['test_dice'], np.mean(dice), atol=1e-5)
    finished = json.loads((self.first / 'finished.json').read_text())
    self.assertAllClose(finished['test_dice'], np.mean(dice), atol=1e-4)

  def test_its_bundle_has_the_licences_of_all_that_it_learnt_from(self):
    licences = lambda run: json.loads((run / 'bundle' / 'bundle.json').read_text())['licences']
    self.assertEqual(licences(self.first), ['Apache 2.0'])
    spec = self.first / 'bundle' / 'bundle.json'
    before = spec.read_text()
    self.addCleanup(lambda: spec.write_text(before))
    spec.write_text(before.replace('Apache 2.0', 'CC BY-SA 4.0'))
    tuned = self.untrained('tuned_licences', start=str(self.first))
    self.assertEqual(licences(tuned), ['Apache 2.0', 'CC BY-SA 4.0'])

  def test_small_lesions_do_not_count(self):
    sizes = sorted(float(row['lesion_voxels']) for row in _rows(self.first / 'test_cases.csv'))
    run = self.untrained('large', min_voxels=int(sizes[-1]))
    dice = {float(row['lesion_voxels']): float(row['dice']) for row in _rows(run / 'test_cases.csv')}
    self.assertLen(dice, len(sizes))
    finished = json.loads((run / 'finished.json').read_text())
    self.assertAllClose(finished['test_dice'], dice[sizes[-1]], atol=1e-4)

  def test_evaluated_epochs_outside_the_epochs(self):
    for ends in ((0, 2), (2, 1), (2, 3)):
      with self.assertRaisesRegex(InputError, rf'evaluated_epochs is \({ends[0]}, .*from 1 to 2'):
        self.train_unet('never', evaluated_epochs=ends)
    self.assertFalse((self.folder / 'never').exists())

  def test_start_takes_the_weights_of_the_last_checkpoint(self):
    run = self.untrained('started', seed=5, start=str(self.first))
    self.assertEqual(_rows(run / 'test_cases.csv'), _rows(self.first / 'test_cases.csv'))
    fresh = self.untrained('fresh', seed=5)
    self.assertFalse((fresh / 'window').exists())
    self.assertNotEqual(_rows(fresh / 'test_cases.csv'), _rows(self.first / 'test_cases.csv'))

  def test_a_start_of_another_scaling(self):
    spec = self.first / 'bundle' / 'bundle.json'
    before = spec.read_text()
    self.assertEqual(json.loads(before)['intensity_scaling'], 'parenchyma_median')
    self.addCleanup(lambda: spec.write_text(before))
    spec.write_text(before.replace('parenchyma_median', 'percentile'))
    message = 'first: was trained for the intensity_scaling percentile, but .* has parenchyma_median'
    with self.assertRaisesRegex(InputError, message):
      self.untrained('other_scaling', start=str(self.first))

  def test_a_start_stopped_and_begun_again_ends_as_one_left_alone(self):
    options = {'seed': 6, 'start': str(self.first), 'evaluated_epochs': (1, 2), 'steps_per_epoch': 1}
    often = 'fit.checkpoint_every = 1'
    alone = self.train_unet('tuned_alone', often, **options)
    count = training_state.CountSteps.on_train_batch_end

    def stop_at_the_second(callback, batch, logs=None):
      count(callback, batch, logs)
      if callback._state.step == 2:
        raise KeyboardInterrupt

    with mock.patch.object(training_state.CountSteps, 'on_train_batch_end', stop_at_the_second):
      with self.assertRaises(KeyboardInterrupt):
        self.train_unet('tuned_stopped', often, **options)
    stopped = self.train_unet('tuned_stopped', often, **options)
    # The steps of the run that it started from do not count.
    self.assertEqual([row['step'] for row in read_metrics(stopped / 'metrics.csv')], [1, 2])
    for file in ('window/epoch_0001.csv', 'window/epoch_0002.csv', 'test_cases.csv'):
      self.assertEqual((alone / file).read_text(), (stopped / file).read_text())

  def test_refuses_a_start_that_is_not_finished(self):
    with self.assertRaisesRegex(InputError, 'start .*nowhere: no finished run of train_unet'):
      self.train_unet('a', start=str(self.folder / 'nowhere'))
    unfinished = self.folder / 'unfinished'
    tf.io.gfile.makedirs(str(unfinished))
    for file in self.first.glob('checkpoints/*'):
      tf.io.gfile.makedirs(str(unfinished / 'checkpoints'))
      tf.io.gfile.copy(str(file), str(unfinished / 'checkpoints' / file.name))
    with self.assertRaisesRegex(InputError, 'start .*unfinished: no finished run of train_unet'):
      self.train_unet('b', start=str(unfinished))

  def test_refuses_a_start_of_another_network(self):
    for name, line in (
      ('wider', 'unet_3d.filters = (6, 8)'),
      ('deeper', 'unet_3d.filters = (4, 8, 8)'),
    ):
      with self.assertRaisesRegex(InputError, 'start .*first: holds another network') as caught:
        self.train_unet(name, line, start=str(self.first))
      self.assertNotIn('\n', str(caught.exception).split('\n  In call')[0])

  def halves(self) -> list[str]:
    return [f'{self.cohort}:train[:2]', f'{self.cohort}:train[2:]']

  def test_weights_say_how_often_a_source_is_drawn(self):
    one, other = self.halves()
    images = lambda name, sources, weights: np.stack(
      [image for image, _ in self.batches(name, sources=sources, weights=weights)]
    )
    alone = images('alone', [one], (2.0,))
    self.assertAllEqual(images('hardly', [one, other], (1.0, 1e-9)), alone)
    self.assertNotAllEqual(images('other', [other], (2.0,)), alone)

  def test_refuses_another_number_of_weights(self):
    with self.assertRaisesRegex(InputError, r'weights \[1.0\], expected a number above 0 for each'):
      self.train_unet('too_few', sources=self.halves(), weights=(1.0,))

  def test_intensity_changes_images_alone(self):
    on = 'train_unet.intensity = @IntensityRanges'
    names = ('gamma', 'bias', 'scale', 'shift', 'noise_sd')
    nothing = [f'IntensityRanges.{name} = 0.0' for name in names]
    plain, idle = self.batches('plain'), self.batches('idle', on, *nothing)
    strong = self.batches('strong', on)
    for (image, lesion), (same, _), (changed, same_lesion) in zip(plain, idle, strong):
      self.assertAllClose(same, image, atol=1e-5)
      self.assertGreater(np.abs(changed - image).max(), 0.05)
      self.assertAllEqual(same_lesion, lesion)


if __name__ == '__main__':
  tf.test.main()
