"""Images: headers field by field, pairs of fields, files cut and changed inside and outside gzip."""

import base64
import gzip
import io
import json
import random
from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np

from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.preparation import quality
from stroke_tfds.preparation.case import hash_inputs, prepare_case
from stroke_tfds.preparation.find_cases import Case
from stroke_tfds.preparation.folder import Settings
from tests.campaigns.kinds import Kind
from tests.campaigns.mutations import FLOATS, INTS, mutate_bytes

SECRET = 'JaneSmith'  # In texts of headers; no error may say it.
_ODD_INTS = (*INTS, 16, 32, 64, 1536, 2304, 1792, 768, 1280)
_ENDINGS = ('.nii', '.nii.gz', '.mgz', '.mgh', '.NII.GZ', '.img', '.hdr', '.txt')


class Images(Kind):
  """Files through the three readers of images."""

  SHARE = 34

  def set_up(self) -> None:
    self.bases = _base_files()
    self.fields = [field for name, base in self.bases.items() for field in _fields(name, base[1])]
    self.singles = [(field, value) for field in self.fields for value in _values(field[2])]

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    content, ending = self.draw(index, rng)
    path = self.work / f'in{ending}'
    reader = rng.choice([nifti.read_image, nifti.read_mask, nifti.read_label_map])

    def read() -> None:
      path.write_bytes(content)
      volume = reader(path)
      assert volume.data.ndim == 3 and np.all(np.isfinite(volume.affine)), 'a volume that is none'
      assert volume.spacing_mm.min() > 0 and volume.voxel_volume_ml > 0, 'voxels without size'

    return read

  def draw(self, index: int, rng: random.Random) -> tuple[bytes, str]:
    """Bytes of a file, and the ending of its name."""
    if index % 2:
      changes = [rng.choice(self.singles)]
      base = changes[0][0][0]
    else:
      base = rng.choice(list(self.bases))
      own = [field for field in self.fields if field[0] == base]
      pair = rng.sample(own, 2) if rng.random() < 0.4 else []
      changes = [(field, rng.choice(_values(field[2]))) for field in pair]
    content = bytearray(self.bases[base][0])
    for (_, at, dtype), value in changes:
      content[at : at + dtype.itemsize] = _packed(value, dtype)
    zipped, damage = (
      rng.random() < 0.5,
      '' if changes else rng.choice(['cut', 'flip', 'inside', 'grow']),
    )
    content = _damage_inside(rng, bytes(content), damage)
    content = gzip.compress(content, mtime=0) if zipped else content
    if damage == 'cut':
      content = content[: int(len(content) * rng.random())]
    if damage == 'flip':
      content = mutate_bytes(rng, content)
    ending = ('.mgz' if zipped else '.mgh') if base == 'mgh' else ('.nii.gz' if zipped else '.nii')
    return content, rng.choice(_ENDINGS) if rng.random() < 0.02 else ending


class Cases(Images):
  """Files that the readers may take, as one of a case that is prepared."""

  SHARE = 7

  def set_up(self) -> None:
    super().set_up()
    self.grid = Grid('tiny', (16, 16, 4), (12.0, 12.0, 32.0), (-96.0, -114.0, -56.0))
    self.template = quality.load_template(self.grid)

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    content, ending = self.draw(index, rng)
    role, seed = rng.choice(['dwi', 'dwi', 'lesion', 'segmentation', 'adc']), rng.randrange(2**30)

    def prepare() -> None:
      files = self._sound_files(np.random.default_rng(seed))
      files[role] = self.work / f'{role}-changed{ending}'
      files[role].write_bytes(content)
      case = Case('sub-1', 'sub-1', 'positive', '', files)
      hash_inputs(case)
      settings = Settings('bids', ('dwi', 'adc'), 'none', self.grid)
      made = prepare_case(case, settings, self.work, self.template)
      assert np.isfinite(made.image).all() and made.image.min() >= 0 and made.image.max() <= 1, 'scale'
      json.dumps(made.facts, allow_nan=False)

    return prepare

  def _sound_files(self, rng: np.random.Generator) -> dict[str, Any]:
    shape = self.grid.shape
    data = {
      'dwi': rng.random(shape).astype(np.float32) * 1000,
      'adc': rng.random(shape).astype(np.float32) * 1000,
      'lesion': (rng.random(shape) > 0.7).astype(np.uint8),
      'segmentation': rng.integers(2, 4, shape).astype(np.int16),
    }
    files = {role: self.work / f'{role}.nii' for role in data}
    for role, values in data.items():
      nib.save(nib.Nifti1Image(values, self.grid.affine), files[role])
    return files


def _base_files() -> dict[str, tuple[bytes, Any]]:
  """Name -> bytes and header of a sound file."""
  rng = np.random.default_rng(0)
  affine = np.diag([-2, 2, 3, 1.0])
  affine[:3, 3] = 5, -7, 9
  image, labels = rng.random((6, 5, 4)).astype(np.float32), rng.integers(0, 60, (6, 5, 4))
  big_endian = nib.Nifti1Header(endianness='>')
  kinds = {
    'n1': nib.Nifti1Image(image, affine),
    'n1_big_endian': nib.Nifti1Image((image > 0.5).astype(np.int16), affine, big_endian),
    'n1_bytes': nib.Nifti1Image((image > 0.5).astype(np.uint8), affine),
    'n2': nib.Nifti2Image(labels.astype(np.int32), affine),
    'mgh': nib.MGHImage(labels.astype(np.float32), affine),
  }
  files = {}
  for name, made in kinds.items():
    if name != 'mgh':
      made.set_qform(affine, 1)
      made.set_sform(affine, 1)
      made.header['descrip'] = made.header['intent_name'] = SECRET.encode()
    stream = io.BytesIO()
    for part in made.file_map.values():
      part.fileobj = stream
    made.to_file_map()
    files[name] = (stream.getvalue(), made.header)
  return files


def _fields(name: str, header: Any) -> list[tuple[str, int, np.dtype]]:
  """Base, offset and type of each number of a header."""
  dtype, found = header._structarr.dtype, []
  for field in dtype.names:
    kind, offset = dtype.fields[field][:2]
    item, shape = kind.subdtype or (kind, ())
    count = int(np.prod(shape, dtype=int))
    found += [(name, offset + k * item.itemsize, item) for k in range(count)]
  return found


def _values(dtype: np.dtype) -> list[Any]:
  """What is put there; texts as base 64."""
  if dtype.kind in 'iu':
    limits = np.iinfo(dtype)
    return [n for n in _ODD_INTS if limits.min <= n <= limits.max]
  if dtype.kind == 'f':
    return list(FLOATS)
  n = dtype.itemsize
  texts = (b'', b'\xff' * n, b'ni1', b'n+1', b'n+2', b'<script>', SECRET.encode(), b'\n' * n)
  return [base64.b64encode(text[:n].ljust(n, b'\0')).decode() for text in texts]


def _packed(value: Any, dtype: np.dtype) -> bytes:
  if dtype.kind in 'SV':
    return base64.b64decode(value)
  with np.errstate(over='ignore'):
    return np.array(value).astype(dtype).tobytes()


def _damage_inside(rng: random.Random, content: bytes, damage: str) -> bytes:
  if damage == 'inside':
    return mutate_bytes(rng, content)
  if damage == 'grow':
    return content + rng.choice([b'\0', content, b'\x1f\x8b', b'x' * 5000])
  return content
