"""From labelled scans to a synthetic case, in Python alone.

    python examples/train_and_synthesize.py --output synthetic

Takes under three minutes on two cores and leaves in the folder: `data`, a small simulated cohort;
`translator` and `lesions`, the trained generators; and `case`, a synthetic case as NIfTI files. The
trainings are far too short for images of any use: `docs/training.md` says what good ones take.
"""

import argparse
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

import keras_itm
import stroke_tfds
from stroke_tfds import pipelines

_BATCH = 8


def main(output: Path) -> None:
  # 1. Labelled scans. Here they are simulated: 8 healthy brains and 8 with a stroke, 64x64x16 voxels.
  data_dir = str(output / 'data')
  config = stroke_tfds.PhantomStrokeConfig(
    grid='mini', n_healthy=8, n_train=8, n_test=1, n_test_negative=0
  )
  builder = tfds.builder('phantom_stroke', config=config, data_dir=data_dir)
  builder.download_and_prepare()
  cohort = f'phantom_stroke/{config.name}'
  healthy, patients = stroke_tfds.open_sources([f'{cohort}:healthy', f'{cohort}:train'], data_dir)
  facts = {'grid': patients.grid, 'label_scheme': patients.metadata['label_scheme']}

  # 2. A translator learns what labels look like, slice by slice: background, 27 structures and the
  # lesion in, one contrast out.
  tf.keras.utils.set_random_seed(0)
  width, height, _ = patients.grid.shape
  translator = keras_itm.Pix2Pix(
    generator=keras_itm.pix2pix_unet((width, height), filters=(16, 32, 32, 32)),
    discriminator=keras_itm.patch_gan(filters=(8, 16, 32)),
    ema_decay=0.9,
  )
  translator.compile('adam', 'adam')
  slices = pipelines.paired_slices([healthy, patients], _BATCH, seed=0)
  translator.fit(slices, epochs=2, steps_per_epoch=20, verbose=2)
  trained_on = [str(healthy), str(patients)]
  scaling = patients.intensity_scaling
  translator.export(output / 'translator', **facts, trained_on=trained_on, intensity_scaling=scaling)

  # 3. A second network learns the shapes of lesions; each step has masks for two updates of its critic.
  lesions = keras_itm.LesionGAN(
    generator=keras_itm.lesion_generator(patients.grid.shape, 16, coarse_filters=16, filters=(16, 8)),
    critic=keras_itm.lesion_critic(patients.grid.shape, filters=(4, 8, 16)),
    latent_size=16,
    critic_steps=2,
    ema_decay=0.9,
  )
  lesions.compile('adam', 'adam')
  masks = pipelines.lesion_masks([patients], 2 * _BATCH, min_voxels=20, seed=0)
  lesions.fit(masks, epochs=1, steps_per_epoch=10, verbose=2)
  lesions.export(output / 'lesions', **facts, trained_on=[str(patients)])

  # 4. A healthy brain gets a lesion that nobody had. Whoever has the two folders can do this, on a
  # label map of their own as well; the same seed gives the same case.
  brain = next(builder.as_dataset(split='healthy').as_numpy_iterator())
  case = keras_itm.synthesize(brain['labels'], output / 'translator', output / 'lesions', seed=0)
  case.save(output / 'case')
  print(f'{output / "case"}: a lesion of {int(case.lesion.sum())} voxels')


if __name__ == '__main__':
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--output', type=Path, default=Path('synthetic'), help='folder for all results')
  main(parser.parse_args().output)
