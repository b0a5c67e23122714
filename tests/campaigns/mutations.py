"""Changes to bytes, texts and JSON values that readers have to take or refuse."""

import copy
import json
import random
import struct
from collections.abc import Iterator, Sequence
from typing import Any

INTS = (0, 1, -1, 2, 3, 4, 5, 7, 8, 9, 127, 128, 255, 256, 512, 1024, 32767, -32768, 65535)
INTS = (*INTS, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 352.0, 540.0, 1e-3, 1e-6, 1e6, 1e7, 1e30, -1e30, 3.4e38)
FLOATS = (*FLOATS, 1e-45, float('nan'), float('inf'), float('-inf'))
TEXTS = (
  *('', ' ', 'x', '..', '../../etc/passwd', '/', '/dev/zero', '~', 'a' * 300, 'a\nb', 'a\tb', '\x00'),
  *('\u202e', 'é', '💥', '\ud800', '<script>alert(1)</script>', '=1+1', '$x_{', '%s%n', '{0}', '{'),
  *("'", '"', 'sub-1', 'n/a', 'positive', 'dwi', 'mini', 'nan', '1e999', '-1', 'a/b:c', 'con', '\\'),
  *('//', '*', '[', '('),
)
VALUES = (
  *(None, True, False, 0, 1, -1, 2, 3, 0.5, -0.0, 1e308, float('nan'), float('inf'), 10**30, 2**63),
  *(*TEXTS[:24], [], {}, [[]], {'a': 1}, [1, 2, 3], [0, 0, 0], [1e9] * 3, [64, 64, 16], ['a'], [None]),
  *([1.5, 2.5, 3.5], [True] * 3, [-1, 2, 3], [float('nan')] * 3, {'name': 'x'}),
  json.loads('[' * 200 + ']' * 200),
)
_CHARACTERS = '()[]{}:,.=@%"\'\n\t #\\/0123456789-+ab\x00é'
_ENDS = ('\n', '\t', '\r\n', '0', '-1', '1e999', '9' * 20, ' ')


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
  """Flips, sets, removes, inserts or repeats a few bytes."""
  changed = bytearray(data)
  for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
    at, kind = rng.randrange(len(changed) + 1), rng.randrange(6)
    if kind == 0 and changed:
      changed[at % len(changed)] ^= 1 << rng.randrange(8)
    elif kind == 1 and changed:
      changed[at % len(changed)] = rng.choice([0, 255, 127, 128, rng.randrange(256)])
    elif kind == 2:
      del changed[at : at + rng.choice([1, 2, 8, 64])]
    elif kind == 3:
      changed[at:at] = rng.randbytes(rng.choice([1, 4, 32]))
    elif kind == 4:
      number = rng.choice([n for n in INTS if -(2**31) <= n < 2**31])
      changed[at : at + 4] = struct.pack(rng.choice('<>') + 'i', number)
    else:
      changed[at:at] = changed[at:][: rng.randrange(1 + len(changed))]
  return bytes(changed[: 2**20])


def mutate_json(rng: random.Random, value: Any) -> Any:
  """Replaces, deletes, renames or repeats a few nodes."""
  value = copy.deepcopy(value)
  for _ in range(rng.choice([1, 1, 1, 2, 3])):
    at = rng.choice(list(_paths(value)))
    if at:
      _change_node(rng, value, at)
    elif rng.random() < 0.1:
      value = copy.deepcopy(rng.choice(VALUES))
    if not isinstance(value, dict | list):
      break
  return value


def _paths(value: Any, at: tuple = ()) -> Iterator[tuple]:
  yield at
  if isinstance(value, dict | list):
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
      yield from _paths(item, (*at, key))


def _change_node(rng: random.Random, root: Any, at: tuple) -> None:
  parent, key, kind = root, at[-1], rng.randrange(8)
  for step in at[:-1]:
    parent = parent[step]
  if kind == 0:
    del parent[key]
  elif kind == 1 and isinstance(parent, dict):
    parent[rng.choice([*TEXTS, 'version', 'description', 'fingerprint'])] = parent.pop(key)
  elif kind == 2 and isinstance(parent, list):
    parent.append(copy.deepcopy(parent[key]))
  elif kind == 3 and isinstance(parent[key], int | float):
    parent[key] = rng.choice([*INTS, *FLOATS])
  elif kind == 4 and isinstance(parent[key], str):
    parent[key] = rng.choice(TEXTS)
  else:
    parent[key] = copy.deepcopy(rng.choice(VALUES))


def mutate_text(rng: random.Random, text: str, tokens: Sequence[str] = ()) -> str:
  """Removes, inserts or repeats a few pieces; `tokens` are words of the text's language."""
  changed = list(text)
  for _ in range(rng.choice([1, 1, 2, 3, 5])):
    at, kind = rng.randrange(len(changed) + 1), rng.randrange(5)
    if kind == 0:
      del changed[at : at + rng.choice([1, 2, 5])]
    elif kind == 1:
      changed[at:at] = rng.choice([*TEXTS, *tokens])
    elif kind == 2 and changed:
      changed[at % len(changed)] = rng.choice(_CHARACTERS)
    elif kind == 3:
      other = rng.randrange(len(changed) + 1)
      changed[at:at] = changed[min(at, other) : max(at, other)][:40]
    else:
      changed[at:at] = rng.choice(_ENDS)
  return ''.join(changed)


def to_bytes(value: Any) -> bytes:
  """JSON, with what is no Unicode as it is."""
  return json.dumps(value).encode('utf-8', 'surrogatepass')
