"""From healthy brains to a written data set, by untrained generators of the paper's size."""

import collections
import contextlib
import functools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from benchmarks import sizes
from benchmarks.worker import Case
from keras_itm import lesions
from keras_itm import synthesis as stages
from keras_itm.bundle import Bundle, load_bundle, save_bundle
from keras_itm.bundle_spec import LESION_GENERATOR, TRANSLATOR, BundleSpec
from keras_itm.networks.lesion_generator import lesion_generator
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from stroke_tfds.build_cache import BuildCache
from stroke_tfds.phantom_stroke.phantom_stroke_dataset_builder import PhantomStrokeConfig
from stroke_tfds.sources import Source, open_sources
from stroke_tfds.synthetic_stroke import Builder, SyntheticStrokeConfig

# Enough for what a build takes once, however large, to weigh little.
_N_VOLUMES = 12


class SynthesisCases:
  """Synthesis of `_N_VOLUMES` volumes in a folder, the generators alone, and the reading of a set."""

  def __init__(self, folder: Path):
    self._data_dir = str(folder / 'data')
    self._bundles = folder / 'bundles'
    self._n_builds = 0

  @functools.cached_property
  def _healthy(self) -> Source:
    counts = {'n_healthy': _N_VOLUMES, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0}
    config = PhantomStrokeConfig(grid='mni_128x128x32', **counts)
    tfds.builder('phantom_stroke', config=config, data_dir=self._data_dir).download_and_prepare()
    return open_sources([f'phantom_stroke/{config.name}:healthy'], self._data_dir)[0]

  @functools.cached_property
  def _loaded(self) -> dict[str, Bundle]:
    networks = {TRANSLATOR: pix2pix_unet(), LESION_GENERATOR: lesion_generator()}
    for kind, network in networks.items():
      save_bundle(self._bundles / kind, self._spec(kind), _serve(kind, network), network, '')
    return {kind: load_bundle(self._bundles / kind, kind) for kind in networks}

  def _spec(self, kind: str) -> BundleSpec:
    return BundleSpec(
      kind=kind,
      grid=self._healthy.metadata['grid'],
      label_scheme=self._healthy.metadata['label_scheme'],
      latent_size=0 if kind == TRANSLATOR else sizes.LATENT,
      intensity_range=(-1.0, 1.0) if kind == TRANSLATOR else (0.0, 1.0),
      training_set='none',
      intensity_scaling=self._healthy.intensity_scaling,
    )

  def synthesis(self) -> Case:
    """A build as `tfds build` makes it, from loaded generators to the finished files."""
    return Case(self._build, {'volumes': _N_VOLUMES})

  def generators(self) -> Case:
    """What the generators alone take for as many volumes: one draw and one translation each."""
    labels = np.stack([example['labels'] for example in tfds.as_numpy(self._healthy.examples())])
    slices = tf.constant(labels.transpose(0, 3, 1, 2))
    translate, draw = self._loaded[TRANSLATOR].call, self._loaded[LESION_GENERATOR].call
    no_latent = tf.zeros([sizes.SLICES, 0])

    def run() -> dict[str, float]:
      clock = StageClock()
      for segmentation in slices:
        with clock.stage('lesion'):
          draw(latent=tf.random.normal([1, sizes.LATENT]))
        with clock.stage('translation'):
          translate(segmentation=segmentation, latent=no_latent)
      return clock.seconds

    return Case(run, {'volumes': _N_VOLUMES})

  def reading(self) -> Case:
    """A prepared set from its files to decoded tensors."""
    n_passes = 8

    def run() -> None:
      for _ in range(n_passes):
        # Opened anew: TFDS keeps a small set in memory after the first pass.
        for _ in self._healthy.examples():
          pass

    return Case(run, {'volumes': n_passes * self._healthy.n_examples})

  def _build(self) -> dict[str, float]:
    self._n_builds += 1
    config = SyntheticStrokeConfig(
      translator=str(self._bundles / TRANSLATOR),
      lesion_generator=str(self._bundles / LESION_GENERATOR),
      healthy=str(self._healthy),
      num_volumes=_N_VOLUMES,
      seed=self._n_builds,
      audit=False,
    )
    clock = StageClock()
    loaded = lambda config, kind, source: self._loaded[kind]
    # Loading and checking the bundles is done once, however many volumes there are.
    with mock.patch.object(SyntheticStrokeConfig, 'load', loaded):
      builder = tfds.builder('synthetic_stroke', config=config, data_dir=self._data_dir)
      with clock.watch(), clock.stage('write'):
        builder.download_and_prepare()
    shutil.rmtree(builder.data_path)
    return clock.seconds


class StageClock:
  """Seconds by stage; a stage within another counts for itself alone."""

  def __init__(self):
    self.seconds = collections.defaultdict(float)
    self._running = []
    self._since = 0.0

  @contextlib.contextmanager
  def stage(self, name: str) -> Iterator[None]:
    self._credit()
    self._running.append(name)
    yield
    self._credit()
    self._running.pop()

  def _credit(self) -> None:
    now = time.perf_counter()
    if self._running:
      self.seconds[self._running[-1]] += now - self._since
    self._since = now

  @contextlib.contextmanager
  def watch(self) -> Iterator[None]:
    """Times the stages of the builder while it builds; what belongs to none of them is `read`."""
    with contextlib.ExitStack() as patches:
      for owner, name, stage in (
        (stages, 'draw_lesions', 'lesion'),
        (lesions, 'inject', 'injection'),
        (stages, 'translate', 'translation'),
        (BuildCache, 'save', 'write'),
        (Builder, '_example', 'write'),
      ):
        timed = self._timed(getattr(owner, name), stage)
        patches.enter_context(mock.patch.object(owner, name, timed))
      generate = self._generating(Builder._generate_examples)
      patches.enter_context(mock.patch.object(Builder, '_generate_examples', generate))
      yield

  def _timed(self, function: Callable, stage: str) -> Callable:
    @functools.wraps(function)
    def timed(*args, **kwargs):
      with self.stage(stage):
        return function(*args, **kwargs)

    return timed

  def _generating(self, generate: Callable) -> Callable:
    """What happens while the generator waits is TFDS encoding and writing."""

    def generating(builder: Builder, *given: Any) -> Iterator:
      examples = generate(builder, *given)
      end = object()
      while True:
        with self.stage('read'):
          made = next(examples, end)
        if made is end:
          return
        yield made

    return generating


def _serve(kind: str, network: tf.keras.Model) -> Callable[..., tf.Tensor]:
  if kind == TRANSLATOR:
    return lambda segmentation, latent: network(tf.one_hot(segmentation, sizes.LABELS))
  return lambda latent: network(latent)[..., 1]
