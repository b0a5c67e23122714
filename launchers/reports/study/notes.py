"""What the reader of a study's report must know to read its numbers rightly: above and below them."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from keras_itm.lesions import MIN_VOXELS
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.external import ExternalResult
from launchers.study.results import Study
from launchers.study.summary import Analysis

FINDINGS = (
  'Difference of mean test Dice in points, paired by case, with an interval that holds for all arms '
  'of these answers together in 95 % of studies (max-t over cases; how trainings vary is pooled over '
  'arms with the same control, their rivals among them). Higher and lower: the interval excludes 0. '
  'Equivalent: two one-sided tests within the margin, at the level that holds for all. p: Wilcoxon, '
  'Holm; of the cases alone. Worth: clinical cases that give the same Dice without synthetic ones.'
)
_PAPER_TABLE = 'Test Dice in percent, mean \N{PLUS-MINUS SIGN} sd over the evaluated epochs {of_seeds}'
_PUBLISHED = (
  '. Small print: as published (Platscher et al. 2020), on other data: compare the pattern, not the '
  'level'
)
_QUOTED = (
  '; beside {name} the paper quotes another model (Federau et al. 2020), trained on 40,000 volumes'
)
_DICE_TABLE = (
  'Mean \N{PLUS-MINUS SIGN} sd of test Dice over the evaluated epochs {of_seeds}; best: the highest '
  'of these. All sizes: smaller lesions included. Differences: paired by case, with the 95 % interval '
  'of that arm alone; corrected: the difference to the reference, or to the first arm where there is '
  'none, with an interval that holds for all arms together, on which the answers rest. p: Wilcoxon '
  'signed-rank test of that difference, corrected for the number of tests (Holm); p speaks of the '
  'cases alone, not of how much trainings vary. Worth: clinical cases that give the same Dice without '
  'any others, with the 95 % interval; < and > mark what lies beyond the learning curve.'
)
METRICS = (
  'Means over the cases of Table 2, evaluated epochs and seeds. A true lesion counts as found when any '
  'voxel of it is; where nothing is predicted, precision, recall and F1 are 0. HD95: 95th percentile '
  'of the distance between surfaces; the diagonal of the grid where only one of truth and prediction '
  'is empty. False positives: mean volume predicted in cases without lesion, and the share of them in '
  'which any is; a network that predicts nothing has none.'
)
REGIONS = (
  ' Dice of a class of lesions, or a union of classes: 1 where neither truth nor prediction has it, 0 '
  'where one alone has.'
)
STAGES = (
  'Wall-clock time of a stage in the start in which it ended; starts that were interrupted are not '
  'counted. Stages that ran side by side count each their own time, so that sums may be longer than '
  'the time that passed.'
)
CHECKS = (
  'Generated: cases of the first seed. Real: the clinical training cases; the classifier has test '
  'cases in their place, which no generator saw. The expected ranges are conventions of this report '
  'that say when to look closer; they are not tests of significance.'
)


def external_table(result: ExternalResult, n_seeds: int) -> str:
  """What stands below the table of a further test set."""
  n = len(result.subject_id)
  parts = [
    f'{result.text}: Dice after the last epoch, {n} case{"" if n == 1 else "s"} with a lesion of any '
    f'size, mean of {formatting.seeds(n_seeds)}; nothing was trained or chosen on them.'
  ]
  if n < 2:
    parts.append('One case is an example and no measurement.')
  if result.native:
    known = int(np.isfinite(result.ceiling).sum())
    parts.append(
      f'In the scans: of {known} whose masks and scans are at hand, on the voxels of the expert; the '
      'ceiling is what the mask itself scores once it was on the grid.'
    )
  return ' '.join(parts)


def lead(study: Study, analysis: Analysis) -> str:
  """What was compared, in numbers."""
  cases = study.cases
  n_scored, n_positive = int(cases.is_scored.sum()), int(cases.is_positive.sum())
  n_arms, seeds = len(analysis.rows), formatting.seeds(analysis.n_seeds)
  evaluated = [len(row.arm.evaluated_range) for row in analysis.rows]
  return (
    f'{n_arms} way{"" if n_arms == 1 else "s"} to train the same segmenter with {seeds} each, '
    f'tested on the same cases: {n_scored} with a lesion of at least {MIN_VOXELS} voxels, over which '
    f'Dice is unless said otherwise, {n_positive - n_scored} with a smaller one and '
    f'{len(cases.subject_id) - n_positive} without. Every training is evaluated in '
    f'{formatting.either(evaluated)} epoch{"" if max(evaluated) == 1 else "s"}.'
  )


def notes(
  study: Study,
  analysis: Analysis,
  about: str,
  ready_sets: Collection[str],
  few: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
  """Paragraphs above the answers.

  Args:
    study: Its trainings.
    analysis: Its statistics.
    about: On the data, in sentences; may be empty.
    ready_sets: Synthetic sources that the study did not make.
    few: Sources that it made from a number of clinical cases alone.
  """
  paragraphs = [about, origin(study, ready_sets, few)]
  if analysis.n_seeds == 1:
    paragraphs.append(
      'One seed: intervals are over cases alone and do not hold how much a training varies. What '
      'differs may be the training and not its data.'
    )
  if analysis.unfinished:
    names = formatting.listed(analysis.unfinished)
    paragraphs.append(f'Not finished, and left out of every comparison: {names}.')
  return [text for text in paragraphs if text]


def origin(
  study: Study, ready_sets: Collection[str], few: Mapping[str, int] = MappingProxyType({})
) -> str:
  """Of which clinical cases synthetic ones were made; empty where no finished arm learns from any.

  Args:
    study: Its trainings.
    ready_sets: Synthetic sources that the study did not make.
    few: Sources that it made from a number of clinical cases alone.
  """
  used = [name for arm in study.finished for name in arm.learns_from if name != CLINICAL]
  sentences = []
  if any(name not in ready_sets and name not in few for name in used):
    anew = ', anew for each seed,' if len(study.seeds) > 1 else ''
    sentences.append(
      f'Synthetic cases were made{anew} from all clinical training cases{_how_many(study)}'
      f'{_few(study.finished)}; worth is told where generators saw no more of them than the arm.'
    )
  for name in dict.fromkeys(name for name in used if name in few):
    sentences.append(f'{name}: of {few[name]} clinical cases, those of an arm with as many.')
  ready = [name for name in dict.fromkeys(used) if name in ready_sets]
  if ready:
    sentences.append(f'Not made by this study, and the same for all seeds: {formatting.listed(ready)}.')
  return ' '.join(sentences)


def no_worth(analysis: Analysis) -> str:
  """Why some arms have no worth; empty where all that have clinical cases of their own have one."""
  reasons: dict[str, list[str]] = {}
  for row in analysis.rows:
    if row.no_worth:
      reasons.setdefault(row.no_worth, []).append(row.arm.name)
  parts = [f'{formatting.listed(names)} ({reason})' for reason, names in reasons.items()]
  return f'Worth is not computed for {"; ".join(parts)}.' if parts else ''


def learning_rates(study: Study) -> str:
  """The rates that were chosen on other patients; empty where none was searched."""
  chosen = {}
  for arm in study.finished:
    facts = study.results[arm.name, study.seeds[0]].facts
    if 'learning_rate' in facts:
      chosen[arm.name] = f'{arm.name} ({facts["learning_rate"]:g})', len(facts['development_dice'])
  if not chosen:
    return ''
  n_tried = formatting.either(n for _, n in chosen.values())
  return (
    f'Learning rates, the best of {n_tried} on patients that are no test cases: '
    f'{formatting.listed([text for text, _ in chosen.values()])}.'
  )


def paper_table(study: Study, styles: ArmStyles) -> str:
  """What stands below Table 1."""
  quoted = [
    styles.labels[arm.name]
    for arm in study.arms
    if arm.published and not arm.system and arm.uses_synthetic
  ]
  published = _PUBLISHED if any(arm.published for arm in study.arms) else ''
  from_elsewhere = _QUOTED.format(name=formatting.listed(quoted)) if quoted else ''
  return f'{_PAPER_TABLE.format(of_seeds=_of_seeds(study))}{published}{from_elsewhere}.'


def dice_table(study: Study, analysis: Analysis) -> str:
  """What stands below Table 2."""
  table = _DICE_TABLE.format(of_seeds=_of_seeds(study))
  parts = table, no_worth(analysis), steps(study, analysis), learning_rates(study)
  return ' '.join(part for part in parts if part)


def steps(study: Study, analysis: Analysis) -> str:
  """Arms with another number of optimizer steps than the first one; empty where all have as many."""
  first, *others = [(row.arm, _steps(study, row.arm)) for row in analysis.rows]
  by_steps: dict[int, list[str]] = {}
  for arm, n in others:
    if n != first[1]:
      by_steps.setdefault(n, []).append(arm.name)
  if not by_steps:
    return ''
  parts = [f'{formatting.listed(names)} ({n:,})' for n, names in sorted(by_steps.items())]
  return (
    f'Every arm has {first[1]:,} optimizer steps, those of the arm that it starts from included, '
    f'except {"; ".join(parts)}.'
  )


def _how_many(study: Study) -> str:
  first = study.arms[0]
  if first.n_clinical != ALL:
    return ''
  n = study.results[first.name, study.seeds[0]].facts['n_cases'][CLINICAL]
  # Generators also learn from lesions that are too small for the segmenter.
  return f' ({n}, and any whose lesion is too small for an arm)'


def _few(arms: Sequence[Arm]) -> str:
  few = {arm.n_clinical for arm in arms if arm.uses_synthetic} - {ALL}
  counts = ['none' if n == 0 else str(n) for n in sorted(few)]
  return (
    f', also for arms that then learn from {formatting.listed(counts, "or")} of them' if few else ''
  )


def _steps(study: Study, arm: Arm) -> int:
  """Steps of an arm's network from its first weights on."""
  by_name = {other.name: other for other in study.arms}
  # A seed's chain of arms is finished from its start on.
  seed, total = study.seeds[0], 0
  while arm:
    total += round(float(study.results[arm.name, seed].curve['step'][-1]))
    arm = by_name.get(arm.start)
  return total


def _of_seeds(study: Study) -> str:
  return 'and the seeds' if len(study.seeds) > 1 else 'of one seed'
