import builtins
import gzip
import os
import struct
import tempfile
import tracemalloc
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging import nifti


class InputFileTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    # Not get_temp_dir: TensorFlow follows links when it removes that.
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = Path(folder.name)
    self.data = np.random.default_rng(0).integers(0, 9, (16, 16, 16)).astype(np.int16)
    self.good = self.folder / 'good.nii.gz'
    nib.save(nib.Nifti1Image(self.data, np.eye(4)), self.good)

  def assert_refused(self, path: Path, message: str, root: Path | None = None) -> None:
    with self.assertRaisesRegex(InputError, message) as caught:
      nifti.read_image(path, root=root)
    self.assertStartsWith(str(caught.exception), f'{path}: ')
    self.assertNotIn('\n', str(caught.exception))

  def write(self, name: str, content: bytes) -> Path:
    (self.folder / name).write_bytes(content)
    return self.folder / name

  def trace_memory(self) -> None:
    tracemalloc.start()
    self.addCleanup(tracemalloc.stop)

  def test_damaged_files(self):
    content = self.good.read_bytes()
    plain = gzip.decompress(content)
    flipped = bytearray(content)
    flipped[-6] ^= 1  # Of the checksum, which follows the last voxel.
    middle = bytearray(content)
    middle[2000:2010] = bytes(10)
    for name, damaged, message in (
      ('cut.nii.gz', content[: len(content) // 2], 'truncated'),
      ('tail.nii.gz', content[:-3], 'truncated'),
      ('cut.nii', plain[:600], 'truncated, holds 248 bytes of voxels, expected 8192'),
      ('short.nii.gz', gzip.compress(plain[:-1]), 'truncated, holds 8191 bytes of voxels'),
      ('sum.nii.gz', bytes(flipped), 'corrupt gzip .CRC check failed'),
      ('middle.nii.gz', bytes(middle), 'corrupt gzip'),
      ('empty.nii.gz', b'', 'not a NIfTI file'),
    ):
      with self.subTest(name):
        self.assert_refused(self.write(name, damaged), message)

  def test_a_header_that_announces_more_than_there_is_takes_no_memory(self):
    plain = bytearray(gzip.decompress(self.good.read_bytes()))
    plain[40:56] = struct.pack('<8h', 3, 512, 512, 512, 1, 1, 1, 1)
    plain[70:74] = struct.pack('<hh', 64, 64)  # float64: 1 GiB in all.
    self.trace_memory()
    for path in (self.write('big.nii.gz', gzip.compress(plain)), self.write('big.nii', plain)):
      tracemalloc.reset_peak()
      self.assert_refused(path, 'holds 8192 bytes of voxels, expected 1073741824 from its header')
      self.assertLess(tracemalloc.get_traced_memory()[1], 8e6)

  def test_a_bomb_behind_the_voxels_is_not_unpacked(self):
    plain = gzip.decompress(self.good.read_bytes())
    bomb = bytearray(gzip.compress(plain + bytes(2**26), compresslevel=1))
    bomb[-8:] = bytes(8)  # A reader that came to the end would meet a wrong checksum.
    path = self.write('bomb.nii.gz', bytes(bomb))
    self.assertLess(path.stat().st_size, 2**19)
    self.trace_memory()
    self.assert_refused(path, 'goes on for more than 16777216 bytes .* expected the 8192 bytes')
    self.assertLess(tracemalloc.get_traced_memory()[1], 8e6)
    little = self.write('little.nii.gz', gzip.compress(plain + bytes(1000)))
    self.assertAllEqual(nifti.read_image(little).data, self.data)

  def test_missing_files(self):
    self.assert_refused(self.folder / 'absent.nii', 'no such file, expected')
    (self.folder / 'link.nii').symlink_to('annex/objects/absent.nii')
    self.assert_refused(self.folder / 'link.nii', 'a link to a file that is absent')
    (self.folder / 'loop.nii').symlink_to('loop.nii')
    self.assert_refused(self.folder / 'loop.nii', 'a loop of links')
    (self.folder / 'dir.nii').mkdir()
    self.assert_refused(self.folder / 'dir.nii', 'not a regular file')
    os.mkfifo(self.folder / 'pipe.nii')
    self.assert_refused(self.folder / 'pipe.nii', 'not a regular file')

  def test_links_that_lead_outside_the_root(self):
    root = self.folder / 'cohort'
    (root / 'sub-1').mkdir(parents=True)
    inside, outside = root / 'sub-1' / 'in.nii.gz', root / 'sub-1' / 'out.nii.gz'
    (root / 'store.nii.gz').write_bytes(self.good.read_bytes())
    inside.symlink_to('../store.nii.gz')
    outside.symlink_to(self.good)
    self.assert_refused(outside, 'is a link that leads outside the input folder', root)
    (root / 'sub-2').symlink_to(self.folder)
    self.assert_refused(root / 'sub-2' / 'good.nii.gz', 'leads outside', root)
    self.assert_refused(root / '..' / 'good.nii.gz', 'leads outside', root)
    self.assertAllEqual(nifti.read_image(inside, root=root).data, self.data)
    self.assertAllEqual(nifti.read_image(outside).data, self.data)
    (self.folder / 'alias').symlink_to(root)
    alias = self.folder / 'alias'
    self.assertAllEqual(nifti.read_image(alias / 'sub-1' / 'in.nii.gz', root=alias).data, self.data)
    sibling = self.folder / 'cohort2'
    sibling.mkdir()
    (sibling / 'a.nii.gz').write_bytes(self.good.read_bytes())
    self.assert_refused(sibling / 'a.nii.gz', 'leads outside', root)

  def test_permissions(self):
    plain = self.write('plain.nii', gzip.decompress(self.good.read_bytes()))
    denied = PermissionError(13, 'Permission denied', '/elsewhere/patient.nii')
    for path in (plain, self.good):
      with mock.patch.object(builtins, 'open', side_effect=denied):
        self.assert_refused(path, 'permission denied, expected a file that can be read')
      with mock.patch.object(Path, 'stat', side_effect=denied):
        self.assert_refused(path, 'permission denied, expected a NIfTI')
    with mock.patch.object(os, 'listdir', side_effect=denied):
      with self.assertRaisesRegex(InputError, 'permission denied, expected a readable folder'):
        nifti.list_nifti(self.folder)

  def test_a_disk_that_fails_is_named_without_another_path(self):
    failed = OSError(5, 'Input/output error', '/elsewhere/patient.nii')
    with mock.patch.object(builtins, 'open', side_effect=failed):
      with self.assertRaisesRegex(InputError, 'Input/output error') as caught:
        nifti.read_image(self.good)
    self.assertNotIn('elsewhere', str(caught.exception))


if __name__ == '__main__':
  tf.test.main()
