"""What the strip of a case shows, read from its pixels."""

import io
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from launchers.reports.quality.frame import frame_of
from launchers.reports.quality.strip import draw_case, read_stamp
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import ASEG28

GRID = Grid('small', (40, 48, 20), (4.0, 4.0, 8.0), (-80.0, -96.0, -60.0))
VENTRICLE = ASEG28.id_of('left lateral ventricle')


def make_brain(grid=GRID):
  """An ellipsoid in the middle of the field that reaches from slice 2 to slice 17."""
  index = [(i - (n - 1) / 2) / r for i, n, r in zip(np.indices(grid.shape), grid.shape, (14, 18, 8.5))]
  return sum(i**2 for i in index) < 1


BRAIN = make_brain()
FRAME = frame_of(BRAIN, GRID)


def draw(image=None, labels=None, fraction=None, contrasts=('DWI',), stamp=''):
  """Pixels [rows, columns, RGB] of a strip."""
  image = np.zeros((*GRID.shape, len(contrasts)), np.float32) if image is None else image
  labels = np.zeros(GRID.shape, np.uint8) if labels is None else labels
  fraction = np.zeros(GRID.shape, np.float32) if fraction is None else fraction
  png = draw_case(image, labels, fraction, FRAME, contrasts, stamp)
  return np.asarray(Image.open(io.BytesIO(png)).convert('RGB')).astype(int)


def yellow(pixels):
  return (pixels[..., 0] > 150) & (pixels[..., 1] > 120) & (pixels[..., 2] < 80)


def blue(pixels):
  return pixels[..., 2] > pixels[..., 0] + 60


def columns(mask):
  return np.flatnonzero(mask.any(axis=0))


def pixels_of_levels(mask, levels):
  """How many pixels of a mask lie in the tiles of some levels, by their index."""
  tile = FRAME.tile_mm[0] * 0.84
  return sum(mask[:, round(k * tile) : round((k + 1) * tile)].sum() for k in levels)


class FrameTest(tf.test.TestCase):
  def test_levels_divide_the_brain_evenly(self):
    brain = np.zeros(GRID.shape, bool)
    brain[10:30, 10:30, 2:18] = True
    self.assertEqual(frame_of(brain, GRID).levels, (3, 5, 7, 9, 11, 13, 15, 17))

  def test_a_tip_of_the_brain_does_not_take_a_level(self):
    brain = np.zeros(GRID.shape, bool)
    brain[10:30, 10:30, 4:12] = True
    brain[20, 20, 12:] = True
    self.assertEqual(frame_of(brain, GRID).levels, tuple(range(4, 12)))

  def test_fewer_slices_than_levels(self):
    brain = np.zeros(GRID.shape, bool)
    brain[10:30, 10:30, 5:8] = True
    self.assertEqual(frame_of(brain, GRID).levels, (5, 6, 7))

  def test_margin_is_cut_at_the_field(self):
    brain = np.zeros(GRID.shape, bool)
    brain[0:30, 10:48] = True
    frame = frame_of(brain, GRID)
    self.assertEqual(frame.box, (slice(0, 32), slice(8, 48)))
    self.assertEqual(frame.tile_mm, (128.0, 160.0))


