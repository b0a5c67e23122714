"""Intensity of synthetic sets against clinical cases: the paper's Figure 6."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study.figures.synthetic_sets import SurveyedSets
from stroke_eval.statistics.kolmogorov_smirnov import ks_of_histograms
from stroke_eval.survey import N_BINS, densities


def intensities(shown: SurveyedSets) -> Section:
  """Figure 6: intensity of each synthetic set against the clinical cases."""
  panels = []
  for name, survey in shown.surveys.items():
    sets = {'clinical': shown.clinical_survey, name: survey}
    if shown.healthy_survey:
      sets['healthy'] = shown.healthy_survey
    brain = {key: one.histograms['brain'] for key, one in sets.items()}
    lesion = {key: sets[key].histograms['lesion'] for key in ('clinical', name)}
    figure = _panel(f'{name} (n = {len(survey)})', {'brain': brain, 'lesion': lesion})
    apart = [ks_of_histograms(counts['clinical'], counts[name]) for counts in (brain, lesion)]
    alt = f'{name} against clinical: KS {apart[0]:.2f} in the brain, {apart[1]:.2f} in lesions'
    panels.append(Panel(style.svg_uri(figure), alt))
  healthy = shown.healthy_survey
  also = f' and, in the brain, the {len(healthy)} healthy cases (orange, dashed)' if healthy else ''
  caption = (
    'Density of voxel intensity over all voxels of a region: each synthetic set (n volumes; blue line) '
    f'against the {len(shown.clinical_survey)} clinical training cases (grey area){also}. Brain: every '
    'voxel with an anatomical label, lesion included. KS: Kolmogorov-Smirnov distance to the clinical '
    'voxels, 0 for the same distribution and 1 for no overlap. The last bin, which holds what '
    'preparation clips to 1, may stand above the frame. Panels have scales of their own; the grey area '
    'is the same in all.'
  )
  title = 'Intensity, clinical against synthetic'
  return Section(title, panels, caption, shown.made_by(list(shown.sets)), columns=3, number=6)


def _panel(title: str, regions: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
  """Densities of voxel intensity, one set filled and the others as lines, a region below the other.

  Args:
    title: Above the upper region.
    regions: Region -> name of a set -> voxels by intensity, [N_BINS] over [0, 1]; the first set is
      the filled one, and the legend says how far the others are from it.
  """
  figure = Figure(figsize=(3.7, 1.8 * len(regions) + 0.3), layout='constrained')
  edges = np.linspace(0, 1, N_BINS + 1)
  for ax, (region, counts) in zip(figure.subplots(len(regions), sharex=True), regions.items()):
    shown = {name: densities(histogram) for name, histogram in counts.items()}
    (first, filled), *others = shown.items()
    ax.stairs(filled, edges, facecolor='#ccd1d8', edgecolor=style.MUTED, fill=True, label=first)
    for i, (name, density) in enumerate(others):
      look, apart = style.series(i), ks_of_histograms(counts[first], counts[name])
      label = f'{name}, KS {apart:.2f}' if np.isfinite(apart) else f'{name}, no voxel'
      line = {'color': look.colour, 'linestyle': look.dash, 'linewidth': 1.5, 'label': label}
      ax.stairs(density, edges, **line)
    # The last bin holds what was clipped; room above the curves for the legend.
    top = max(density[:-1].max() for density in shown.values())
    ax.set(xlim=(0, 1), ylim=(0, (1.12 + 0.15 * len(shown)) * top or 1), ylabel=f'density, {region}')
    ax.legend(loc='upper left', handlelength=1.9, fontsize=7.5, labelspacing=0.3, borderpad=0.2)
  figure.axes[0].set_title(title)
  figure.axes[-1].set_xlabel('intensity')
  return figure
