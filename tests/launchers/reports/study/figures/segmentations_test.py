"""Which arms are shown, and that segmentations are cut to what is marked in them."""

import dataclasses

import numpy as np
import tensorflow as tf

from launchers.reports.study.figures.segmentations import _window, shown_arms
from tests.launchers.study import fake_study


class ShownArmsTest(tf.test.TestCase):
  def test_those_that_show_what_a_translator_changed(self):
    study = fake_study.make(n_seeds=1)
    shown = [arm.name for arm in shown_arms(study)]
    self.assertEqual(
      shown,
      ['clinical', '10 clinical', 'clinical + Pix2Pix10', 'Pix2Pix10', 'Pix2Pix10, then 10 clinical'],
    )

  def test_arms_without_a_group(self):
    study = fake_study.make(n_seeds=1)
    alone = dataclasses.replace(
      study, arms=tuple(dataclasses.replace(arm, group='') for arm in study.arms)
    )
    shown = [arm.name for arm in shown_arms(alone)]
    self.assertEqual(shown, [arm.name for arm in study.arms[:5]])


class WindowTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.labels = np.zeros((40, 60, 3), np.uint8)
    self.labels[7:33, 7:53, 1] = 1  # With the margin of two voxels, 30 by 50.
    self.mask = np.zeros_like(self.labels)

  def window(self):
    return tuple((cut.start, cut.stop) for cut in _window([self.mask], 1, self.labels))

  def test_small_lesion_is_cut_out(self):
    self.mask[19:21, 29:31, 1] = 1
    self.assertEqual(self.window(), ((11, 29), (15, 45)))

  def test_stays_in_the_brain(self):
    self.mask[9:11, 9:11, 1] = 1
    self.assertEqual(self.window(), ((5, 23), (5, 35)))

  def test_holds_all_that_is_marked_in_the_slice(self):
    self.mask[9, 9, 1] = self.mask[28, 9, 1] = self.mask[20, 50, 2] = 1
    # From 7 to 30 with its margin, 24 of 30 voxels; so 40 of 50.
    self.assertEqual(self.window(), ((7, 31), (5, 45)))


if __name__ == '__main__':
  tf.test.main()
