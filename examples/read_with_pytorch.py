"""A built set and an exported folder in PyTorch's DataLoader, without TensorFlow or keras-itm.

  pip install torch tensorflow-datasets array_record nibabel
  python examples/read_with_pytorch.py phantom_stroke/mini data
  python examples/read_with_pytorch.py exported

The first reads files in array_record, which are made once where the set was built; the second reads
what `export --format=nifti --output=exported` wrote:

  tfds convert_format --root_data_dir data --out_file_format array_record
"""

import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow_datasets as tfds
import torch


class BuiltSet(torch.utils.data.Dataset):
  """Cases of a built set, which TFDS reads at random."""

  def __init__(self, name: str, data_dir: str, split: str = 'train'):
    self._examples = tfds.data_source(name, data_dir=data_dir, split=split)

  def __len__(self) -> int:
    return len(self._examples)

  def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
    example = self._examples[index]
    image = np.moveaxis(example['image'], -1, 0).astype(np.float32)
    return {'image': torch.from_numpy(image), 'lesion': torch.from_numpy(example['lesion'].copy())}


class ExportedFolder(torch.utils.data.Dataset):
  """Cases of a folder that `export --format=nifti` wrote."""

  def __init__(self, folder: str, contrasts: tuple[str, ...] = ('DWI',)):
    self._cases = sorted(path.parent for path in Path(folder).glob('*/lesion.nii.gz'))
    self._contrasts = contrasts

  def __len__(self) -> int:
    return len(self._cases)

  def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
    read = lambda name: np.asarray(nib.load(self._cases[index] / f'{name}.nii.gz').dataobj)
    image = np.stack([read(name) for name in self._contrasts])
    return {'image': torch.from_numpy(image), 'lesion': torch.from_numpy(read('lesion'))}


def main(where: str, data_dir: str = '', n_cases: int = 100) -> None:
  cases = BuiltSet(where, data_dir) if data_dir else ExportedFolder(where)
  started, n_read, n_lesion_voxels = time.monotonic(), 0, 0
  for batch in torch.utils.data.DataLoader(cases, batch_size=4, num_workers=2):
    n_read += len(batch['image'])
    n_lesion_voxels += int(batch['lesion'].sum())
    if n_read >= n_cases:
      break
  seconds = time.monotonic() - started
  shape = tuple(batch['image'].shape[1:])
  print(f'{n_read} cases of shape {shape}; {n_lesion_voxels} voxels of lesion; {seconds:.1f} s')


if __name__ == '__main__':
  main(*sys.argv[1:3])
