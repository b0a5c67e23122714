import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti


class NiftiTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir())

  def save(self, data: np.ndarray, affine: np.ndarray | None = None, name: str = 'a.nii.gz') -> Path:
    nib.save(nib.Nifti1Image(data, np.eye(4) if affine is None else affine), self.folder / name)
    return self.folder / name

  def test_axes_become_ras_and_points_stay_where_they_are(self):
    data = np.zeros((4, 5, 6), np.int16)
    data[1, 2, 3] = 7
    affine = np.array([[0, -2, 0, 10], [-3, 0, 0, 20], [0, 0, -4, 30], [0, 0, 0, 1.0]])
    volume = nifti.read_label_map(self.save(data, affine))
    self.assertEqual(volume.data.shape, (5, 4, 6))
    self.assertTrue(np.all(np.diag(volume.affine)[:3] > 0))
    self.assertAllClose(volume.spacing_mm, [2, 3, 4])
    self.assertAllClose(volume.voxel_volume_ml, 0.024)
    where = np.argwhere(volume.data == 7)[0]
    self.assertAllClose(volume.affine @ [*where, 1], affine @ [1, 2, 3, 1])

  def test_labels_stored_as_floats(self):
    volume = nifti.read_label_map(self.save(np.full((2, 2, 2), 41.0, np.float32)))
    self.assertEqual(volume.data.dtype, np.int32)
    self.assertAllEqual(volume.data, np.full((2, 2, 2), 41))

  def test_a_single_fourth_dimension_is_dropped(self):
    self.assertEqual(nifti.read_image(self.save(np.ones((2, 3, 4, 1)))).data.shape, (2, 3, 4))

  def test_mask(self):
    self.assertEqual(nifti.read_mask(self.save(np.eye(3, dtype=np.uint8)[None])).data.sum(), 3)

  def test_one_line_errors_name_the_file(self):
    whole = np.zeros((2, 2, 2), np.float32)
    bad = lambda value: np.where(np.arange(8).reshape(2, 2, 2) == 3, value, whole)
    cases = (
      (nifti.read_image, bad(np.nan), None, 'not finite'),
      (nifti.read_image, bad(np.inf), None, 'not finite'),
      (nifti.read_label_map, bad(np.inf), None, 'inf, expected whole'),
      (nifti.read_label_map, bad(0.5), None, '0.5, expected whole'),
      (nifti.read_label_map, bad(-1), None, 'labels run from -1'),
      (nifti.read_label_map, bad(70000), None, '70000'),
      (nifti.read_mask, bad(2), None, 'label 2, expected a mask'),
      (nifti.read_image, np.zeros((2, 2, 2, 3)), None, 'three dimensions'),
      (nifti.read_image, np.zeros((2, 2)), None, 'three dimensions'),
      (nifti.read_image, np.zeros((2, 2, 2), np.complex64), None, 'real numbers'),
      (nifti.read_image, whole, self._break_affine, 'affine'),
    )
    for read, data, spoil, message in cases:
      with self.subTest(message):
        with self.assertRaisesRegex(InputError, message) as caught:
          path = self.save(data, name='b.nii')
          if spoil:
            spoil(path)
          read(path)
        self.assertIn('b.nii', str(caught.exception))
        self.assertNotIn('\n', str(caught.exception))

  def _break_affine(self, path: Path) -> None:
    """Writes an affine that no writer would: a row of zeros."""
    content = bytearray(path.read_bytes())
    content[252:256] = struct.pack('<hh', 0, 1)  # qform off, sform on.
    content[312:328] = struct.pack('<4f', 0, 0, 0, 0)
    path.write_bytes(bytes(content))

  def test_damaged_files(self):
    good = self.save(np.random.default_rng(0).integers(0, 9, (16, 16, 16)).astype(np.int16))
    content = good.read_bytes()
    plain = gzip.decompress(content)
    for name, damaged in (
      ('cut.nii.gz', content[: len(content) // 2]),
      ('cut.nii', plain[:600]),
      ('noise.nii', b'abc' * 300),
      ('empty.nii.gz', b''),
    ):
      (self.folder / name).write_bytes(damaged)
      with self.subTest(name), self.assertRaisesRegex(InputError, name):
        nifti.read_image(self.folder / name)
    with self.assertRaisesRegex(InputError, 'no such file'):
      nifti.read_image(self.folder / 'absent.nii')

  def test_size_is_refused_before_anything_is_read(self):
    path = self.save(np.zeros((2, 2, 2), np.uint8), name='huge.nii')
    content = bytearray(path.read_bytes())
    content[40:56] = struct.pack('<8h', 3, 2000, 2000, 2000, 1, 1, 1, 1)
    path.write_bytes(bytes(content))
    with self.assertRaisesRegex(InputError, r'huge.nii: shape \(2000, 2000, 2000\)'):
      nifti.read_image(path)

  def test_lists_files_by_name(self):
    for name in ('b.nii.gz', 'a.nii', 'readme.txt'):
      (self.folder / name).write_text('')
    self.assertEqual([p.name for p in nifti.list_nifti(self.folder)], ['a.nii', 'b.nii.gz'])
    with self.assertRaisesRegex(InputError, 'no such folder'):
      nifti.list_nifti(self.folder / 'absent')
    (self.folder / 'sub').mkdir()
    with self.assertRaisesRegex(InputError, 'no NIfTI file'):
      nifti.list_nifti(self.folder / 'sub')


if __name__ == '__main__':
  tf.test.main()
