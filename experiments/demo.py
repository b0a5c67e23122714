"""The demo's numbers: Dice of its arms, seconds of its stages, checks of what was generated.

Command: make demo && python -m experiments.demo
Hardware: 2 CPU cores.
Time: 15 minutes, all of it the demo's.
Expected: a Dice of about .4 over lesions of all sizes, more with synthetic cases, on a real stroke too.

Where KERAS_ITM_SAMPLES names the samples, both arms also segment a real stroke in its own space.
"""

import json
import os

from experiments._common import DEMO, segment_isles, write_table


def main() -> None:
  file = DEMO / 'summary.json'
  if not file.is_file():
    raise SystemExit(f'{file}: expected what `make demo` leaves')
  summary = json.loads(file.read_text())
  rows = [
    {'part': part, 'of': of, 'what': what, 'value': value}
    for part, groups in (('arm', summary['arms']), ('', {'': summary['sanity']}))
    for of, numbers in groups.items()
    for what, value in numbers.items()
  ]
  for row in rows:
    row['part'] = row['part'] or 'check'
  rows += [
    {'part': 'stage', 'of': stage, 'what': 'seconds', 'value': seconds}
    for stage, seconds in summary['stage_seconds'].items()
  ]
  if 'KERAS_ITM_SAMPLES' in os.environ:
    for arm in summary['arms']:
      real = segment_isles(DEMO, arm)
      for what in ('dice', 'dice_ceiling'):
        rows.append({'part': 'ISLES sample', 'of': arm, 'what': what, 'value': real[what]})
  write_table(__file__, rows)


if __name__ == '__main__':
  main()
