"""Simulated gliomas beside a real one: volumes of tissues, and each contrast relative to white matter.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.phantom_tumours
Hardware: 2 CPU cores.
Time: about 4 minutes, most of them the data set phantom_tumour/mini.
Expected: healthy tissue and oedema in the same order in each contrast as in the real case.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from experiments._common import DATA_DIR, build, samples, write_table
from stroke_tfds import open_sources
from stroke_tfds.brats.brats_dataset_builder import Builder, make_example
from stroke_tfds.brats.folder import BratsFolder
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom.structural_signal import CONTRASTS

_TISSUES = {
  'white matter': 'cerebral white matter',
  'cortex': 'cerebral cortex',
  'ventricles': 'lateral ventricle',
  **{name: name for name in ASEG28_TUMOUR.lesion_classes},
}
_NAMES = {'t1': '_t1', 't1c': '_t1ce', 't2': '_t2', 'fla': '_flair', 'seg_consensus_mav': '_seg'}


def main() -> None:
  (source,) = open_sources([f'{build("phantom_tumour/mini")}:train'], str(DATA_DIR))
  ml = source.grid.voxel_volume_ml
  phantoms = [_measure(case, ml) for case in source.examples().as_numpy_iterator()]
  real = [_measure(_real_case(), ml)]
  rows = []
  for name, cases in (('phantom', phantoms), ('real', real)):
    for tissue in _TISSUES:
      of_all = [case[tissue] for case in cases if tissue in case]
      medians = {key: float(np.median([case[key] for case in of_all])) for key in of_all[0]}
      rows.append({'cases': name, 'tissue': tissue, 'n': len(of_all), **medians})
  write_table(__file__, rows)


def _measure(case: dict[str, Any], voxel_ml: float) -> dict[str, dict[str, float]]:
  """Volume and median of each contrast, in units of white matter's, by tissue of 20 voxels or more."""
  found = {}
  for tissue, words in _TISSUES.items():
    inside = np.isin(case['labels'], [i for i, n in enumerate(ASEG28_TUMOUR.names) if words in n])
    if inside.sum() >= 20:
      found[tissue] = {'ml': float(inside.sum()) * voxel_ml} | {
        name: float(np.median(case['image'][inside, i])) for i, name in enumerate(CONTRASTS)
      }
  white = dict(found['white matter'])
  for values in found.values():
    values.update({name: values[name] / white[name] for name in CONTRASTS})
  return found


def _real_case() -> dict[str, Any]:
  folder = samples('tumour') / 'tcga_lgg_FG-6692'
  with tempfile.TemporaryDirectory() as root:
    case = Path(root) / 'X'
    case.mkdir()
    for name, ending in _NAMES.items():
      shutil.copy(folder / f'FG-6692_{name}.nii.gz', case / f'X{ending}.nii.gz')
    return make_example(Builder.BUILDER_CONFIGS[0], BratsFolder(Path(root), CONTRASTS).cases['X'])


if __name__ == '__main__':
  main()
