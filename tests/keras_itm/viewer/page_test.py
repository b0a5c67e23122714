"""Pages of the viewer: what is in them, and what a browser without network shows of it."""

import base64
import gzip
import hashlib
import html.parser
import importlib.resources
import json
import re
import tempfile
import unittest
from pathlib import Path

import nibabel as nib
import numpy as np
import PIL.Image
from absl.testing import absltest, parameterized

from keras_itm.viewer.colours import structure_colours
from keras_itm.viewer.page import render, write_page
from keras_itm.viewer.view import View, flat_facts, middle_of
from tests.keras_itm.viewer import browser

AFFINE = np.array([[6, 0, 0, -93], [0, 6, 0, -111], [0, 0, 16, -48], [0, 0, 0, 1.0]])
EVIL = '</script ><script>document.body.dataset.evil = 1</script ><!--<script '
# Of dist/niivue.umd.js in the npm package of version 0.69.0.
NIIVUE = '47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af'


def make_view(**changes) -> View:
  """An ellipsoid with a lesion of 5 x 3 x 2 voxels in its left half, around (-33, -21, -8) mm."""
  x, y, z = np.indices((32, 32, 8))
  inside = ((x - 15.5) / 13) ** 2 + ((y - 15.5) / 15) ** 2 + ((z - 3.5) / 4) ** 2 < 1
  image = np.where(inside, 0.3 + 0.01 * x, 0).astype(np.float16)
  lesion = np.zeros((32, 32, 8), np.uint8)
  lesion[8:13, 14:17, 2] = lesion[8:13, 14, 3] = 1
  image[lesion > 0] = 0.7
  fields = {
    'title': 'case 7',
    'images': {'DWI': image, 'ADC': 3 * (image.astype(np.float32) + 1)},
    'affine': AFFINE,
    'masks': {'lesion': lesion},
    'facts': {'seed': '7'},
  }
  return View(**{**fields, **changes})


def make_labels() -> tuple[np.ndarray, list[str]]:
  """Structures of the ellipsoid: its left and right half, what is behind both, and nothing in front."""
  x, y, _ = np.indices((32, 32, 8))
  labels = np.where(y < 10, 3, np.where(x < 16, 1, 2)) * (make_view().images['DWI'] > 0) * (y < 24)
  return labels.astype(np.uint8), ['background', 'left half', 'right half', 'back']


class _Parser(html.parser.HTMLParser):
  def __init__(self, page: bytes):
    super().__init__()
    self.tags: list[tuple[str, dict]] = []
    self.texts: dict[str, str] = {}
    self._open = ''
    self.feed(page.decode())

  def handle_starttag(self, tag, attributes):
    self.tags.append((tag, dict(attributes)))
    self._open = dict(attributes).get('id') or tag

  def handle_endtag(self, tag):
    self._open = ''

  def handle_data(self, data):
    if self._open:
      self.texts[self._open] = self.texts.get(self._open, '') + data


