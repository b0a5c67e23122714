"""What trainings and studies leave and others read: bundles, tables, results, cached volumes."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm.bundle import load_bundle, save_bundle
from keras_itm.bundle_spec import TRANSLATOR, BundleSpec
from keras_itm.callbacks import read_metrics
from launchers.study import results
from launchers.study.regimes import read_arms
from stroke_tfds.build_cache import BuildCache
from stroke_tfds.label_schemes import ASEG28
from tests import tiny
from tests.campaigns.kinds import Kind
from tests.campaigns.mutations import mutate_bytes, mutate_json, mutate_text, to_bytes


class Bundles(Kind):
  """bundle.json, graph and weights."""

  SHARE = 4

  def set_up(self) -> None:
    self.sound, self.changed = self.work / 'sound', self.work / 'changed'
    network = tiny.ToyTranslator()
    spec = BundleSpec(TRANSLATOR, tiny.GRID, ASEG28.to_json(), 0, (-1.0, 1.0), 'x')
    save_bundle(self.sound, spec, lambda segmentation, latent: network(segmentation), network, '')
    self.files = [file for file in sorted(self.sound.rglob('*')) if file.is_file()]

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    facts = [file for file in self.files if file.suffix == '.json']
    file = rng.choice(facts * 5 + self.files)
    content = _changed(rng, file.read_bytes(), file.suffix == '.json')

    def load() -> None:
      shutil.rmtree(self.changed, ignore_errors=True)
      shutil.copytree(self.sound, self.changed)
      (self.changed / file.relative_to(self.sound)).write_bytes(content)
      bundle = load_bundle(self.changed, TRANSLATOR)
      if file.suffix != '.json':
        segmentation = tf.zeros([1, *bundle.spec.grid['shape'][:2]], tf.uint8)
        bundle.call(segmentation=segmentation, latent=tf.zeros([1, bundle.spec.latent_size]))

    return load


class RunFiles(Kind):
  """result.json, metrics.csv and volumes of a build that was killed."""

  SHARE = 6

  def set_up(self) -> None:
    cases = results.TestSet(
      np.array(['s1', 's2']), np.array([1.0, 0.0]), np.array([30, 0]), np.array(['MCA', ''])
    )
    metrics = {name: np.ones((2, 2)) for name in results.METRICS}
    facts = {'arm': 'a', 'seed': 0, 'command': 'x', 'seconds': 1.0}
    self.file = self.work / 'result.json'
    results.write_result(self.file, facts, {'epoch': [1, 2], 'step': [1, 2]}, cases, metrics)
    self.arms = read_arms({'a': {'learns_from': {'clinical': 9}, 'epochs': 2, 'evaluated_epochs': 2}})
    self.cache = BuildCache(self.work / 'cache')
    image, lesion = np.ones((4, 4, 2, 1), np.float16), np.ones((4, 4, 2), np.uint8)
    self.cache.save(0, image=image, lesion=lesion, provenance={'a': 1})
    self.table = self.work / 'run' / 'metrics.csv'
    self.table.parent.mkdir()
    self.sound = {
      self.file: self.file.read_bytes(),
      self.work / 'cache' / '000000.npz': (self.work / 'cache' / '000000.npz').read_bytes(),
      self.table: b'epoch,step,seconds,loss\n1,3,1.5,0.2\n2,6,3.0,0.1\n',
    }

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    file = rng.choice(list(self.sound))
    content = _changed(rng, self.sound[file], file.suffix == '.json')

    def read() -> None:
      file.write_bytes(content)
      self._read(file)

    return read

  def _read(self, file: Path) -> None:
    if file == self.file:
      results.read_results([file], self.arms, (0,))
    elif file == self.table:
      read_metrics(file)
    else:
      volume = self.cache.load(0)
      assert volume is None or volume['image'].shape == (4, 4, 2, 1), 'a volume of another shape'


def _changed(rng: random.Random, content: bytes, is_json: bool) -> bytes:
  if is_json and rng.random() < 0.85:
    return to_bytes(mutate_json(rng, json.loads(content)))
  if rng.random() < 0.2:
    return content[: int(len(content) * rng.random())]
  if content.isascii() and rng.random() < 0.5:
    return mutate_text(rng, content.decode(), [',', '\n', '"']).encode('utf-8', 'surrogatepass')
  return mutate_bytes(rng, content)
