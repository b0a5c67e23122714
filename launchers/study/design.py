"""What a study compares, checked before anything is trained."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import gin

from launchers.app import gin_lines, parse_gin
from launchers.stages import slug
from launchers.study import leakage
from launchers.study.arms import ALL, CLINICAL, Arm, read_texts
from launchers.train_unet_lib import train_unet  # noqa: F401 (gin files name it)
from stroke_tfds import sources
from stroke_tfds.carvemix import CarveMixConfig
from stroke_tfds.derived_config import DerivedConfig
from stroke_tfds.errors import InputError
from stroke_tfds.lesion_fusion import LesionFusionConfig
from stroke_tfds.sources import Source
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig

BUILDERS = {'lesion_fusion': LesionFusionConfig, 'carvemix': CarveMixConfig}
_OF_STUDY = ('num_volumes', 'seed')  # Of each set's config; the study gives them.
_KINDS = ('translator', 'builder', 'set')
_FIELDS = ('train', 'test', 'healthy', 'validation')
_TAKEN = (CLINICAL, *_FIELDS)


@dataclasses.dataclass(frozen=True)
class Synthetic:
  """A source of synthetic cases; exactly one of the first three is given.

  Attributes:
    translator: Gin file of a translator, trained for each seed beside the study's lesion GAN. Sources
      with the same file and bindings share its training, in the folder of the first of them: keep that
      one's name and place while a study runs.
    builder: `lesion_fusion` or `carvemix`, which make cases from clinical ones.
    set: A built data set, `name/config:split`, the same for all seeds.
    bindings: Gin bindings of the translator's training.
    config: Further fields of a new set's config, such as `{'keep_scan': True}`.
  """

  translator: str = ''
  builder: str = ''
  set: str = ''
  bindings: tuple[str, ...] = ()
  config: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  @property
  def needs_healthy(self) -> bool:
    return bool(self.translator) or 'healthy' in getattr(BUILDERS.get(self.builder), 'SOURCES', ())

  @property
  def config_class(self) -> type[DerivedConfig]:
    """Of a new set."""
    return BUILDERS.get(self.builder, SyntheticStrokeConfig)


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
    num_volumes: Cases of a synthetic set.
    arms: What is compared.
    seeds: Each arm is trained once for each; so are the generators.
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

  def trained_as(self, name: str) -> str:
    """The source under whose name a source's translator is trained: the first with the same one."""
    key = lambda made: (made.translator, made.bindings)
    return next(
      other for other, made in self.synthetic.items() if key(made) == key(self.synthetic[name])
    )

  def translators(self) -> dict[str, Synthetic]:
    """What is trained for the sources that some arm learns from: name -> its translator."""
    names = [self.trained_as(name) for name, made in self.used().items() if made.translator]
    return {name: self.synthetic[name] for name in dict.fromkeys(names)}

  def used(self) -> dict[str, Synthetic]:
    """The synthetic sources that some arm learns from."""
    names = {name for arm in self.arms for name in arm.learns_from}
    return {name: made for name, made in self.synthetic.items() if name in names}


def read_synthetic(synthetic: Mapping[str, Mapping[str, Any]]) -> dict[str, Synthetic]:
  """Synthetic sources from a gin file: name -> fields of Synthetic.

  Raises:
    InputError: An unknown field or builder, or not exactly one of translator, builder and set.
  """
  read = {}
  for name, fields in synthetic.items():
    if not isinstance(name, str) or not isinstance(fields, Mapping):
      raise InputError(f'source {name!r}: is {fields!r}, expected fields such as "translator"')
    known = [field.name for field in dataclasses.fields(Synthetic)]
    for field in fields:
      if field not in known:
        raise InputError(f'source {name!r}: field {field!r} is unknown, expected some of {known}')
    given = [kind for kind in _KINDS if fields.get(kind)]
    if name in _TAKEN:
      raise InputError(f'source {name!r}: the name is taken, expected another than {_TAKEN}')
    if len(given) != 1:
      raise InputError(f'source {name!r}: has {given or "none"} of {_KINDS}, expected one of them')
    if 'builder' in given and fields['builder'] not in BUILDERS:
      raise InputError(
        f'source {name!r}: builder is {fields["builder"]!r}, expected one of {sorted(BUILDERS)}'
      )
    bindings = read_texts(fields.get('bindings', ()), f'source {name!r}: bindings')
    if bindings and 'translator' not in given:
      raise InputError(f'source {name!r}: bindings are of a translator, and it has none')
    if not isinstance(fields.get('config', {}), Mapping) or (fields.get('config') and 'set' in given):
      raise InputError(f'source {name!r}: config is {fields["config"]!r}, expected fields of a new set')
    read[name] = Synthetic(**{**fields, 'bindings': bindings})
    _check_config(name, read[name])
  return read


def _check_config(name: str, made: Synthetic) -> None:
  """Before hours of training: the set is built after them."""
  try:
    made.config_class(**made.config)
  except InputError as error:
    raise InputError(f'source {name!r}: {error}') from error
  for field in _OF_STUDY:
    if field in made.config:
      raise InputError(f'source {name!r}: config has {field!r}, which the study gives')


