"""Who goes into which split: by subject, never by scan, and the same for the same seed."""

import collections
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.preparation.tables import NEGATIVE, POSITIVE, SPLITS, Participant

Cases = dict[str, list[Participant]]


def divide(
  cases: Sequence[Participant],
  lesion_ml: Mapping[str, float],
  *,
  test_share: float,
  negatives_in_test: float,
  seed: int,
  not_healthy: AbstractSet[str] = frozenset(),
) -> Cases:
  """Divides cases between the splits; all cases of a subject go together.

  Where participants.tsv gives splits, these; else a draw: `test_share` of the subjects with a lesion to
  `test` and the others to `train`; `negatives_in_test` of the patients without a lesion to `test`, the
  others to `healthy`; healthy subjects to `healthy`.

  Args:
    cases: Rows of participants.tsv.
    lesion_ml: Volume of the lesion by case id; the draw is stratified by it.
    test_share: From 0 to 1, rounded up to whole subjects.
    negatives_in_test: The same.
    seed: Of the draw.
    not_healthy: Ids of cases without lesion that may have had a stroke: where the draw puts them into
      `healthy`, they go to `test`.

  Returns:
    Cases by split, in the order given; a split may be empty, `train` only where nobody has a lesion.

  Raises:
    InputError: `train` stays empty although there are lesions, or the splits of participants.tsv
      are incomplete, part the cases of a subject or put a lesion into `healthy`.
  """
  by_subject = collections.defaultdict(list)
  for case in cases:
    by_subject[case.participant_id].append(case)
  if any(case.split for case in cases):
    split_of = {subject: _given(subject, own) for subject, own in by_subject.items()}
  else:
    split_of = _drawn(by_subject, lesion_ml, test_share, negatives_in_test, seed)
    for subject, own in by_subject.items():
      if split_of[subject] == 'healthy' and any(case.case_id in not_healthy for case in own):
        split_of[subject] = 'test'
  splits = {split: [c for c in cases if split_of[c.participant_id] == split] for split in SPLITS}
  n_positive = sum(_has_lesion(own) for own in by_subject.values())
  if not by_subject or (n_positive and not splits['train']):
    raise InputError(
      f'participants.tsv: no subject is left for the split train: {len(by_subject)} subject(s), '
      f'{n_positive} with a lesion; expected at least two with a lesion, or to train on all '
      'by NAME --config \'{"grid": "mini", "test_share": 0}\''
    )
  return splits


def draw(sizes: Mapping[str, float], share: float, seed: int) -> set[str]:
  """Draws subjects, stratified by size: one of each run of neighbours in size.

  So large and small lesions are drawn in their proportions, also where few are drawn.

  Args:
    sizes: Size of each subject, such as its lesion's volume.
    share: How many of them, from 0 to 1; rounded up.
    seed: Of the draw.

  Returns:
    `ceil(share * n)` of the subjects.
  """
  names = sorted(sizes, key=lambda name: (sizes[name], name))
  n_drawn = math.ceil(share * len(names) - 1e-9)  # .07 * 100 is a little more than 7.
  rng = np.random.default_rng(np.random.SeedSequence([seed, 0x5B]))
  strata = np.array_split(names, n_drawn) if n_drawn else []
  return {str(rng.choice(stratum)) for stratum in strata}


def _given(subject: str, cases: list[Participant]) -> str:
  """The split that the table gives a subject."""
  found = {case.split for case in cases}
  if found == {''}:
    raise InputError(
      f'participants.tsv: {subject} has no split but others have, expected one of {SPLITS}'
    )
  if len(found) > 1:
    raise InputError(
      f'participants.tsv: cases of {subject} are in the splits {sorted(found)}, expected one split'
    )
  split = found.pop()
  if split == 'healthy' and _has_lesion(cases):
    raise InputError(
      f'participants.tsv: {subject} has a lesion but is in healthy, expected train or test'
    )
  return split


def _drawn(
  by_subject: Cases,
  lesion_ml: Mapping[str, float],
  test_share: float,
  negatives_in_test: float,
  seed: int,
) -> dict[str, str]:
  positive = {subject for subject, cases in by_subject.items() if _has_lesion(cases)}
  negative = {
    subject
    for subject, cases in by_subject.items()
    if subject not in positive and any(case.group == NEGATIVE for case in cases)
  }
  ml = {s: sum(lesion_ml.get(c.case_id, 0.0) for c in cases) for s, cases in by_subject.items()}
  test = set()
  for group, share in ((positive, test_share), (negative, negatives_in_test)):
    test |= draw({subject: ml[subject] for subject in group}, share, seed)
  others = {subject: 'train' if subject in positive else 'healthy' for subject in by_subject}
  return {subject: 'test' if subject in test else split for subject, split in others.items()}


def _has_lesion(cases: list[Participant]) -> bool:
  return any(case.group == POSITIVE for case in cases)
