"""From sets and predictions on disk to the figures."""

import json
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf

from launchers.reports import style
from launchers.reports.page import viewer_files
from launchers.reports.study.figures import picture_panels, synthetic_sets
from launchers.reports.study.figures.synthetic_sets import survey_sets
from launchers.reports.study.report import volume_figures
from launchers.reports.study.report_inputs import Volumes
from stroke_tfds.errors import InputError
from stroke_tfds.sources import open_sources
from tests.launchers import fake_runs

HEALTHY, TRAIN, TEST = (f'fake_clinical/tiny:{split}' for split in ('healthy', 'train', 'test'))


class FakeOther(fake_runs.FakeClinical, skip_registration=True):
  """A second translator's set."""


class FakeKept(fake_runs.FakeClinical, skip_registration=True):
  """A set of scans that were kept."""


class FakePatients(fake_runs.FakeClinical, skip_registration=True):
  """A set of patients' scans that were kept with their lesions."""


class FakeCarved(fake_runs.FakeClinical, skip_registration=True):
  """A set of clinical parents and donors."""


class FakeWrong(fake_runs.FakeClinical, skip_registration=True):
  """Says the same origin and has other label maps."""


class FakeForeign(fake_runs.FakeClinical, skip_registration=True):
  """A set of parents and donors that the study does not know, some with names that it does."""


class FakeLost(fake_runs.FakeClinical, skip_registration=True):
  """A set without shared cases, of parents and donors that cannot be found."""


def made_of(healthy, lesions, brightness, source=HEALTHY, **facts):
  """Synthetic cases with the label maps of healthy ones and the lesions of others."""
  cases = []
  for i, (parent, donor) in enumerate(zip(healthy, lesions)):
    provenance = {
      'healthy_source': source,
      'healthy_parent': parent['subject_id'],
      'lesion_seed': [0, i],
      'lesion_generator': 'g',
      **facts,
    }
    image = np.clip(parent['image'] * (1 + brightness * donor['lesion'][..., np.newaxis]), 0, 1)
    cases.append(
      fake_runs.example.make_example(
        image,
        parent['labels'],
        donor['lesion'],
        grid=fake_runs.GRID,
        subject_id=f'made_{i}',
        provenance=provenance,
      )
    )
  return cases


def write_made(builder, cases, data_dir):
  builder({'train': cases}, data_dir=data_dir, config='tiny').download_and_prepare()


class VolumeFiguresTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls.root, cls.data_dir = Path(folder.name), str(Path(folder.name) / 'data')
    test = fake_runs.write_sets(cls.data_dir)
    # What write_sets stores, made again from its seeds.
    healthy = fake_runs.make_examples('healthy', 4, 0, n_negative=4)
    train = fake_runs.make_examples('train', 6, 1)
    write_made(FakeOther, made_of(healthy, train, 1.0), cls.data_dir)
    write_made(FakeKept, made_of(healthy, train, 0.7, in_scan=True), cls.data_dir)
    patients = made_of(train[1:], train, 0.7, TRAIN, in_scan=True, lesion_draw_voxels=[30])
    for case, parent in zip(patients, train[1:]):
      case['lesion'] |= parent['lesion']
      kept = {'kept_lesion_voxels': int(parent['lesion'].sum())}
      case['provenance'] = json.dumps(json.loads(case['provenance']) | kept)
    write_made(FakePatients, patients, cls.data_dir)
    wrong = made_of(healthy, train, 0.5)
    for case in wrong:
      case['labels'] = case['labels'][::-1].copy()
    write_made(FakeWrong, wrong, cls.data_dir)
    # Of healthy cases that are nowhere, under the names of the study's.
    write_made(FakeForeign, made_of(healthy, train, 0.5, 'gone/tiny:healthy'), cls.data_dir)
    carved = lambda i: {
      'base': f'train_{i:03d}',
      'lesion_donor': f'train_{i + 1:03d}',
      'clinical_source': TRAIN,
    }
    write_made(FakeCarved, fake_runs.make_examples('carved', 4, 7, provenance=carved), cls.data_dir)
    cls.arms = ('clinical', 'clinical + A')
    cls.runs = {
      arm: fake_runs.write_unet_run(cls.root / f'unet_{i}', test, 2 - i)
      for i, arm in enumerate(cls.arms)
    }
    cls.test_examples = {case['subject_id']: case for case in test}

    # Drawn once: with real pictures, keeping the stages that they show.
    cls.stages = []
    keep = lambda stages, *rest: cls.stages.append(stages) or picture_panels.stages_panel(stages, *rest)
    with mock.patch('launchers.reports.study.figures.synthesis.stages_panel', keep):
      cls.sections = cls.draw({'A': 'fake_other', 'B': 'fake_other', 'CarveMix': 'fake_carved'})

  @classmethod
  def open(cls, text):
    return open_sources([text], cls.data_dir, build=False)[0]

  @classmethod
  def draw(cls, sets, **changes):
    scored = list(cls.test_examples)
    arguments = {
      'sets': {name: cls.open(f'{text}/tiny:train') for name, text in sets.items()},
      'clinical': cls.open(TRAIN),
      'healthy': cls.open(HEALTHY),
      'test': cls.open(TEST),
      'predictions': cls.runs,
      'dice': {
        arm: {s: 0.1 * i + 0.05 * j for i, s in enumerate(scored)} for j, arm in enumerate(cls.arms)
      },
      'commands': {'clinical': 'run arm 0', 'clinical + A': 'run arm 1', 'A set': 'make A'},
      'generators': {},
      'data_dir': cls.data_dir,
    }
    volumes = Volumes(**{**arguments, **changes})
    surveyed = survey_sets(volumes) if volumes.sets else None
    return {section.number: section for section in volume_figures(volumes, surveyed)}

  def test_all_figures(self):
    sections = self.sections
    self.assertEqual(list(sections), [2, 3, 6, 8])
    titles = [panel.title for panel in sections[2].panels]
    self.assertLen(titles, 3)
    self.assertStartsWith(titles[0], 'Healthy case healthy_')
    self.assertEqual(titles[1], 'Synthetic DWIs of this label map')
    self.assertStartsWith(titles[2], 'CarveMix: carved_')
    self.assertIn('clinical parent, donor of the lesion and CarveMix', sections[2].panels[2].alt)
    self.assertIn('translated by A and B', sections[2].caption)
    self.assertIn('one case of CarveMix', sections[2].caption)
    self.assertEqual(sections[2].commands, ['make A'])
    names = [panel.title.split()[0] for panel in sections[3].panels]
    self.assertEqual(names, ['Label', 'Healthy', 'Clinical', 'A', 'B'])
    self.assertLen(sections[6].panels, 3)
    self.assertEqual(sections[8].commands, ['run arm 0', 'run arm 1'])
    for section in sections.values():
      for panel in section.panels:
        self.assertLess(len(panel.uri), 250_000)

  def test_pictures_lead_to_whole_cases_when_asked(self):
    self.assertFalse([p for s in self.sections.values() for p in s.panels if p.view])
    with mock.patch.object(style, 'picture_uri', return_value=''):
      sets = {'A': 'fake_other', 'B': 'fake_other', 'CarveMix': 'fake_carved'}
      sections = self.draw(sets, viewer=True)
    shared, again, apart = (panel.view for panel in sections[2].panels)
    self.assertEqual(list(shared.images), ['healthy DWI', 'A', 'B'])
    self.assertIsNone(again)
    self.assertStartsWith(apart.title, 'carved_')
    for panel in sections[8].panels:
      self.assertStartsWith(panel.view.title, f'{panel.title.split(": ")[1]}, {TEST}')
      self.assertAllEqual(
        panel.view.masks['lesion'], self.test_examples[panel.title.split(': ')[1]]['lesion']
      )
      found = [f'found by {arm}' for arm in self.arms]
      self.assertEqual(list(panel.view.masks), ['lesion', *found])
      self.assertEqual(panel.view.hidden, set(found))
    name = 'figure_08_1.html'
    self.assertIs(viewer_files(sections.values())[name], sections[8].panels[0].view)

  def test_numbers_of_the_segmentations_are_those_of_the_masks(self):
    (panel,) = (p for p in self.sections[8].panels if p.title.startswith('Median'))
    subject = panel.title.split(': ')[1]
    truth = self.test_examples[subject]['lesion']
    for arm, shift in zip(self.arms, (2, 1)):
      mask = np.roll(truth, shift, axis=0)
      dice = 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
      self.assertIn(f'{arm}: Dice {dice:.2f}', panel.alt)

  def test_negative_case_tells_what_was_found(self):
    panel = self.sections[8].panels[-1]
    # Shifts of 2 and 1 write one voxel of 6 x 6 x 12 mm each.
    self.assertEqual(panel.title, 'Most false-positive voxels: test_007')
    self.assertIn('no lesion', panel.alt)
    self.assertIn('clinical + A: found 0.43 ml', panel.alt)

  def test_without_synthetic_sets_or_predictions(self):
    self.assertEqual(list(self.draw({}, predictions={})), [])
    with mock.patch.object(style, 'picture_uri', return_value=''):
      self.assertEqual(list(self.draw({})), [8])
    with mock.patch.object(style, 'picture_uri', return_value=''):
      self.assertEqual(list(self.draw({'CarveMix': 'fake_carved'}, predictions={})), [2, 6])

  def draw_stages(self, sets, **changes):
    """Stages of each panel of Figure 2, and the figures without their drawings."""
    titles = []
    keep = lambda stages, *rest: titles.append([stage.title for stage in stages])
    with mock.patch('launchers.reports.study.figures.synthesis.stages_panel', keep):
      with mock.patch.object(style, 'picture_uri', return_value=''):
        return titles, self.draw(sets, predictions={}, **changes)

  def test_parents_are_found_where_provenance_says(self):
    """Also where the study has other healthy and clinical cases, or others under the same names."""
    others = {'healthy': self.open(TEST), 'clinical': self.open('fake_carved/tiny:train')}
    titles, sections = self.draw_stages({'A': 'fake_other', 'CarveMix': 'fake_carved'}, **others)
    self.assertEqual(titles[0][0], 'healthy DWI')
    self.assertEqual(titles[2], ['clinical parent', 'donor of the lesion', 'CarveMix'])
    self.assertNotIn('Not shown', sections[2].caption + sections[3].caption)

  def test_says_which_images_are_scans(self):
    note = ": the parent's scan with what the lesion changes in its translation."
    _, sections = self.draw_stages({'A': 'fake_other', 'C': 'fake_kept'})
    for number in (2, 3):
      self.assertIn(f'C{note}', sections[number].caption)
      self.assertNotIn(note, self.sections[number].caption)

  def test_patients_with_their_lesions_are_shown_apart(self):
    """They are nobody's healthy parents, and their masks are not a generator's."""
    titles, sections = self.draw_stages({'P': 'fake_patients', 'A': 'fake_other'})
    self.assertEqual(titles[-1], ["patient's scan", 'lesion put in', 'P'])
    self.assertIn('translated by A:', sections[2].caption)
    self.assertIn("P: the parent's scan", sections[2].caption)
    self.assertNotIn(13, sections)
    self.assertEqual(self.draw_stages({'P': 'fake_patients'})[0], [titles[-1]])

  def test_without_healthy_cases(self):
    titles, sections = self.draw_stages({'CarveMix': 'fake_carved'}, healthy=None)
    self.assertEqual(titles, [['clinical parent', 'donor of the lesion', 'CarveMix']])
    self.assertNotIn('healthy', sections[6].caption)
    self.assertIn('the 4 healthy cases', self.sections[6].caption)

  def test_a_parent_that_is_not_there_is_left_out_and_said(self):
    titles, sections = self.draw_stages({'B': 'fake_foreign'})
    self.assertEqual(titles, [['label map', 'lesion put in'], ['B']])
    self.assertRegex(sections[2].panels[0].title, r'^Healthy case healthy_00\d, lesion of')
    said = r'Not shown, since .*: healthy parent healthy_00\d \(gone/tiny:healthy\)\.'
    for number in (2, 3):
      self.assertRegex(sections[number].caption, said)
    self.assertNotIn('the healthy parent and', sections[3].caption)
    names = [panel.title.split()[0] for panel in sections[3].panels]
    self.assertEqual(names, ['Label', 'Clinical', 'B'])

  def test_apart_sets_of_cases_that_are_not_there(self):
    facts = {
      'healthy_source': 'gone/tiny:healthy',
      'healthy_parent': 'healthy_001',
      'lesion_donor': 'train_001',
    }
    made = fake_runs.make_examples('made', 3, 9, provenance=lambda i: facts)
    write_made(FakeLost, made, self.data_dir)
    # The subjects exist in the study's own sets.
    titles, sections = self.draw_stages({'fused': 'fake_lost'})
    self.assertEqual(titles, [['fused']])
    self.assertIn(
      'healthy parent healthy_001 (gone/tiny:healthy); donor of the lesion train_001 (of a data set '
      'that is not named).',
      sections[2].caption,
    )

  def test_a_case_of_the_parents_name_with_another_label_map_is_not_the_parent(self):
    titles, sections = self.draw_stages({'A': 'fake_other', 'B': 'fake_wrong'})
    # B has the provenance of A and other labels.
    self.assertEqual(titles[0], ['healthy DWI', 'label map', 'lesion put in'])
    self.assertEqual(titles[1:], [['A'], ['lesion put in', 'B']])
    self.assertIn('translated by A: provenance', sections[2].caption)
    self.assertRegex(sections[2].caption, 'one case of B:.* Not shown, .*: healthy parent healthy_00')

  def test_missing_prediction_is_named(self):
    with self.assertRaisesRegex(InputError, 'nowhere.*run arm 0'):
      self.draw({}, predictions={'clinical': self.root / 'nowhere'})

  def test_shared_pictures_are_those_of_each_set(self):
    (healthy, labels, with_lesion), (made, _), (base, donor, carved) = self.stages
    self.assertAllEqual(with_lesion.volume == 28, made.outline > 0)
    outside = made.outline == 0
    self.assertAllEqual(with_lesion.volume[outside], labels.volume[outside])
    self.assertAllClose(made.volume[outside], healthy.volume[outside], atol=1e-3)
    self.assertGreater(made.volume[~outside].mean(), 1.5 * healthy.volume[~outside].mean())
    self.assertEqual([s.title for s in (base, donor)], ['clinical parent', 'donor of the lesion'])
    self.assertNotAllClose(base.volume, donor.volume)
    self.assertEqual(carved.title, 'CarveMix')


class SurveyedSetsTest(tf.test.TestCase):
  def test_commands_are_named_once(self):
    commands = {'a set': 'make', 'b set': 'make', 'a': 'train'}
    sets = synthetic_sets.SurveyedSets(
      {}, None, {}, None, {}, None, None, {}, {}, None, (), commands, None
    )
    self.assertEqual(sets.made_by(['a', 'b', 'built before']), ['make'])


if __name__ == '__main__':
  tf.test.main()
