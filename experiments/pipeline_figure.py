"""docs/pipeline.png: a healthy simulated brain, its label map, a lesion in it, and the synthetic DWI.

Command: make demo && python -m experiments.pipeline_figure
Hardware: 2 CPU cores.
Time: 1 minute after the demo.
Expected: a case of the demo's synthetic set, the one at the upper quartile of lesion volume.
"""

import json

import numpy as np

from experiments._common import DATA_DIR, ROOT, build, demo_bundle
from launchers.reports import axial_view, style
from launchers.reports.stored_cases import first_contrast
from launchers.reports.study.figures.picture_panels import Stage, stages_panel
from stroke_eval.chosen_cases import at_quantile
from stroke_tfds.sources import open_sources

QUANTILE = 0.75


def main() -> None:
  phantom = build('phantom_stroke/mini')
  synthetic = {
    'translator': str(demo_bundle('translator')),
    'lesion_generator': str(demo_bundle('lesion_generator')),
    'healthy': phantom,
    'num_volumes': 128,
    'seed': 0,
  }
  texts = f'{build("synthetic_stroke", synthetic)}:train', f'{phantom}:healthy'
  source, healthy = open_sources(texts, str(DATA_DIR))
  position = at_quantile(source.lesion_volumes_ml, QUANTILE)
  case = next(source.examples().skip(position).as_numpy_iterator())
  parent = json.loads(case['provenance'])['healthy_parent'].encode()
  scan = next(c for c in healthy.examples().as_numpy_iterator() if c['subject_id'] == parent)
  names, lesion = source.metadata['label_scheme']['names'], case['lesion']
  with_lesion = np.where(lesion > 0, len(names), case['labels'])
  stages = [
    Stage('healthy DWI', first_contrast(scan)),
    Stage('label map', case['labels'], is_labels=True),
    Stage('lesion put in', with_lesion, is_labels=True),
    Stage('synthetic DWI', first_contrast(case), lesion),
  ]
  slices, box = axial_view.lesion_slices(lesion), axial_view.brain_box(case['labels'])
  with style.style():
    figure = stages_panel(stages, slices, box, source.grid, names, len(stages))
    figure.savefig(ROOT / 'docs' / 'pipeline.png', dpi=170)


if __name__ == '__main__':
  main()
