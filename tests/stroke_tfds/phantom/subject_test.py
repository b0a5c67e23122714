import dataclasses
from unittest import mock

import numpy as np
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import ages, subject
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom.growth import Lesion

GRID = Grid('small', (48, 48, 12), (4.0, 4.0, 10.0), (-96.0, -114.0, -56.0))


def _simulate(seed: int, cohort=subject.PATIENTS, lesion=None, grid=GRID) -> subject.Subject:
  return subject.simulate(np.random.default_rng(seed), template_anatomy(), grid, cohort, lesion)


def _ball(centre_mm, radius_mm: float) -> Lesion:
  """A lesion of one ball, on voxels of 2 mm."""
  n = int(radius_mm) + 3
  offset = 2 * (np.indices((2 * n + 1,) * 3) - n)
  distance = np.sqrt((offset**2).sum(0))
  affine = np.diag([2.0, 2.0, 2.0, 1.0])
  affine[:3, 3] = np.asarray(centre_mm) - 2 * n
  fraction = np.clip(radius_mm - distance + 0.5, 0, 1).astype(np.float32)
  return Lesion(fraction, affine, 'ball')


class SubjectTest(tf.test.TestCase):
  def test_a_subject_keeps_the_contract(self):
    made = _simulate(0)
    self.assertEqual(made.image.shape, (*GRID.shape, 1))
    for volume in (made.labels, made.lesion):
      self.assertEqual(volume.shape, GRID.shape)
    self.assertBetween(made.image.min(), 0, 0)
    self.assertBetween(made.image.max(), 1, 1)
    self.assertEqual(made.labels.dtype, np.uint8)
    self.assertLess(made.labels.max(), 28)
    self.assertFalse(made.lesion.any())

  def test_follows_from_its_seed(self):
    one, same, other = _simulate(1), _simulate(1), _simulate(2)
    self.assertAllEqual(one.image, same.image)
    self.assertAllEqual(one.labels, same.labels)
    self.assertGreater(np.mean(one.labels != other.labels), 0.05)

  def test_lesion_lies_in_parenchyma_is_bright_and_about_as_large_as_given(self):
    lesion = _ball((-28, -20, 26), 14)
    made = _simulate(3, lesion=lesion, grid=GRIDS['mini'])
    volume_ml = made.lesion.sum() * GRIDS['mini'].voxel_volume_ml
    self.assertAllClose(volume_ml, 4 / 3 * np.pi * 1.4**3, rtol=0.35)
    self.assertTrue(np.isin(made.labels[made.lesion > 0], ASEG28.parenchyma_ids).all())
    x_mm = GRIDS['mini'].coordinates_mm()[0][np.argwhere(made.lesion)[:, 0]]
    self.assertAllClose(x_mm.mean(), -28, atol=8)
    around = ndimage.binary_dilation(made.lesion, iterations=3) & ~ndimage.binary_dilation(made.lesion)
    around &= np.isin(made.labels, ASEG28.parenchyma_ids)
    self.assertGreater(made.image[made.lesion > 0].mean(), 1.15 * made.image[around].mean())

  def test_a_lesion_in_a_ventricle_leaves_nothing(self):
    inside = _ball((-8, 10, 12), 1.0)
    self.assertLessEqual(_simulate(4, lesion=inside).lesion.sum(), 1)

  def test_patients_have_wider_ventricles_than_healthy_subjects(self):
    fluid = [i for i, name in enumerate(ASEG28.names) if 'lateral ventricle' in name]
    volume = lambda cohort: np.mean(
      [np.isin(_simulate(seed, cohort).labels, fluid).sum() for seed in range(6)]
    )
    self.assertGreater(volume(subject.PATIENTS), 1.2 * volume(subject.HEALTHY))

  def test_ventricle_size_is_what_was_drawn(self):
    fluid = [i for i, name in enumerate(ASEG28.names) if 'lateral ventricle' in name]
    sizes = []
    for push_mm in (-1.0, 2.0, 5.0, 8.0):
      cohort = dataclasses.replace(subject.HEALTHY, ventricles_mm=(push_mm, 0.0))
      sizes.append(np.isin(_simulate(5, cohort).labels, fluid).sum())
    self.assertEqual(sizes, sorted(sizes))
    self.assertGreater(sizes[-1], 1.8 * sizes[0])

  def test_an_anatomy_with_wide_ventricles_is_not_pushed_further(self):
    template = template_anatomy()
    old = dataclasses.replace(template, name='old')
    old.__dict__['ventricle_excess_mm'] = 3.0
    pushed = lambda anatomy, mm: subject.simulate(
      np.random.default_rng(0),
      anatomy,
      GRID,
      dataclasses.replace(subject.HEALTHY, ventricles_mm=(mm, 0.0)),
      None,
    ).drawn['ventricles_mm']
    self.assertEqual([pushed(template, mm) for mm in (-1.0, 2.0, 5.0)], [-1.0, 2.0, 5.0])
    self.assertEqual([pushed(old, mm) for mm in (-1.0, 2.0, 5.0)], [-1.0, 0.0, 2.0])

  def test_an_earlier_stroke_is_seen_and_is_no_lesion(self):
    chance = lambda share: dataclasses.replace(subject.PATIENTS, scar_chance=share)
    without, scarred = (_simulate(6, chance(share)) for share in (0.0, 1.0))
    self.assertEqual(without.drawn['old_infarct_ml'], 0)
    self.assertGreater(scarred.drawn['old_infarct_ml'], 0.1)
    self.assertIsNone(scarred.drawn['age_days'])
    self.assertFalse(scarred.lesion.any())

  def test_an_adc_map_has_its_unit_and_is_low_in_a_young_infarct(self):
    infarct = ages.Infarct(age_days=2.0, adc=0.42, normal_days=8.0, t2_factor=1.5, bleeds=False)
    grid, lesion = GRIDS['mini'], _ball((-28, -20, 26), 14)
    simulate = lambda **given: subject.simulate(
      np.random.default_rng(3), template_anatomy(), grid, subject.PATIENTS, lesion, **given
    )
    with mock.patch.object(ages, 'draw_infarct', lambda rng: infarct):
      made, alone = simulate(with_adc=True), simulate()
    self.assertAllEqual(made.image[..., :1], alone.image)
    adc = made.image[..., 1] * 3.5  # 1e-3 mm2/s
    structure = lambda name: np.isin(made.labels, [i for i, n in enumerate(ASEG28.names) if name in n])
    self.assertBetween(np.median(adc[structure('cerebral white') & (made.lesion == 0)]), 0.65, 0.8)
    self.assertBetween(np.median(adc[made.lesion > 0]), 0.36, 0.58)
    self.assertGreater(np.quantile(adc[structure('lateral ventricle')], 0.9), 1.8)

  def test_what_was_drawn(self):
    made = _simulate(3, lesion=_ball((-28, -20, 26), 14))
    self.assertBetween(made.drawn['age_days'], 0.08, 18)
    self.assertEqual(subject.HEALTHY.scar_chance, 0)
    self.assertEqual(set(made.drawn), {'ventricles_mm', 'age_days', 'old_infarct_ml'})


if __name__ == '__main__':
  tf.test.main()
