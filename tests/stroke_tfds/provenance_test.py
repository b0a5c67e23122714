"""Parents and donors are those that the provenance names."""

import doctest

from absl.testing import absltest

from stroke_tfds import provenance
from stroke_tfds.provenance import Origin, is_derived, origins_of


class ProvenanceTest(absltest.TestCase):
  def of(self, **facts):
    return origins_of(facts)

  def test_of_each_kind_of_set(self):
    parent = Origin('healthy parent', 'a', 'x/y:healthy')
    donor = Origin('donor of the lesion', 'b', 'x/y:train')
    healthy = {'healthy_parent': 'a', 'healthy_source': 'x/y:healthy'}
    clinical = {'clinical_source': 'x/y:train', 'lesion_donor': 'b'}
    self.assertEqual(self.of(**healthy, lesion_generator='g'), [parent])
    self.assertEqual(self.of(**healthy, **clinical), [parent, donor])
    self.assertEqual(
      self.of(base='c', **clinical), [Origin('clinical parent', 'c', 'x/y:train'), donor]
    )
    kept = self.of(**healthy, lesion_generator='g', kept_lesion_voxels=3)
    self.assertEqual(kept, [Origin("patient's scan", 'a', 'x/y:healthy')])
    self.assertEqual(self.of(source='somewhere'), [])
    self.assertEqual(self.of(base='c'), [Origin('clinical parent', 'c', '')])

  def test_derived_or_not(self):
    for field in ('translator', 'lesion_generator', 'lesion_donor', 'joint_generator'):
      self.assertTrue(is_derived({field: 'x', 'source': 'y'}), field)
    self.assertFalse(is_derived({'source': 'a/b', 'subject': 'translator'}))

  def test_examples(self):
    self.assertEqual(doctest.testmod(provenance).failed, 0)


if __name__ == '__main__':
  absltest.main()
