"""Conditions that a sound training fulfils; each catches a defect known from published code."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import tensorflow as tf

Logs = dict[str, float]
_GAP = 0.01


class TrainingError(RuntimeError):
  """A training that cannot come out right; the message says what was found and what was expected."""


@dataclasses.dataclass(frozen=True)
class Check:
  """A condition on the metrics of an epoch.

  Attributes:
    expected: The condition in words.
    metrics: Names of the metrics that it reads; their values are part of the error.
    holds: Whether metrics fulfil it.
    from_step: Epochs that end before this optimizer step are not looked at.
    once: Whether it is looked at once, in the first epoch that ends at `from_step` or later, by the
      means over the last third of the epochs up to there; else every epoch from there on must.
  """

  expected: str
  metrics: tuple[str, ...]
  holds: Callable[[Logs], bool]
  from_step: int = 0
  once: bool = False


def tells_apart(real: str, fake: str, by_step: int = 2000) -> Check:
  """The discriminator or critic gives real examples more than generated ones, and not by chance.

  A gap of one epoch says little: a discriminator that is at chance has it now and then. The gap asked
  for is small, since one that hardly tells them apart still teaches a generator with an L1 loss.
  """
  return Check(
    expected=f'{real} above {fake} by {_GAP} or more over the last third of the epochs up to step '
    f'{by_step}: the discriminator has not learnt to tell real from generated examples',
    metrics=(real, fake),
    holds=lambda logs: logs[real] - logs[fake] >= _GAP,
    from_step=by_step,
    once=True,
  )


def approaches_one(norm: str, from_step: int = 100) -> Check:
  """The norm of the critic's gradient is near 1, where the gradient penalty holds it."""
  return Check(
    expected=f'{norm} between 0.5 and 1.5 from step {from_step} on: the gradient penalty has no grip',
    metrics=(norm,),
    holds=lambda logs: 0.5 <= logs[norm] <= 1.5,
    from_step=from_step,
  )


def is_rare(share: str) -> Check:
  """Lesions are foreground, 1, and rare; masks with background 1 train the opposite."""
  return Check(
    expected=f'{share} below 0.5: a lesion fills less than half of a volume, is background 1?',
    metrics=(share,),
    holds=lambda logs: logs[share] < 0.5,
  )


def is_positive(term: str) -> Check:
  """A term of the objective that is never 0 has not cancelled itself."""
  return Check(
    expected=f'{term} above 0: a term of the objective is missing',
    metrics=(term,),
    holds=lambda logs: logs[term] > 0,
  )


def still_predicts(overlap: str, from_step: int = 500) -> Check:
  """A segmenter that finds no lesion in any training case of an epoch does not come back."""
  return Check(
    expected=f'{overlap} above 0 from step {from_step} on: the network predicts no lesion at all, its '
    'training has collapsed; try a lower learning rate or clip gradients by Adam.global_clipnorm',
    metrics=(overlap,),
    holds=lambda logs: logs[overlap] > 0,
    from_step=from_step,
  )


def returns_old(share: str, from_step: int) -> Check:
  """The image pool gives back images of earlier steps once it is full."""
  return Check(
    expected=f'{share} of 0.1 or more from step {from_step} on: the image pool gives back only what '
    'it was just given',
    metrics=(share,),
    holds=lambda logs: logs[share] >= 0.1,
    from_step=from_step,
  )


def check_labels(loss: Callable[[list[tf.Tensor], list[tf.Tensor]], tf.Tensor]) -> None:
  """Refuses a discriminator loss that does not give real and generated examples opposite labels.

  Args:
    loss: (real logits, generated logits), each a list of maps [n, x, y, 1] -> loss [n].

  Raises:
    TrainingError: A wrong judgement of real or of generated examples costs no more than a right one.
  """
  logits = lambda value: [tf.fill([1, 1, 1, 1], float(value))]
  right = float(loss(logits(1), logits(0))[0])
  for what, wrong in (('real', loss(logits(0), logits(0))), ('generated', loss(logits(1), logits(1)))):
    if float(wrong[0]) <= right:
      raise TrainingError(
        f'discriminator loss is {float(wrong[0]):.3g} where {what} examples are judged wrongly and '
        f'{right:.3g} where all are judged rightly, expected more: it has the same label for both'
      )


class RunChecks(tf.keras.callbacks.Callback):
  """Stops a training that does not fulfil its model's checks, and at once where a value is not finite.

  Args:
    checks: Conditions on the logs of an epoch; with any, the model's `discriminator_loss`, where it has
      one, is looked at before the first step.
    step: Counts the training's steps over all its starts; read at the end of a step.
    history: Metrics of the epochs that are done, each with its `step`.
  """

  def __init__(self, checks: Sequence[Check], step: Callable[[], int], history: Sequence[Logs] = ()):
    super().__init__()
    self._checks = checks
    self._step = step
    self._epochs = list(history)
    self._last_step = max((row['step'] for row in history), default=0)

  def on_train_begin(self, logs=None):
    judge = getattr(self.model, 'discriminator_loss', None)
    if self._checks and judge is not None:
      check_labels(judge)

  def on_train_batch_end(self, batch, logs=None):
    self._refuse_non_finite(logs)

  def on_epoch_end(self, epoch, logs=None):
    self._refuse_non_finite(logs)
    self._epochs.append(dict(logs))
    for check in self._checks:
      self._apply(check, logs)
    self._last_step = self._step()

  def _refuse_non_finite(self, logs: Logs) -> None:
    wrong = {name: value for name, value in logs.items() if not math.isfinite(value)}
    if wrong:
      found = ', '.join(f'{name} is {value}' for name, value in wrong.items())
      raise TrainingError(
        f'step {self._step()}: {found}, expected finite numbers; the last good checkpoint is kept'
      )

  def _apply(self, check: Check, logs: Logs) -> None:
    if not _has(check, logs) or self._step() < check.from_step:
      return
    if check.once:
      if self._last_step >= check.from_step > 0:
        return
      logs = self._means(check)
    if not check.holds(logs):
      found = ', '.join(f'{name} is {logs[name]:.4g}' for name in check.metrics)
      raise TrainingError(f'step {self._step()}: {found}, expected {check.expected}')

  def _means(self, check: Check) -> Logs:
    """Over the last third of the epochs so far that have its metrics, one at least."""
    rows = [row for row in self._epochs if _has(check, row)]
    last = rows[-max(1, len(rows) // 3) :]
    return {name: sum(row[name] for row in last) / len(last) for name in check.metrics}


def _has(check: Check, logs: Logs) -> bool:
  return all(name in logs for name in check.metrics)
