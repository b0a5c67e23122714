"""What a set of generated slices is drawn from, checked and named."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from keras_itm.bundle import Bundle
from keras_itm.bundle_spec import JOINT_GENERATOR, TRANSLATOR, BundleSpec
from stroke_tfds.builder import is_text
from stroke_tfds.derived_config import DerivedConfig
from stroke_tfds.errors import InputError
from stroke_tfds.generators import open_training
from stroke_tfds.sources import Source, fingerprint
from stroke_tfds.synthetic_slices.audit import SliceAudit
from stroke_tfds.synthetic_slices.drawing import TRIES, Generators, open_generators
from stroke_tfds.synthetic_slices.patients import Patients


@dataclasses.dataclass
class SyntheticSlicesConfig(DerivedConfig):
  """Which generator and how much of it: a number of patients or one of slices.

  Attributes:
    joint_generator: Folder of the bundle.
    translator: Folder of the bundle of a translator of classes, beside a joint generator of classes
      alone.
    num_patients: How many patients, with as many slices each as real ones have.
    num_slices: How many slices, of as many patients as that takes; the last may be cut off.
    truncation: How far styles of the joint generator are from their mean: 1 as learnt, 0 the mean. Less
      is more alike.
    share_lesion: Share of slices with a lesion that the generator is asked for; as in its training data
      when None.
    tries: How often a slice is drawn at most, until it has a lesion if it was asked for one, and none
      if not; 1 takes what comes.
    audit: Whether slices that copy one of a training patient are drawn again, see `audit`; the sets
      that the generators learnt from must be there. Without, the set's name has the word `unaudited`.
    training_dir: TFDS data folder of what the generators learnt from; that of the new set when empty.
    nearest_quantile: Share of slices of real people that count as near to another person.
    max_redraws: Copies of a slice that are drawn again before the build gives up.
    contrasts: Names of what it must make; any when empty. Names those of a bundle that does not.
    classes: Names of what it must make, background first; any when empty.
  """

  joint_generator: str = ''
  translator: str = ''
  num_patients: int = 0
  num_slices: int = 0
  truncation: float = 1.0
  share_lesion: float | None = None
  tries: int = TRIES
  audit: bool = True
  training_dir: str = ''
  nearest_quantile: float = 0.01
  max_redraws: int = 20
  contrasts: Sequence[str] = ()
  classes: Sequence[str] = ()

  def __post_init__(self):
    super().__post_init__()
    if not isinstance(self.audit, bool):
      raise InputError(f'audit is {self.audit!r}, expected true or false')

  def counts(self) -> dict[str, int]:
    return {name: getattr(self, name) for name in ('num_patients', 'num_slices')}

  def count_name(self) -> str:
    return f'n{self.num_patients}' if self.num_patients else f'slices{self.num_slices}'

  def origins(self, data_dir: str | None) -> dict[str, Any]:
    generators = self.load()
    self.patients(generators.joint.spec)
    return {
      **generators.fingerprints(),
      'truncation': float(self.truncation),
      'share_lesion': None if self.share_lesion is None else float(self.share_lesion),
      'tries': self.tries,
      'contrasts': list(self.contrasts_of(generators.of_images.spec)),
      **({'audit': self._audit_origins(data_dir)} if self.audit else {}),
    }

  def remarks(self) -> list[str]:
    return [] if self.audit else ['unaudited']

  def _audit_origins(self, data_dir: str | None) -> dict[str, Any]:
    training = self._open_training(data_dir)
    return {'training': fingerprint(training), 'nearest_quantile': float(self.nearest_quantile)}

  def _open_training(self, data_dir: str | None) -> list[Source]:
    """What any of the generators learnt from, each set once."""
    paths = {JOINT_GENERATOR: self.joint_generator, TRANSLATOR: self.translator}
    opened = [
      source
      for kind, path in paths.items()
      if path
      for source in open_training(path, kind, self.training_dir or data_dir)
    ]
    return list({str(source): source for source in opened}.values())

  def open_audited(self, data_dir: str | None) -> Generators:
    """The generators, and what finds copies among what they draw.

    Raises:
      InputError: A bundle does not say what it learnt from, or that is not there.
    """
    generators = self.load()
    if not self.audit:
      return generators
    found = SliceAudit(
      self._open_training(data_dir),
      generators.joint.spec.classes,
      generators.joint.n_contrasts or 0,
      self.nearest_quantile,
    )
    return dataclasses.replace(generators, audit=found, max_redraws=self.max_redraws)

  def load(self) -> Generators:
    """Opens the bundles and checks that they make what is asked for."""
    generators = open_generators(self.joint_generator, self.translator)
    joint = generators.joint
    if self.classes and tuple(self.classes) != joint.spec.classes:
      raise InputError(
        f'joint_generator {joint.path} makes the classes {list(joint.spec.classes)}, expected '
        f'{list(self.classes)}'
      )
    self._check_contrasts(generators.of_images)
    return generators

  @property
  def images_by(self) -> tuple[str, str]:
    """Folder and kind of the bundle that makes images."""
    if self.translator:
      return self.translator, TRANSLATOR
    return self.joint_generator, JOINT_GENERATOR

  def contrasts_of(self, spec: BundleSpec) -> tuple[str, ...]:
    """Names of the contrasts that a bundle makes."""
    return spec.contrasts or tuple(self.contrasts)

  def patients(self, spec: BundleSpec) -> Patients:
    return Patients(spec, self.share_lesion, self.seed)

  def check_fields(self) -> None:
    self.check_strings('joint_generator', 'translator', 'training_dir')
    if not self.joint_generator:
      usage = {'joint_generator': 'RUN/bundle', 'num_patients': 8, 'seed': 0}
      raise InputError(
        f"joint_generator is empty, expected a folder; give --config '{json.dumps(usage)}'"
      )
    self._check_numbers()
    for name in ('contrasts', 'classes'):
      texts = getattr(self, name)
      if not isinstance(texts, (list, tuple)) or not all(map(is_text, texts)):
        raise InputError(f'{name} is {texts!r}, expected a list of names')
    super().check_fields()

  def _check_numbers(self) -> None:
    given = [name for name, value in self.counts().items() if value != 0]
    if len(given) != 1:
      raise InputError(
        f'num_patients is {self.num_patients!r} and num_slices {self.num_slices!r}, expected one of '
        'them, a whole number from 1'
      )
    self.check_count(given[0], 1)
    self.check_number('truncation', 0, 1)
    self.check_count('tries', 1)
    self.check_count('max_redraws', 0)
    self.check_number('nearest_quantile', 0, 0.5)
    if self.share_lesion is not None:
      self.check_number('share_lesion', 0, 1)

  def _check_contrasts(self, bundle: Bundle) -> None:
    names = self.contrasts_of(bundle.spec)
    expected = list(self.contrasts or bundle.spec.contrasts)
    if len(names) != bundle.n_contrasts or list(names) != expected:
      raise InputError(
        f'{bundle.spec.kind} {bundle.path} makes {bundle.n_contrasts} contrast(s)'
        f'{f" {list(names)}" if bundle.spec.contrasts else ""}, expected '
        f'{expected or "their names in the field contrasts"}'
      )
