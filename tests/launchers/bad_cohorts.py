"""Cohorts with every kind of bad input, and with what must not leave a hospital."""

import gzip
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np

from tests.stroke_tfds.preparation import made_up_scans as scans
from tests.stroke_tfds.preparation.made_up_scans import SCAN_GRID


def break_many(root: Path) -> dict[str, str]:
  """One subject for each kind of bad input, and what the table has to say of it."""
  dwi, mask = scans.dwi_path, scans.mask_path
  good = scans.scan(0)

  def damaged(change):
    return lambda s: dwi(root, s).write_bytes(change(bytearray(dwi(root, s).read_bytes())))

  def corrupt(content):
    content[len(content) // 2] ^= 0xFF
    return content

  def with_value(value):
    image = good.copy()
    image[30, 30, 8] = value
    return image

  def image(data, affine=None, **header):
    return lambda s: scans.save(dwi(root, s), data, affine, **header)

  def lesion(data):
    return lambda s: scans.save(mask(root, s), data)

  def absurd(s):
    header = nib.Nifti1Header()
    header.set_data_shape((30000, 30000, 30000))
    header['magic'] = b'n+1'
    dwi(root, s).write_bytes(gzip.compress(header.binaryblock + bytes(1000)))

  def two_places(s, shift_mm=0, mirror=False):
    stored = nib.Nifti1Image(good, SCAN_GRID.affine)
    other = SCAN_GRID.affine @ np.diag([-1 if mirror else 1, 1, 1, 1])
    other[1, 3] += shift_mm
    stored.set_qform(SCAN_GRID.affine, 1)
    stored.set_sform(other, 1)
    nib.save(stored, dwi(root, s))

  def unplaced_mask(s):
    nib.save(nib.Nifti1Image(scans.lesion_mask()[::2], None), mask(root, s))

  def linked(s):
    target = root.with_name('elsewhere.nii.gz')
    dwi(root, s).rename(target)
    dwi(root, s).symlink_to(target)

  def unknown_codes(s):
    codes = np.full(SCAN_GRID.shape, 2, np.int16)
    codes[5, 5, 5] = 1035
    scans.save(scans.segmentation_path(root, s), codes)

  kinds = {
    'truncated': (damaged(lambda content: content[: len(content) // 2]), '^dwi: truncated'),
    'corrupt': (damaged(corrupt), '^dwi: corrupt gzip'),
    'text': (lambda s: dwi(root, s).write_bytes(b'Dear colleague'), '^dwi: .*expected'),
    'absurd': (absurd, '^dwi: .*30000.*expected'),
    'nan': (image(with_value(np.nan)), '^dwi: 1 of 65536 voxels are not finite'),
    'infinite': (image(with_value(np.inf)), '^dwi: 1 of 65536 voxels are not finite'),
    'series': (image(np.stack([good, good], -1)), r'^dwi: .*64, 64, 16, 2.*expected three'),
    'constant': (image(np.ones_like(good)), '^dwi: constant, every voxel is 1, expected'),
    'mask': (image(np.uint8(good > 0)), '^dwi: holds 0 and 1 alone, as a mask does, expected a scan'),
    'shifted': (lambda s: two_places(s, shift_mm=2), '^dwi: .*qform.*sform'),
    'mirrored': (lambda s: two_places(s, mirror=True), '^dwi: .*qform.*sform'),
    'elsewhere': (unplaced_mask, r'^lesion: shape .* does not say where it is'),
    'graded': (lesion(2 * scans.lesion_mask()), '^lesion: holds 2, expected a mask of 0 and 1'),
    'empty': (lesion(0 * scans.lesion_mask()), '^lesion: the mask is empty in a positive case'),
    'codes': (unknown_codes, r'^segmentation: label codes \[1035\] are not in aseg28'),
    'missing': (lambda s: dwi(root, s).unlink(), '^dwi: missing file, expected'),
    'dangling': (
      lambda s: (dwi(root, s).unlink(), dwi(root, s).symlink_to(root / 'absent')),
      '^dwi: a link to a file that is absent',
    ),
    'linked': (linked, '^dwi: is a link that leads outside the input folder'),
    'twice': (
      lambda s: shutil.copy(dwi(root, s), dwi(root, s).with_name(f'{s}_acq-b_dwi.nii.gz')),
      '^dwi: 2 files fit, expected one',
    ),
  }
  for number, (kind, (break_it, _)) in enumerate(kinds.items()):
    scans.save_subject(root, f'sub-{kind}', number)
    break_it(f'sub-{kind}')
  return {f'sub-{kind}': pattern for kind, (_, pattern) in kinds.items()}


def plant_secrets(root: Path) -> list[str]:
  """A cohort whose every corner holds something of a patient; returns what must not come out."""
  headers = {
    'descrip': b'born 1950-02-01',
    'aux_file': b'JaneSmith.aux',
    'intent_name': b'MRN4711',
    'db_name': b'Secret-DB',
  }
  contents = {'dwi': scans.scan(1), 'adc': scans.scan(2, lesion=False), 'mask': scans.lesion_mask()}
  contents['adc'][scans.LESION_VOXELS] = 50
  for session in ('ses-20230405', 'ses-JSmith'):
    for name, data in contents.items():
      folder = (
        root / 'sub-X1' / session / 'dwi' if name != 'mask' else root / 'derivatives' / 'Dr-Quack'
      )
      path = folder / f'sub-X1_{session}_rec-Wilhelmina_{name}.nii.gz'
      scans.save(path, data, **headers)
      # The name and the time of the file that was packed.
      plain = gzip.decompress(path.read_bytes())
      with open(path, 'wb') as raw, gzip.GzipFile('Smith_Jane.nii', 'wb', fileobj=raw) as file:
        file.write(plain)
  (root / 'derivatives' / 'Dr-Quack' / 'sub-X1_ses-JSmith_rec-Wilhelmina_mask.nii.gz').write_bytes(
    b'bad'
  )
  sidecar = {'PatientName': 'Smith^Jane', 'AcquisitionDateTime': '2023-04-05T06:07:08', 'Age': '073Y'}
  (root / 'sub-X1/ses-JSmith/dwi/sub-X1_ses-JSmith_rec-Wilhelmina_dwi.json').write_text(
    json.dumps(sidecar)
  )
  (root / 'dataset_description.json').write_text('{"Name": "Hospital of Smallville"}')
  (root / 'sub-X2' / 'dwi').mkdir(parents=True)
  (root / 'participants.tsv').write_text(
    'participant_id\tsex\tage\tname\tgroup\n'
    'sub-X1\tfemale73\t073Y\tWilhelmina\tn/a\n'
    'sub-X2\tmale81\t81\tWilhelmina\tkilled by Quack\n'
  )
  secrets = ['Smith', 'Jane', '1950', 'MRN4711', 'Secret-DB', '20230405', '2023-04-05', '073Y']
  return [*secrets, 'Wilhelmina', 'Quack', 'female73', 'male81', 'killed', 'Smallville']
