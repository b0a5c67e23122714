"""Training and test of the lesion segmenter (Platscher et al. 2020, section 2.4)."""

from collections.abc import Callable

import gin
import tensorflow as tf

from keras_itm import augmentation, callbacks
from keras_itm.bundle import SEGMENTER, BundleSpec, save_bundle
from keras_itm.lesions import MIN_VOXELS
from keras_itm.models.segmenter import Segmenter
from launchers import fitting
from launchers.evaluation import TestCases
from launchers.hardware import hardware
from launchers.run_folder import RunFolder
from stroke_tfds import pipelines


@gin.configurable
def train_unet(
  workdir: str,
  data_dir: str | None = None,
  *,
  sources: list[str] = gin.REQUIRED,
  test: str = gin.REQUIRED,
  network: Callable[..., tf.keras.Model] = gin.REQUIRED,
  optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  ranges: Callable[..., augmentation.AffineRanges] = augmentation.AffineRanges,
  epochs: int = gin.REQUIRED,
  steps_per_epoch: int = gin.REQUIRED,
  batch_size: int = 5,
  min_voxels: int = MIN_VOXELS,
  test_every: int = 1,
  seed: int = 0,
) -> None:
  """Trains a segmenter, tests it case by case and leaves its bundle.

  The run folder then also holds test_cases.csv, a row per test case, and test_predictions.npz, the
  predicted masks as packed bits.

  Args:
    workdir: The run's folder.
    data_dir: TFDS data folder.
    sources: What it learns from, `name/config:split` each.
    test: What it is tested on; never trained on, never used to choose anything.
    network: Network factory, given shape and n_contrasts.
    optimizer: Optimizer factory.
    ranges: Limits of the affine augmentation.
    epochs: Epochs in all.
    steps_per_epoch: Optimizer steps in each.
    batch_size: Volumes in a batch.
    min_voxels: Volumes with a smaller lesion are left out of training, not of the test.
    test_every: Epochs between two tests on the cases with a lesion, for the learning curve.
    seed: Of weights, order, augmentation and dropout.
  """
  devices = hardware()
  devices.check_batch_size(batch_size)
  run = RunFolder(workdir, devices.is_chief)
  if run.is_finished():
    return
  *learnt, test_source = pipelines.open_sources([*sources, test], data_dir)
  metadata = test_source.metadata
  tf.keras.utils.set_random_seed(seed)
  with devices.scope():
    built = network(shape=test_source.grid.shape, n_contrasts=len(metadata['contrasts']))
    segmenter = Segmenter(built)
    segmenter.compile(optimizer(), jit_compile=devices.xla)
  limits = ranges()
  config = run.write_operative_config()
  cases = TestCases(test_source)
  fitting.fit(
    run,
    segmenter,
    lambda step: pipelines.training_volumes(
      learnt,
      batch_size,
      min_voxels=min_voxels,
      seed=seed,
      start_step=step,
      augment=lambda image, lesion, key: augmentation.augment(image, lesion, limits, key),
    ),
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    shown=('loss', 'dice', 'test_dice'),
    extra_callbacks=[callbacks.AddMetrics(lambda: cases.curve_point(segmenter), test_every)],
  )
  dice = cases.write(segmenter, run.path)
  spec = BundleSpec(
    kind=SEGMENTER,
    grid=metadata['grid'],
    label_scheme=metadata['label_scheme'],
    latent_size=0,
    intensity_range=(0.0, 1.0),
    training_set=pipelines.fingerprint(learnt),
  )
  name = save_bundle(run.bundle, spec, lambda image: segmenter(image), segmenter.network, config)
  run.finish({'bundle': name, 'epochs': epochs, 'test_dice': round(dice, 4)})