class PageTest(parameterized.TestCase):
  def test_volumes_are_those_that_were_given(self):
    counts = np.arange(32 * 32 * 8, dtype=np.float64).reshape(32, 32, 8) - 4
    view = make_view()
    view = make_view(images={**view.images, 'counts': counts})
    scene = json.loads(_Parser(render(view)).texts['case'])
    types = {}
    for volume in (*scene['images'], *scene['masks']):
      image = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(volume['nifti'])))
      given = {**view.images, **view.masks}[volume['name']]
      np.testing.assert_array_equal(np.asarray(image.dataobj), given)
      np.testing.assert_array_equal(image.affine, AFFINE)
      self.assertEqual(image.get_sform(coded=True)[1], 4)
      self.assertEqual(image.header.get_xyzt_units()[0], 'mm')
      types[volume['name']] = image.get_data_dtype()
    expected = {'DWI': 'float32', 'ADC': 'float32', 'counts': 'int16', 'lesion': 'uint8'}
    self.assertEqual(types, expected)

  def test_labels_have_their_names_and_are_those_that_were_given(self):
    labels, names = make_labels()
    scene = lambda **given: json.loads(_Parser(render(make_view(**given))).texts['case'])['labels']
    shown = scene(labels=labels, label_names=names)
    image = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(shown['nifti'])))
    np.testing.assert_array_equal(np.asarray(image.dataobj), labels)
    self.assertEqual(image.header.get_intent()[0], 'label')
    self.assertEqual(shown['names'], names)
    self.assertEqual(shown['colours'], structure_colours(names))
    self.assertEqual(scene(labels=labels)['names'], ['label 0', 'label 1', 'label 2', 'label 3'])
    self.assertIsNone(scene())

  def test_colours_of_structures(self):
    names = [f'{side} {i}' for i in range(12) for side in ('left', 'right')] + ['stem', 'CSF']
    colours = structure_colours(['background', *names])
    self.assertEqual(colours[1:25:2], colours[2:26:2])
    self.assertLen(set(colours), 1 + 12 + 2)
    rgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours])
    apart = np.linalg.norm(rgb[3:25:2] - rgb[1:23:2], axis=-1)  # Those that follow each other.
    self.assertGreater(apart.min(), 100)
    # Hue 0.08 + 0.82 * 0.382 = 0.3932, 0.359 of the way from green to cyan; lightness 0.72 at
    # saturation 0.7: from 0.524 to 0.916.
    self.assertEqual(colours[1], '#86eaaa')

  def test_says_where_the_lesion_is_and_how_large(self):
    scene = json.loads(_Parser(render(make_view())).texts['case'])
    (mask,) = scene['masks']
    self.assertEqual(mask['volume'], '11.5 ml')  # 20 voxels of 576 mm3.
    # Deepest in the slice of 15 voxels: its middle row, two voxels from every side.
    self.assertEqual(mask['centre_mm'], [-93 + 6 * 9, -111 + 6 * 15, -48 + 16 * 2])
    self.assertEqual(scene['start_mm'], mask['centre_mm'])
    self.assertEqual(scene['grid'], '32 × 32 × 8 voxels of 6 × 6 × 16 mm')  # noqa: RUF001
    empty = make_view(masks={'lesion': np.zeros((32, 32, 8), bool)})
    scene = json.loads(_Parser(render(empty)).texts['case'])
    self.assertIsNone(scene['masks'][0]['centre_mm'])
    self.assertEqual(scene['start_mm'], [-93 + 6 * 16, -111 + 6 * 16, -48 + 16 * 4])

  def test_no_text_becomes_a_part_of_the_page(self):
    plain = _Parser(render(make_view()))
    view = make_view(
      title=EVIL,
      images={EVIL: make_view().images['DWI']},
      masks={f'{EVIL}<!--': make_view().masks['lesion']},
      facts={EVIL: f'{EVIL}\u2028\udc80', 'x': '$case ]]>'},
      labels=make_labels()[0],
      label_names=['', EVIL, f'left {EVIL}', ']]>'],
    )
    found = _Parser(render(view))
    self.assertEqual([tag for tag, _ in found.tags], [tag for tag, _ in plain.tags])
    scene = json.loads(found.texts['case'])
    self.assertEqual(scene['facts'][0], [EVIL, f'{EVIL}\u2028\udc80'])
    self.assertEqual(found.texts['title'], EVIL)
    # Browsers end an element at more than Python's parser does.
    for mark in (b'</script', b'<script', b'<!--', b'</title'):
      self.assertEqual(render(view).count(mark), render(make_view()).count(mark), mark)

  def test_needs_nothing_from_elsewhere_and_is_told_so(self):
    found = _Parser(render(make_view()))
    for tag, attributes in found.tags:
      self.assertNoCommonElements(attributes, ('src', 'href', 'srcset', 'action', 'data', 'style'), tag)
    policy = next(a['content'] for tag, a in found.tags if 'http-equiv' in a)
    digest = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    self.assertEqual(
      policy,
      f"default-src 'none'; script-src 'sha256-{digest(found.texts['script'])}' blob:; style-src "
      f"'sha256-{digest(found.texts['style'])}'; img-src data:; base-uri 'none'; form-action 'none'",
    )

  def test_holds_the_viewer_as_it_was_published_with_its_licences(self):
    found = _Parser(render(make_view()))
    code = gzip.decompress(base64.b64decode(found.texts['niivue']))
    self.assertEqual(hashlib.sha256(code).hexdigest(), NIIVUE)
    licences = importlib.resources.files('keras_itm.viewer').joinpath('LICENCES.txt').read_text('utf-8')
    self.assertIn(NIIVUE, licences)
    self.assertEqual(found.texts['pre'], licences)
    self.assertLess(len(render(make_view())), 1.2e6)

  def test_the_same_case_gives_the_same_bytes(self):
    self.assertEqual(render(make_view()), render(make_view()))

  def test_a_notebook_shows_it_in_a_frame(self):
    page = write_page(Path(tempfile.mkdtemp()) / 'case.html', make_view())
    self.assertEqual(page.path.read_bytes(), render(make_view()))
    ((tag, attributes),) = _Parser(page._repr_html_().encode()).tags
    self.assertEqual((tag, attributes['sandbox']), ('iframe', 'allow-scripts'))
    self.assertEqual(attributes['srcdoc'].encode(), page.path.read_bytes())

  @parameterized.parameters(
    ({'images': {}}, 'case 7: no image'),
    ({'images': {'DWI': np.zeros((4, 4))}}, r'an image of \(4, 4\) voxels, expected three axes'),
    ({'images': {'DWI': np.zeros((1, 1, 3000))}}, 'expected three axes of at most 2048'),
    ({'images': {'DWI': np.full((2, 2, 2), np.nan)}, 'masks': {}}, 'DWI holds values .* not finite'),
    ({'masks': {'lesion': np.zeros((32, 32, 7))}}, r'lesion has \(32, 32, 7\) voxels, expected'),
    ({'masks': {'lesion': np.full((32, 32, 8), 2)}}, 'lesion holds other values than 0 and 1'),
    ({'affine': np.zeros((4, 4))}, 'places no voxels'),
    ({'labels': np.zeros((32, 32, 7))}, r'labels has \(32, 32, 7\) voxels, expected'),
    (
      {'labels': make_labels()[0], 'label_names': make_labels()[1][:2]},
      r'case 7: labels \[2, 3\] are unknown, expected whole numbers from 0 to 1$',
    ),
    ({'labels': np.full((32, 32, 8), 0.5)}, r'labels \[0.5\] are unknown, .* from 0 to 2047$'),
    ({'labels': np.full((32, 32, 8), np.nan)}, r'labels \[nan\] are unknown'),
    ({'labels': np.full((32, 32, 8), -1)}, r'labels \[-1\] are unknown'),
    ({'labels': np.full((32, 32, 8), 2048)}, r'labels \[2048\] are unknown'),
    (
      {'images': {'CT': np.broadcast_to(np.int16(0), (512, 512, 512))}, 'masks': {}},
      r'1 images and 0 masks of \(512, 512, 512\) voxels are 512 MiB, expected at most 256$',
    ),
    (
      {
        'images': {'CT': np.broadcast_to(np.int16(0), (400, 400, 300))},
        'masks': {},
        'labels': np.broadcast_to(np.uint8(0), (400, 400, 300)),
      },
      r'1 images and 0 masks with labels of \(400, 400, 300\) voxels are 275 MiB',
    ),
  )
  def test_refuses_in_one_line(self, changes, error):
    with self.assertRaisesRegex(ValueError, error) as raised:
      make_view(**changes)
    self.assertNotIn('\n', str(raised.exception))

  def test_middle_lies_inside_of_the_largest_part(self):
    mask = np.zeros((12, 12, 3), bool)
    mask[1:6, 1:6, 1] = mask[9:12, 9:12, 1] = True
    self.assertEqual(middle_of(mask).tolist(), [3, 3, 1])

  def test_facts_are_flat(self):
    facts = {'lesion_seed': [0, 3], 'image': {'made_by': 'x'}, 'level': 0.5}
    self.assertEqual(flat_facts(facts), {'lesion seed': '[0, 3]', 'made by': 'x', 'level': '0.5'})


