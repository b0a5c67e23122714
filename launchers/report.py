"""Writes report.html and summary.json over finished runs.

  python -m launchers.report --workdir=runs/demo --data_dir=runs/data \\
    --gin_bindings='write_report.clinical = "phantom_stroke/mini"' ...

`make demo` prints the whole command; `write_report` in launchers/report_lib.py lists the values.
"""

from launchers import app
from launchers.report_lib import write_report

if __name__ == '__main__':
  app.launch(write_report)
