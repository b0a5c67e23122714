import numpy as np
import tensorflow as tf

from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import structural_signal as s

WHITE, GREY, FLUID = (
  ASEG28.id_of(f'left {name}')
  for name in ('cerebral white matter', 'cerebral cortex', 'lateral ventricle')
)


def _one(density: float, t1_ms: float, t2_ms: float) -> s.Relaxation:
  return s.Relaxation(*(np.array([x], np.float64) for x in (density, t1_ms, t2_ms)))


class SequenceTest(tf.test.TestCase):
  def test_spin_echo(self):
    # T1 = TR and T2 = TE: 0.8 * (1 - 1/e) / e.
    made = s.Sequence(tr_ms=600, te_ms=90).signal(_one(0.8, 600, 90))
    self.assertAllClose(made, [0.8 * 0.6321206 * 0.3678794], rtol=1e-6)

  def test_inversion_recovery(self):
    # TI = T1 ln 2 and TR = T1 ln 4: 1 - 2 / 2 + 1 / 4; TE = T2 ln 2 halves it.
    made = s.Sequence(1000 * np.log(4), 100 * np.log(2), 1000 * np.log(2)).signal(_one(1, 1000, 100))
    self.assertAllClose(made, [0.125], rtol=1e-6)
    # Before the zero crossing the magnitude counts: TI = T1 ln 1.25 gives 1 - 1.6 + 0.25.
    made = s.Sequence(1000 * np.log(4), 0, 1000 * np.log(1.25)).signal(_one(1, 1000, 100))
    self.assertAllClose(made, [0.35], rtol=1e-6)

  def test_gadolinium_shortens_t1(self):
    # 1/1000 per ms and 4 per s and mmol/l times 0.25 mmol/l: 2 per s, 500 ms.
    self.assertAllClose(_one(1, 1000, 100).enhanced(0.25).t1_ms, [500])

  def test_order_of_tissues(self):
    mean = s.mean_relaxation()
    white, grey, fluid = (
      {name: sequence.signal(mean)[i] for name, sequence in s.SEQUENCES.items()}
      for i in (WHITE, GREY, FLUID)
    )
    for name in ('T1', 'T1CE'):
      self.assertGreater(white[name], 1.15 * grey[name])
      self.assertGreater(grey[name], 1.5 * fluid[name])
    self.assertGreater(fluid['T2'], 2 * grey['T2'])
    self.assertGreater(grey['T2'], 1.2 * white['T2'])
    self.assertLess(fluid['FLAIR'], 0.2 * white['FLAIR'])
    self.assertBetween(grey['FLAIR'] / white['FLAIR'], 1.02, 1.3)
    for sequence in s.SEQUENCES.values():
      self.assertEqual(sequence.signal(mean)[0], 0)

  def test_drawn_inversion_times_keep_fluid_dark(self):
    for seed in range(20):
      rng = np.random.default_rng(seed)
      made = s.draw_sequence(rng, 'FLAIR').signal(s.draw_relaxation(rng))
      self.assertLess(made[FLUID], 0.45 * made[WHITE])


if __name__ == '__main__':
  tf.test.main()
