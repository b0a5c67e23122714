"""Test cases are found in what is learnt from, also behind sets that were made from them."""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.study import leakage
from launchers.study.leakage import check_no_leakage
from stroke_tfds import carvemix, lesion_fusion, prepared, sources, synthetic_stroke
from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig
from tests import tiny
from tests.launchers.study import tiny_study
from tests.prepared_folder import TINY, participant, write_folder


class ProvenanceTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.cohort = tiny_study.cohort()
    self.test = self.open(f'{self.cohort}:test')

  def open(self, text):
    return sources.open_sources([text], self.data_dir, build=False)[0]

  def build(self, package, **fields):
    """A copy-paste set, and its name."""
    known = type(package.Builder.BUILDER_CONFIGS[0])
    config = known(num_volumes=2, min_voxels=3, **fields)
    builder = package.Builder(config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    return f'{builder.name}/{builder.builder_config.name}:train'

  def fused(self, split):
    healthy = f'{self.cohort}:healthy'
    return self.build(lesion_fusion, clinical=f'{self.cohort}:{split}', healthy=healthy)

  def check(self, *texts):
    check_no_leakage(self.test, {'SPADE': [self.open(text) for text in texts]}, self.data_dir)

  def refuses(self, message, *texts):
    with self.assertRaisesRegex(InputError, message) as caught:
      self.check(*texts)
    self.assertNotIn('\n', str(caught.exception))

  def test_other_splits_are_fine(self):
    self.check(f'{self.cohort}:train', f'{self.cohort}:healthy', self.fused('train'))

  def test_the_test_split_itself(self):
    ids = [example['subject_id'].decode() for example in self.test.examples().as_numpy_iterator()]
    text = f'{self.cohort}:test[2:3]'
    message = rf"SPADE: {self.cohort}:test\[2:3\] holds '{ids[2]}', which is the test case '{ids[2]}'"
    self.refuses(message, f'{self.cohort}:train', text)
    self.refuses(r'\(the same image in every voxel\); expected test cases that nothing', text)

  def test_the_same_scan_in_another_set(self):
    other = tiny.build_phantom(self.data_dir, n_healthy=1, n_train=1, n_test=1, n_test_negative=0)
    self.assertNotEqual(other, self.cohort)
    self.refuses(
      f'SPADE: {other}:test holds .*, which is the test case .* of {self.cohort}:test', f'{other}:test'
    )
    self.check(f'{other}:train')

  def test_behind_a_set_that_was_made_from_it(self):
    text = self.fused('test[:5]')
    # No volume of the set is a test case.
    volumes = leakage.read(self.open(text)).subjects
    self.assertFalse(volumes.keys() & leakage.read(self.test).subjects.keys())
    self.refuses(rf'SPADE: {self.cohort}:test\[:5\] holds .*, which is the test case', text)

  def test_behind_two_sets(self):
    text = self.build(carvemix, clinical=self.fused('test[:5]'))
    self.refuses(rf'SPADE: {self.cohort}:test\[:5\] holds .*, which is the test case', text)
    self.check(self.build(carvemix, clinical=self.fused('train')))

  def test_a_set_to_look_at_that_is_not_there(self):
    text = self.fused('train')
    source = self.open(text)
    metadata = {**source.metadata, 'made_from': ['phantom_stroke/mini:train']}
    with mock.patch.object(sources.Source, 'metadata', metadata):
      with self.assertRaisesRegex(InputError, "data set 'phantom_stroke/mini' is not built"):
        check_no_leakage(self.test, {'SPADE': [source]}, self.data_dir)

  def test_each_set_is_read_once(self):
    train = self.open(f'{self.cohort}:train')
    with mock.patch.object(leakage, 'read', wraps=leakage.read) as read:
      check_no_leakage(self.test, {'a': [train], 'b': [train, train]}, self.data_dir)
    self.assertEqual([str(call.args[0]) for call in read.mock_calls], [str(self.test), str(train)])

  def test_sets_made_from_each_other_come_to_an_end(self):
    source = self.open(f'{self.cohort}:train')
    metadata = {**source.metadata, 'made_from': [f'{self.cohort}:healthy', f'{self.cohort}:train']}
    with mock.patch.object(sources.Source, 'metadata', metadata):
      check_no_leakage(self.test, {'SPADE': [source]}, self.data_dir)

  def test_made_cases_whose_set_does_not_say_from_what(self):
    text = self.fused('train')
    source = self.open(text)
    for lacking in ({}, {'made_from': []}):
      metadata = {**{k: v for k, v in source.metadata.items() if k != 'made_from'}, **lacking}
      with mock.patch.object(sources.Source, 'metadata', metadata):
        self.refuses(f"SPADE: {text} has no made_from .*'lesion_fusion-000.*build it again", text)

  def test_a_generator_that_does_not_say_what_it_was_trained_on(self):
    train, healthy = f'{self.cohort}:train', f'{self.cohort}:healthy'
    told, untold = self.generators((train,)), self.generators(())
    self.check(self.synthetic(healthy, *told))
    text = self.synthetic(healthy, told[0], untold[1])
    self.refuses(f'SPADE: {text} was made by a lesion_generator .* train that again', text)

  def generators(self, trained_on):
    folder = Path(tfds.testing.make_tmp_dir())
    metadata = self.test.metadata
    # Bundles differ by their weights alone.
    weight = 0.01 * (1 + len(trained_on))
    return tiny.save_toy_bundles(
      folder, metadata, weight=weight, radius=4 + weight, trained_on=trained_on
    )

  def synthetic(self, healthy, translator, generator):
    made = {'translator': str(translator), 'lesion_generator': str(generator), 'healthy': healthy}
    config = SyntheticStrokeConfig(num_volumes=2, audit=False, **made)
    builder = synthetic_stroke.Builder(config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    return f'synthetic_stroke/{builder.builder_config.name}:train'


class Stored:
  """Cases in memory, in place of a built set."""

  metadata: dict = {}

  def __init__(self, name, *cases):
    self._name, self._cases = name, cases

  def __str__(self):
    return self._name

  def examples(self, features):
    made = mock.Mock()
    made.as_numpy_iterator.return_value = [
      {name: case[name] for name in features} for case in self._cases
    ]
    return made


def case(subject_id, image_seed=None, n_voxels=0, **facts):
  """A case; its image is constant without a seed, its lesion the first voxels."""
  image = np.zeros((4, 4, 4, 1), np.float16)
  if image_seed is not None:
    image = np.random.default_rng(image_seed).random(image.shape).astype(np.float16)
  lesion = np.zeros((4, 4, 4), np.uint8)
  lesion.ravel()[:n_voxels] = 1
  named = {'subject_id': subject_id.encode(), 'provenance': json.dumps(facts)}
  return {'image': image, 'lesion': lesion, **named}


class SameCaseTest(tf.test.TestCase):
  """Cases that are known again although their scans differ."""

  def check(self, tested, learnt):
    check_no_leakage(Stored('t/x:test', tested), {'lesion GAN': [Stored('t/x:train', learnt)]}, None)

  def refuses(self, message, tested, learnt):
    with self.assertRaisesRegex(InputError, message) as caught:
      self.check(tested, learnt)
    self.assertNotIn('\n', str(caught.exception))

  def test_another_session_of_a_test_patient(self):
    first = case('sub-1_ses-1', 1, source='isles22', subject='sub-1')
    second = case('sub-1_ses-2', 2, source='isles22', subject='sub-1')
    self.refuses(
      "lesion GAN: t/x:train holds 'sub-1_ses-2', which is the test case 'sub-1_ses-1' of t/x:test "
      r"\(the same patient, 'sub-1' of isles22 in both; rename one where they are two\); expected",
      first,
      second,
    )

  def test_sessions_of_a_prepared_patient(self):
    root = Path(tfds.testing.make_tmp_dir())
    write_folder(root / 'prepared', [participant('sub-p_ses-01'), participant('sub-p_ses-02')])
    config = prepared.PreparedConfig(name='tiny', grid=TINY, test_share=0)
    builder = bids_stroke.Builder(config=config, data_dir=str(root))
    manual = tfds.download.DownloadConfig(manual_dir=str(root / 'prepared'))
    builder.download_and_prepare(download_config=manual)
    parts = [f'bids_stroke/{builder.builder_config.name}:train[{part}]' for part in (':1', '1:')]
    tested, learnt = sources.open_sources(parts, str(root), build=False)
    with self.assertRaisesRegex(InputError, "the same patient, 'sub-p' of bids in both"):
      check_no_leakage(tested, {'SPADE': [learnt]}, str(root))

  def test_one_name_in_two_cohorts_is_two_patients(self):
    tested = case('sub-1', 1, source='isles22', subject='sub-1')
    self.check(tested, case('sub-1', 2, source='soop', subject='sub-1'))
    self.check(tested, case('sub-1', 2, source='isles22', subject='sub-2'))
    # Without a patient, or with nothing to say whose.
    self.check(case('a', 1, source='bids'), case('b', 2, source='bids'))
    self.check(case('a', 1, subject='sub-1'), case('b', 2, subject='sub-1'))

  def test_the_mask_of_a_test_patient_without_its_image(self):
    self.refuses(
      r"holds 'mask', which is the test case 'sub-1' .* \(the same lesion in every voxel\)",
      case('sub-1', 1, n_voxels=20),
      case('mask', n_voxels=20),
    )
    self.check(case('sub-1', 1, n_voxels=20), case('mask', n_voxels=21))

  def test_small_lesions_can_be_alike_by_chance(self):
    self.check(case('sub-1', 1, n_voxels=19), case('mask', n_voxels=19))

  def test_no_lesion_and_no_image_are_no_likeness(self):
    self.check(case('mask-1', n_voxels=20), case('mask-2', n_voxels=30))
    self.check(case('sub-1', 1), case('sub-2', 2))


if __name__ == '__main__':
  tf.test.main()
