"""Where voxels land on the page."""

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from launchers.reports import axial_view
from stroke_tfds.imaging.grid import Grid

GRID = Grid('oblong', (4, 6, 3), (2.0, 2.0, 5.0), (0.0, 0.0, 0.0))


class DisplayTest(tf.test.TestCase):
  def test_right_of_the_patient_is_left_and_anterior_is_up(self):
    axial = np.zeros((4, 6))
    axial[-1, -1] = 1  # Right anterior.
    axial[0, 0] = 2  # Left posterior.
    shown = axial_view.to_display(axial)
    self.assertEqual(shown.shape, (6, 4))
    self.assertEqual((shown[0, 0], shown[-1, -1]), (1, 2))

  def test_outline_lies_on_the_voxels_of_the_picture(self):
    axes = Figure().add_subplot()
    mask = np.zeros((4, 6))
    mask[3, 5] = 1  # Right anterior: the upper left voxel of the picture.
    axial_view.show(axes, mask, GRID)
    axial_view.draw_outline(axes, mask, GRID, casing=False)
    self.assertAllEqual(axes.images[0].get_extent(), [0, 8, 12, 0])
    self.assertEqual(axes.images[0].get_array()[0, 0], 1)
    edges = np.concatenate(axes.collections[0].get_segments())
    self.assertAllEqual([edges.min(0), edges.max(0)], [[0, 0], [2, 2]])

  def test_voxels_of_a_mask_are_filled_in_one_piece(self):
    axes = Figure().add_subplot()
    mask = np.zeros((4, 6))
    mask[3, 5] = mask[2, 5] = mask[0, 5] = mask[3, 0] = 1
    axial_view.show(axes, mask, GRID)
    axial_view.fill(axes, mask, GRID)
    (filled,) = axes.patches
    # Upper row: the patient's right half, a gap, then the left voxel; lower row: the right one.
    inside = lambda x, y: filled.get_path().contains_point((x, y))
    shown = [[inside(2 * column + 1, 2 * row + 1) for column in range(4)] for row in (0, 5)]
    self.assertEqual(shown, [[True, True, False, True], [True, False, False, False]])
    self.assertLen(filled.get_path().vertices, 5 * 3)
    axial_view.fill(axes, 0 * mask, GRID)
    self.assertLen(axes.patches, 1)

  def test_picture_is_not_stretched(self):
    axes = Figure(figsize=(9, 3)).add_subplot()
    axial_view.show_slice(axes, np.zeros((4, 6)), GRID)
    self.assertEqual(axes.get_aspect(), 1.0)
    self.assertEqual(axes.images[0].get_clim(), (0, 0.85))


class OutlineTest(tf.test.TestCase):
  def test_one_voxel_has_four_edges(self):
    mask = np.zeros((3, 3))
    mask[1, 2] = 1
    segments = {tuple(map(tuple, s)) for s in axial_view.outline(mask, (2.0, 3.0)).tolist()}
    self.assertEqual(
      segments,
      {
        ((4, 3), (6, 3)),
        ((4, 6), (6, 6)),
        ((4, 3), (4, 6)),
        ((6, 3), (6, 6)),
      },
    )

  def test_length_is_the_perimeter(self):
    mask = np.zeros((5, 6))
    mask[1:3, 1:5] = 1  # 2 rows x 4 columns.
    mask[1, 2] = 0  # A notch at its edge adds two sides.
    segments = axial_view.outline(mask, (1.0, 1.0))
    self.assertAllClose(np.abs(segments[:, 1] - segments[:, 0]).sum(), 2 * (2 + 4) + 2)

  def test_empty_mask_has_none(self):
    self.assertEqual(axial_view.outline(np.zeros((3, 3)), (1, 1)).shape, (0, 2, 2))


class ChoiceTest(tf.test.TestCase):
  def test_slices_hold_the_largest_area(self):
    lesion = np.zeros((3, 3, 10))
    lesion[1, 1, 2:8] = 1
    lesion[:, :, 4] = 1
    found = axial_view.lesion_slices(lesion)
    self.assertIn(4, found)
    self.assertLen(found, 3)
    self.assertTrue(all(lesion[:, :, z].any() for z in found))

  def test_neighbours_fill_up(self):
    lesion = np.zeros((3, 3, 10))
    lesion[1, 1, 9] = 1
    self.assertEqual(axial_view.lesion_slices(lesion), [7, 8, 9])

  def test_brain_box(self):
    labels = np.zeros((10, 12, 3), np.uint8)
    labels[3:5, 6:12, 1] = 4
    self.assertEqual(axial_view.brain_box(labels, 1)[0], slice(2, 6))
    self.assertEqual(labels[axial_view.brain_box(labels, 1)].shape[:2], (4, 7))


if __name__ == '__main__':
  tf.test.main()
