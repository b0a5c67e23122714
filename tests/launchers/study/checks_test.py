"""Studies that can and that cannot be carried out."""

from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from launchers.study import checks
from stroke_tfds import lesion_fusion
from tests import tiny
from tests.launchers.study import refusals, tiny_study
from tests.launchers.study.tiny_study import arm


class NamesTest(refusals.Case):
  def check(self, **changes):
    checks.check_names(tiny_study.design(**changes))

  def test_a_sound_design(self):
    self.check()
    self.check(unet='unet_mini.gin')

  @parameterized.parameters(
    (
      arm(learns_from={'SPADE': 3}),
      r"arm 'x': source 'SPADE' is unknown, .*\['clinical', 'lesion fusion'\]",
    ),
    (
      arm(learns_from={'clinical': 3, 'lesion fusion': 5}),
      "arm 'x': asks for 5 cases of 'lesion fusion', .* 4",
    ),
  )
  def test_refuses_arms(self, fields, message):
    self.refuses(message, self.check, arms={'x': fields})

  def test_as_many_cases_as_are_made(self):
    self.check(arms={'x': arm(learns_from={'lesion fusion': 4})})

  def test_refuses_numbers(self):
    for number in (0, -2, 2.5, '8'):
      self.refuses(f'num_volumes is {number!r}, expected', self.check, num_volumes=number)

  def test_refuses_gin_files_that_are_not_there(self):
    for file in ('unet_small.gin', '/nowhere/unet_mini.gin', 'experiments/unet_mini.gin', ''):
      self.refuses(f"gin file '{file}': not there", self.check, unet=file)
    arms = {'x': arm(learns_from={'SPADE': 3})}
    synthetic = {'SPADE': {'translator': 'spade_tiny.gin'}}
    self.refuses("'spade_tiny.gin': not there", self.check, synthetic=synthetic, arms=arms)
    synthetic = {'SPADE': {'translator': 'spade_mini.gin'}}
    self.check(synthetic=synthetic, arms=arms)
    self.refuses(
      "gin file 'x.gin': not there", self.check, synthetic=synthetic, arms=arms, lesion_gan='x.gin'
    )
    self.check(lesion_gan='')
    self.refuses(
      "source 'SPADE': needs the gin file of a lesion GAN, and lesion_gan is empty",
      self.check,
      synthetic=synthetic,
      arms=arms,
      lesion_gan='',
    )

  def test_refuses_to_draw_from_a_draw(self):
    self.refuses('must be a whole split', self.check, train='a/b:train(60, seed=0)')

  def test_refuses_bindings_that_the_segmenter_does_not_know(self):
    for binding in ('train_unet.nonsense = 1', 'AffineRangs.shear_degrees = 2', 'x ='):
      arms = {'good': arm(), 'bad': arm(bindings=[binding])}
      self.refuses("arm 'bad': gin configuration: ", self.check, arms=arms)
    self.check(arms={'good': arm(bindings=['AffineRanges.shear_degrees = 2.0'])})

  def test_refuses_bindings_of_what_the_study_gives(self):
    for name in ('train_unet.sources', 'launchers.train_unet_lib.train_unet.sources'):
      arms = {'good': arm(), 'bad': arm(bindings=[f"{name} = ['a/b:test']"])}
      message = "arm 'bad': bindings have train_unet.sources, which is for the study to say, expected"
      self.refuses(message, self.check, arms=arms)
    for line in ('train_unet.seed = 1', 'train_unet.epochs = 1', "train_unet.test = 'a/b:c'"):
      self.refuses('for the study to say', self.check, arms={'bad': arm(bindings=[line])})
    line = 'train_unet.weights = [1, 2]'
    self.check(arms={'good': arm(bindings=[line])})
    weighted = arm(bindings=[line], weights={'clinical': 1})
    self.refuses('for the study to say', self.check, arms={'bad': weighted})
    self.check(arms={'good': arm(bindings=['train_unet.min_voxels = 0'])})
    for line in ("train_itm.sources = ['a/b:test']", 'train_itm.seed = 3'):
      synthetic = {'SPADE': {'translator': 'spade_mini.gin', 'bindings': [line]}}
      self.refuses(
        "source 'SPADE': bindings have train_itm.",
        self.check,
        synthetic=synthetic,
        arms={'x': arm(learns_from={'SPADE': 3})},
      )

  def test_refuses_to_search_a_rate_that_the_segmenter_does_not_have(self):
    search = {'development': 'a/b:dev', 'learning_rates': [1e-3, 1e-4]}
    arms = {'first': arm(), 'x': arm(learns_from={'clinical': 3})}
    self.check(arms=arms, **search)
    message = (
      "arm 'x': learning_rates are those of ConstantThenLinear, which unet_paper.gin does not use"
    )
    self.refuses(message, self.check, unet='unet_paper.gin', arms=arms, **search)
    for name in ('', 'a/', 'keras_itm.schedules.'):
      arms['x']['bindings'] = [f'Adam.learning_rate = @{name}ConstantThenLinear()']
      self.check(unet='unet_paper.gin', arms=arms, **search)
    self.check(unet='unet_paper.gin', arms={'first': arm()}, **search)

  def test_refuses_cases_without_lesion_that_nothing_learns_from(self):
    synthetic = {'SPADE': {'translator': 'spade_mini.gin', 'config': {'share_negative': 0.2}}}
    fields = arm(learns_from={'SPADE': 3})
    message = "arm 'x': learns from lesions of 20 voxels or more, .*'train_unet.min_voxels = 0'"
    self.refuses(message, self.check, synthetic=synthetic, arms={'x': fields})
    fields['bindings'] = ['train_unet.min_voxels = 20']
    self.refuses(message, self.check, synthetic=synthetic, arms={'x': fields})
    fields['bindings'] = ['train_unet.min_voxels = 0']
    self.check(synthetic=synthetic, arms={'x': fields})

  def test_healthy_scans_where_they_are_needed(self):
    carvemix = {'synthetic': {'CarveMix': {'builder': 'carvemix'}}}
    learns = lambda name: {'arms': {'x': arm(learns_from={name: 'all'})}}
    self.check(healthy='', validation='', **carvemix, **learns('CarveMix'))
    self.check(validation='', **learns('lesion fusion'))
    self.refuses(
      "source 'lesion fusion': needs healthy", self.check, healthy='', **learns('lesion fusion')
    )
    translated = {'synthetic': {'SPADE': {'translator': 'spade_mini.gin'}}}
    self.refuses("source 'SPADE': needs", self.check, validation='', **translated, **learns('SPADE'))

  def test_refuses_two_trainings_in_one_folder(self):
    self.refuses(
      "arm 'a, b': its folder would be that of 'a [+] b'",
      self.check,
      arms={'a + b': arm(), 'a, b': arm()},
    )
    for name in ('generators', '+'):
      self.refuses(f"arm '[{name}]+': its folder", self.check, arms={name: arm()})
    synthetic = {name: {'translator': 'spade_mini.gin'} for name in ('lesion, GAN',)}
    self.refuses("source 'lesion, GAN': its folder", self.check, synthetic=synthetic, arms={'x': arm()})

  def test_a_path_serves_as_well_as_a_packaged_name(self):
    path = Path(tfds.testing.make_tmp_dir()) / 'own.gin'
    path.write_text('')
    checks.check_names(tiny_study.design(unet=str(path), lesion_gan=str(path)))


