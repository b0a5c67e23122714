import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.preparation import quality
from tests.stroke_tfds.preparation import made_up_scans as scans
from tests.stroke_tfds.preparation.made_up_scans import SCAN_GRID

_ALL = np.ones(SCAN_GRID.shape, bool)


class CheckSizeTest(tf.test.TestCase):
  def check(self, n_voxels, n_head, is_named=True):
    """A mask of some voxels of 1 ml in a head of others."""
    volumes = []
    for n, value in ((n_voxels, 1), (n_head, 500)):
      data = np.zeros((15, 20, 20), np.float32)  # Filled along lines, so that the head is one object.
      data.flat[:n] = value
      volumes.append(Volume(data, np.diag([10.0, 10.0, 10.0, 1.0])))
    quality.check_size(*volumes, is_named)

  def test_share_of_the_head(self):
    self.check(400, 1000)
    self.check(299, 1000, is_named=False)
    with self.assertRaisesRegex(InputError, '401 ml, 40% of the head, expected .* 700 ml and 40%'):
      self.check(401, 1000)
    with self.assertRaisesRegex(InputError, '301 ml, 30% of the head, .* 700 ml and 30%.* word lesion'):
      self.check(301, 1000, is_named=False)

  def test_volume_in_a_large_head(self):
    self.check(699, 5000)
    with self.assertRaisesRegex(InputError, '701 ml, 14% of the head'):
      self.check(701, 5000)


class MeasureImageTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.template = quality.load_template(SCAN_GRID)
    self.image = scans.scan(0, lesion=False) / 1000

  def measure(self, image=None, coverage=_ALL, labels=None):
    image = self.image if image is None else image
    return quality.measure_image(image, labels, coverage, self.template)

  def test_a_scan_in_place_has_good_figures(self):
    figures = self.measure()
    self.assertEqual(figures['coverage'], 1)
    self.assertNotIn('labels_dice', figures)
    self.assertGreater(figures['signal_correlation'], 0.9)
    self.assertEmpty(quality.suspicions(figures))

  def test_a_scalp_is_no_brain(self):
    brain = self.template.brain
    with_scalp = self.image.copy()
    plain = self.measure()['brain_dice']
    for z in range(SCAN_GRID.shape[2]):
      x, y = np.nonzero(brain[..., z])
      if x.size > 200:  # A rim of one voxel at a distance, as bright as the brain.
        lines = (slice(x.min() - 3, x.max() + 4), slice(y.min() - 3, y.max() + 4))
        rim = np.zeros(brain.shape[:2], bool)
        rim[lines] = True
        rim[x.min() - 2 : x.max() + 3, y.min() - 2 : y.max() + 3] = False
        with_scalp[..., z][rim] = 0.4
    self.assertGreater(np.count_nonzero(with_scalp), 1.05 * np.count_nonzero(self.image))
    self.assertAllClose(self.measure(with_scalp)['brain_dice'], plain, atol=0.02)

  def test_a_shifted_and_a_turned_scan_are_suspicious(self):
    shifted = self.measure(np.roll(self.image, 10, axis=1))
    self.assertLess(shifted['brain_dice'], quality.MIN_BRAIN_DICE)
    turned = self.measure(self.image[:, ::-1])
    names = {*quality.suspicions(shifted), *quality.suspicions(turned)}
    self.assertIn('brain_dice', names)
    self.assertIn('template_correlation', names)
    self.assertIn('signal_correlation', names)

  def test_only_what_is_covered_counts(self):
    coverage = _ALL.copy()
    coverage[..., :9] = False
    figures = self.measure(np.where(coverage, self.image, 0), coverage)
    n = np.count_nonzero(self.template.brain[..., 9:]) / np.count_nonzero(self.template.brain)
    self.assertAllClose(figures['coverage'], n, atol=1e-4)
    self.assertGreater(figures['brain_dice'], 0.85)

  def test_labels_that_lie_elsewhere_are_suspicious(self):
    labels = self.template.labels
    self.assertEqual(self.measure(labels=labels)['labels_dice'], 1)
    found = quality.suspicions(self.measure(labels=np.roll(labels, 12, axis=0)))
    self.assertEqual(found, {'labels_dice': 'expected at least 0.8'})

  def test_an_image_without_a_brain_has_no_overlap(self):
    dust = np.zeros(SCAN_GRID.shape)
    dust[::9, ::9, ::4] = 1
    self.assertEqual(self.measure(dust)['brain_dice'], 0)

  def test_an_image_without_contrast_has_no_correlation(self):
    figures = self.measure(np.ones(SCAN_GRID.shape))
    self.assertEqual((figures['template_correlation'], figures['signal_correlation']), (0, 0))


class MeasureLesionTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.labels = np.full(SCAN_GRID.shape, 3, np.uint8)
    self.fraction = np.zeros(SCAN_GRID.shape, np.float32)
    self.fraction[10:14, 10, 5] = [1, 1, 0.5, 0.5]
    self.image = np.full((*SCAN_GRID.shape, 2), 0.4, np.float32)
    self.image[10:12, 10, 5] = (1, 0.1)

  def measure(self, **changes):
    given = {'native_ml': 0.27, 'volume_ratio': np.full(SCAN_GRID.shape, 1.25), **changes}
    return quality.measure_lesion(
      self.image, ('dwi', 'adc'), self.fraction, self.labels, SCAN_GRID, **given
    )

  def test_figures_by_hand(self):
    self.labels[13, 10, 5] = 0
    figures = self.measure()
    # 3 voxels of 0.072 ml; two of them at 1 and .1, a third of the lesion's weight at .4.
    self.assertAllClose(figures['lesion_ml'], 0.216)
    self.assertAllClose(figures['volume_kept'], 0.216 * 1.25 / 0.27)
    self.assertAllClose(figures['lesion_contrast_dwi'], 0.8 / 0.4)
    self.assertAllClose(figures['lesion_contrast_adc'], 0.2 / 0.4)
    self.assertAllClose(figures['lesion_outside_brain'], 0.5 / 3, atol=1e-4)
    self.assertEmpty(quality.suspicions(figures))

  def test_suspicions_name_figure_and_limit(self):
    figures = self.measure(native_ml=0.5)
    self.assertEqual(quality.suspicions(figures), {'volume_kept': 'expected at least 0.9'})
    self.image = self.image[..., ::-1]
    self.labels[10:12] = 0
    self.assertEqual(
      quality.suspicions(self.measure()),
      {
        'lesion_outside_brain': 'expected at most 0.25',
        'lesion_contrast_dwi': 'expected at least 1',
        'lesion_contrast_adc': 'expected at most 1',
      },
    )


if __name__ == '__main__':
  tf.test.main()
