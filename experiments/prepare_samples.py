"""prepare_data on real scans: an ISLES'22 case and three healthy scans, two of them slabs.

Command: KERAS_ITM_SAMPLES=DIR python -m experiments.prepare_samples
Hardware: 2 CPU cores.
Time: 2 minutes.
Expected: brain Dice above .93; the two slabs are suspicious, as they cover under .75 of the brain.
"""

import shutil
import subprocess
import sys

from experiments._common import ROOT, RUNS, samples, write_table
from stroke_tfds.preparation.folder import PreparedFolder

HEALTHY = {
  'Siemens': ('siemens_xa30', 'trace_b2500'),
  'UIHap': ('uih_ap_134431', 'trace_b928'),
  'UIHpa': ('uih_pa_132222', 'trace_b928'),
}
FIGURES = (
  'brain_dice',
  'template_correlation',
  'signal_correlation',
  'coverage',
  'volume_kept',
  'lesion_contrast_dwi',
  'lesion_contrast_adc',
)


def main() -> None:
  scans = RUNS / 'prepare_samples'
  shutil.rmtree(scans, ignore_errors=True)
  for name, (folder, trace) in HEALTHY.items():
    to = scans / 'bids' / f'sub-{name}' / 'dwi'
    to.mkdir(parents=True)
    source = samples('healthy_dwi') / folder
    shutil.copy(source / f'{trace}.nii.gz', to / f'sub-{name}_dwi.nii.gz')
    shutil.copy(source / 'adc_um2s.nii.gz', to / f'sub-{name}_adc.nii.gz')
  _prepare('isles22', samples('isles22'), scans / 'isles22_prepared')
  _prepare('bids', scans / 'bids', scans / 'bids_prepared', '--without_mask=healthy')
  rows = []
  for folder in ('isles22_prepared', 'bids_prepared'):
    for record in PreparedFolder(scans / folder).records:
      figures = {name: record.quality.get(name, '') for name in FIGURES}
      scanner = record.case_id.removeprefix('sub-')
      case = f'healthy, {scanner}' if scanner in HEALTHY else 'ISLES 22'
      rows.append({'case': case, 'status': record.status, **figures})
  write_table(__file__, rows)


def _prepare(source, folder, output, *more: str) -> None:
  command = [sys.executable, '-m', 'launchers.prepare_data', f'--source={source}', f'--input={folder}']
  command += [f'--output={output}', '--contrasts=dwi,adc', '--workers=1', *more]
  subprocess.run(command, cwd=ROOT, check=True)


if __name__ == '__main__':
  main()
