"""Imports go down only: keras_itm, stroke_tfds, stroke_eval, launchers; inside of them in no circle."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

from absl.testing import absltest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ('keras_itm', 'stroke_tfds', 'stroke_eval', 'launchers')
# Only here do data sets know the generators.
GENERATORS_USED_IN = (
  'stroke_tfds.generators',
  'stroke_tfds.synthetic_slices',
  'stroke_tfds.synthetic_stroke',
)


def imports_of(text: str) -> Iterator[str]:
  """Dotted names of all that a module's text imports, also inside of functions."""
  for node in ast.walk(ast.parse(text)):
    if isinstance(node, ast.ImportFrom) and node.module:
      yield from (f'{node.module}.{alias.name}' for alias in node.names)
    elif isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)


def breaches(module: str, text: str) -> list[str]:
  """What a module imports though it must not."""
  floor = FLOORS.index(module.split('.')[0])
  found = []
  for name in imports_of(text):
    top = name.split('.')[0]
    up = top in FLOORS and FLOORS.index(top) > floor
    generators = top == 'keras_itm' and floor == 1 and not module.startswith(GENERATORS_USED_IN)
    programs = top == 'gin' and FLOORS[floor] == 'stroke_eval'
    drawing = top == 'matplotlib' and FLOORS[floor] != 'launchers'
    reports = name.startswith('launchers.reports') and module.startswith('launchers.study')
    tests = top in ('tests', 'experiments', 'examples', 'benchmarks', 'bundles')
    if up or generators or programs or drawing or reports or tests:
      found.append(name)
  return found


def modules() -> Iterator[tuple[str, str]]:
  """Dotted name and text of every module of the four packages."""
  for floor in FLOORS:
    for path in sorted((ROOT / floor).rglob('*.py')):
      yield '.'.join(path.relative_to(ROOT).with_suffix('').parts), path.read_text('utf-8')


class FloorsTest(absltest.TestCase):
  def test_imports_go_down_only(self):
    found = {module: breaches(module, text) for module, text in modules()}
    self.assertEqual({module: names for module, names in found.items() if names}, {})

  def test_every_floor_was_looked_at(self):
    self.assertEqual({module.split('.')[0] for module, _ in modules()}, set(FLOORS))

  def test_breaches_are_found(self):
    for module, line in (
      ('keras_itm.losses', 'from stroke_tfds import example'),
      ('keras_itm.losses', 'import launchers.app'),
      ('stroke_tfds.sources', 'from keras_itm.lesions import MIN_VOXELS'),
      ('stroke_tfds.sources', 'def f():\n  import stroke_eval'),
      ('stroke_eval.survey', 'import gin'),
      ('stroke_eval.survey', 'from matplotlib import pyplot'),
      ('launchers.study.arms', 'from launchers.reports import style'),
      ('launchers.app', 'from tests import tiny'),
    ):
      self.assertLen(breaches(module, line), 1, line)
    for module, line in (
      ('stroke_tfds.synthetic_stroke.config', 'from keras_itm.bundle import load_bundle'),
      ('stroke_eval.survey', 'from keras_itm import lesions'),
      ('launchers.reports.style', 'import matplotlib'),
      ('launchers.reports.study.report', 'from launchers.study import arms'),
    ):
      self.assertEmpty(breaches(module, line), line)


class RoomsTest(absltest.TestCase):
  """Inside of the floors."""

  def test_no_circle_of_modules(self):
    texts = dict(modules())
    names = {name.removesuffix('.__init__'): name for name in texts}
    arrows = {}
    for name, text in texts.items():
      found = (names.get(one, names.get(one.rpartition('.')[0])) for one in imports_of(text))
      arrows[name] = {other for other in found if other} - {name}
    graphlib.TopologicalSorter(arrows).prepare()  # Raises CycleError, which names the circle.

  def test_imaging_knows_neither_phantoms_nor_preparation(self):
    above = ('stroke_tfds.phantom', 'stroke_tfds.preparation')
    for module, text in modules():
      if module.startswith('stroke_tfds.imaging'):
        self.assertEqual([n for n in imports_of(text) if n.startswith(above)], [], module)


if __name__ == '__main__':
  absltest.main()
