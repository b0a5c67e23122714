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
  contrasts: Sequence[str] = ()
  classes: Sequence[str] = ()

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
    }

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
    self.check_strings('joint_generator', 'translator')
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
