"""Measures and statistics of stroke segmentation and synthesis: NumPy in, numbers out.

No gin, no run folder, no figure; usable in anyone's project:

  >>> import numpy as np
  >>> from stroke_eval import segmentation
  >>> truth, prediction = np.zeros((8, 8, 4), bool), np.zeros((8, 8, 4), bool)
  >>> truth[2:4, 2:6, 1] = prediction[2:4, 2:4, 1] = True
  >>> measures = segmentation.measure(truth, prediction, spacing_mm=(1.5, 1.5, 4.0))
  >>> round(measures['dice'], 3), measures['lesion_f1'], round(measures['lesion_volume_ml'], 3)
  (0.667, 1.0, 0.072)

| module | what it measures |
|---|---|
| `segmentation` | a predicted mask against the true one |
| `held_out_cases` | a segmenter on its held-out cases, one by one |
| `statistics` | intervals over cases and seeds, tests, real-case equivalents, distances |
| `translation` | a translated volume against the real one of the same labels |
| `lesion_contrast` | how bright a lesion is beside healthy tissue |
| `lesion_sets` | generated masks against real ones |
| `lesion_weights` | sizes and places of lesions that a segmenter should see more of |
| `survey` | one pass over a data set |
| `synthesis_checks` | a synthetic set beside the set that its generators learnt from |
| `tissue_contrast` | contrasts, noise and histograms of scans |
| `two_sample` | can synthetic volumes be told from real ones, and by what |
| `slice_sets` | real and generated axial slices with their classes |
| `slice_features` | what such a slice is like, in named numbers |
| `slice_agreement` | do classes and image of a slice say the same |
| `nearest_slices` | copies of training slices, and how varied slices are |
| `slice_fidelity` | generated slices beside held-out real ones, by all of these |
| `slice_checks` | what of that should be as in real slices |
| `chosen_cases` | which cases pictures show |
| `plain_values` | numbers for JSON, which has no NaN |

A module is loaded when it is first used; `segmentation`, `statistics`, `lesion_contrast`, `survey`,
`lesion_weights`, `plain_values`, `two_sample` and, but for MS-SSIM, `translation` need no TensorFlow.
"""

import importlib

__all__ = [
  'chosen_cases',
  'held_out_cases',
  'lesion_contrast',
  'lesion_sets',
  'lesion_weights',
  'nearest_slices',
  'plain_values',
  'segmentation',
  'slice_agreement',
  'slice_checks',
  'slice_features',
  'slice_fidelity',
  'slice_sets',
  'statistics',
  'survey',
  'synthesis_checks',
  'tissue_contrast',
  'translation',
  'two_sample',
]


def __getattr__(name: str):
  if name not in __all__:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return importlib.import_module(f'{__name__}.{name}')


def __dir__() -> list[str]:
  return sorted({*globals(), *__all__})
