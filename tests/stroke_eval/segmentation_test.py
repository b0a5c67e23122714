"""Metrics of a case against cases told by hand, and against a second implementation on random masks."""

import itertools
import math

import numpy as np
import scipy.ndimage
import tensorflow as tf
from scipy.spatial import distance
from surface_distance import lookup_tables

from keras_itm import metrics
from launchers.study import results
from stroke_eval import segmentation
from stroke_tfds.label_schemes import TUMOUR_REGIONS

_SPACING_MM = (2.0, 3.0, 5.0)


def _mask(shape, *boxes):
  mask = np.zeros(shape, np.uint8)
  for x, y, z in boxes:
    mask[x[0] : x[1], y[0] : y[1], z[0] : z[1]] = 1
  return mask


def _measure(truth, prediction, spacing_mm=_SPACING_MM):
  return segmentation.measure(truth, prediction, spacing_mm)


class RegionDiceTest(tf.test.TestCase):
  REGIONS = {**TUMOUR_REGIONS, 'necrotic core': (1,), 'oedema': (2,)}

  def test_by_hand(self):
    truth = np.array([[1, 1, 2, 2], [3, 3, 0, 0]], np.uint8)
    prediction = np.array([[1, 3, 2, 0], [3, 3, 2, 0]], np.uint8)
    self.assertAllClose(
      segmentation.region_dice(truth, prediction, self.REGIONS),
      {
        'whole tumour': 2 * 5 / (6 + 6),
        'tumour core': 2 * 4 / (4 + 4),  # A swap inside the union costs nothing there.
        'enhancing tumour': 2 * 2 / (2 + 3),
        'necrotic core': 2 * 1 / (2 + 1),
        'oedema': 2 * 1 / (2 + 2),
      },
    )

  def test_regions_that_are_not_there(self):
    truth, nothing = np.array([2, 2, 0]), np.zeros(3, int)
    measured = segmentation.region_dice(truth, nothing, self.REGIONS)
    self.assertEqual((measured['whole tumour'], measured['enhancing tumour']), (0, 1))
    self.assertEqual(set(segmentation.region_dice(nothing, nothing, self.REGIONS).values()), {1.0})

  def test_what_does_not_fit_is_refused(self):
    classes = np.zeros((2, 3), np.uint8)
    with self.assertRaisesRegex(ValueError, r'prediction is uint8 \(3, 2\)'):
      segmentation.region_dice(classes, classes.T, self.REGIONS)
    with self.assertRaisesRegex(ValueError, 'truth is float32'):
      segmentation.region_dice(classes.astype(np.float32), classes, self.REGIONS)
    for members in ((), (0, 1)):
      with self.assertRaisesRegex(ValueError, "region 'x'"):
        segmentation.region_dice(classes, classes, {'x': members})


