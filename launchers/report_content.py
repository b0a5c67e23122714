"""The figures of the report with their captions, in the order of the page."""

from collections.abc import Iterator

import numpy as np

from keras_itm.lesions import MIN_VOXELS
from launchers.report_gather import Inputs
from launchers.reports import images, plots, style
from launchers.reports.page import Panel, Section

_N_GALLERY = 12
_CONVENTION = (
  'Axial slices in radiological convention (R: right side of the patient), level in MNI mm; '
  'intensity window 0 to 1 throughout.'
)


def sections(inputs: Inputs) -> Iterator[Section]:
  """The figures one by one; call it inside `report_style.style()`."""
  yield _synthesis(inputs)
  yield _lesion_gan_curves(inputs)
  yield _translator_curves(inputs)
  yield _unet_curves(inputs)
  yield _dice(inputs)
  yield _intensities(inputs)
  yield _segmentations(inputs)
  yield _lesions(inputs)


def _synthesis(inputs: Inputs) -> Section:
  panels = []
  for case in inputs.syntheses:
    made, parent = case.made, case.parent
    title = f'{_name(made)}, lesion {style.format_ml(made["lesion_volume_ml"])}'
    figure = images.synthesis_panel(
      parent['image'][..., 0],
      made['labels'],
      made['lesion'],
      made['image'][..., 0],
      inputs.grid,
      inputs.structures,
    )
    panels.append(Panel(style.png_uri(figure), f'{title}: from {_name(parent)}, four stages', title))
  parents = ', '.join(_name(case.parent) for case in inputs.syntheses)
  caption = (
    f'From the healthy volume to the synthetic one, {len(panels)} of {len(inputs.generated)} '
    f'synthetic cases: those at the lower quartile, the median and the upper quartile of lesion '
    f'volume. Healthy parents: {parents}. Yellow outline: the injected lesion, drawn along voxel '
    f'borders. Label map: light grey white matter, grey cortex, dark blue ventricles and CSF, '
    'brown cerebellum, other colours deep grey matter and brain stem, red lesion. '
    f'{_CONVENTION}'
  )
  return Section(
    'Implanting a lesion and making a DWI of it',
    panels,
    caption,
    [inputs.commands['synthetic data set']],
  )


def _lesion_gan_curves(inputs: Inputs) -> Section:
  curves = inputs.lesion_gan
  rate = {'generated': curves.series('pass_rate')}
  panels = [
    plots.curve_panel(
      'Wasserstein distance',
      'critic, real minus generated',
      {'lesion GAN': curves.series('wasserstein_distance')},
    ),
    plots.curve_panel(
      'Gradient norm of the critic',
      'norm',
      {'lesion GAN': curves.series('gradient_norm')},
      (1.0, 'target of the penalty'),
    ),
    plots.curve_panel(f'Draws with at least {MIN_VOXELS} voxels', 'share of draws', rate),
  ]
  caption = (
    f'Lesion GAN, {len(curves.rows)} epochs. Means over an epoch; the share of draws is measured on '
    'the averaged generator before lesions are restricted to parenchyma.'
  )
  return _plotted('Learning curves: lesion GAN', panels, caption, [inputs.commands['lesion GAN']])


def _translator_curves(inputs: Inputs) -> Section:
  curves = inputs.translator
  distance = {'training': curves.series('l1_loss')}
  validation = next((m for m in ('val_l1_loss', 'val_l1') if curves.has(m)), None)
  if validation:
    distance['held-out cases'] = curves.series(validation)
  panels = [
    plots.curve_panel('L1 distance to the true image', 'L1, intensities -1 to 1', distance),
    plots.curve_panel(
      'Adversarial losses',
      'loss',
      {
        'generator': curves.series('adversarial_loss'),
        'discriminator': curves.series('discriminator_loss'),
      },
    ),
  ]
  caption = f'Image translator, {len(curves.rows)} epochs. Means over an epoch.'
  return _plotted('Learning curves: translator', panels, caption, [inputs.commands['translator']])


def _unet_curves(inputs: Inputs) -> Section:
  of_arms = lambda metric: {arm: curves.series(metric) for arm, curves in inputs.unets.items()}
  panels = [
    plots.curve_panel('Training Dice', 'soft Dice', of_arms('dice')),
    plots.curve_panel('Test Dice', 'Dice', of_arms('test_dice')),
    plots.curve_panel('Training loss', 'cross-entropy + 1 - Dice', of_arms('loss')),
    plots.curve_panel('Test loss', 'cross-entropy + 1 - Dice', of_arms('test_loss')),
  ]
  n = sum(case.is_positive for case in next(iter(inputs.cases.values())))
  caption = (
    f'U-Net by arm, one training run each. Training: means over an epoch, with augmentation. Test: '
    f'mean over the {n} DWI-positive test cases; the test cases are not used to choose a model, '
    'results are those of the last epoch.'
  )
  title = 'Learning curves: U-Net'
  return _plotted(title, panels, caption, _arm_commands(inputs), columns=2)


def _dice(inputs: Inputs) -> Section:
  panels = [plots.dice_by_arm(inputs.cases), plots.dice_by_volume(inputs.cases)]
  if len(inputs.cases) > 1:
    panels.append(plots.gain_by_volume(inputs.cases))
  n = sum(case.is_positive for case in next(iter(inputs.cases.values())))
  caption = (
    f'Dice of the n = {n} DWI-positive test cases. Left: box from quartile to quartile with the '
    'median, whiskers to the furthest case within 1.5 box lengths, filled diamond the mean; grey '
    'lines join the same case. Others: a mark is a case.'
  )
  return _plotted('Per-case Dice by arm', panels, caption, _arm_commands(inputs))


