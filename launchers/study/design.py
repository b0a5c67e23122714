"""What a study compares, as a gin file gives it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from keras_itm.bundle_spec import JOINT_GENERATOR, TRANSLATOR
from launchers.study.arms import ALL, CLINICAL, Arm, is_count, read_texts
from launchers.study.claims import MARGIN, RANKS
from launchers.study.external_sets import ExternalTest
from stroke_tfds.carvemix import CarveMixConfig
from stroke_tfds.derived_config import DerivedConfig
from stroke_tfds.errors import InputError
from stroke_tfds.lesion_fusion import LesionFusionConfig
from stroke_tfds.sources import SLICES, VOLUMES
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig
from stroke_tfds.texts import check_label

BUILDERS = {'lesion_fusion': LesionFusionConfig, 'carvemix': CarveMixConfig}
# Fields of each set's config that the study gives, and what stands for them until then.
_OF_STUDY = {
  'num_volumes': 1,
  'num_patients': 1,
  'num_slices': 0,
  'seed': 0,
  'joint_generator': 'bundle',
  'translator': 'bundle',
  'lesion_generator': 'bundle',
  'healthy': 'set',
  'clinical': 'set',
}
HEALTHY = 'healthy'
_TRAINED = (JOINT_GENERATOR, TRANSLATOR)
_KINDS = (*_TRAINED, 'builder', 'set')
DATA_FIELDS = ('train', 'test', 'healthy', 'validation', 'development')
_TAKEN = (CLINICAL, *DATA_FIELDS)


@dataclasses.dataclass(frozen=True)
class Generator:
  """What is trained for synthetic sources; equal ones are trained once.

  Attributes:
    kind: `joint_generator` or `translator`.
    gin_file: Of the training.
    bindings: Over this file.
    clinical: Clinical cases that it learns from: `all`, or a number drawn by the seed.
    takes_classes: Whether it is a translator of the classes that a joint generator draws.
  """

  kind: str
  gin_file: str
  bindings: tuple[str, ...]
  clinical: int | str
  takes_classes: bool = False

  @property
  def is_translator(self) -> bool:
    return self.kind == TRANSLATOR

  @property
  def takes_labels(self) -> bool:
    """Whether it is a translator of label maps, which learns from healthy scans, too."""
    return self.is_translator and not self.takes_classes

  @property
  def launcher(self) -> str:
    """What trains it."""
    return 'train_itm' if self.is_translator else 'train_style_gan'


@dataclasses.dataclass(frozen=True)
class Synthetic:
  """A source of synthetic cases; one of the first four is given, or the first two.

  Attributes:
    translator: Gin file of a translator, trained for each seed beside the study's lesion GAN. Sources
      with the same file and bindings share its training, in the folder of the first of them: keep that
      one's name and place while a study runs.
    joint_generator: Gin file of a generator of slices with their classes, trained for each seed; shared
      likewise. Its cases are generated patients, a number of slices each. With a translator beside it,
      it draws classes alone, and that one, which learns from clinical cases alone, turns them into
      images.
    builder: `lesion_fusion` or `carvemix`, which make cases from clinical ones.
    set: A built data set, `name/config:split`, the same for all seeds.
    bindings: Gin bindings of the training of the joint generator, or of the translator alone.
    config: Further fields of a new set's config, such as `{'keep_scan': True}` or
      `{'truncation': 0.7}`.
    clinical: Clinical cases that its generators learn from, or that a builder takes: `all`, or a number
      drawn by the seed, the same ones as an arm with this number learns from.
    scans: Under `keep_scan`, the scans that lesions are put into: `healthy`, those of the study, or
      `clinical`, those that its generators learn from, which keep their own lesions.
  """

  translator: str = ''
  joint_generator: str = ''
  builder: str = ''
  set: str = ''
  bindings: tuple[str, ...] = ()
  config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  clinical: int | str = ALL
  scans: str = HEALTHY

  @property
  def needs_healthy(self) -> bool:
    takes_labels = any(generator.takes_labels for generator in self.generators)
    return takes_labels or 'healthy' in getattr(BUILDERS.get(self.builder), 'SOURCES', ())

  @property
  def generators(self) -> tuple[Generator, ...]:
    """What is trained for it, in the order of their work."""
    made: list[Generator] = []
    for kind in _TRAINED:
      if gin_file := getattr(self, kind):
        is_second = bool(made)
        bindings = () if is_second else self.bindings
        made.append(Generator(kind, gin_file, bindings, self.clinical, takes_classes=is_second))
    return tuple(made)

  @property
  def unit(self) -> str:
    """What an example of a new set is."""
    return SLICES if self.joint_generator else VOLUMES

  @property
  def builder_name(self) -> str:
    """Of a new set."""
    return self.builder or ('synthetic_slices' if self.joint_generator else 'synthetic_stroke')

  @property
  def config_class(self) -> type[DerivedConfig]:
    """Of a new set."""
    made = SyntheticSlicesConfig if self.joint_generator else SyntheticStrokeConfig
    return BUILDERS.get(self.builder, made)


@dataclasses.dataclass(frozen=True)
class Design:
  """A study.

  Attributes:
    train: Clinical cases that arms and generators learn from, `name/config:split`.
    test: Test cases, seen by nothing else.
    healthy: Healthy scans: translators learn from them, and lesions are put into them; may be empty
      where nothing needs them.
    validation: What translators are measured on while they train; likewise.
    unet: Gin file of the segmenter.
    lesion_gan: Gin file of the lesion GAN.
    synthetic: Name of each synthetic source -> what it is.
    num_volumes: Cases of a synthetic set; of slices, its generated patients.
    arms: What is compared.
    seeds: Each arm is trained once for each; so are the generators.
    development: Cases on which learning rates are chosen, no test case among them; may be empty.
    learning_rates: Tried for every arm that learns from a number of clinical cases, in its first seed;
      the one of the highest Dice on the development cases is that of all seeds.
    margin: Differences of Dice up to here are equivalence.
    external: Further test sets by name.
    ranks: `pairs` (Nemenyi), `control` (Bonferroni-Dunn), or empty for pairs of up to 8 arms.
    about: What readers of the report must know of the data, in sentences.
  """

  train: str
  test: str
  healthy: str
  validation: str
  unet: str
  lesion_gan: str
  synthetic: Mapping[str, Synthetic]
  num_volumes: int
  arms: tuple[Arm, ...]
  seeds: tuple[int, ...]
  development: str = ''
  learning_rates: tuple[float, ...] = ()
  margin: float = MARGIN
  ranks: str = ''
  external: Mapping[str, ExternalTest] = dataclasses.field(default_factory=dict)
  about: str = ''

  def trained_as(self, generator: Generator) -> str:
    """The source under whose name a generator is trained: the first that has it."""
    return next(name for name, source in self.synthetic.items() if generator in source.generators)

  def trained(self) -> tuple[Generator, ...]:
    """What is trained for the sources that some arm learns from."""
    made = [generator for source in self.used().values() for generator in source.generators]
    return tuple(dict.fromkeys(made))

  def new_sets(self) -> tuple[tuple[str, int | str], ...]:
    """The sets that are built: their source, and how many of its cases they hold.

    Arms learn from the first cases of a set; of generated patients, whose slices are not stored one
    after another, each number has a set of its own. The patients of a smaller one are in a larger one.
    """
    found = {}
    for name, source in self.used().items():
      counts = [arm.learns_from[name] for arm in self.arms if name in arm.learns_from]
      found |= {(name, self.set_size(name, n)): None for n in counts if not source.set}
    return tuple(found)

  def set_size(self, name: str, count: int | str) -> int | str:
    """Cases of the set that an arm takes so many from: a number of patients, or `all`."""
    is_part = self.synthetic[name].joint_generator and count != self.num_volumes
    return count if is_part else ALL

  def used(self) -> dict[str, Synthetic]:
    """The synthetic sources that some arm learns from."""
    names = {name for arm in self.arms for name in arm.learns_from}
    return {name: source for name, source in self.synthetic.items() if name in names}

  def lesion_gans(self) -> tuple[int | str, ...]:
    """A lesion GAN is trained for each of these numbers of clinical cases."""
    translators = (generator for generator in self.trained() if generator.takes_labels)
    return tuple(dict.fromkeys(translator.clinical for translator in translators))

  def seen(self) -> dict[str, int | str | None]:
    """Synthetic source -> clinical cases that it was made from; None of a set that was built before."""
    return {name: None if source.set else source.clinical for name, source in self.synthetic.items()}

  def searches_rate(self, arm: Arm) -> bool:
    """Whether an arm's learning rate is chosen on the development cases."""
    return bool(self.learning_rates) and arm.n_clinical not in (0, ALL)