class ByHandTest(tf.test.TestCase):
  def test_volumes_and_overlap(self):
    """12 and 8 voxels of 30 mm3 share 4."""
    truth = _mask((9, 9, 9), ((1, 4), (1, 3), (1, 3)))
    prediction = _mask((9, 9, 9), ((3, 5), (1, 3), (1, 3)))
    measured = _measure(truth, prediction)
    self.assertAllClose(measured['lesion_volume_ml'], 12 * 0.03)
    self.assertEqual(measured['lesion_voxels'], 12)
    self.assertAllClose(measured['predicted_volume_ml'], 8 * 0.03)
    self.assertAllClose(measured['volume_difference_ml'], 4 * 0.03)
    self.assertAllClose(_measure(prediction, truth)['volume_difference_ml'], 4 * 0.03)
    self.assertAllClose(measured['dice'], 2 * 4 / 20)

  def test_whole_lesions(self):
    """Of four true lesions three are found, two of them by one predicted lesion; two are false."""
    truth = _mask(
      (12, 12, 3), *(((x, x + 2), (1, 3), (0, 1)) for x in (0, 3, 6)), ((9, 11), (8, 9), (2, 3))
    )
    joined = ((0, 5), (2, 3), (0, 1))
    touching = ((6, 7), (2, 5), (0, 1))
    prediction = _mask((12, 12, 3), joined, touching, *(((x, x + 1), (9, 10), (0, 1)) for x in (0, 5)))
    measured = _measure(truth, prediction)
    self.assertAllClose(measured['lesion_precision'], 3 / (3 + 2))
    self.assertAllClose(measured['lesion_recall'], 3 / 4)
    self.assertAllClose(measured['lesion_f1'], 2 * 3 / (2 * 3 + 2 + 1))
    self.assertEqual(measured['count_difference'], 0)

  def test_voxels_that_share_a_corner_are_one_lesion(self):
    truth = np.zeros((4, 4, 4), np.uint8)
    truth[1, 1, 1] = truth[2, 2, 2] = 1
    self.assertEqual(_measure(truth, np.zeros_like(truth))['count_difference'], 1)

  def test_distance_of_two_voxels(self):
    """Corners face corners: of each surface one half is 2 voxels away, the other half 3."""
    for axis, edge_mm in enumerate(_SPACING_MM):
      truth = np.zeros((6, 6, 6), np.uint8)
      truth[1, 1, 1] = 1
      self.assertAllClose(_measure(truth, np.roll(truth, 3, axis))['hausdorff95_mm'], 3 * edge_mm)

  def test_95_percent_of_the_surface(self):
    """A far voxel hardly counts; several do once they hold 5 % of the predicted surface.

    A plate of 10 x 10 x 1 cubes of 1 mm has 2 x 81 mm2 of faces, 36 + 36 edge points and 8 corners. An
    edge point is sqrt(1/2) mm2, a corner sqrt(3)/8, since marching cubes cuts them off.
    """
    edge, corner = math.sqrt(0.5), math.sqrt(3) / 8
    plate_mm2 = 2 * 81 + 72 * edge + 8 * corner
    truth = _mask((20, 12, 12), ((1, 11), (1, 11), (1, 2)))
    few = math.floor(0.05 * plate_mm2 / 0.95 / (8 * corner))
    for n_voxels, expected_mm in ((1, 0.0), (few, 0.0), (few + 1, 8.0)):
      prediction = truth.copy()
      for i in range(n_voxels):
        prediction[1 + 2 * (i % 5), 1 + 2 * (i // 5), 10] = 1
      measured = _measure(truth, prediction, (1.0, 1.0, 1.0))['hausdorff95_mm']
      self.assertEqual(measured > 0, expected_mm > 0, f'{n_voxels} voxels')
      self.assertBetween(measured, expected_mm, expected_mm + 1)

  def test_a_lesion_at_the_border_is_closed(self):
    truth = _mask((6, 6, 4), ((0, 3), (0, 2), (0, 4)))
    prediction = _mask((6, 6, 4), ((2, 6), (3, 6), (1, 3)))
    inner, padded = _measure(truth, prediction), _measure(np.pad(truth, 2), np.pad(prediction, 2))
    self.assertAllClose(inner, padded)


class EmptyMasksTest(tf.test.TestCase):
  """The table in the module's docstring, on a grid with a diagonal of hypot(8, 9, 20) mm."""

  _SHAPE = (4, 3, 4)
  _SCORES = ('dice', 'lesion_precision', 'lesion_recall', 'lesion_f1')

  def test_both(self):
    measured = _measure(np.zeros(self._SHAPE, bool), np.zeros(self._SHAPE, bool))
    self.assertEqual({measured.pop(score) for score in self._SCORES}, {1.0})
    self.assertEqual(set(measured.values()), {0.0})

  def test_one(self):
    some, empty = np.ones(self._SHAPE, np.uint8), np.zeros(self._SHAPE, np.uint8)
    for truth, prediction in ((some, empty), (empty, some)):
      measured = _measure(truth, prediction)
      self.assertEqual({measured[score] for score in self._SCORES}, {0.0})
      self.assertAllClose(measured['hausdorff95_mm'], math.sqrt(8**2 + 9**2 + 20**2))
      self.assertAllClose(measured['volume_difference_ml'], 48 * 0.03)
      self.assertEqual(measured['count_difference'], 1)

  def test_nothing_is_worse_than_the_farthest_prediction(self):
    truth, prediction = np.zeros(self._SHAPE, bool), np.zeros(self._SHAPE, bool)
    truth[0, 0, 0] = prediction[-1, -1, -1] = True
    far, none = _measure(truth, prediction), _measure(truth, np.zeros_like(truth))
    self.assertLess(far['hausdorff95_mm'], none['hausdorff95_mm'])


class SecondImplementationTest(tf.test.TestCase):
  """SciPy's components, and distances of all pairs of surface points."""

  def test_random_masks(self):
    rng = np.random.default_rng(0)
    shares = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
    for shares_of_pair in itertools.product(shares, shares):
      for shape in ((7, 6, 5), (1, 8, 3)):
        truth, prediction = (rng.random(shape) < share for share in shares_of_pair)
        self.assertAllClose(
          _measure(truth, prediction), self._again(truth, prediction), msg=shares_of_pair
        )

  def test_random_blobs(self):
    rng = np.random.default_rng(1)
    for _ in range(10):
      noise = scipy.ndimage.gaussian_filter(rng.normal(size=(2, 12, 10, 8)), (0, 1, 1, 1))
      truth, prediction = noise[0] > 0.15, noise[0] + 0.7 * noise[1] > 0.15
      self.assertAllClose(_measure(truth, prediction), self._again(truth, prediction))

  def test_dice_is_that_of_the_segmenter(self):
    truth, prediction = np.random.default_rng(2).random((2, 5, 6, 7)) < 0.3
    expected = metrics.dice(truth[np.newaxis], prediction[np.newaxis])[0]
    self.assertAllClose(_measure(truth, prediction)['dice'], expected)

  def _again(self, truth, prediction):
    true, predicted = self._lesions(truth), self._lesions(prediction)
    found = sum(bool(lesion & set(np.flatnonzero(prediction))) for lesion in true)
    false = sum(not lesion & set(np.flatnonzero(truth)) for lesion in predicted)
    nothing = 0.0 if true or predicted else 1.0
    precision = found / (found + false) if found + false else nothing
    recall = found / len(true) if true else nothing
    total = truth.sum() + prediction.sum()
    return {
      'lesion_volume_ml': truth.sum() * 0.03,
      'lesion_voxels': truth.sum(),
      'predicted_volume_ml': prediction.sum() * 0.03,
      'dice': 2 * np.minimum(truth, prediction).sum() / total if total else 1.0,
      'lesion_precision': precision,
      'lesion_recall': recall,
      'lesion_f1': 2 * precision * recall / (precision + recall) if found else nothing,
      'volume_difference_ml': abs(truth.sum() * 0.03 - prediction.sum() * 0.03),
      'count_difference': abs(len(true) - len(predicted)),
      'hausdorff95_mm': self._hausdorff95(truth, prediction),
    }

  def _lesions(self, mask):
    labels, n = scipy.ndimage.label(mask, np.ones((3, 3, 3)))
    return [set(np.flatnonzero(labels == i + 1)) for i in range(n)]

  def _hausdorff95(self, truth, prediction):
    if not (truth.any() and prediction.any()):
      diagonal = np.linalg.norm(np.multiply(truth.shape, _SPACING_MM))
      return diagonal if truth.any() or prediction.any() else 0.0
    surfaces = self._surface(truth), self._surface(prediction)
    apart = distance.cdist(surfaces[0][0], surfaces[1][0])
    return max(
      self._percentile(apart.min(axis=1), surfaces[0][1]),
      self._percentile(apart.min(axis=0), surfaces[1][1]),
    )

  def _surface(self, mask):
    """Corners of voxels about which the mask is neither full nor empty, in mm, and their areas."""
    areas = lookup_tables.create_table_neighbour_code_to_surface_area(_SPACING_MM)
    padded, points, weights = np.pad(mask, 1), [], []
    for corner in np.ndindex(*(n + 1 for n in mask.shape)):
      about = padded[tuple(slice(i, i + 2) for i in corner)]
      if 0 < about.sum() < 8:
        points.append(np.multiply(corner, _SPACING_MM))
        weights.append(areas[np.packbits(about)[0]])
    return np.array(points), np.array(weights)

  def _percentile(self, distances_mm, weights):
    """The smallest distance within which 95 % of the surface lies."""
    for limit in np.unique(distances_mm):
      if weights[distances_mm <= limit].sum() >= 0.95 * weights.sum() - 1e-9:
        return limit


class ContractTest(tf.test.TestCase):
  def test_what_a_study_keeps(self):
    measured = _measure(np.ones((3, 3, 3), np.uint8), np.ones((3, 3, 3), np.uint8))
    self.assertContainsSubset(results.METRICS, measured)
    self.assertEqual({type(value) for value in measured.values()}, {float})

  def test_masks_stay_as_they_are(self):
    truth, prediction = (np.random.default_rng(3).random((2, 5, 6, 7)) < 0.3).astype(np.uint8)
    copies = truth.copy(), prediction.copy()
    _measure(truth, prediction)
    self.assertAllEqual((truth, prediction), copies)

  def test_refuses_what_is_no_pair_of_masks(self):
    mask = np.ones((3, 3, 3), np.uint8)
    for truth, prediction, spacing_mm, message in (
      (mask, mask.astype(np.float32), _SPACING_MM, r'prediction is float32 \(3, 3, 3\)'),
      (mask[0], mask[0], _SPACING_MM, r'truth is uint8 \(3, 3\)'),
      (mask, mask[:2], _SPACING_MM, r'prediction is \(2, 3, 3\), .* truth: \(3, 3, 3\)'),
      (mask, mask, (1.0, 1.0), 'spacing_mm is'),
      (mask, mask, (1.0, 1.0, 0.0), 'spacing_mm is'),
      (mask, mask, (1.0, 1.0, math.nan), 'spacing_mm is'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        _measure(truth, prediction, spacing_mm)


if __name__ == '__main__':
  tf.test.main()
