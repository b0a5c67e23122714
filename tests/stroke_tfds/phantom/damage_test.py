import dataclasses

import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import ages, damage, signal
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.growth import Lesion

PROTOCOL = signal.Protocol(te_ms=90, b_value=1000, noise=0.03)
WHITE, FLUID = (ASEG28.id_of(name) for name in ('left cerebral white matter', 'other CSF'))
INFARCT = ages.Infarct(age_days=2.0, adc=0.42, normal_days=8.0, t2_factor=1.5, bleeds=False)
SCAR = ages.Scar(rim_mm=3.0, t2_factor=1.6, adc_factor=1.2, fluid=(0.9, 800.0, 2.4))
GRID = Grid('fine', (24, 24, 24), (2.0, 2.0, 2.0), (-60.0, -20.0, 0.0))
LATTICE = Lattice(GRID, 6.0)


def _block(start: int, stop: int) -> np.ndarray:
  share = np.zeros(GRID.shape, np.float32)
  share[start:stop, start:stop, start:stop] = 1
  return share


def _damage(tissue=None, infarct=None, infarct_share=None, scar=None, scar_share=None) -> damage.Damage:
  none = np.zeros(GRID.shape, np.float32)
  tissue = np.full(GRID.shape, WHITE, np.uint8) if tissue is None else tissue
  shares = [none if share is None else share for share in (infarct_share, scar_share)]
  return damage.Damage(tissue, infarct, shares[0], scar, shares[1])


def _gain(made: damage.Damage) -> np.ndarray:
  return made.gain(np.random.default_rng(0), LATTICE, signal.mean_tissues(), PROTOCOL)


class MaskTest(tf.test.TestCase):
  def test_half_of_the_tissue_is_enough(self):
    tissue = np.full(GRID.shape, WHITE, np.uint8)
    tissue[:, :, ::4] = FLUID  # A sulcus: a quarter of each block of four.
    share = np.where(tissue == WHITE, np.float32(1), np.float32(0))
    share[:, :, 2::4] = share[:, :, 3::4] = 0
    share[:, :, 2::4] = 0.5 * (
      tissue[:, :, 2::4] == WHITE
    )  # 1.5 of 3 voxels of tissue, 4 voxels in all.
    labels = np.full((24, 24, 6), WHITE, np.uint8)
    made = lambda of: _damage(tissue, INFARCT, of).mask((1, 1, 4), labels)
    self.assertAllEqual(made(share), np.ones((24, 24, 6)))
    self.assertAllEqual(made(0.99 * share), np.zeros((24, 24, 6)))

  def test_lies_in_parenchyma(self):
    labels = np.full(GRID.shape, WHITE, np.uint8)
    labels[:12] = FLUID
    made = _damage(infarct=INFARCT, infarct_share=_block(8, 16)).mask((1, 1, 1), labels)
    self.assertAllEqual(made[12:], _block(8, 16)[12:])
    self.assertFalse(made[:12].any())

  def test_a_scar_is_not_outlined(self):
    labels = np.full(GRID.shape, WHITE, np.uint8)
    made = _damage(scar=SCAR, scar_share=_block(8, 16))
    self.assertFalse(made.mask((1, 1, 1), labels).any())
    self.assertEqual(made.facts(GRID), {'age_days': None, 'old_infarct_ml': 4.1})  # 512 x 0.008 ml.

  def test_single_voxels_at_a_corner_are_not_outlined(self):
    mask = np.zeros((8, 8, 3), bool)
    mask[1:3, 1:3, 1] = True  # A lesion of four,
    mask[3, 3, 1] = True  # one at its corner,
    mask[0, 1, 2] = True  # one at an edge,
    mask[7, 7, 0] = True  # an embolus far from it,
    mask[5, 0, 1] = mask[6, 1, 1] = True  # and a pair that touches at an edge.
    expected = mask.copy()
    expected[3, 3, 1] = expected[0, 1, 2] = False
    self.assertAllEqual(damage._tidied(mask), expected)
    self.assertAllEqual(damage._tidied(np.zeros_like(mask)), np.zeros_like(mask))


