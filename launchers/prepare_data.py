"""Prepares a cohort of scans for training: registered to MNI152, on one grid, scaled to [0, 1].

  python -m launchers.prepare_data --source=soop --input=ds004889 --output=soop_prepared
  python -m launchers.prepare_data --source=isles22 --input=ISLES-2022 --output=isles_prepared \\
    --contrasts=dwi,adc --workers=4
  python -m launchers.prepare_data --source=bids --input=our_scans --output=ours_prepared \\
    --without_mask=healthy
  python -m launchers.prepare_data --source=bids --input=in_mni --output=ready --registration=none

Sources: soop (OpenNeuro ds004889), isles22 (both of its layouts), dicom (a folder for each patient with
its series at any depth, see below) and bids, which is

  sub-X/[ses-Y/]dwi/sub-X[_ses-Y]*_dwi.nii.gz, *_adc.nii.gz
  derivatives/**/sub-X[_ses-Y]*_mask.nii.gz              lesion, 0 and 1; see below
  derivatives/**/sub-X/**/aseg.mgz, *synthseg.nii.gz     segmentation, if there is one
  participants.tsv                                       if wanted, columns group (positive, negative,
                                                         healthy) and split (healthy, train, test)

A lesion's name ends in _mask, _msk, _roi or _dseg and holds lesion, stroke or infarct, or it ends in
one of these words (sub-X_lesion); else the one plain sub-X*_mask or _msk is taken that no word calls
something else (desc-, label-, brain, bet, csf, wm, ventricle, ...), if it looks like a lesion. One that
fills the brain is refused. With several sessions a mask names its own. What a case without a mask is
must be said: --without_mask=negative (a patient) or healthy, or the column group.

Sessions are numbered in their order. OUTPUT_sessions.tsv beside the output says which is which: it may
hold dates, so it stays with you.

Of dicom, each patient's folder may hold lesion.nii.gz and aseg.mgz beside the series. Nothing of a
header or a name is kept: a patient is called by a hash of the voxels, or as the folder where that is
sub-X; OUTPUT_sessions.tsv says which folder it was. Converted scans lie in a temporary folder (TMPDIR)
meanwhile. It needs: pip install "keras-itm[dicom]".

A DWI is one trace-weighted volume, b near 1000 s/mm2: average the directions of a series first; one
whose .bval says b = 0 is refused. It is scaled by its 99.5th percentile, as in the paper; large lesions
then saturate and darken all else. By --intensity_scaling=parenchyma_median 2.5 medians of the brain
tissue are 1. Sets that are used together share a scaling: phantom_stroke/mini has the medians,
phantom_stroke/paper the percentile. An ADC is scaled by 3.5e-3 mm2/s, whichever of the usual units it
has.

The same command again resumes: cases that are done are skipped, failed ones are tried again. The exit
status is 1 if any case failed. Look at quality.html in the output before you use it; suspicious cases
are left out of data sets by default. Then:
tfds build --imports stroke_tfds soop/mini --manual_dir soop_prepared. Registration needs:
pip install "keras-itm[ants]".
"""

from absl import flags

from launchers import program
from launchers.prepare_data_lib import prepare_data
from launchers.prepare_options import Options
from launchers.subject_pool import available_cores
from stroke_tfds.disk_errors import disk_errors_named
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.preprocessing import PERCENTILE, SCALINGS
from stroke_tfds.preparation.case import REGISTRATIONS
from stroke_tfds.preparation.layouts import LAYOUTS

_SOURCE = flags.DEFINE_enum('source', None, list(LAYOUTS), 'Layout of the input.')
_INPUT = flags.DEFINE_string('input', None, 'Folder of the download; it is only read.')
_OUTPUT = flags.DEFINE_string('output', None, 'Folder to make, outside the input.')
_WORKERS = flags.DEFINE_integer(
  'workers', None, 'Subjects at a time, about 0.7 GB of memory each; as many as cores when absent.', 1
)
_CONTRASTS = flags.DEFINE_list('contrasts', ['dwi'], 'Images of each case, the DWI first: dwi,adc.')
_REGISTRATION = flags.DEFINE_enum(
  'registration', 'syn', list(REGISTRATIONS), 'syn is affine, then deformable; none: in MNI space.'
)
_GRID = flags.DEFINE_string('grid', 'mni_128x128x32', 'Name of a grid, or its fields as JSON.')
_SCALING = flags.DEFINE_enum(
  'intensity_scaling', PERCENTILE, list(SCALINGS), 'What is 1 in an image without a unit, see above.'
)
_WITHOUT_MASK = flags.DEFINE_enum(
  'without_mask',
  None,
  ['negative', 'healthy'],
  'What a case without a mask, or with an empty one, is. When absent: in soop one without is '
  'negative, in isles22 it fails, in bids nothing is prepared; an empty mask fails.',
)
_VIEWER = flags.DEFINE_bool(
  'viewer', False, 'Whether quality.html leads to a page for each case that holds its volumes.'
)

_SERIES = flags.DEFINE_list(
  'series',
  [],
  'Of DICOM: which series is a contrast, by its description: dwi=*trace*,adc=*adc*. When absent, '
  'traces and ADCs are recognised by the image type, else by words in the description.',
)


def main(argv: list[str]) -> int:
  if len(argv) > 1:
    raise InputError(f'unexpected argument {argv[1]!r}: values are given as --flag=value')
  options = Options(
    source=_SOURCE.value,
    input=_INPUT.value,
    output=_OUTPUT.value,
    workers=_WORKERS.value or available_cores(),
    contrasts=tuple(_CONTRASTS.value),
    registration=_REGISTRATION.value,
    grid=_GRID.value,
    without_mask=_WITHOUT_MASK.value or '',
    intensity_scaling=_SCALING.value,
    viewer=_VIEWER.value,
    series=tuple(_SERIES.value),
  )
  with disk_errors_named():
    return prepare_data(options)


if __name__ == '__main__':
  flags.mark_flags_as_required(['source', 'input', 'output'])
  program.run(main)
