"""Names of the bundles that come with the distribution keras-itm-bundles, and where it keeps them."""

import importlib.util
import os
from pathlib import Path

NAMES = ('phantom-mini/lesion_generator', 'phantom-mini/segmenter', 'phantom-mini/translator')
PACKAGE = 'keras_itm_bundles'
_SETS = {name.partition('/')[0] for name in NAMES}


def folder_of(path: str | os.PathLike[str]) -> Path:
  """The folder of a bundle that is given by its path or its name; a folder that is there comes first.

  Raises:
    ValueError: No bundle of this name, or a distribution that is not installed or lacks it.
  """
  path = Path(path).expanduser()
  if not _SETS.intersection(path.parts[:1]) or os.path.exists(path):
    return path
  name = path.as_posix()
  if name not in NAMES:
    raise ValueError(f'{name}: no bundle of this name, expected one of {", ".join(NAMES)}')
  # The package is looked for, not imported: a bundle is data.
  found = importlib.util.find_spec(PACKAGE)
  if found is None:
    raise ValueError(
      f'{name}: comes with keras-itm-bundles, which is not installed; make bundles leaves its wheel: '
      'pip install dist/keras_itm_bundles-*.whl'
    )
  for folder in found.submodule_search_locations or ():
    if (Path(folder) / name).is_dir():
      return Path(folder) / name
  raise ValueError(f'{name}: not in {PACKAGE} as it is installed ({found.origin}); install it again')
