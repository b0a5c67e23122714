import errno
import gzip
import os
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import GRIDS


class NiftiWritingTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir())
    self.path = self.folder / 'sub-1_dwi.nii.gz'
    self.data = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    self.affine = GRIDS['mini'].affine

  def test_nibabel_reads_what_was_written(self):
    for data in (self.data, (self.data > 0.5).astype(np.uint8), np.asfortranarray(self.data)[::-1]):
      nifti.write_nifti(self.path, data, self.affine)
      image = nib.load(self.path)
      self.assertAllEqual(np.asanyarray(image.dataobj), data)
      self.assertEqual(image.get_data_dtype(), data.dtype)
      for affine, code in (image.get_sform(coded=True), image.get_qform(coded=True)):
        self.assertAllClose(affine, [[3, 0, 0, -94.5], [0, 3, 0, -112.5], [0, 0, 8, -52], [0, 0, 0, 1]])
        self.assertEqual(code, 4)
      self.assertEqual(image.header.get_xyzt_units()[0], 'mm')
    volume = nifti.read_image(self.path)
    self.assertAllEqual(volume.data, data)
    self.assertTrue(volume.is_placed)

  def test_same_bytes_at_any_time_under_any_name(self):
    nifti.write_nifti(self.path, self.data, self.affine)
    with mock.patch('time.time', return_value=1.5e9):
      nifti.write_nifti(self.folder / 'other.nii.gz', self.data, self.affine)
    content = self.path.read_bytes()
    self.assertEqual(content, (self.folder / 'other.nii.gz').read_bytes())
    self.assertEqual(content[3], 0)  # gzip's flags: no name, no comment.
    self.assertEqual(content[4:8], bytes(4))  # gzip's time.

  def test_no_text_in_the_header(self):
    nifti.write_nifti(self.path, self.data, self.affine)
    plain = gzip.decompress(self.path.read_bytes())
    self.assertLen(plain, 352 + 4 * 4 * 5 * 6)
    for start, end in ((4, 38), (148, 252), (328, 344), (348, 352)):
      self.assertEqual(plain[start:end].strip(b'r\0'), b'', (start, end))
    self.assertEqual(plain[344:348], b'n+1\0')

  def test_disk_full_leaves_the_old_file_and_nothing_else(self):
    nifti.write_nifti(self.path, self.data, self.affine)
    before = self.path.read_bytes()
    full = OSError(errno.ENOSPC, 'No space left on device')
    with (
      mock.patch.object(os, 'replace', side_effect=full),
      self.assertRaisesRegex(InputError, 'sub-1_dwi.nii.gz: disk full'),
    ):
      nifti.write_nifti(self.path, 1 - self.data, self.affine)
    self.assertEqual(self.path.read_bytes(), before)
    self.assertEqual(os.listdir(self.folder), [self.path.name])

  def test_missing_folder(self):
    with self.assertRaisesRegex(InputError, 'cannot be written .No such file or directory'):
      nifti.write_nifti(self.folder / 'absent' / 'a.nii.gz', self.data, self.affine)

  def test_what_it_does_not_write(self):
    sheared = self.affine.copy()
    sheared[0, 1] = 1
    for path, data, affine in (
      (self.folder / 'a.nii', self.data, self.affine),
      (self.path, self.data.astype(np.float64), self.affine),
      (self.path, self.data[0], self.affine),
      (self.path, np.where(self.data > 0.5, np.nan, self.data), self.affine),
      (self.path, self.data, sheared),
    ):
      with self.assertRaises((ValueError, nib.spatialimages.HeaderDataError)):
        nifti.write_nifti(path, data, affine)
    self.assertEqual(os.listdir(self.folder), [])


class WriteMaskLikeTest(tf.test.TestCase):
  """A scan stored right to left and top down, with a qform of its own code and a name in its header."""

  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir())
    self.path = self.folder / 'out.nii.gz'
    rng = np.random.default_rng(0)
    self.data = rng.random((4, 5, 6)).astype(np.float32)
    self.affine = nib.affines.from_matvec(
      nib.eulerangles.euler2mat(0.1, -0.2, 0.05) @ np.diag([-2.0, 3, -5]), (3, 4, 5)
    )

  def write(self, name: str, image: nib.spatialimages.SpatialImage) -> nib.Nifti1Image:
    nib.save(image, self.folder / name)
    scan = nifti.read_image(self.folder / name)
    nifti.write_like(self.path, (scan.data > 0.5).astype(np.uint8), scan, self.folder / name)
    return nib.load(self.path)

  def test_lies_on_the_scan_voxel_by_voxel(self):
    for kind in (nib.Nifti1Image, nib.Nifti2Image):
      for qform, sform in ((1, 2), (1, 0), (0, 3)):
        image = kind(self.data, self.affine)
        image.set_qform(self.affine, qform)
        image.set_sform(self.affine, sform)
        image.header['descrip'] = b'Jane Smith'
        made = self.write('scan.nii.gz', image)
        self.assertAllEqual(np.asanyarray(made.dataobj), self.data > 0.5)
        self.assertEqual(made.get_data_dtype(), np.uint8)
        self.assertAllEqual(made.affine, nib.load(self.folder / 'scan.nii.gz').affine)
        self.assertEqual([made.get_qform(True)[1], made.get_sform(True)[1]], [qform, sform])
        self.assertNotIn(b'Jane', gzip.decompress(self.path.read_bytes()))

  def test_units_other_than_millimetres_stay_theirs(self):
    image = nib.Nifti1Image(self.data, self.affine @ np.diag([1e3, 1e3, 1e3, 1]))
    image.header.set_xyzt_units('micron')
    image.set_sform(np.diag([1e3, 1e3, 1e3, 1]) @ self.affine, 1)
    self.write('scan.nii', image)
    self.assertAllClose(
      nifti.read_mask(self.path).spacing_mm, nifti.read_image(self.folder / 'scan.nii').spacing_mm
    )

  def test_a_scan_of_another_format(self):
    made = self.write('scan.mgz', nib.MGHImage(self.data, self.affine))
    self.assertAllEqual(np.asanyarray(made.dataobj), self.data > 0.5)
    self.assertAllClose(made.affine, self.affine, atol=1e-5)
    self.assertEqual(made.get_sform(True)[1], 1)


if __name__ == '__main__':
  tf.test.main()
