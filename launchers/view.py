"""Writes a case as one HTML page with a viewer that needs no network: slices, volume, masks.

  python -m launchers.view --case=runs/mine/case_0000 --output=case.html
  python -m launchers.view --image=dwi.nii.gz --image=adc.nii.gz --mask=lesion.nii.gz --output=scan.html
  python -m launchers.view --source=phantom_stroke/mini:test --subject_id=phantom-test-0041 \\
    --data_dir=data --output=case.html

--case is a folder that synthesize, Case.save or export --format=nifti left. The page holds the whole
volumes: whoever gets it has the scan.
"""

from absl import flags

from launchers import app
from launchers.view_lib import view

_VALUES = (
  flags.DEFINE_string('case', None, 'Folder with images, and lesion.nii.gz where there is one.'),
  flags.DEFINE_multi_string('image', None, 'NIfTI or MGH file; again for each other contrast.'),
  flags.DEFINE_multi_string('mask', None, 'File of 0 and 1 on the grid of the image.'),
  flags.DEFINE_string('source', None, 'A built set, name/config:split.'),
  flags.DEFINE_string('subject_id', None, 'Which case of the set; its first when absent.'),
  flags.DEFINE_string('output', None, 'Page to write, or to replace.'),
  flags.DEFINE_bool('show', None, 'Whether to open the page in the browser.'),
)

if __name__ == '__main__':
  app.launch(view, leaves_run=False, values=_VALUES)