def check_names(design: Design) -> None:
  """Refuses what is wrong whatever the data are.

  Raises:
    InputError: An arm that names an unknown source or asks for more synthetic cases than are made, a
      gin file that is not there, a number below 1.
  """
  if not isinstance(design.num_volumes, int) or design.num_volumes < 1:
    raise InputError(f'num_volumes is {design.num_volumes!r}, expected a whole number from 1')
  for arm in design.arms:
    for name, count in arm.learns_from.items():
      if name != CLINICAL and name not in design.synthetic:
        raise InputError(
          f'arm {arm.name!r}: source {name!r} is unknown, expected some of '
          f'{[CLINICAL, *design.synthetic]}'
        )
      made = design.synthetic.get(name)
      if made and not made.set and count != ALL and count > design.num_volumes:
        raise InputError(
          f'arm {arm.name!r}: asks for {count} cases of {name!r}, but num_volumes is '
          f'{design.num_volumes}'
        )
  if design.train.endswith(')'):
    raise InputError(f'train is {design.train!r}, expected no draw: the arms draw from it')
  _check_folders(design)
  for name, made in design.used().items():
    if made.needs_healthy and not (design.healthy and (design.validation or not made.translator)):
      raise InputError(
        f'source {name!r}: needs healthy scans, and healthy or validation is empty; carvemix and built '
        'sets do without'
      )
    if made.translator and not design.lesion_gan:
      raise InputError(f'source {name!r}: needs the gin file of a lesion GAN, and lesion_gan is empty')
    if made.translator:
      gin_lines(made.translator)
      gin_lines(design.lesion_gan)
  gin_lines(design.unet)
  _check_bindings(design)


def _check_bindings(design: Design) -> None:
  """Every arm's bindings must be known to its segmenter. Ends with a configuration of gin's own."""
  for bindings, arm in {arm.bindings: arm for arm in design.arms}.items():
    gin.clear_config()
    try:
      parse_gin([design.unet], list(bindings))
    except InputError as error:
      raise InputError(f'arm {arm.name!r}: {str(error).splitlines()[0]}') from error
  gin.clear_config()


def _check_folders(design: Design) -> None:
  """Each training has a folder of its own, named after its arm or its source."""
  sources_made = [name for name, made in design.synthetic.items() if made.translator]
  kinds = {'arm': ('generators', [arm.name for arm in design.arms])}
  kinds['source'] = ('lesion GAN', sources_made)
  for kind, (taken, names) in kinds.items():
    found = {'': 'the seed', slug(taken): f'the {taken}'}
    for name in names:
      other = found.setdefault(slug(name), name)
      if other != name:
        raise InputError(
          f'{kind} {name!r}: its folder would be that of {other!r}, expected a name that differs in '
          'letters or digits'
        )


def check_data(design: Design, data_dir: str) -> dict[str, Source]:
  """Opens the data sets that are there before the study begins.

  Returns:
    train, test, healthy and validation by these names, and each built synthetic set by its own.

  Raises:
    InputError: A set that is not there, does not fit the others, or holds fewer cases than an arm asks
      for; names the arm where it concerns one.
  """
  texts = {field: getattr(design, field) for field in _FIELDS if getattr(design, field)}
  opened = dict(zip(texts, sources.open_sources(list(texts.values()), data_dir, build=False)))
  n_scored = len(opened['test'].usable_positions)
  if n_scored < 2:
    raise InputError(
      f'test {design.test}: {n_scored} case(s) with a lesion of {sources.MIN_VOXELS} voxels or more, '
      'expected at least 2'
    )
  if any(made.needs_healthy for made in design.used().values()):
    _check_healthy(opened)
  for arm in design.arms:
    for name, count in arm.learns_from.items():
      try:
        opened |= _check_source(design, name, count, data_dir)
      except InputError as error:
        raise InputError(f'arm {arm.name!r}: {error}') from error
  return opened


def _check_healthy(opened: Mapping[str, Source]) -> None:
  """Refuses healthy scans with lesions, and validation on what is learnt from."""
  sources.check_healthy(opened['healthy'])
  if 'validation' not in opened:
    return
  validation = opened['validation']
  held = leakage.read(validation)
  for field in ('healthy', 'train'):
    learnt = opened[field]
    if shared := leakage.first_shared(held, leakage.read(learnt)):
      case, learnt_case, reason = shared
      raise InputError(
        f'validation {validation} holds {case!r}, which is {learnt_case!r} of {field} {learnt} '
        f'({reason}); expected scans that no translator learns from'
      )


def _check_source(design: Design, name: str, count: int | str, data_dir: str) -> dict[str, Source]:
  """Opens what an arm learns from, if it is there already; a ready set by its name."""
  if name == CLINICAL:
    sources.open_sources([source_text(design.train, count, 0)], data_dir, build=False)
    return {}
  text = design.synthetic[name].set
  if not text:
    return {}
  _, whole = sources.open_sources([design.train, text], data_dir, build=False)
  if count != ALL and text[-1] in '])':
    raise InputError(f'asks for {count} cases of {name!r}, which is the part {text} already')
  if count != ALL and count > whole.n_examples:
    raise InputError(f'asks for {count} cases of {name!r}, but {whole} has {whole.n_examples}')
  sources.open_sources([slices(text, count)], data_dir, build=False)
  return {name: whole}


def source_text(text: str, count: int | str, seed: int) -> str:
  """A source with as many of its cases, drawn by the seed."""
  return text if count == ALL else f'{text}({count}, seed={seed})'


def read_seeds(n_seeds: int) -> tuple[int, ...]:
  """Seeds 0, 1, ...

  Raises:
    InputError: Not a whole number from 1.
  """
  if not isinstance(n_seeds, int) or isinstance(n_seeds, bool) or n_seeds < 1:
    raise InputError(f'n_seeds is {n_seeds!r}, expected a whole number from 1')
  return tuple(range(n_seeds))


def slices(text: str, count: int | str) -> str:
  """The first cases of a synthetic set."""
  return text if count == ALL else f'{text}[:{count}]'


def describe_sources(arm: Arm) -> str:
  """What an arm learns from, for people."""
  parts: Sequence[str] = [f'{count} {name}' for name, count in arm.learns_from.items()]
  return ' + '.join(parts)