class DataTest(refusals.Case):
  def check(self, **changes):
    return checks.check_data(tiny_study.design(**changes), self.data_dir)

  def setUp(self):
    super().setUp()
    self.data_dir, self.cohort = tiny_study.cohort()

  def fused(self, cohort, num_volumes=2):
    config = lesion_fusion.LesionFusionConfig(
      clinical=f'{cohort}:train', healthy=f'{cohort}:healthy', num_volumes=num_volumes, min_voxels=1
    )
    builder = lesion_fusion.Builder(config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    return f'lesion_fusion/{builder.builder_config.name}:train'

  def built(self, text, count='all'):
    """A design with a synthetic set that is there already."""
    return {'synthetic': {'mine': {'set': text}}, 'arms': {'x': arm(learns_from={'mine': count})}}

  def test_opens_what_is_there(self):
    self.assertEqual(
      {name: str(source) for name, source in self.check().items()},
      {
        'train': f'{self.cohort}:train',
        'test': f'{self.cohort}:test',
        'healthy': f'{self.cohort}:healthy[1:]',
        'validation': f'{self.cohort}:healthy[:1]',
      },
    )

  def test_a_built_set_is_opened_whole_however_much_of_it_is_used(self):
    text = self.fused(self.cohort)
    for count in ('all', 1):
      self.assertEqual(str(self.check(**self.built(text, count))['mine']), text)

  def test_refuses_more_cases_than_there_are(self):
    message = "arm 'x': .*has 6 cases with a lesion of 20 voxels or more, expected at least 7"
    self.refuses(message, self.check, arms={'x': arm(learns_from={'clinical': 7})})
    self.check(arms={'x': arm(learns_from={'clinical': 6})})
    text = self.fused(self.cohort)
    message = f"arm 'x': asks for 3 cases of 'mine', but {text} has 2"
    self.refuses(message, self.check, **self.built(text, 3))

  def test_refuses_another_grid_or_scheme(self):
    grid = {**tiny.GRID, 'name': 'smaller', 'spacing_mm': [5.0, 5.0, 16.0]}
    other = tiny.build_phantom(self.data_dir, grid=grid, n_healthy=1, n_train=2)
    text = self.fused(other, num_volumes=1)
    message = "arm 'x': .* has the grid .*smaller.*: sets used together must agree"
    self.refuses(message, self.check, **self.built(text))
    for field in ('test', 'healthy', 'validation'):
      self.refuses('has the grid', self.check, **{field: f'{other}:train'})

  def test_refuses_healthy_scans_with_lesions(self):
    self.refuses(
      f'healthy {self.cohort}:train: 10 of 10 cases have a lesion',
      self.check,
      healthy=f'{self.cohort}:train',
    )

  def test_refuses_validation_on_what_is_learnt_from(self):
    self.refuses(
      rf"validation {self.cohort}:healthy.:1. holds '(.*)', which is '\1' of healthy "
      rf'{self.cohort}:healthy .the same image in every voxel.',
      self.check,
      healthy=f'{self.cohort}:healthy',
    )
    validation = f'{self.cohort}:train[:2]'
    self.refuses('which is .* of train .*expected scans that', self.check, validation=validation)

  def test_refuses_learning_rates_chosen_on_what_is_learnt_from(self):
    search = {'development': f'{self.cohort}:test[:3]', 'learning_rates': [1e-3, 1e-4]}
    self.check(**search)
    self.check(**search, validation=f'{self.cohort}:test[:2]')
    built = self.built(f'{self.cohort}:test[2:]')
    self.refuses("^mine: .* holds 'phantom-test-.*', which is", self.check, **search, **built)
    search['development'] = f'{self.cohort}:train[:3]'
    self.refuses("^train: .* holds 'phantom-train-.*', which is", self.check, **search)

  def test_refuses_part_of_a_part(self):
    text = self.fused(self.cohort)
    self.check(**self.built(f'{text}[:1]'))
    self.refuses('which is the part .* already', self.check, **self.built(f'{text}[:1]', 1))

  def test_refuses_what_is_not_built(self):
    text = 'phantom_stroke/mini:train'
    self.refuses("arm 'x': data set 'phantom_stroke/mini' is not built", self.check, **self.built(text))
    self.refuses('is not built', self.check, test=text)
    missing = f'{self.cohort}:dev'
    self.refuses("arm 'x': .*no such split", self.check, **self.built(missing))


if __name__ == '__main__':
  tf.test.main()
