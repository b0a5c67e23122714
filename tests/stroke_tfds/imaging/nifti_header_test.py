import struct
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti


class NiftiHeaderTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.path = Path(self.get_temp_dir()) / 'sub-7_dwi.nii'

  def save(
    self, image: nib.spatialimages.SpatialImage, changes: dict[int, bytes] | None = None
  ) -> None:
    """Writes the image, with some bytes of its header replaced."""
    nib.save(image, self.path)
    content = bytearray(self.path.read_bytes())
    for offset, new in (changes or {}).items():
      content[offset : offset + len(new)] = new
    self.path.write_bytes(bytes(content))

  def assert_refused(self, message: str) -> None:
    with self.assertRaisesRegex(InputError, message) as caught:
      nifti.read_image(self.path)
    self.assertStartsWith(str(caught.exception), f'{self.path}: ')
    self.assertNotIn('\n', str(caught.exception))

  def test_files_that_are_no_nifti(self):
    for content in (b'', b'abc', b'<!DOCTYPE html>' * 99, bytes(2000)):
      self.path.write_bytes(content)
      self.assert_refused('not a NIfTI file')
    self.save(nib.Nifti1Image(np.eye(4)[None], np.eye(4)), {344: b'ni1\0'})
    self.assert_refused('without voxels')

  def test_says_what_another_file_is(self):
    for content, kind in (
      (b'/annex/objects/MD5E-s1234--d41d8cd98f00b204e9800998ecf8427e.nii.gz\n', 'a git-annex pointer'),
      (b'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n', 'a Git LFS pointer'),
      (b'\n<!DOCTYPE html>', 'a web page'),
      (bytes(128) + b'DICM' + bytes(2000), 'a DICOM file'),
      (b'', 'an empty file'),
    ):
      for name, wanted in (('a.nii', 'NIfTI'), ('a.nii.gz', 'NIfTI'), ('a.mgz', 'MGH')):
        self.path = self.path.with_name(name)
        self.path.write_bytes(content)
        self.assert_refused(f'not an? {wanted} file .{kind}')

  def test_bytes_decide_what_is_packed_and_not_the_name(self):
    image = nib.Nifti1Image(np.arange(24.0).reshape(2, 3, 4), np.eye(4))
    packed, plain = self.path.with_name('a.nii.gz'), self.path.with_name('b.nii')
    nib.save(image, packed)
    nib.save(image, plain)
    for content, name in ((plain.read_bytes(), 'c.nii.gz'), (packed.read_bytes(), 'd.nii')):
      path = self.path.with_name(name)
      path.write_bytes(content)
      self.assertAllEqual(nifti.read_image(path).data, np.arange(24.0).reshape(2, 3, 4))

  def test_units_of_length(self):
    for code, factor in ((0, 1), (1, 1e-3), (2, 1), (3, 1e3), (3 | 8, 1e3), (1 | 16, 1e-3)):
      affine = np.diag([2.0, 3.0, 4.0, 1.0])
      affine[:3, 3] = (-90, 10, 7)
      in_unit = np.diag([factor, factor, factor, 1.0]) @ affine
      for codes in ((1, 1), (1, 0), (0, 1)):
        image = nib.Nifti1Image(np.eye(4)[None], in_unit)
        image.set_qform(in_unit, codes[0])
        image.set_sform(in_unit, codes[1])
        self.save(image, {123: bytes([code])})
        volume = nifti.read_image(self.path)
        self.assertAllClose(volume.affine, affine, rtol=1e-5)
        self.assertAllClose(volume.voxel_volume_ml, 0.024, rtol=1e-5)

  def test_a_unit_that_cannot_be_meant(self):
    for code, unit in ((1, 'metre'), (3, 'micron')):
      image = nib.Nifti1Image(np.eye(4)[None], np.eye(4))
      self.save(image, {123: bytes([code]), 252: struct.pack('<hh', 0, 1)})
      self.assert_refused(f'by the unit {unit} of its header., expected 0.01 to 50 mm')

  def test_a_quaternion_that_rounding_made_longer_than_one(self):
    half_turn = np.diag([-2.0, -2.0, 2.0, 1.0])
    half_turn[:3, 3] = (10, 20, 30)
    for codes in ((1, 1), (1, 0)):
      image = nib.Nifti1Image(np.eye(4)[None], half_turn)
      image.set_qform(half_turn, codes[0])
      image.set_sform(half_turn, codes[1])
      self.save(image, {256: struct.pack('<3f', 0, 0, 1.000004)})
      volume = nifti.read_image(self.path)
      self.assertEqual(volume.stored_axes, 'LPS')
      self.assertAllClose(volume.affine[:3, 3], (10, 14, 30))  # From the voxel (0, 3, 0) to RAS.
    self.save(image, {256: struct.pack('<3f', 0, 0, 1.001)})
    self.assert_refused('w2 should be positive')

  def test_files_that_are_no_mgh(self):
    self.path = self.path.with_suffix('.mgh')
    for content in (b'', bytes(2000), struct.pack('>7ih', 1, 4, 5, 6, 1, 77, 0, 1) + bytes(900)):
      self.path.write_bytes(content)
      self.assert_refused('not an MGH file')
    self.save(nib.freesurfer.MGHImage(np.ones((2, 2, 2, 3), np.float32), np.eye(4)))
    self.assert_refused(r'shape \(2, 2, 2, 3\), expected three dimensions')
    self.path.write_bytes(struct.pack('>7ih', 1, 30000, 30000, 30000, 1, 3, 0, 1) + bytes(900))
    self.assert_refused(r'shape \(30000, 30000, 30000\), expected 1 to')

  def test_shapes_and_types(self):
    for data, message in (
      (np.zeros((2, 2, 2, 3)), r'shape \(2, 2, 2, 3\), expected three dimensions'),
      (np.zeros((2, 2)), 'three dimensions'),
      (np.zeros((2, 2, 2), np.complex64), 'real numbers'),
    ):
      self.save(nib.Nifti1Image(data, np.eye(4)))
      self.assert_refused(message)
    # Not every machine has numbers of 128 bits.
    self.save(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)), {70: struct.pack('<hh', 1536, 128)})
    self.assert_refused('at most 64 bits|data code 1536')

  def test_absurd_sizes_are_refused_before_memory_is_taken(self):
    image = nib.Nifti1Image(np.eye(4)[None], np.eye(4))
    tracemalloc.start()
    self.addCleanup(tracemalloc.stop)
    self.save(image, {40: struct.pack('<8h', 3, 2000, 2000, 2000, 1, 1, 1, 1)})
    self.assert_refused(r'shape \(2000, 2000, 2000\), expected 1 to 134217728 voxels')
    self.save(image, {40: struct.pack('<8h', 3, 0, 4, 4, 1, 1, 1, 1)})
    self.assert_refused(r'shape \(0, 4, 4\)')
    self.save(image, {40: struct.pack('<8h', 3, -4, 4, 4, 1, 1, 1, 1)})
    self.assert_refused(r'shape \(-4, 4, 4\)')
    self.save(image, {108: struct.pack('<f', 1e12)})
    self.assert_refused('voxels begin at byte 999999995904, expected byte 16777216 or earlier')
    self.assertLess(tracemalloc.get_traced_memory()[1], 8e6)

  def test_affines_that_place_nothing(self):
    image = nib.Nifti1Image(np.eye(4)[None], np.eye(4))
    codes = {252: struct.pack('<hh', 0, 1)}
    for offset, row, message in (
      (280, (np.nan, 0, 0, 0), 'expected numbers up to 1e.06 mm'),
      (280, (1, 0, 0, 1e9), 'expected numbers up to 1e.06 mm'),
      (312, (0, 0, 0, 0), r'voxels of 1 x 1 x 0 mm\), expected 0.01 to 1000 mm'),
      (312, (0, 1, 0, 0), r'voxels of 1 x 1.41421 x 0 mm'),
      (312, (0, 1, 1e-5, 0), '1e-05 mm'),
      (280, (1e-4, 0, 1, 0), 'voxels of 0.0001 x 1 x 1.41421 mm'),
    ):
      self.save(image, codes | {offset: struct.pack('<4f', *row)})
      self.assert_refused(message)
    self.save(image, codes | {280: struct.pack('<8f', 0, 1, 0, 0, 1, 1, 0, 0)})
    nifti.read_image(self.path)
    self.save(image, codes | {280: struct.pack('<8f', 1, 1, 0, 0, 1, 1, 0, 0)})
    self.assert_refused('its axes lie in a plane')

  def two_forms(self, qform: np.ndarray, sform: np.ndarray, codes: tuple[int, int] = (1, 2)) -> None:
    data = np.zeros((100, 100, 100), np.uint8)
    data[0] = 1
    image = nib.Nifti1Image(data, sform if codes[1] else qform)
    image.header.set_qform(qform, codes[0])
    image.header.set_sform(sform, codes[1])
    self.save(image)

  def test_qform_and_sform_that_disagree(self):
    shift = lambda mm: np.array([[1, 0, 0, mm], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    self.two_forms(np.eye(4), shift(0.9))
    self.assertAllClose(nifti.read_image(self.path).affine, shift(0.9))
    self.two_forms(np.eye(4), shift(1.2))
    self.assert_refused('qform and sform are up to 1.2 mm apart, expected at most 1 mm')
    # A turn moves the far corner, 99 sqrt(2) mm from the axis, by 2 sin(angle / 2) of that.
    for degrees, far_mm in ((0.3, 0.733), (1.0, 2.443)):
      c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
      turned = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
      self.assertAllClose(2 * np.sin(np.radians(degrees) / 2) * 99 * np.sqrt(2), far_mm, atol=1e-3)
      self.two_forms(turned, np.eye(4))
      if far_mm > 1:
        self.assert_refused('up to 2.4 mm apart')
      else:
        self.assertAllClose(nifti.read_image(self.path).affine, np.eye(4))

  def test_qform_and_sform_that_mirror_each_other(self):
    mirrored = np.diag([-1, 1, 1, 1.0])
    mirrored[0, 3] = 99  # The same box in space: only left and right are exchanged.
    self.two_forms(np.eye(4), mirrored)
    self.assert_refused('qform and sform mirror each other')
    self.two_forms(np.eye(4), mirrored, codes=(0, 1))
    self.assertEqual(nifti.read_image(self.path).stored_axes, 'LAS')
    self.two_forms(np.eye(4), mirrored, codes=(1, 0))
    self.assertEqual(nifti.read_image(self.path).stored_axes, 'RAS')

  def test_damaged_qform(self):
    image = nib.Nifti1Image(np.eye(4)[None], np.eye(4))
    self.save(image, {252: struct.pack('<hh', 1, 1), 256: struct.pack('<3f', 2, 2, 2)})
    self.assert_refused('qform cannot be read')


if __name__ == '__main__':
  tf.test.main()
