import tensorflow as tf

from launchers import console


class ConsoleTest(tf.test.TestCase):
  def test_clock(self):
    self.assertEqual(console.clock(59.6), '1 min 00 s')
    self.assertEqual(console.clock(7), '7 s')
    self.assertEqual(console.clock(3723), '1 h 02 min 03 s')


if __name__ == '__main__':
  tf.test.main()
