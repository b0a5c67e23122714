"""The order of the stages: data set, generators, synthetic set, segmenters, report."""

import json

import gin

from launchers.console import say
from launchers.run_folder import RunFolder
from launchers.stages import Stage, StageRunner, build, launch, train
from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig

_SYNTHETIC = 'synthetic_stroke'


@gin.configurable
def run_demo(
  workdir: str,
  data_dir: str | None = None,
  *,
  clinical: str = gin.REQUIRED,
  lesion_gan: str = gin.REQUIRED,
  translator: str = gin.REQUIRED,
  unet: str = gin.REQUIRED,
  num_volumes: int = gin.REQUIRED,
  n_clinical: int = gin.REQUIRED,
  seed: int = 0,
) -> None:
  """Builds, trains, synthesises, segments and reports; what is done is not done again.

  Args:
    workdir: Takes a run folder per training, report.html and summary.json.
    data_dir: TFDS data folder; `data` in the workdir when absent.
    clinical: Data set with the splits healthy, train and test.
    lesion_gan: Gin file of the lesion GAN.
    translator: Gin file of the translator.
    unet: Gin file of the segmenters.
    num_volumes: Synthetic volumes.
    n_clinical: Clinical cases that both segmenters learn from.
    seed: Of the synthetic set.
  """
  root = RunFolder(workdir).path
  data_dir = data_dir or str(root / 'data')
  config = {
    'translator': str(root / 'translator' / 'bundle'),
    'lesion_generator': str(root / 'lesion_gan' / 'bundle'),
    'healthy': clinical,
    'num_volumes': num_volumes,
    'seed': seed,
  }
  few = f'{clinical}:train[:{n_clinical}]'
  runner = StageRunner(root / 'stages')
  commands: dict[str, str] = {}

  def do(stage: Stage) -> None:
    commands[stage.name] = str(stage)
    runner.run(stage)

  do(build('clinical data set', clinical, [clinical], data_dir))
  do(train('lesion GAN', 'train_lesion_gan', lesion_gan, root / 'lesion_gan', data_dir))
  do(train('translator', 'train_itm', translator, root / 'translator', data_dir))
  # The name carries the bundles' fingerprints, so it is known only now.
  synthetic = f'{_SYNTHETIC}/{SyntheticStrokeConfig(**config).resolve(data_dir).name}'
  options = [_SYNTHETIC, '--config', json.dumps(config)]
  do(build('synthetic data set', synthetic, options, data_dir))
  arms = {'clinical': [few], 'clinical + synthetic': [few, f'{synthetic}:train']}
  runs = {}
  for arm, sources in arms.items():
    runs[arm] = root / f'unet_{"_".join(arm.replace("+", "").split())}'
    bindings = [f'train_unet.sources = {sources!r}']
    do(train(f'U-Net: {arm}', 'train_unet', unet, runs[arm], data_dir, bindings))
  facts = {
    'clinical': clinical,
    'synthetic': synthetic,
    'lesion_gan_run': str(root / 'lesion_gan'),
    'translator_run': str(root / 'translator'),
    'arms': {arm: str(run) for arm, run in runs.items()},
    'stage_seconds': runner.seconds(),
    'commands': commands,
  }
  bindings = [f'write_report.{name} = {value!r}' for name, value in facts.items()]
  command = launch('report', root, data_dir, [f'--gin_bindings={line}' for line in bindings])
  runner.run(Stage('report', command, root, 'report.html'))
  say(f'Report: {root / "report.html"}')
