"""Where the files of a cohort lie: tables of patterns for each layout that can be read."""

import dataclasses
import fnmatch
import re
from collections.abc import Iterable

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import lesion_names, listing
from stroke_tfds.preparation.lesion_names import Found
from stroke_tfds.preparation.tables import HEALTHY, NEGATIVE

LESION, SEGMENTATION = 'lesion', 'segmentation'
DWI, ADC = 'dwi', 'adc'

# Patterns are matched without the file's ending; `*` goes across folders, `!` excludes. Where a group
# of patterns finds something, the groups after it are not looked at.
Patterns = tuple[tuple[str, ...], ...]
UNDECLARED = 'undeclared'  # Group of a case without mask until the user says what it is.

_SEGMENTATIONS: Patterns = (
  ('derivatives/*/aseg', 'derivatives/*/aseg.mgz'),
  ('derivatives/*aseg', 'derivatives/*synthseg'),
  # fMRIPrep has four: of tissues, in MNI space, with and without parcels of the cortex.
  ('derivatives/*_desc-aseg_dseg', '!*_space-*'),
  ('derivatives/*_dseg', '!*aparc*', '!*_space-mni*'),
  ('derivatives/*_dseg', '!*aparc*'),
)


@dataclasses.dataclass(frozen=True)
class Layout:
  """Patterns of one kind of input; {subject} is `sub-X`, {session} is `ses-Y` where there is one.

  Attributes:
    images: Patterns by contrast; the key `*` stands for any other, as {contrast}.
    lesion: Patterns of the mask; where `lesion_by_words`, only to describe it.
    without_mask: Group of a case without mask; '' where each must have one, 'undeclared' where the
      user has to say it.
    some_masks: Whether an input without any mask is refused.
    lesion_by_words: Whether the words in a name tell which mask is the lesion's.
    has_table: Whether participants.tsv says groups and splits.
    other_lesions: Patterns of masks of other lesions: who has one alone is not healthy.
    coded_in: Column of participants.tsv that says who had a stroke, '' for none.
  """

  images: dict[str, Patterns]
  lesion: Patterns
  without_mask: str
  some_masks: bool
  lesion_by_words: bool = False
  has_table: bool = False
  other_lesions: Patterns = ()
  coded_in: str = ''

  def patterns(self, role: str) -> Patterns:
    """Of an image or of segmentations."""
    return _SEGMENTATIONS if role == SEGMENTATION else self.images.get(role) or self.images['*']


def _isles(contrast: str, folder: str, name: str) -> dict[str, Patterns]:
  return {
    contrast: (
      (
        f'rawdata/{{subject}}/{{session}}/{{subject}}_{{session}}_{contrast}',
        f'{{subject}}/{{session}}/{folder}/{{subject}}_{{session}}_{name}',
      ),
    )
  }


LAYOUTS = {
  'soop': Layout(
    images={
      'dwi': (('{subject}/dwi/{subject}_rec-TRACE_dwi',),),
      'adc': (('{subject}/dwi/{subject}_rec-ADC_dwi',),),
      'flair': (('{subject}/anat/{subject}_FLAIR',),),
      't1w': (('{subject}/anat/{subject}_T1w',),),
    },
    lesion=(('derivatives/lesion_masks/{subject}/dwi/{subject}_space-TRACE_desc-lesionAcute_mask',),),
    without_mask=NEGATIVE,
    some_masks=True,
    other_lesions=(
      ('derivatives/lesion_masks/{subject}/dwi/{subject}_space-TRACE_desc-lesion*_mask',),
    ),
    coded_in='acuteischaemicstroke',
  ),
  'isles22': Layout(
    images={
      **_isles('dwi', 'dwi', 'dwi'),
      **_isles('adc', 'dwi', 'adc'),
      **_isles('flair', 'anat', 'FLAIR'),
    },
    lesion=(('derivatives/{subject}/{session}/{subject}_{session}_msk',),),
    without_mask='',
    some_masks=False,
  ),
  'bids': Layout(
    images={
      'dwi': (
        ('{folder}/dwi/{stem}_*rec-TRACE*_dwi', '{folder}/dwi/{stem}_*trace'),
        ('{folder}/dwi/{stem}_*dwi', '!*rec-ADC*', '!*[-_]b0_*'),
      ),
      'adc': (('{folder}/dwi/{stem}_*adc', '{folder}/dwi/{stem}_*rec-ADC*_dwi'),),
      '*': (('{folder}/*/{stem}_{contrast}', '{folder}/*/{stem}_*_{contrast}'),),
    },
    lesion=(('derivatives/{folder}/{stem}_label-lesion_mask',),),
    without_mask=UNDECLARED,
    some_masks=False,
    lesion_by_words=True,
    has_table=True,
  ),
}
LAYOUTS['dicom'] = LAYOUTS['bids']  # As which `dicom.as_bids` writes it.


