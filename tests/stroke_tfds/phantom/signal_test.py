import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import artefacts, signal
from stroke_tfds.phantom.fields import Lattice

PROTOCOL = signal.Protocol(te_ms=90, b_value=1000, noise=0.03)
GREY, WHITE, FLUID, PALLIDUM = (
  ASEG28.id_of(name)
  for name in (
    'left cerebral cortex',
    'left cerebral white matter',
    'left lateral ventricle',
    'left pallidum',
  )
)


class SignalTest(tf.test.TestCase):
  def test_follows_the_equation(self):
    made = signal.dwi_signal(signal.mean_tissues(), PROTOCOL)
    self.assertAllClose(made[GREY], 0.79 * np.exp(-90 / 95) * np.exp(-0.8), rtol=1e-5)
    self.assertAllClose(made[WHITE], 0.72 * np.exp(-90 / 75) * np.exp(-0.7), rtol=1e-5)
    self.assertEqual(made[0], 0)

  def test_contrast_of_a_dwi(self):
    made = signal.dwi_signal(signal.mean_tissues(), PROTOCOL)
    self.assertBetween(made[GREY] / made[WHITE], 1.1, 1.5)
    self.assertLess(made[FLUID], 0.5 * made[WHITE])
    self.assertLess(made[PALLIDUM], 0.8 * made[WHITE])
    self.assertLess(made[signal.SCALP_ID], 0.5 * made[WHITE])

  def test_shine_through_is_bright_although_diffusion_is_free(self):
    tissues = signal.mean_tissues()
    old = tissues.shining_through(1.5, 1.15)
    self.assertGreater(old.adc[WHITE], tissues.adc[WHITE])
    self.assertGreater(
      signal.dwi_signal(old, PROTOCOL)[WHITE], 1.1 * signal.dwi_signal(tissues, PROTOCOL)[WHITE]
    )

  def test_subjects_differ_but_their_sides_do_not(self):
    one, other = (signal.draw_tissues(np.random.default_rng(seed)) for seed in (0, 1))
    self.assertNotAllClose(one.t2_ms[1:], other.t2_ms[1:], rtol=1e-3)
    for values in (one.density, one.t2_ms, one.adc):
      self.assertAllClose(values[1:25:2], values[2:26:2])
    self.assertAllClose(one.t2_ms[1:], signal.mean_tissues().t2_ms[1:], rtol=0.35)

  def test_rician_noise(self):
    rng = np.random.default_rng(0)
    spacing_mm = (1.5, 3.0, 4.0)
    dark = signal.add_rician_noise(rng, np.zeros((64, 64, 32), np.float32), 2.0, spacing_mm)
    self.assertAllClose(dark.mean(), 2 * np.sqrt(np.pi / 2), rtol=0.01)  # Rayleigh.
    bright = signal.add_rician_noise(rng, np.full((64, 64, 32), 100, np.float32), 2.0, spacing_mm)
    self.assertAllClose([bright.mean(), bright.std()], [100 + 4 / 200, 2], rtol=0.01)
    # Weights (w, 1, w) with w = exp(-(1.5 / 0.9)^2 / 2) along x: 2 w / (1 + 2 w^2) of the variance
    # is shared with a neighbour. Along y w is 0.004, and slices are independent.
    w = np.exp(-((1.5 / 0.9) ** 2) / 2)
    shared = lambda one, other: np.corrcoef(one.ravel(), other.ravel())[0, 1]
    self.assertAllClose(shared(bright[1:], bright[:-1]), 2 * w / (1 + 2 * w**2), atol=0.02)
    self.assertAllClose(shared(bright[:, 1:], bright[:, :-1]), 0.008, atol=0.02)
    self.assertAllClose(shared(bright[..., 1:], bright[..., :-1]), 0, atol=0.02)

  def test_blur_stays_in_the_slice(self):
    image = np.zeros((15, 15, 5), np.float32)
    image[7, 7, 2] = 1
    made = signal.blur_in_plane(image, (1.5, 3.0, 4.0), 1.5)
    self.assertAllClose(made.sum(), 1, rtol=1e-4)
    self.assertAllEqual(made[..., [0, 1, 3, 4]], np.zeros((15, 15, 4)))
    self.assertAllClose(made[8, 7, 2] / made[7, 7, 2], np.exp(-0.5), rtol=1e-4)
    self.assertAllClose(made[7, 8, 2] / made[7, 7, 2], np.exp(-2), rtol=1e-4)


class FieldsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.lattice = Lattice(GRIDS['mini'], 6.0)

  def test_bias_and_texture_vary_about_one(self):
    rng = np.random.default_rng(0)
    for field, least, most in (
      (signal.coil_bias(rng, self.lattice), 0.02, 0.3),
      (signal.texture(rng, self.lattice), 0.01, 0.06),
    ):
      self.assertEqual(field.shape, GRIDS['mini'].shape)
      self.assertGreater(field.min(), 0.3)
      self.assertAllClose(field.mean(), 1, atol=0.3)
      self.assertBetween(field.std(), least, most)

  def test_insula_is_brighter_than_other_cortex_and_white_matter_is_not(self):
    pattern = lambda name: signal.cortical_pattern(
      self.lattice, np.full(GRIDS['mini'].shape, ASEG28.id_of(name), np.uint8)
    )
    cortex = pattern('right cerebral cortex')
    self.assertAllEqual(pattern('right cerebral white matter'), np.ones(GRIDS['mini'].shape))
    at = lambda point: tuple(
      int(np.argmin(np.abs(c - p))) for c, p in zip(GRIDS['mini'].coordinates_mm(), point)
    )
    # The spline of a Gaussian 7 mm wide on knots of 6 mm is lower than its peak of 0.16.
    for side in (-1, 1):
      self.assertBetween(cortex[at((38 * side, 4, 0))], 1.10, 1.16)
    self.assertAllClose(cortex[at((38, -80, 40))], 1, atol=0.01)

  def test_infarcts_are_uneven(self):
    fields = [artefacts.severity(np.random.default_rng(seed), self.lattice) for seed in range(4)]
    self.assertBetween(np.mean(fields), 0.95, 1.1)
    self.assertBetween(np.std(fields), 0.2, 0.5)
    self.assertGreater(np.min(fields), np.exp(-2))
    self.assertLess(np.max(fields), np.exp(1.2))

  def test_signal_gathers_on_one_side_of_air_and_thins_on_the_other(self):
    x, y, z = GRIDS['mini'].coordinates_mm()
    level = int(np.argmin(np.abs(z + 24)))
    middle = np.abs(x) < 6
    front, behind = (np.abs(y - centre) < 4 for centre in (64, 36))
    fields = [artefacts.susceptibility(np.random.default_rng(s), self.lattice) for s in range(40)]
    mean = lambda field, rows: np.log(field[middle][:, rows, level]).mean()
    slopes = np.array([mean(f, front) - mean(f, behind) for f in fields])
    # Both polarities occur, and the slope is more than the blotches' alone.
    self.assertBetween(np.mean(slopes > 0), 0.25, 0.75)
    self.assertGreater(np.median(np.abs(slopes)), 0.15)

  def test_susceptibility_stays_near_the_air(self):
    x, y, z = GRIDS['mini'].coordinates_mm()
    fields = [artefacts.susceptibility(np.random.default_rng(s), self.lattice) for s in range(8)]
    spread = np.std(fields, axis=0)
    index = lambda at: tuple(int(np.argmin(np.abs(c - a))) for c, a in zip((x, y, z), at))
    for at in ((0, 50, -22), (-53, -16, -30), (53, -16, -30)):
      self.assertGreater(spread[index(at)], 0.1)
    self.assertLess(spread[:, :, z > 20].max(), 1e-2)

  def test_old_damage_needs_a_load_and_gathers_at_the_ventricles(self):
    rng = np.random.default_rng(0)
    self.assertEqual(artefacts.old_damage(rng, self.lattice, -1.0).max(), 0)
    damage = np.mean([artefacts.old_damage(rng, self.lattice, 1.5) for _ in range(6)], 0)
    self.assertBetween(damage.max(), 0.01, 1)
    x, y, z = np.meshgrid(*GRIDS['mini'].coordinates_mm(), indexing='ij')
    near = (np.abs(np.abs(x) - 22) < 14) & (np.abs(y + 12) < 48) & (np.abs(z - 22) < 14)
    self.assertGreater(damage[near].mean(), 10 * damage[~near].mean())


if __name__ == '__main__':
  tf.test.main()
