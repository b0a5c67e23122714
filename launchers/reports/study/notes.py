"""What the reader of a study's report must know to read its numbers rightly."""

from collections.abc import Collection, Sequence

from launchers.reports.study import formatting
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.results import Study
from launchers.study.summary import Analysis


def notes(study: Study, analysis: Analysis, about: str, ready_sets: Collection[str]) -> list[str]:
  """Paragraphs above the answers.

  Args:
    study: Its trainings.
    analysis: Its statistics.
    about: On the data, in sentences; may be empty.
    ready_sets: Synthetic sources that the study did not make.
  """
  paragraphs = [about, origin(study, ready_sets)]
  if analysis.n_seeds == 1:
    paragraphs.append(
      'One seed: intervals are over cases alone and do not hold how much a training varies. What '
      'differs may be the training and not its data.'
    )
  if analysis.unfinished:
    names = formatting.listed(analysis.unfinished)
    paragraphs.append(f'Not finished, and left out of every comparison: {names}.')
  return [text for text in paragraphs if text]


def origin(study: Study, ready_sets: Collection[str]) -> str:
  """Of which clinical cases synthetic ones were made; empty where no finished arm learns from any."""
  used = [name for arm in study.finished for name in arm.learns_from if name != CLINICAL]
  sentences = []
  if any(name not in ready_sets for name in used):
    anew = ', anew for each seed,' if len(study.seeds) > 1 else ''
    sentences.append(
      f'Synthetic cases were made{anew} from all clinical training cases{_how_many(study)}'
      f'{_few(study.finished)}; worth is what they add for whoever has the generators.'
    )
  ready = [name for name in dict.fromkeys(used) if name in ready_sets]
  if ready:
    sentences.append(f'Not made by this study, and the same for all seeds: {formatting.listed(ready)}.')
  return ' '.join(sentences)


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
