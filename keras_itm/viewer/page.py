"""One HTML file that shows a case by NiiVue: it needs no server, no network and no other file.

Texts of the data reach the page as JSON and become text nodes; a policy in its head allows the two
scripts that are in it and no connection.
"""

import base64
import dataclasses
import gzip
import hashlib
import html
import importlib.resources
import json
import os
import string
import webbrowser
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from keras_itm.viewer.colours import structure_colours
from keras_itm.viewer.view import View, middle_of, shown_range

_NIIVUE = 'niivue.umd.js.gz'
_MNI, _SCANNER = 4, 1  # NIfTI's codes of spaces.
_FRAME_PIXELS = 640
_TIMES = ' \N{MULTIPLICATION SIGN} '


@dataclasses.dataclass(frozen=True)
class Page:
  """A page that was written; a notebook shows it in place."""

  path: Path

  def open(self) -> None:
    """Opens it in the machine's browser, where there is one."""
    webbrowser.open(self.path.resolve().as_uri())

  def _repr_html_(self) -> str:
    content = html.escape(self.path.read_text('utf-8'))
    return (
      f'<iframe srcdoc="{content}" sandbox="allow-scripts" width="100%" height="{_FRAME_PIXELS}" '
      'style="border: 0"></iframe>'
    )


def write_page(path: str | os.PathLike[str], view: View) -> Page:
  """Writes the page of a case, or replaces it; the same bytes for the same case.

  Raises:
    OSError: The file cannot be written.
  """
  path = Path(path)
  path.write_bytes(render(view))
  return Page(path)


def render(view: View) -> bytes:
  """The content of the page; characters that no file may hold are shown by their codes."""
  script, style = (_read(name).decode() for name in ('page.js', 'page.css'))
  title = html.escape(view.title)
  page = string.Template(_read('page.html').decode()).substitute(
    title=title,
    policy=html.escape(_policy(script, style)),
    style=style,
    licences=html.escape(_read('LICENCES.txt').decode()),
    case=_script_json(_scene(view)),
    niivue=base64.b64encode(_read(_NIIVUE)).decode(),
    script=script,
  )
  return page.encode('utf-8', 'backslashreplace')


def _policy(script: str, style: str) -> str:
  """No network; the page's own script, and the viewer that it unpacks, are all that runs."""
  digest = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
  return (
    f"default-src 'none'; script-src 'sha256-{digest(script)}' blob:; "
    f"style-src 'sha256-{digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
  )


def _scene(view: View) -> dict[str, Any]:
  centres = {name: view.to_mm(middle_of(mask)) for name, mask in view.masks.items() if mask.any()}
  start = next(iter(centres.values()), view.to_mm(np.array(view.shape) // 2))
  spacing = _TIMES.join(f'{mm:.4g}' for mm in view.spacing_mm)
  return {
    'images': [
      {
        'name': name,
        'window': shown_range(image),
        'range': [float(image.min()), float(image.max())],
        'nifti': _nifti(image, view),
      }
      for name, image in view.images.items()
    ],
    'masks': [
      {
        'name': name,
        'volume': f'{view.volume_ml(mask):.3g} ml',
        'centre_mm': centres.get(name),
        'hidden': name in view.hidden,
        'nifti': _nifti(mask, view),
      }
      for name, mask in view.masks.items()
    ],
    'labels': None if view.labels is None else _labels(view.labels, view),
    'start_mm': start,
    'space': view.space,
    'grid': f'{_TIMES.join(map(str, view.shape))} voxels of {spacing} mm',
    'facts': [[term, str(text)] for term, text in view.facts.items()],
  }


def _labels(labels: np.ndarray, view: View) -> dict[str, Any]:
  names = view.structures
  return {
    'names': names,
    'colours': structure_colours(names),
    'nifti': _nifti(labels, view, intent='label'),
  }


def _nifti(volume: np.ndarray, view: View, intent: str = 'none') -> str:
  """A volume as gzipped NIfTI-1 in base64."""
  code = _MNI if view.space == 'MNI' else _SCANNER
  image = nib.Nifti1Image(_compact(volume), None)
  image.set_sform(view.affine, code)
  image.set_qform(view.affine, code, strip_shears=True)
  image.header.set_xyzt_units('mm')
  image.header.set_intent(intent)
  return base64.b64encode(gzip.compress(image.to_bytes(), mtime=0)).decode()


def _compact(volume: np.ndarray) -> np.ndarray:
  """The same values in a type that NIfTI has; what needs more than float32 is rounded to it."""
  if volume.dtype == bool:
    return volume.astype(np.uint8)
  low, high = volume.min(), volume.max()
  for kind in (np.uint8, np.int16):
    holds = np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    if holds and np.array_equal(volume, np.rint(volume)):
      return volume.astype(kind)
  return volume.astype(np.float32)


def _script_json(values: Any) -> str:
  """JSON that ends no element of a page that it stands in, whatever its texts are."""
  text = json.dumps(values, allow_nan=False)
  return text.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e')


def _read(name: str) -> bytes:
  return importlib.resources.files('keras_itm.viewer').joinpath(name).read_bytes()