class GainTest(tf.test.TestCase):
  def test_what_is_healthy_stays(self):
    self.assertAllEqual(_gain(_damage()), np.ones(GRID.shape))

  def test_infarcts_are_bright_and_fade_and_fluid_does_not_change(self):
    tissue = np.full(GRID.shape, WHITE, np.uint8)
    tissue[:, 12] = FLUID
    gain = _gain(_damage(tissue, INFARCT, _block(6, 18) * (tissue == WHITE)))
    self.assertAllEqual(gain[:, 12], np.ones((24, 24)))
    self.assertAllEqual(gain[:3], np.ones((3, 24, 24)))
    # By hand for severity 1: exp(0.70 - 0.42), and T2 of 75 ms x 1.5^0.8 at 2 days.
    wanted = np.exp(0.28 + 1.2 - 1.2 / 1.5**0.8)
    inside = gain[8:16, 8:11, 8:16]
    self.assertAllClose(inside.mean(), wanted, rtol=0.15)
    self.assertBetween(inside.std() / inside.mean(), 0.05, 0.3)

  def test_a_large_scar_is_dark_inside_and_bright_at_its_rim(self):
    gain = _gain(_damage(scar=SCAR, scar_share=_block(4, 20)))
    tissues = signal.mean_tissues()
    healthy = signal.dwi_signal(tissues, PROTOCOL)[WHITE]
    fluid = 0.9 * np.exp(-90 / 800 - 2.4)
    self.assertAllClose(gain[12, 12, 12], fluid / healthy, rtol=1e-3)
    self.assertGreater(gain[4, 12, 12], 1.1)
    self.assertAllClose(gain[1, 12, 12], 1)

  def test_blood_darkens_a_part(self):
    made = _damage(infarct=INFARCT, infarct_share=_block(4, 20))
    dry = _gain(made)[6:18, 6:18, 6:18]
    infarct = dataclasses.replace(INFARCT, bleeds=True)
    bled = _gain(dataclasses.replace(made, infarct=infarct))[6:18, 6:18, 6:18]
    self.assertTrue(np.all(bled <= dry))
    self.assertBetween(np.mean(bled < 0.8 * dry), 0.01, 0.4)


class DrawTest(tf.test.TestCase):
  def draw(self, lesion: Lesion | None, scar_chance: float, seed: int = 0) -> damage.Damage:
    at = np.stack(np.meshgrid(*GRID.coordinates_mm(), indexing='ij')).astype(np.float32)
    tissue = np.full(GRID.shape, WHITE, np.uint8)
    return damage.draw_damage(np.random.default_rng(seed), at, tissue, lesion, scar_chance)

  def test_healthy_subjects_have_neither_and_cost_no_draw(self):
    rng = np.random.default_rng(0)
    made = damage.draw_damage(
      rng, np.zeros((3, 1, 1, 1), np.float32), np.full((1, 1, 1), WHITE, np.uint8), None, 0.0
    )
    self.assertEqual((made.infarct, made.scar), (None, None))
    self.assertEqual(rng.random(), np.random.default_rng(0).random())

  def test_an_infarct_does_not_lie_in_a_scar(self):
    everywhere = Lesion(np.ones((100, 100, 100), np.float32), GRID.affine @ np.diag([1, 1, 1, 1]), 'x')
    found = [self.draw(everywhere, 1.0, seed) for seed in range(12)]
    self.assertGreater(max(made.scar_share.max() for made in found), 0.9)
    for made in found:
      self.assertAllClose(made.infarct_share, 1 - made.scar_share, atol=1e-6)

  def test_about_one_patient_in_seven_had_a_stroke_before(self):
    rng = np.random.default_rng(1)
    at, tissue = np.zeros((3, 1, 1, 1), np.float32), np.full((1, 1, 1), WHITE, np.uint8)
    scars = [damage.draw_damage(rng, at, tissue, None, 0.14).scar for _ in range(300)]
    self.assertBetween(np.mean([scar is not None for scar in scars]), 0.08, 0.2)


class SharesTest(tf.test.TestCase):
  def test_a_lesion_fades_at_its_border_and_nowhere_else(self):
    fraction = np.zeros((40, 40, 20), np.float32)
    fraction[10:30, 10:30, 5:15] = 1
    made = damage._softened(fraction, (1.5, 1.5, 2.0))
    self.assertAllClose(made[20, 20, 10], 1, atol=1e-3)
    self.assertEqual(made[:8].max(), 0)
    # 0.75 mm inside a flat border of a Gaussian of 1.2 mm, cut at 2 deviations.
    self.assertAllClose(made[10, 20, 10], 0.73, atol=0.03)
    self.assertAllEqual(damage._softened(np.zeros_like(fraction), (1.5, 1.5, 2.0)), 0 * fraction)

  def test_sampling_a_lesion_is_linear_and_zero_outside(self):
    lesion = Lesion(
      np.arange(8, dtype=np.float32).reshape(2, 2, 2) / 8, np.diag([2.0, 2.0, 2.0, 1.0]), 'x'
    )
    at = np.array([[0, 0, 2], [1, 1, 1], [50, 0, 0], [-50, 0, 0]], np.float32).T.reshape(3, 4, 1, 1)
    self.assertAllClose(damage.sample_lesion(lesion, at).ravel(), [1 / 8, 3.5 / 8, 0, 0])


if __name__ == '__main__':
  tf.test.main()