def _intensities(inputs: Inputs) -> Section:
  sets = {'clinical': inputs.train, 'synthetic': inputs.generated, 'healthy': inputs.healthy}
  lesions = {name: sets[name] for name in ('clinical', 'synthetic')}
  panels = [
    plots.intensity_histogram(title, {n: s.histograms[region] for n, s in shown.items()})
    for region, title, shown in (
      ('brain', 'Brain', sets),
      ('parenchyma', 'Parenchyma without lesion', sets),
      ('lesion', 'Lesion', lesions),
    )
  ]
  caption = (
    f'Density of voxel intensity over all voxels of a region: {len(inputs.train)} clinical '
    f'training cases, {len(inputs.generated)} synthetic cases, {len(inputs.healthy)} healthy '
    'volumes. Brain: all voxels with an anatomical label, ventricles and lesion included. The '
    'percentage in a legend is the share of voxels at the upper clip, the last bin, which may '
    'stand above the frame.'
  )
  commands = [inputs.commands['clinical data set'], inputs.commands['synthetic data set']]
  return _plotted('Intensity, clinical against synthetic', panels, caption, commands)


def _segmentations(inputs: Inputs) -> Section:
  panels = []
  for shown in inputs.segmented:
    example = shown.example
    true_ml = example['lesion_volume_ml']
    notes = {
      arm: f'Dice {case.dice:.3f}'
      if case.is_positive
      else f'predicted {style.format_ml(case.predicted_ml)}'
      for arm, case in shown.cases.items()
    }
    truth = f'lesion {style.format_ml(true_ml)}' if true_ml else 'DWI-negative'
    title = f'{shown.why[0].upper()}{shown.why[1:]}: {_name(example)}, {truth}'
    figure = images.segmentation_panel(
      example['image'][..., 0],
      example['lesion'],
      example['labels'],
      shown.predictions,
      notes,
      inputs.grid,
    )
    alt = '; '.join([title, *(f'{arm}: {note}' for arm, note in notes.items())])
    panels.append(Panel(style.png_uri(figure), alt, title))
  caption = (
    f'{len(panels)} test cases: lowest and highest mean Dice over the arms, largest gain and loss '
    'of the last arm on the first, and the negative case with the largest false-positive volume. '
    'Yellow outline: ground truth. Hatched blue: prediction. The slice has the largest area of the '
    'true lesion, or of the predictions in a negative case; Dice is that of the whole volume. '
    f'{_CONVENTION}'
  )
  title = 'Worst and best segmentations'
  return Section(title, panels, caption, _arm_commands(inputs), columns=2)


def _lesions(inputs: Inputs) -> Section:
  real, made, grid = inputs.train, inputs.generated, inputs.grid
  volumes = {'real': real.volumes_ml[real.with_lesion()], 'generated': made.volumes_ml}
  draws = [v for facts in made.provenance for v in facts.get('lesion_draw_voxels', [])]
  draws_ml = np.array([v for v in draws if v]) * grid.voxel_volume_ml
  if draws_ml.size:
    volumes['non-empty draws'] = draws_ml
  panels = []
  for name, survey in (('Generated', made), ('Real', real)):
    masks = survey.masks(_spread_by_volume(survey))
    figure = images.gallery_panel(masks, real.brain_share, grid)
    panels.append(Panel(style.png_uri(figure), f'{name} lesions, projected', f'{name} lesions'))
  figure = images.frequency_panel(
    {'generated': made.lesion_share, 'real': real.lesion_share},
    real.brain_share,
    grid,
  )
  panels.append(
    Panel(style.png_uri(figure), 'Share of cases with a lesion at each place', 'Where lesions lie')
  )
  figure = plots.volume_distribution(volumes, MIN_VOXELS * grid.voxel_volume_ml)
  panels.append(Panel(style.svg_uri(figure), 'Cumulative distributions of lesion volume'))
  caption = (
    f'Generated: the lesions of {len(made)} synthetic cases, after restriction to parenchyma. Real: '
    f'{len(real.with_lesion())} training cases of {inputs.clinical}. Pictures: lesions '
    'evenly spread over the ranks of volume from small to large, in radiological convention; '
    'the darker, the thicker from inferior to superior (black: 60 mm or more). '
    'Where lesions lie: share of cases with a lesion at a place, highest along z. '
    f'Volume: cumulative share of lesions; dotted: {MIN_VOXELS} voxels, the least that is accepted.'
  )
  commands = [inputs.commands['lesion GAN'], inputs.commands['synthetic data set']]
  return Section('Generated lesions', panels, caption, commands, columns=2)


def _spread_by_volume(survey) -> np.ndarray:
  positions = survey.with_lesion()
  ordered = positions[np.argsort(survey.voxels[positions], kind='stable')]
  n = min(_N_GALLERY, len(ordered))
  return ordered[np.linspace(0, len(ordered) - 1, n).astype(int)]


def _plotted(title, figures, caption, commands, columns=3) -> Section:
  panels = [
    Panel(style.svg_uri(figure), f'{figure.axes[0].get_title(loc="left")} ({title})')
    for figure in figures
  ]
  return Section(title, panels, caption, commands, columns)


def _arm_commands(inputs: Inputs) -> list[str]:
  return [inputs.commands[f'U-Net: {arm}'] for arm in inputs.unets]


def _name(example) -> str:
  return example['subject_id'].decode()
