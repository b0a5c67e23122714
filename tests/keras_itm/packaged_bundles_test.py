"""Names of bundles: what each stands for, and one line where it stands for nothing."""

import os
import sys
import tempfile
from pathlib import Path
from unittest import mock

from absl.testing import absltest

from keras_itm.packaged_bundles import NAMES, PACKAGE, folder_of


class FolderOfTest(absltest.TestCase):
  def setUp(self):
    super().setUp()
    self.site = Path(tempfile.mkdtemp())
    # Nothing that is installed beside, and no folder of such a name here.
    others = [path for path in sys.path if not (Path(path) / PACKAGE).exists()]
    self.enter_context(mock.patch.object(sys, 'path', [str(self.site), *others]))
    here = os.getcwd()
    os.chdir(tempfile.mkdtemp())
    self.addCleanup(os.chdir, here)

  def install(self, *names: str) -> None:
    for name in names:
      (self.site / PACKAGE / name).mkdir(parents=True)
    (self.site / PACKAGE / '__init__.py').write_text('raise SystemExit("it was imported")')

  def test_names_of_the_distribution(self):
    self.install(*NAMES)
    for name in NAMES:
      self.assertEqual(folder_of(name), self.site / PACKAGE / name)

  def test_a_folder_that_is_there_comes_first(self):
    self.install(*NAMES)
    Path(NAMES[0]).mkdir(parents=True)
    self.assertEqual(folder_of(NAMES[0]), Path(NAMES[0]))

  def test_all_else_is_a_path(self):
    for path in ('runs/bundle', f'./x/{NAMES[0]}', f'/{NAMES[0]}', ''):
      self.assertEqual(folder_of(path), Path(path))
    self.assertEqual(folder_of('~/bundle'), Path.home() / 'bundle')

  def test_one_line_for_what_is_not_there(self):
    known = 'phantom-mini/lesion_generator, phantom-mini/segmenter, phantom-mini/translator'
    for name in ('phantom-mini', 'phantom-mini/spade', f'phantom-mini/{"a" * 300}'):
      with self.assertRaisesRegex(ValueError, f'^{name}: no bundle of this name.*{known}$'):
        folder_of(name)
    with self.assertRaisesRegex(ValueError, f'^{NAMES[0]}: .*not installed.*make bundles'):
      folder_of(NAMES[0])
    self.install(NAMES[1])
    with self.assertRaisesRegex(ValueError, f'^{NAMES[0]}: not in {PACKAGE}.*install it again$'):
      folder_of(NAMES[0])


if __name__ == '__main__':
  absltest.main()