def read_synthetic(synthetic: Mapping[str, Mapping[str, Any]]) -> dict[str, Synthetic]:
  """Synthetic sources from a gin file: name -> fields of Synthetic.

  Raises:
    InputError: An unknown field or builder, or not exactly one of translator, joint generator, builder
      and set, or the first two of these.
  """
  if not isinstance(synthetic, Mapping):
    raise InputError(f'synthetic is {synthetic!r}, expected fields by name of a source')
  return {name: _read_source(name, fields) for name, fields in synthetic.items()}


def _read_source(name: str, fields: Mapping[str, Any]) -> Synthetic:
  what = f'source {name!r}'
  check_label(name, what)
  if not isinstance(fields, Mapping):
    raise InputError(f'{what}: is {fields!r}, expected fields such as "translator"')
  known = [field.name for field in dataclasses.fields(Synthetic)]
  for field in fields:
    if field not in known:
      raise InputError(f'{what}: field {field!r} is unknown, expected some of {known}')
  for kind in _KINDS:
    if not isinstance(fields.get(kind, ''), str):
      raise InputError(f'{what}: {kind} is {fields[kind]!r}, expected a string')
  given = [kind for kind in _KINDS if fields.get(kind)]
  if name in _TAKEN:
    raise InputError(f'{what}: the name is taken, expected another than {_TAKEN}')
  if len(given) != 1 and given != [*_TRAINED]:
    raise InputError(
      f'{what}: has {given or "none"} of {_KINDS}, expected one of them, or the first two'
    )
  if 'builder' in given and fields['builder'] not in BUILDERS:
    raise InputError(f'{what}: builder is {fields["builder"]!r}, expected one of {sorted(BUILDERS)}')
  bindings = read_texts(fields.get('bindings', ()), f'{what}: bindings')
  if bindings and given[0] not in _TRAINED:
    raise InputError(f'{what}: bindings are of a translator or joint generator, and it has none')
  if not isinstance(fields.get('config', {}), Mapping) or (fields.get('config') and 'set' in given):
    raise InputError(f'{what}: config is {fields["config"]!r}, expected fields of a new set')
  count = fields.get('clinical', ALL)
  if (count != ALL and not is_count(count)) or ('clinical' in fields and 'set' in given):
    raise InputError(
      f'{what}: clinical is {count!r}, expected "all" or a whole number from 1, of a new set'
    )
  source = Synthetic(**{**fields, 'bindings': bindings})
  if source.scans not in (HEALTHY, CLINICAL):
    raise InputError(f'{what}: scans is {source.scans!r}, expected {HEALTHY} or {CLINICAL}')
  if source.scans == CLINICAL and not source.config.get('keep_scan'):
    raise InputError(f'{what}: scans is {CLINICAL}, expected keep_scan in its config as well')
  _check_config(what, source)
  return source


