"""Makes synthetic cases on a SynthSeg or FreeSurfer label map of your own, near MNI space.

  python -m launchers.synthesize --label_map=synthseg.nii.gz --translator=runs/pix2pix10/bundle \\
    --lesion_generator=runs/lesion_gan/bundle --workdir=runs/mine --n_cases=10
  python -m launchers.synthesize --translator=phantom-mini/translator \\
    --lesion_generator=phantom-mini/lesion_generator --workdir=runs/first

--space=native registers a map that does not lie in MNI space (pip install "keras-itm[ants]"). The
second takes the brain of the MNI152 template, and bundles that come with keras-itm-bundles.
Leaves image.nii.gz, labels.nii.gz and lesion.nii.gz of each case on the generators' grid; with
--on_own_grid also image_own.nii.gz and lesion_own.nii.gz on the voxels of the map, with --viewer also
view.html, which any browser shows without network.
"""

from absl import flags

from launchers import app
from launchers.synthesize_lib import synthesize

_VALUES = (
  flags.DEFINE_string(
    'label_map', None, "NIfTI or MGH file of FreeSurfer's codes in MNI space; else a template's brain."
  ),
  flags.DEFINE_enum('space', None, ['mni', 'native'], "'native' registers the map to the template."),
  flags.DEFINE_string('translator', None, "Folder or name of a translator's bundle."),
  flags.DEFINE_string('lesion_generator', None, "Folder or name of a lesion generator's bundle."),
  flags.DEFINE_integer('n_cases', None, 'Lesions to draw.', 1),
  flags.DEFINE_integer('seed', None, 'Of lesions and appearances.', 0),
  flags.DEFINE_multi_string(
    'appearance',
    None,
    'NAME=NUMBER that all cases are asked for; again for another.',
  ),
  flags.DEFINE_bool('on_own_grid', None, 'Whether to write them on the voxels of the map as well.'),
  flags.DEFINE_bool('viewer', None, 'Whether to write a page that shows each case as well.'),
)

if __name__ == '__main__':
  app.launch(synthesize, values=_VALUES)
