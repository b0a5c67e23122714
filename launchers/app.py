"""What all launchers share: flags, the gin configuration and one-line errors."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import tensorflow as tf
from absl import flags, logging

from keras_itm.bundle import BundleError
from keras_itm.checks import TrainingError
from launchers import gin_mistakes, program
from launchers.console import say_interrupted
from launchers.gin_files import GIN_IMPORTS, parse_gin
from launchers.gin_parameters import help_of
from stroke_tfds.disk_errors import disk_errors_named, told_by_tensorflow
from stroke_tfds.errors import InputError, first_line, printable

_GIN_FILE = flags.DEFINE_multi_string(
  'gin_file', [], 'Configuration: a path, or the bare name of a file that comes with the package.'
)
_GIN_BINDINGS = flags.DEFINE_multi_string(
  'gin_bindings', [], 'A value that overrides the file, such as "train_itm.epochs = 2".'
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of the run; the same again resumes it.')
_DATA_DIR = flags.DEFINE_string('data_dir', None, "TFDS data folder; TFDS' own default when absent.")


def launch(
  root: Callable[..., None],
  leaves_run: bool = True,
  bindings_of: str = '',
  values: Sequence[flags.FlagHolder] = (),
) -> None:
  """Runs `root(workdir=..., data_dir=...)` under the flags and the gin configuration.

  Args:
    root: What to do.
    leaves_run: Whether `root` takes a workdir, which is then required.
    bindings_of: The one configurable that bindings may be of, where all else is done by stages that are
      programs of their own and do not see them.
    values: Flags of the program that bind the parameter of `root` of their name, where they are given.

  Raises:
    InputError: An unknown gin file or parameter, or one that no stage would see, shown as one line.
  """
  folders = [_WORKDIR, _DATA_DIR] if leaves_run else [_DATA_DIR]
  if leaves_run:
    flags.mark_flag_as_required('workdir')
  program.list_in_help(_GIN_FILE, _GIN_BINDINGS, GIN_IMPORTS, *folders)

  if program.is_help_asked():
    shown = sys.modules['__main__']
    # absl fills in the program's name where the text has a %.
    shown.__doc__ = f'{shown.__doc__}{help_of(bindings_of or root.__name__).replace("%", "%%")}'

  def main(argv: list[str]) -> None:
    if len(argv) > 1:
      raise InputError(f'unexpected argument {argv[1]!r}: values are given as --flag=value')
    # Libraries report faults only; what a run has to say comes by `console.say`.
    logging.set_verbosity(logging.ERROR)
    tf.get_logger().setLevel('ERROR')
    if _WORKDIR.value and not leaves_run:
      raise InputError(f'--workdir: {root.__name__} leaves no run, expected it left out')
    if bindings_of:
      _check_bindings(bindings_of, _GIN_BINDINGS.value)
    parse_gin(_GIN_FILE.value, [*_GIN_BINDINGS.value, *_bindings(root, values)])
    try:
      with disk_errors_named():
        root(**{flag.name: _folder(flag.name) for flag in folders})
    except (BundleError, InputError, TrainingError) as error:
      raise InputError(first_line(error)) from error
    except KeyboardInterrupt:
      status = say_interrupted()
      print(file=sys.stderr)  # Below the progress bar, which nothing closes any more.
      _end_at_once(status)
    except tf.errors.DataLossError as error:
      what = told_by_tensorflow(error)
      raise InputError(
        f'{what}; a file is damaged, expected whole ones: build its data set or begin its run anew'
      ) from error
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
      text = (
        f'another worker was lost ({first_line(error)}); start all of them again, they resume together'
      )
      print(printable(f'error: {text}'), file=sys.stderr, flush=True)
      _end_at_once(1)
    except RuntimeError as error:
      if 'Required bindings' not in str(error):
        raise
      missing = [f'--{flag.name}' for flag in values if repr(flag.name) in str(error)]
      given_by = ' and '.join(missing) or 'a --gin_file'
      others = gin_mistakes.others_bound(root.__name__)
      meant = f'the gin file is for python -m {others[0]}: ' if others and not values else ''
      raise InputError(f'{meant}{error}; give {given_by} or --gin_bindings') from error

  program.run(main)


def _end_at_once(status: int) -> NoReturn:
  """Where nothing is left to save, and TensorFlow may crash as it takes itself down amid a step."""
  sys.stdout.flush()
  os._exit(status)


def _folder(flag: str) -> str | None:
  """The folder that a flag names, with `~` filled in."""
  named = flags.FLAGS[flag].value
  if not named:
    return named
  path = Path(named).expanduser()
  if path.exists() and not path.is_dir():
    raise InputError(f'--{flag}={named}: is a file, expected a folder')
  return str(path)


def _bindings(root: Callable[..., None], values: Sequence[flags.FlagHolder]) -> list[str]:
  return [f'{root.__name__}.{flag.name} = {flag.value!r}' for flag in values if flag.value is not None]


def _check_bindings(root: str, bindings: list[str]) -> None:
  for line in bindings:
    parameter = line.partition('=')[0].strip()
    # A name without a dot is a macro.
    if '.' in parameter and not parameter.startswith(f'{root}.'):
      raise InputError(
        f"--gin_bindings {line!r}: only {root}.* can be bound here; edit the stage's gin file"
      )