def choose_layout(source: str, contrasts: tuple[str, ...], without_mask: str) -> Layout:
  """A layout that has the contrasts asked for.

  Args:
    source: A key of `LAYOUTS`.
    contrasts: Names of images.
    without_mask: 'negative', 'healthy' or ''.

  Raises:
    InputError: One of them is unknown.
  """
  if source not in LAYOUTS:
    raise InputError(f'source is {source!r}, expected one of {list(LAYOUTS)}')
  layout = LAYOUTS[source]
  if not contrasts or len(set(contrasts)) < len(contrasts):
    raise InputError(f'contrasts are {list(contrasts)}, expected one or more, each once')
  for contrast in contrasts:
    if contrast in (LESION, SEGMENTATION) or not re.fullmatch('[a-z0-9]+', contrast):
      raise InputError(f'contrast is {contrast!r}, expected small letters and digits such as adc')
    if contrast not in layout.images and '*' not in layout.images:
      raise InputError(f'contrast {contrast!r}: {source} has {list(layout.images)}')
  if without_mask not in ('', NEGATIVE, HEALTHY):
    raise InputError(f'without_mask is {without_mask!r}, expected {NEGATIVE} or {HEALTHY}')
  return layout


def find_lesions(layout: Layout, paths: Iterable[str], names: dict[str, str]) -> Found:
  """Masks of the lesion among the files of a subject or session."""
  if layout.lesion_by_words:
    return lesion_names.find_lesions(paths, names['subject'])
  return Found(match(paths, layout.lesion, names), True)


def find_segmentations(layout: Layout, paths: Iterable[str], names: dict[str, str]) -> list[str]:
  """Segmentations among the same; a lesion that is stored as one is none."""
  others = [path for path in paths if not lesion_names.is_named_lesion(path)]
  return match(others, layout.patterns(SEGMENTATION), names)


def describe(patterns: Patterns, contrast: str = '') -> str:
  """The most general names, with X and Y for labels: the true ones may be dates."""
  names = {'subject': 'sub-X', 'session': 'ses-Y', 'contrast': contrast}
  names |= {'folder': 'sub-X[/ses-Y]', 'stem': 'sub-X[_ses-Y]'}
  wanted = [pattern for pattern in patterns[-1] if not pattern.startswith('!')]
  return ' or '.join(f'{pattern.format(**names)}.nii.gz' for pattern in wanted)


def match(paths: Iterable[str], patterns: Patterns, names: dict[str, str]) -> list[str]:
  """Paths that fit the first group of patterns that any fits; upper and lower case are one."""
  stems = {path: listing.without_ending(path).lower() for path in paths}
  for group in patterns:
    wanted: list[str] = []
    unwanted: list[str] = []
    for pattern in group:
      filled = pattern.lstrip('!').format(**names).lower()
      (unwanted if pattern.startswith('!') else wanted).append(filled)
    fits = lambda stem, any_of: any(fnmatch.fnmatchcase(stem, pattern) for pattern in any_of)
    found = [path for path, stem in stems.items() if fits(stem, wanted) and not fits(stem, unwanted)]
    if found:
      return sorted(found)
  return []
