import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.volume import Volume
from tests.real_samples import SAMPLES, needs_samples


class NiftiTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir())
    self.data = np.random.default_rng(0).integers(0, 900, (4, 5, 6)).astype(np.int16)

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
    self.assertEqual(volume.stored_axes, 'PLI')
    self.assertTrue(volume.is_placed)
    where = np.argwhere(volume.data == 7)[0]
    self.assertAllClose(volume.affine @ [*where, 1], affine @ [1, 2, 3, 1])

  def test_every_kind_of_header_gives_the_same_volume(self):
    affine = np.diag([2, -3, 4, 1.0])
    images = {
      'one.nii': nib.Nifti1Image(self.data, affine),
      'two.nii.gz': nib.Nifti2Image(self.data, affine),
      'swapped.nii': nib.Nifti1Image(self.data, affine, nib.Nifti1Header(endianness='>')),
      'long.nii': nib.Nifti1Image(self.data, affine),
      'freesurfer.mgz': nib.freesurfer.MGHImage(self.data, affine),
      'freesurfer.mgh': nib.freesurfer.MGHImage(self.data, affine),
    }
    images['long.nii'].header.extensions.append(nib.nifti1.Nifti1Extension('comment', b'x' * 5000))
    for name, image in images.items():
      with self.subTest(name):
        nib.save(image, self.folder / name)
        volume = nifti.read_image(self.folder / name)
        self.assertEqual(volume.data.dtype, np.float32)
        self.assertAllEqual(volume.data, self.data[:, ::-1])
        self.assertAllClose(volume.affine, [[2, 0, 0, 0], [0, 3, 0, -12], [0, 0, 4, 0], [0, 0, 0, 1]])
        self.assertEqual((volume.is_placed, volume.stored_axes), (True, 'RPS'))

  def test_scaling_of_the_header(self):
    image = nib.Nifti1Image(self.data, np.eye(4))
    image.header.set_slope_inter(0.5, -3)
    nib.save(image, self.folder / 'scaled.nii')
    content = bytearray((self.folder / 'scaled.nii').read_bytes())
    content[352:] = self.data.tobytes(order='F')
    (self.folder / 'scaled.nii').write_bytes(bytes(content))
    self.assertAllClose(nifti.read_image(self.folder / 'scaled.nii').data, self.data * 0.5 - 3)

  def test_mgz_with_tags_after_its_voxels(self):
    affine = np.array([[-1, 0, 0, 90], [0, 0, 1, -100], [0, -1, 0, 80], [0, 0, 0, 1.0]])
    labels = np.zeros((4, 5, 6), np.int32)
    labels[1, 2, 3] = 1035
    path = self.folder / 'aseg.mgz'
    nib.save(nib.freesurfer.MGHImage(labels, affine), path)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b'mri_convert ' * 99))
    volume = nifti.read_label_map(path)
    self.assertEqual((volume.data.dtype, volume.data.sum()), (np.int32, 1035))
    self.assertEqual((volume.is_placed, volume.stored_axes), (True, 'LIA'))
    where = np.argwhere(volume.data)[0]
    self.assertAllClose(volume.affine @ [*where, 1], [89, -97, 78, 1])

  def test_labels_stored_as_floats(self):
    volume = nifti.read_label_map(self.save(np.full((2, 2, 2), 41.0, np.float32)))
    self.assertEqual(volume.data.dtype, np.int32)
    self.assertAllEqual(volume.data, np.full((2, 2, 2), 41))

  def test_a_single_fourth_dimension_is_dropped(self):
    path = self.save(self.data[..., np.newaxis])
    self.assertEqual(nifti.read_image(path).data.shape, (4, 5, 6))

  def test_mask(self):
    cube = np.zeros((3, 3, 3), np.uint8)
    cube[0, 1, :2] = 1
    for dtype in (np.uint8, np.int16, np.float32):
      volume = nifti.read_mask(self.save(cube.astype(dtype)))
      self.assertEqual(volume.data.dtype, bool)
      self.assertAllEqual(volume.data, cube > 0)
    self.assertEqual(nifti.read_mask(self.save(cube * 0)).data.sum(), 0)
    self.assertEqual(nifti.read_mask(self.save(cube + np.float32(0.0005))).data.sum(), 2)

  def test_one_line_errors_name_the_file(self):
    whole = np.zeros((2, 2, 2), np.float32)
    bad = lambda *values: np.concatenate([values, whole.ravel()])[:8].reshape(2, 2, 2)
    cases = (
      (nifti.read_image, bad(np.nan, 5), '1 of 8 voxels are not finite'),
      (nifti.read_image, bad(np.inf, -np.inf), '2 of 8 voxels are not finite'),
      (nifti.read_image, bad(1e300), '1 of 8 voxels are not finite'),
      (nifti.read_image, whole + 3, 'constant, every voxel is 3'),
      (nifti.read_label_map, bad(np.inf), 'inf, expected whole'),
      (nifti.read_label_map, bad(np.nan), 'nan, expected whole'),
      (nifti.read_label_map, bad(0.5), '0.5, expected whole'),
      (nifti.read_label_map, bad(-1), 'labels run from -1'),
      (nifti.read_label_map, bad(70000), 'to 70000, expected 0 to 65535'),
      (nifti.read_mask, bad(1, 2), 'holds 2, expected a mask of 0 and 1'),
      (nifti.read_mask, bad(-1, 0.5, 1), 'holds -1, 0.5, expected a mask'),
      (nifti.read_mask, bad(np.nan), 'holds nan, expected a mask'),
      (nifti.read_mask, bad(2, 3, 4, 5, 6, 7), 'holds 2, 3, 4, 5, 6, ..., expected a mask'),
      (nifti.read_mask, bad(-127, -128).astype(np.int8), 'holds -128, -127, expected a mask'),
    )
    for read, data, message in cases:
      with self.subTest(message):
        path = self.save(data, name='b.nii')
        with self.assertRaisesRegex(InputError, message) as caught:
          read(path)
        self.assertStartsWith(str(caught.exception), f'{path}: ')
        self.assertNotIn('\n', str(caught.exception))

  def test_names_of_other_kinds_of_files(self):
    (self.folder / 'scan.dcm').write_bytes(b'DICM')
    with self.assertRaisesRegex(
      InputError, 'scan.dcm: the name of another kind of file, expected .*mgz'
    ):
      nifti.read_image(self.folder / 'scan.dcm')

  def test_volumes_that_are_not_placed(self):
    nib.save(nib.Nifti1Image(self.data, None), self.folder / 'nowhere.nii')
    nib.save(nib.freesurfer.MGHImage(self.data, np.eye(4)), self.folder / 'nowhere.mgh')
    content = bytearray((self.folder / 'nowhere.mgh').read_bytes())
    content[28:30] = bytes(2)  # goodRASFlag
    (self.folder / 'nowhere.mgh').write_bytes(bytes(content))
    self.assertFalse(nifti.read_image(self.folder / 'nowhere.nii').is_placed)
    self.assertFalse(nifti.read_image(self.folder / 'nowhere.mgh').is_placed)

  def test_lists_files_by_name(self):
    for name in ('b.nii.gz', 'a.nii', 'readme.txt', '._a.nii'):
      (self.folder / name).write_text('')
    (self.folder / 'c.nii').mkdir()
    self.assertEqual([p.name for p in nifti.list_nifti(self.folder)], ['a.nii', 'b.nii.gz'])
    with self.assertRaisesRegex(InputError, 'no such folder'):
      nifti.list_nifti(self.folder / 'absent')
    with self.assertRaisesRegex(InputError, 'no NIfTI file'):
      nifti.list_nifti(self.folder / 'c.nii')


