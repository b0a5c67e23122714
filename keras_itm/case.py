"""One synthetic case: a lesion is drawn, put into a label map and translated into an image."""

import dataclasses
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from keras_itm import lesions, synthesis
from keras_itm.appearance import of_healthy
from keras_itm.bundle import Bundle, check_takes_labels, load_bundle
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR
from keras_itm.viewer.page import Page, write_page
from keras_itm.viewer.view import View, flat_facts

_TOLERANCE_MM = 1e-3


@dataclasses.dataclass(frozen=True)
class Case:
  """A synthetic case.

  Attributes:
    image: float16 [X, Y, Z, C] in [0, 1].
    labels: Label map without lesion, uint8 [X, Y, Z].
    lesion: 0 or 1, uint8 [X, Y, Z].
    affine: Voxel index to MNI millimetres, [4, 4].
    facts: How it was made: lesion_seed, lesion_draws, lesion_draw_voxels, and the fingerprints of
      translator and lesion_generator; `redraw` where it is not the first draw, `appearance` where the
      translator takes such numbers; JSON values.
    generated: The lesion before it was restricted to the brain's parenchyma, uint8 [X, Y, Z].
    label_names: What the ids of `labels` are called, in their order; none where that is unknown.
  """

  image: np.ndarray = dataclasses.field(repr=False)
  labels: np.ndarray = dataclasses.field(repr=False)
  lesion: np.ndarray = dataclasses.field(repr=False)
  affine: np.ndarray = dataclasses.field(repr=False)
  facts: dict[str, Any]
  generated: np.ndarray = dataclasses.field(repr=False)
  label_names: tuple[str, ...] = ()

  def save(self, folder: str | os.PathLike[str]) -> None:
    """Writes `image` (4D with several contrasts), `labels`, `lesion` as .nii.gz, and case.json.

    The latter holds the facts and `label_names`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scan = self.image.astype(np.float32)  # NIfTI has no half precision.
    scan = scan[..., 0] if scan.shape[-1] == 1 else scan
    for name, volume in (('image', scan), ('labels', self.labels), ('lesion', self.lesion)):
      image = nib.Nifti1Image(volume, self.affine)
      for place in (image.set_sform, image.set_qform):
        place(self.affine, code='mni')
      image.header.set_xyzt_units('mm')
      # There whole or not at all.
      nib.save(image, folder / f'.{name}.nii.gz')
      (folder / f'.{name}.nii.gz').replace(folder / f'{name}.nii.gz')
    facts = {**self.facts, 'label_names': self.label_names}
    (folder / 'case.json').write_text(json.dumps(facts, indent=2) + '\n', encoding='utf-8')

  def view(self, path: str | os.PathLike[str] | None = None) -> Page:
    """Shows slices, volume, lesion and anatomy in a page that needs no network.

    Args:
      path: Where the page is written; when None, it goes to a temporary folder and is opened in the
        machine's browser.

    Returns:
      The page; as the last value of a cell, a notebook shows it in place.
    """
    n_contrasts = self.image.shape[-1]
    names = [f'contrast {i + 1}' for i in range(n_contrasts)] if n_contrasts > 1 else ['image']
    seed, index = self.facts['lesion_seed']
    view = View(
      f'Synthetic case {index} of seed {seed}',
      dict(zip(names, np.moveaxis(self.image, -1, 0))),
      self.affine,
      {'lesion': self.lesion},
      flat_facts(self.facts),
      labels=self.labels,
      label_names=self.label_names,
    )
    if path is not None:
      return write_page(path, view)
    page = write_page(Path(tempfile.mkdtemp()) / 'case.html', view)
    page.open()
    return page


def synthesize(
  labels: np.ndarray | str | os.PathLike[str],
  translator: Bundle | str | os.PathLike[str],
  lesion_generator: Bundle | str | os.PathLike[str],
  *,
  seed: int,
  index: int = 0,
  min_voxels: int = lesions.MIN_VOXELS,
  max_draws: int = 100,
  equalize_slice_brightness: bool = True,
  tissue: np.ndarray | None = None,
  redraw: int = 0,
  chance: synthesis.Chance | None = None,
  negative: bool = False,
  appearance: Mapping[str, float] | None = None,
) -> Case:
  """Makes one case (Platscher et al. 2020, section 2.3).

  For a brain and number of a built `synthetic_stroke` set it is that volume of the set, bit for bit (by
  a translator of `parenchyma_median` with the same `tissue`).

      case = keras_itm.synthesize('labels.nii.gz', 'translator/bundle', 'lesion_gan/bundle', seed=0)
      case.save('case')

  Args:
    labels: Label map without lesion on the bundles' grid: whole numbers [X, Y, Z] (axes right,
      anterior, superior), or a NIfTI file.
    translator: A translator, or the folder of its bundle.
    lesion_generator: A lesion generator, or the folder of its bundle.
    seed: With `index` it decides the lesion and the translator's latent.
    index: Number of the case among those of the same seed.
    min_voxels: Smaller lesions are drawn again.
    max_draws: Draws before giving up.
    equalize_slice_brightness: Whether all slices get one brightness.
    tissue: Where the unit of the image is measured by a translator of `parenchyma_median`, bool
      [X, Y, Z]; the map's parenchyma when None. Data sets take that of the MNI152 template,
      `stroke_tfds.imaging.mni152.brain_tissue(grid)`.
    redraw: How often a set's audit rejected the volume of this number before this one; nothing is
      audited here.
    chance: Mask of a lesion, uint8 [X, Y, Z] -> chance to be kept rather than drawn again, from 0 to 1;
      1 when None.
    negative: Whether the case has no lesion.
    appearance: Numbers to ask a translator for that learnt with them, by name, such as
      `{'DWI.lesion_to_parenchyma': 1.6}`; the others are drawn as its training cases had them with
      these.

  Raises:
    BundleError: A bundle that is missing, broken or of another kind, or a translator of classes.
    ValueError: Bundles of two grids or label schemes, a map of another grid, with unknown labels or
      without parenchyma, an appearance that the translator has not learnt, or that of a lesion in a
      case without.
    LesionDrawError: `max_draws` lesions were all too small.
  """
  translator = _opened(translator, TRANSLATOR)
  check_takes_labels(translator)
  generator = _opened(lesion_generator, LESION_GENERATOR)
  check_agreement(translator, generator)
  affine = _affine(translator.spec.grid)
  brain = _checked_labels(labels, translator, affine)
  if negative and appearance and of_healthy(appearance) != dict(appearance):
    raise ValueError(
      f'appearance {", ".join(appearance)} asked for a case without lesion, expected none of a lesion'
    )
  drawn = synthesis.draw_appearance(translator, index, seed=seed, redraw=redraw, asked=appearance)
  drawn = of_healthy(drawn) if negative else drawn
  paint = lambda lesion: synthesis.translate(
    translator,
    brain,
    lesion,
    index,
    seed=seed,
    equalize_slice_brightness=equalize_slice_brightness,
    tissue=tissue,
    redraw=redraw,
    appearance=drawn,
  )
  return draw_case(
    brain,
    translator,
    generator,
    paint,
    seed=seed,
    index=index,
    min_voxels=min_voxels,
    max_draws=max_draws,
    redraw=redraw,
    chance=chance,
    negative=negative,
    appearance=drawn,
  )


def draw_case(
  labels: np.ndarray,
  translator: Bundle,
  lesion_generator: Bundle,
  paint: Callable[[np.ndarray], np.ndarray],
  *,
  seed: int,
  index: int,
  min_voxels: int,
  max_draws: int,
  redraw: int = 0,
  chance: synthesis.Chance | None = None,
  negative: bool = False,
  appearance: Mapping[str, float] | None = None,
) -> Case:
  """The same for bundles and labels that were checked, with a painter of one's own.

  Args:
    labels: Label map without lesion, uint8 [X, Y, Z].
    translator: What `paint` paints with.
    lesion_generator: Draws the lesion.
    paint: Lesion, uint8 [X, Y, Z] -> image [X, Y, Z, C] in [0, 1].
    seed: As for `synthesize`, and the following ones too.
    index: Number of the case.
    min_voxels: Smaller lesions are drawn again.
    max_draws: Draws before giving up.
    redraw: How often it was drawn before and rejected.
    chance: Mask of a lesion -> chance to be kept.
    negative: Whether no lesion is drawn.
    appearance: Numbers that `paint` asks the translator for, all of them.

  Raises:
    LesionDrawError: `max_draws` lesions were all too small.
  """
  nothing = np.zeros_like(labels)
  drawn = synthesis.DrawnLesion(nothing, (), nothing)
  if not negative:
    (drawn,) = synthesis.draw_lesions(
      lesion_generator,
      labels[np.newaxis],
      [index],
      seed=seed,
      min_voxels=min_voxels,
      max_draws=max_draws,
      redraw=redraw,
      chance=chance,
    )
  facts = {
    'lesion_seed': [seed, index],
    'lesion_draws': len(drawn.draw_voxels),
    'lesion_draw_voxels': list(drawn.draw_voxels),
    'translator': translator.fingerprint,
    'lesion_generator': lesion_generator.fingerprint,
    **({'redraw': redraw} if redraw else {}),
    **({'appearance': dict(appearance)} if appearance else {}),
  }
  affine = _affine(translator.spec.grid)
  image = paint(drawn.mask).astype(np.float16)
  names = tuple(translator.spec.label_scheme['names'])
  return Case(image, labels, drawn.mask, affine, facts, drawn.generated, names)


def _opened(bundle: Bundle | str | os.PathLike[str], kind: str) -> Bundle:
  if not isinstance(bundle, Bundle):
    return load_bundle(bundle, kind)
  if bundle.spec.kind != kind:
    raise ValueError(f'{bundle.path}: a bundle of kind {bundle.spec.kind!r}, expected {kind!r}')
  return bundle


def check_agreement(translator: Bundle, generator: Bundle) -> None:
  """Refuses bundles of two grids or label schemes by a ValueError."""
  for field in ('grid', 'label_scheme'):
    one, other = getattr(translator.spec, field), getattr(generator.spec, field)
    if one != other:
      raise ValueError(
        f'translator {translator.path} has the {field} {one}, lesion generator {generator.path} has '
        f'{other}; expected the same'
      )


def _affine(grid: dict[str, Any]) -> np.ndarray:
  affine = np.diag([*grid['spacing_mm'], 1.0])
  affine[:3, 3] = np.asarray(grid['corner_mm']) + np.asarray(grid['spacing_mm']) / 2
  return affine


def _checked_labels(
  labels: np.ndarray | str | os.PathLike[str], translator: Bundle, affine: np.ndarray
) -> np.ndarray:
  """The label map as uint8, or a line that says what is wrong with it."""
  spec, name = translator.spec, 'labels'
  shape = tuple(spec.grid['shape'])
  if not isinstance(labels, np.ndarray):
    name = str(labels)
    labels = _read_map(name, shape, affine, translator)
  if labels.shape != shape:
    raise ValueError(
      f'{name}: shape {labels.shape}, expected {shape}, the grid of {translator.path}; '
      'stroke_tfds.read_map brings a map there'
    )
  structures, scheme = len(spec.label_scheme['names']), spec.label_scheme['name']
  ids = np.unique(labels)
  unknown = [float(i) for i in ids if not (0 <= i < structures and i == int(i))]
  if unknown:
    raise ValueError(
      f'{name}: labels {unknown[:5]} are unknown, expected 0 to {structures - 1} of the label scheme '
      f'{scheme} of {translator.path}'
    )
  if not np.isin(ids, spec.label_scheme['parenchyma_ids']).any():
    raise ValueError(
      f'{name}: holds no parenchyma, expected some of the {scheme} labels '
      f'{spec.label_scheme["parenchyma_ids"]} of {translator.path}'
    )
  return labels.astype(np.uint8)


def _read_map(path: str, shape: tuple[int, ...], affine: np.ndarray, translator: Bundle) -> np.ndarray:
  """A NIfTI file on the grid; its header is looked at before its voxels are read."""
  try:
    image = nib.as_closest_canonical(nib.load(path))
  except (OSError, ValueError, EOFError, zlib.error, nib.filebasedimages.ImageFileError) as error:
    raise ValueError(
      f'{path}: no NIfTI file that can be read ({str(error).splitlines()[0]})'
    ) from error
  if image.shape != shape or not np.allclose(image.affine, affine, atol=_TOLERANCE_MM):
    corner = (image.affine[:3, 3]).round(3).tolist()
    raise ValueError(
      f'{path}: {image.shape} voxels from {corner} mm, spacing '
      f'{nib.affines.voxel_sizes(image.affine).round(3).tolist()} mm, expected the grid of '
      f'{translator.path}: {shape} from {affine[:3, 3].tolist()} mm, spacing '
      f'{translator.spec.grid["spacing_mm"]} mm'
    )
  try:
    return np.asarray(image.dataobj)
  except (OSError, ValueError, EOFError, zlib.error) as error:
    raise ValueError(f'{path}: cannot be read to its end ({str(error).splitlines()[0]})') from error
