import tensorflow as tf

from launchers import app
from stroke_tfds.errors import InputError


class BindingsTest(tf.test.TestCase):
  def test_refuses_bindings_that_no_stage_would_see(self):
    app._check_bindings(
      'run_study', ['run_study.n_seeds = 1', 'whole = 3', ' run_study.arms={"a.b": 1}']
    )
    for line in ('train_unet.batch_size = 4', 'a/Adam.learning_rate=1', 'run_studies.x = 1'):
      with self.assertRaisesRegex(
        InputError, f"gin_bindings '{line}': only run_study[.][*] can be bound here"
      ):
        app._check_bindings('run_study', [line])


if __name__ == '__main__':
  tf.test.main()
