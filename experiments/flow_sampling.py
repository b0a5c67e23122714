"""Which way from noise to volume is told apart least, at what time a volume?

Command: python -m experiments.flow_sampling
Hardware: 2 CPU cores.
Time: 8 minutes, after `experiments.flow_study`, whose flow and development cohort it takes.
Expected: where noise takes back half of each step, volumes are told from true ones less often.

Draws volumes on the label maps of development cases and tells them from the true ones, on which nothing
is trained and no study tests. Writes docs/measurements/flow_sampling.csv: a line for each way.
"""

import time
from typing import Any

import gin
import tensorflow as tf

from experiments._common import DATA_DIR, RUNS, write_table
from experiments.flow_study import STUDY, cases_of, development_cohort, features_of, translated
from keras_itm.bundle import Bundle, load_bundle
from keras_itm.bundle_spec import TRANSLATOR
from keras_itm.models.flow import RectifiedFlow
from keras_itm.networks.flow_unet_3d import flow_unet_3d
from launchers import gin_files, train_itm_lib  # noqa: F401 (the gin file names the second)
from stroke_eval import two_sample
from stroke_tfds.sources import open_sources

_FLOW = STUDY / 'seed_0' / 'generators' / 'flow'
_N = 36
_KEYS = ('n_steps', 'step_power', 'churn')
_WAYS = ((8, 2.5, 0.0), (10, 2.0, 0.5))


def main() -> None:
  (source,) = open_sources([f'{development_cohort()}:test'], str(DATA_DIR), build=False)
  cases = list(cases_of(source))
  shown, others = cases[:_N], cases[_N:]
  twins, real = features_of(source, shown), features_of(source, others)
  same = two_sample.compare(real, twins).auc
  nothing = dict.fromkeys((*_KEYS, 'cpu_seconds', 'auc', 'auc_on_the_same_maps'), '')
  rows = [{**nothing, 'n_steps': 'true images', 'auc': same}]
  for values in _WAYS:
    way = dict(zip(_KEYS, values))
    bundle = _bundle(**way)
    begun = time.process_time()
    made = list(translated(shown, bundle))
    seconds = (time.process_time() - begun) / _N
    features = features_of(source, made)
    rows.append(
      {
        **way,
        'cpu_seconds': seconds,
        'auc': two_sample.compare(real, features).auc,
        'auc_on_the_same_maps': two_sample.compare(twins, features, twins=True).auc,
      }
    )
  write_table(__file__, rows)


def _bundle(**way: Any) -> Bundle:
  """The study's flow with another way from noise to volume."""
  path = RUNS / 'flow_sampling' / '_'.join(map(str, way.values()))
  if not path.exists():
    spec = load_bundle(_FLOW / 'bundle', TRANSLATOR).spec
    facts = ('grid', 'label_scheme', 'intensity_scaling', 'appearances')
    _trained(spec, **way).export(path, **{name: getattr(spec, name) for name in facts})
  return load_bundle(path, TRANSLATOR)


def _trained(spec: Any, **way: Any) -> RectifiedFlow:
  gin.clear_config()
  gin_files.parse_gin(['flow_mini.gin'], [])
  n_told = len(spec.appearances.names) if spec.appearances else 0
  n_labels = spec.label_scheme['lesion_id'] + 1 + n_told
  network = gin.get_configurable(flow_unet_3d)(tuple(spec.grid['shape']), n_labels, n_contrasts=1)
  flow = gin.get_configurable(RectifiedFlow)(network, n_appearances=n_told, **way)
  newest = tf.train.latest_checkpoint(str(_FLOW / 'checkpoints'))
  tf.train.Checkpoint(model=flow).restore(newest).expect_partial()
  return flow


if __name__ == '__main__':
  main()