class StripTest(tf.test.TestCase):
  def test_right_of_the_patient_is_left_anterior_up_and_low_levels_first(self):
    image = np.zeros((*GRID.shape, 1), np.float32)
    image[25:28, 30:34, FRAME.levels[0]] = 1  # Right anterior, lowest level.
    pixels = draw(image)
    picture = pixels[14:-16]  # Without the letters.
    bright = (picture.min(-1) > 200) & ~blue(picture)
    row, column = np.argwhere(bright).mean(0)
    tile = pixels.shape[1] / len(FRAME.levels)
    self.assertBetween(column, 0.1 * tile, 0.4 * tile)
    self.assertLess(row, 0.45 * len(picture))

  def test_the_highest_level_is_the_last(self):
    image = np.zeros((*GRID.shape, 1), np.float32)
    image[20, 20, FRAME.levels[-1]] = 1
    pixels = draw(image)[14:-16]
    grey = columns((pixels.min(-1) > 100) & ~blue(pixels))
    self.assertGreater(grey.min(), pixels.shape[1] * 7 / 8)

  def test_outlines_have_their_colours(self):
    labels = np.where(BRAIN, 1, 0).astype(np.uint8)
    plain = draw(labels=labels)
    self.assertTrue(blue(plain).any())
    self.assertFalse(yellow(plain).any())
    labels[16:24, 18:30, 8:12] = VENTRICLE
    added = blue(draw(labels=labels)) & ~blue(plain)
    self.assertGreater(added.sum(), 20)
    middle = pixels_of_levels(added, [FRAME.levels.index(9), FRAME.levels.index(11)])
    self.assertEqual(middle, added.sum())

  def test_outlines_are_told_apart_in_grey(self):
    white = np.ones((*GRID.shape, 1), np.float32)
    fraction = np.zeros(GRID.shape, np.float32)
    fraction[18:24, 20:28, FRAME.levels[4]] = 1
    slices = slice(16, -18), slice(30, 8 * int(FRAME.tile_mm[0] * 0.84))
    template, lesion = (draw(white, fraction=f)[slices].mean(-1) for f in (0 * fraction, fraction))
    self.assertGreater(template.min(), 100)  # A light line without a casing.
    self.assertLess(lesion.min(), 40)  # A light line on a dark casing.

  def test_a_lesion_that_fills_no_voxel_by_half_is_outlined(self):
    fraction = np.zeros(GRID.shape, np.float32)
    fraction[20:23, 20:22, FRAME.levels[3]] = 0.4  # 2.4 voxels.
    self.assertTrue(yellow(draw(fraction=fraction)).any())
    fraction[:] = 0
    fraction[20, 20, FRAME.levels[3]] = 0.3  # An example holds this voxel, so that it stays positive.
    self.assertTrue(yellow(draw(fraction=fraction)).any())

  def test_a_lesion_between_the_levels_is_seen_in_the_close_up(self):
    between = FRAME.levels[3] + 1
    self.assertNotIn(between, FRAME.levels)
    fraction = np.zeros(GRID.shape, np.float32)
    fraction[20:23, 20:23, between] = 1
    pixels, strip = draw(fraction=fraction), draw()
    self.assertGreater(columns(yellow(pixels)).min(), strip.shape[1])

  def test_panels_beside_the_levels(self):
    fraction = np.zeros(GRID.shape, np.float32)
    fraction[20, 20, 9] = 1
    alone = draw().shape[1]
    panel = draw(contrasts=('DWI', 'ADC')).shape[1] - alone  # No lesion: a slice of the ADC.
    self.assertAllClose(draw(fraction=fraction).shape[1] - alone, 2 * panel, atol=2)
    with_adc = draw(fraction=fraction, contrasts=('DWI', 'ADC')).shape[1]
    self.assertAllClose(with_adc - alone, 3 * panel, atol=3)

  def test_close_up_has_the_lesion_in_its_middle_enlarged(self):
    for corner in ((6, 40), (30, 8), (38, 46)):  # The last one at the edge of the field.
      fraction = np.zeros(GRID.shape, np.float32)
      fraction[corner[0] : corner[0] + 2, corner[1] : corner[1] + 2, 9] = 1
      pixels, strip = draw(fraction[..., np.newaxis], fraction=fraction), draw()
      beside = pixels[:-20, strip.shape[1] :].min(-1) > 128
      bare = beside[:, beside.shape[1] // 2 :]  # The second panel.
      row, column = np.argwhere(bare).mean(0)
      self.assertAllClose(row, 160 * 0.84 / 2, atol=3)
      self.assertAllClose(column, bare.shape[1] / 2, atol=6)
      self.assertGreater(bare.sum(), 3 * 8 * 8 * 0.84**2)  # 8 x 8 mm

  def test_same_bytes_and_stamp(self):
    arrays = (
      np.random.default_rng(0).uniform(size=(*GRID.shape, 1)),
      BRAIN.astype(np.uint8),
      BRAIN * 0.1,
    )
    one, two = (draw_case(*arrays, FRAME, ['DWI'], 'abc') for _ in range(2))
    self.assertEqual(one, two)
    path = Path(self.get_temp_dir(), 'strip.png')
    path.write_bytes(one)
    self.assertEqual(read_stamp(path), ('abc', Image.open(path).size))

  def test_is_small(self):
    grid = Grid('wide', (128, 128, 32), (1.5, 1.5, 4.0), (-96.0, -114.0, -56.0))
    brain = (
      sum(((i - n / 2) / r) ** 2 for i, n, r in zip(np.indices(grid.shape), grid.shape, (47, 58, 18)))
      < 1
    )
    noisy = brain * np.random.default_rng(0).normal(0.5, 0.05, grid.shape)
    lesion = np.zeros(grid.shape, np.float32)
    lesion[40:60, 50:70, 12:18] = 1
    png = draw_case(
      noisy[..., np.newaxis], brain.astype(np.uint8), lesion, frame_of(brain, grid), ['DWI']
    )
    self.assertLess(len(png), 100_000)  # White noise; real and simulated scans take 60,000.


if __name__ == '__main__':
  tf.test.main()