@unittest.skipUnless(browser.find_chromium(), 'needs Chromium')
class BrowserTest(absltest.TestCase):
  def test_slices_contrasts_and_masks_by_hand(self):
    view = make_view(facts={'name': EVIL})
    steps = """
      const said = [];
      const note = () => said.push(['millimetres', 'values', 'level-value', 'window-value'].map(
        (id) => document.getElementById(id).textContent));
      note();
      click('ADC'); await pause(); note();
      const level = document.getElementById('level');
      level.value = 4.5; level.dispatchEvent(new Event('input')); await pause(); note();
      click('Reset the window'); click('DWI'); click('3D'); click('Go to'); await pause(); note();
      document.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyM' }));
      said.push(document.getElementById('masks-shown').checked);
      const made = document.createElement('pre');
      made.id = 'said'; made.textContent = JSON.stringify(said); document.body.append(made);
    """
    text = browser.dump(browser.driven(render(view), steps))
    self.assertIn('data-state="ready"', text)
    self.assertNotIn('data-evil', text)
    said = json.loads(html.unescape(re.search('<pre id="said">(.*?)</pre>', text)[1]))
    place = 'MNI x \N{MINUS SIGN}39.0 left, y \N{MINUS SIGN}21.0, z \N{MINUS SIGN}16.0 mm'
    # Half precision has .7 as 0.7001953125; ADC is 3 (image + 1).
    self.assertEqual(said[0][:2], [place, 'DWI 0.7002; lesion'])
    self.assertEqual(said[1][:2], [place, 'ADC 5.101; lesion'])
    self.assertEqual(said[2][:3], [place, 'ADC 5.101; lesion', '4.5'])
    self.assertEqual(said[2][3], said[1][3])
    self.assertEqual(said[3], said[0])
    self.assertIs(said[4], False)

  def test_anatomy_is_named_and_is_shown_when_asked(self):
    labels, names = make_labels()
    names[1] = f'left {EVIL}'
    masks = {'lesion': make_view().masks['lesion'], 'back': labels == 3}
    view = make_view(labels=labels, label_names=names, masks=masks)
    steps = """
      const said = [];
      const shown = document.getElementById('labels-shown');
      const note = () => said.push(document.getElementById('values').textContent, shown.checked);
      note();
      document.querySelectorAll('button')[2].click(); await pause(); note();
      const opacity = document.querySelector('#anatomy [type=range]');
      opacity.dispatchEvent(new Event('input')); click('ADC'); await pause(); note();
      const made = document.createElement('pre');
      made.id = 'said'; made.textContent = JSON.stringify(said); document.body.append(made);
    """
    text = browser.dump(browser.driven(render(view), steps))
    self.assertNotIn('data-evil', text)
    said = json.loads(html.unescape(re.search('<pre id="said">(.*?)</pre>', text)[1]))
    self.assertEqual(said[:2], [f'DWI 0.7002; left {EVIL}; lesion', False])
    self.assertRegex(said[2], '^DWI [0-9.]+; back$')  # Once, of structure and mask.
    self.assertRegex(said[4], '^ADC [0-9.]+; back$')
    self.assertIs(said[5], True)

  def test_anatomy_has_its_colours_on_both_sides_and_no_rim_of_a_mask_s(self):
    labels, names = make_labels()
    masks = {'lesion': np.zeros_like(labels)}
    page = render(make_view(labels=labels, label_names=names, masks=masks))
    colours = [[int(one[i : i + 2], 16) for i in (1, 3, 5)] for one in structure_colours(names)]
    hue = lambda rgb: rgb - rgb.mean(-1, keepdims=True)
    counts, reddish = [], []
    for key in ('', "document.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyA' }));"):
      path = Path(tempfile.mkdtemp()) / 'shot.png'
      browser.screenshot(browser.driven(page, f"click('Axial'); {key} await pause();"), path)
      pixels = np.asarray(PIL.Image.open(path).convert('RGB')).astype(float)[:, :840]
      reddish.append((pixels[..., 0] > 4 + pixels[..., 1:].max(-1)).mean())
      pixels = hue(pixels)
      length = np.linalg.norm(pixels, axis=-1) + 1e-6
      for colour in (colours[1], colours[3]):
        wanted = hue(np.array(colour, float))
        alike = pixels @ wanted / np.linalg.norm(wanted) / length > 0.97
        alike &= length > 15
        counts += [alike[:, :420].mean(), alike[:, 420:].mean()]
    self.assertLess(max(counts[:4] + reddish), 0.001)
    self.assertGreater(min(counts[4:]), 0.03)

  def test_the_lesion_is_on_the_side_of_the_patient_that_it_is_on(self):
    """Left of the patient, which radiologists have on the right; with the switch, on the left."""
    shares = {}
    for switch in ('', "click('Right side of the patient on the left');"):
      path = Path(tempfile.mkdtemp()) / 'shot.png'
      steps = f"click('Axial'); {switch} await pause();"
      browser.screenshot(browser.driven(render(make_view()), steps), path)
      pixels = np.asarray(PIL.Image.open(path).convert('RGB')).astype(int)[:, :840]
      red = pixels[..., 0] - pixels[..., 2] > 40
      grey = (pixels[..., 0] > 60) & ~red
      self.assertGreater(grey.mean(), 0.1)
      self.assertGreater(red.sum(), 500)
      shares[bool(switch)] = red[:, 420:].sum() / red.sum()
    self.assertGreater(shares[False], 0.99)
    self.assertLess(shares[True], 0.01)


if __name__ == '__main__':
  absltest.main()
