"""Texts from elsewhere, fit for a spreadsheet and a label; `errors.printable` is for the terminal."""

from typing import Any

from stroke_tfds.errors import InputError

_MAX_LABEL = 100
# What a spreadsheet takes for the beginning of a formula, or skips before one.
_FORMULA = ('=', '+', '-', '@', '\t', '\r', '\n')


def spreadsheet_cell(value: Any) -> Any:
  """A cell that no spreadsheet runs: a text that it would take for a formula begins with `'`.

  Numbers stay, as texts too; so does a lone sign.
  """
  if not isinstance(value, str):
    return value
  text = value.encode('utf-8', 'backslashreplace').decode()
  return f"'{text}" if _looks_like_formula(text) else text


def cell_text(cell: str) -> str:
  """The text of a cell that `spreadsheet_cell` wrote."""
  return cell[1:] if cell.startswith("'") and _looks_like_formula(cell[1:]) else cell


def _looks_like_formula(text: str) -> bool:
  return text.startswith(_FORMULA) and len(text) > 1 and not _is_number(text)


def _is_number(text: str) -> bool:
  try:
    float(text)
  except ValueError:
    return False
  return True


def check_label(text: Any, what: str) -> str:
  """A name that a user chose for figures, tables and folders.

  Raises:
    InputError: It is no text, is empty or long, or holds what cannot be seen; `what` names it.
  """
  if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= _MAX_LABEL:
    raise InputError(
      f'{what}: expected a name of 1 to {_MAX_LABEL} characters that can be seen, found {text!a:.120}'
    )
  return text
