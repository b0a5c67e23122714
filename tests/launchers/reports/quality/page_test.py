"""The page of a prepared folder: order, escaping, what is drawn again."""

import json
import re
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
from PIL import Image

from launchers.reports.quality import page as quality_page
from launchers.reports.quality.frame import frame_of
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.preparation.folder import PreparedFolder, Settings
from stroke_tfds.preparation.tables import CaseRecord, Participant

GRID = Grid('small', (16, 18, 10), (10.0, 10.0, 12.0), (-80.0, -90.0, -60.0))
BRAIN = np.zeros(GRID.shape, bool)
BRAIN[4:12, 4:14, 1:9] = True
ATTACK = '<script>alert(1)</script>'
SUSPICION = {'brain_dice': 'expected at least 0.8'}

# Case -> brain Dice, suspicions.
CASES = {
  'sub-A': (0.95, {}),
  'sub-B_ses-01': (0.91, {}),
  'sub-C': (0.7, {'lesion_ml': 'expected ' + ATTACK}),
  'sub-D': (0.5, SUSPICION),
}


def write_case(folder, case_id, seed=0):
  dice, suspicions = CASES[case_id]
  image = np.random.default_rng(seed).uniform(size=(*GRID.shape, 1)).astype(np.float32)
  fraction = np.zeros(GRID.shape, np.float32)
  fraction[7, 7, 4] = 1
  facts = {
    'group': 'positive',
    'labels_from': 'template',
    'quality': {'brain_dice': dice, 'lesion_ml': 1.2},
    'suspicions': suspicions,
    'inputs': 'a hash',
    'image_sha256': 'another',
    'seconds': 1.0,
  }
  folder.write_case(case_id, image, BRAIN.astype(np.uint8), fraction, facts)


def write_tables(folder, case_ids):
  """Tables of these cases and of one that failed."""
  status = {case_id: 'suspicious' if CASES[case_id][1] else 'prepared' for case_id in case_ids}
  split = lambda case_id: 'test' if case_id == 'sub-A' else ''
  folder.write_tables(
    [Participant(c.split('_')[0], c, 'positive', split(c), s) for c, s in status.items()],
    [
      CaseRecord('sub-E', 'failed', f'dwi: holds {ATTACK}, expected a scan'),
      *(CaseRecord(c, s, '', 1.0, {'brain_dice': CASES[c][0]}) for c, s in status.items()),
    ],
  )


class WritePageTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    frame = mock.patch.object(quality_page, 'template_frame', lambda grid: frame_of(BRAIN, grid))
    self.enter_context(frame)
    self.draw = mock.Mock(wraps=quality_page.draw_case)
    self.enter_context(mock.patch.object(quality_page, 'draw_case', self.draw))
    path = Path(self.get_temp_dir(), self.id())
    self.folder = PreparedFolder.create(path, Settings('soop', ('dwi',), 'syn', GRID))
    for case_id in CASES:
      write_case(self.folder, case_id)
    write_tables(self.folder, CASES)

  def write(self, **options):
    return quality_page.write_page(self.folder, **options).read_text('utf-8')

  def n_drawn(self):
    before = self.draw.call_count
    self.write()
    return self.draw.call_count - before

  def test_failed_first_then_suspicious_worst_first(self):
    page = self.write()
    ids = re.findall(r'<article class="case" id="([^"]+)"', page)
    self.assertEqual(ids, ['sub-D', 'sub-C', 'sub-B_ses-01', 'sub-A'])
    self.assertLess(page.index('>sub-E<'), page.index('id="sub-D"'))
    self.assertIn('Suspicious: 2', page)

  def test_what_is_suspicious_is_emphasised(self):
    page = self.write()
    marked = re.findall(r'<span class="attention">(.*?)</span>', page)
    self.assertEqual(marked[0], 'brain Dice <b>0.500</b>, expected at least 0.8')
    self.assertStartsWith(marked[1], 'lesion in MNI space <b>1.2 ml</b>, expected ')
    self.assertLen(marked, 2)

  def test_text_is_escaped(self):
    page = self.write()
    self.assertNotIn('<script', page)
    self.assertLen(re.findall(re.escape('&lt;script&gt;alert(1)&lt;/script&gt;'), page), 2)

  def test_needs_nothing_but_its_pictures(self):
    page = self.write()
    for value in re.findall(r'(?:src|href)="([^"#][^"]*)"', page):
      if not value.startswith('data:'):
        self.assertTrue((self.folder.path / value).is_file(), value)
    self.assertNotRegex(page, r'https?://(?!www\.w3\.org)|@import|url\(')
    self.assertNotIn(str(self.folder.path), page)

  def test_pictures_are_loaded_when_scrolled_to_and_have_their_place_before(self):
    pictures = re.findall(r'<img src="(quality/[^"]+)"([^>]*)>', self.write())
    self.assertLen(pictures, len(CASES))
    for name, attributes in pictures:
      self.assertIn('loading="lazy"', attributes)
      width, height = Image.open(self.folder.path / name).size
      self.assertIn(f'width="{width}" height="{height}"', attributes)

  def test_split_is_told_where_the_input_gives_one(self):
    self.assertLen(re.findall('split test', self.write()), 1)

  def test_only_what_changed_is_drawn_again(self):
    self.assertEqual(self.n_drawn(), len(CASES))
    self.assertEqual(self.n_drawn(), 0)
    write_case(self.folder, 'sub-C', seed=1)
    self.assertEqual(self.n_drawn(), 1)
    (self.folder.path / 'quality' / 'sub-A.png').unlink()
    self.assertEqual(self.n_drawn(), 1)

  def test_viewers_are_there_when_asked_for_alone(self):
    pages = lambda: sorted(path.name for path in (self.folder.path / 'quality').glob('*.html'))
    self.assertNotIn('viewer"', self.write())
    self.assertEqual(pages(), [])
    links = re.findall('<a class="viewer" href="(.*?)">', self.write(viewer=True))
    self.assertEqual(sorted(links), [f'quality/{case_id}.html' for case_id in CASES])
    self.assertEqual(pages(), [f'{case_id}.html' for case_id in CASES])
    page = (self.folder.path / 'quality' / 'sub-D.html').read_text('utf-8')
    scene = json.loads(re.search('id="case">(.*?)</script>', page)[1])
    self.assertEqual([one['name'] for one in scene['images']], ['DWI'])
    # The lesion's voxel (7, 7, 4), from the corner of the grid.
    self.assertEqual(scene['start_mm'], [-80 + 75, -90 + 75, -60 + 54])
    self.assertEqual(scene['masks'][0]['volume'], '1.2 ml')
    self.assertEqual(dict(scene['facts'])['brain dice'], '0.5')
    write_tables(self.folder, ['sub-A'])
    self.write(viewer=True)
    self.assertEqual(pages(), ['sub-A.html'])
    self.write()
    self.assertEqual(pages(), [])

  def test_page_is_the_same_when_written_again(self):
    self.assertEqual(self.write(), self.write())

  def test_pictures_of_withdrawn_cases_are_deleted_and_nothing_else(self):
    self.write()
    note = self.folder.path / 'quality' / 'notes.txt'
    note.write_text('mine')
    write_tables(self.folder, ['sub-A'])
    self.assertNotIn('sub-D', self.write())
    self.assertEqual({path.name for path in note.parent.iterdir()}, {'sub-A.png', 'notes.txt'})

  def test_no_case_is_usable(self):
    write_tables(self.folder, [])
    page = self.write()
    self.assertIn('>sub-E<', page)
    self.assertNotIn('<article', page)

  def test_a_damaged_picture_is_drawn_again(self):
    self.write()
    (self.folder.path / 'quality' / 'sub-A.png').write_bytes(b'half a pict')
    self.assertEqual(self.n_drawn(), 1)

  def test_a_changed_volume_is_refused_by_name(self):
    next((self.folder.path / 'sub-A').rglob('*desc-preproc_dwi.nii.gz')).write_bytes(b'no scan')
    with self.assertRaisesRegex(InputError, '^sub-A: .*desc-preproc_dwi.nii.gz'):
      self.write()


if __name__ == '__main__':
  tf.test.main()