class RealSamplesTest(tf.test.TestCase):
  """Against nibabel's own reader."""

  def check(self, path: Path, read, axes: str) -> Volume:
    volume = read(path, root=SAMPLES)
    canonical = nib.as_closest_canonical(nib.load(path))
    self.assertAllClose(volume.affine, canonical.affine)
    self.assertAllEqual(volume.data, np.asarray(canonical.dataobj).astype(volume.data.dtype))
    self.assertEqual((volume.is_placed, volume.stored_axes), (True, axes))
    return volume

  @needs_samples
  def test_masks_of_soop(self):
    files = nifti.list_nifti(SAMPLES / 'soop_masks' / 'lesions')
    self.assertLen(files, 1126)
    for path in files[::56][:20]:
      self.assertGreater(self.check(path, nifti.read_mask, 'LAS').data.sum(), 0)

  @needs_samples
  def test_case_of_isles22(self):
    [raw] = (SAMPLES / 'isles22').glob('rawdata/*/*')
    dwi, adc, flair = (
      self.check(next(raw.glob(f'*_{role}.nii.gz')), nifti.read_image, 'LAS')
      for role in ('dwi', 'adc', 'flair')
    )
    [mask] = (SAMPLES / 'isles22').glob('derivatives/*/*/*_msk.nii.gz')
    mask = self.check(mask, nifti.read_mask, 'LAS')
    for other in (adc, mask):
      self.assertAllClose(other.affine, dwi.affine, atol=1e-3)
      self.assertEqual(other.data.shape, dwi.data.shape)
    self.assertNotEqual(flair.data.shape, dwi.data.shape)
    self.assertAllClose(mask.data.sum() * mask.voxel_volume_ml, 4.18, atol=0.005)

  @needs_samples
  def test_healthy_scans(self):
    files = sorted((SAMPLES / 'healthy_dwi').glob('*/*.nii.gz'))
    self.assertLen(files, 9)
    for path in files:
      self.check(path, nifti.read_image, 'LAS')

  @needs_samples
  def test_label_maps_and_tumour(self):
    self.check(SAMPLES / 'synthseg' / 'training_seg_01.nii.gz', nifti.read_label_map, 'LIA')
    [tumour] = (SAMPLES / 'tumour').glob('*/*_seg_*.nii.gz')
    self.check(tumour, nifti.read_label_map, 'LPS')
    with self.assertRaisesRegex(InputError, 'holds 2, 4, expected a mask'):
      nifti.read_mask(tumour)


if __name__ == '__main__':
  tf.test.main()