def _check_config(what: str, source: Synthetic) -> None:
  """Before hours of training: the set is built after them."""
  for field in _OF_STUDY:
    if field in source.config:
      raise InputError(f'{what}: config has {field!r}, which the study gives')
  try:
    fields = {field.name for field in dataclasses.fields(source.config_class)}
    given = {name: value for name, value in _OF_STUDY.items() if name in fields}
    source.config_class(**source.config, **given).check_fields()
  except InputError as error:
    raise InputError(f'{what}: {error}') from error


def read_rates(development: str, rates: Sequence[float]) -> tuple[float, ...]:
  """Learning rates of a search.

  Raises:
    InputError: Fewer than two, one twice or not above 0, or a search without cases or without rates.
  """
  if not isinstance(rates, list | tuple):
    raise InputError(f'learning_rates is {rates!r}, expected a list')
  if bool(development) != bool(rates):
    raise InputError(
      f'development is {development!r} and learning_rates is {list(rates)}, expected both or neither'
    )
  sound = all(isinstance(rate, int | float) and 0 < rate < float('inf') for rate in rates)
  if rates and (not sound or len(set(rates)) != len(rates) or len(rates) < 2):
    raise InputError(f'learning_rates is {list(rates)}, expected two or more different ones above 0')
  return tuple(map(float, rates))


def check_claims(margin: float, ranks: str) -> None:
  """Refuses a margin of equivalence outside (0, 1), and unknown comparisons of ranks."""
  if not isinstance(margin, int | float) or not 0 < margin < 1:
    raise InputError(f'margin is {margin!r}, expected a difference of Dice above 0 and below 1')
  if ranks not in ('', *RANKS):
    raise InputError(f'ranks is {ranks!r}, expected {", ".join(RANKS)} or nothing')


def read_seeds(n_seeds: int) -> tuple[int, ...]:
  """Seeds 0, 1, ...

  Raises:
    InputError: Not a whole number from 1.
  """
  if not is_count(n_seeds):
    raise InputError(f'n_seeds is {n_seeds!r}, expected a whole number from 1')
  return tuple(range(n_seeds))


def source_text(text: str, count: int | str, seed: int) -> str:
  """A source with as many of its cases, drawn by the seed."""
  return text if count == ALL else f'{text}({count}, seed={seed})'


def first_cases(text: str, count: int | str) -> str:
  """So many of a synthetic set."""
  return text if count == ALL else f'{text}[:{count}]'


def describe_sources(arm: Arm) -> str:
  """What an arm learns from, for people."""
  slices_of = {name: f' ({count:,} slices)' for name, count in arm.n_slices.items()}
  parts = [f'{count} {name}{slices_of.get(name, "")}' for name, count in arm.learns_from.items()]
  return ' + '.join(parts)
