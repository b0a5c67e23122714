"""Copy-paste data sets, cases put together from real ones: what generated data sets have to beat.

Each case has a parent, which gives the anatomy, and a donor, a clinical case that gives its lesion.
Parents come in the order of their source, and again from its start; donors are drawn.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import builder, example
from stroke_tfds.derived_config import DerivedVolumesConfig
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.brightness import scale_again, spared_parenchyma
from stroke_tfds.licences import licences_of
from stroke_tfds.resumable import VOLUMES, ResumableBuilder
from stroke_tfds.sources import Source, check_agreement, fingerprint, open_sources

_MAX_DRAWS = 100
_Donor = TypeVar('_Donor')


@dataclasses.dataclass(frozen=True)
class Case:
  """A real case.

  Attributes:
    subject_id: As in its data set.
    image: float32 [X, Y, Z, C] in [0, 1].
    labels: uint8 [X, Y, Z].
    lesion: uint8 [X, Y, Z], 0 or 1.
  """

  subject_id: str
  image: np.ndarray
  labels: np.ndarray
  lesion: np.ndarray

  @classmethod
  def from_example(cls, stored: dict[str, Any]) -> 'Case':
    image = stored['image'].astype(np.float32)
    return cls(stored['subject_id'].decode(), image, stored['labels'], stored['lesion'])


@dataclasses.dataclass(frozen=True)
class DerivedCase:
  """Arrays of a new case, as in `Case`, and what was drawn for it (JSON values)."""

  image: np.ndarray
  labels: np.ndarray
  lesion: np.ndarray
  drawn: dict[str, Any]


@dataclasses.dataclass
class CopyPasteConfig(DerivedVolumesConfig):
  """Which real cases; donors' lesions, too, have at least `min_voxels` voxels.

  Attributes:
    clinical: Cases with lesions, `name/config` (split train) or `name/config:split`.
    clinical_dir: TFDS data folder of the clinical cases; that of the new set when empty.
  """

  # Fields that name a data set and the split each means by itself; the first is that of the parents.
  SOURCES: ClassVar[dict[str, str]] = {'clinical': 'train'}

  clinical: str = ''
  clinical_dir: str = ''

  def origins(self, data_dir: str | None) -> dict[str, Any]:
    return {field: fingerprint([source]) for field, source in self.open_sources(data_dir).items()}

  def open_sources(self, data_dir: str | None) -> dict[str, Source]:
    """The data set of each field that names one.

    Raises:
      InputError: A set that is not there, or sets that cannot be used together.
    """
    opened = {}
    for field, split in self.SOURCES.items():
      text, folder = getattr(self, field), getattr(self, f'{field}_dir') or data_dir
      text = text if ':' in text else f'{text}:{split}'
      opened[field] = open_sources([text], folder, build=False)[0]
    check_agreement(list(opened.values()))
    return opened

  def check_fields(self) -> None:
    self.check_strings(*self.SOURCES, *(f'{field}_dir' for field in self.SOURCES))
    for field in self.SOURCES:
      if not getattr(self, field):
        fields = {field: f'phantom_stroke/mini:{split}' for field, split in self.SOURCES.items()}
        usage = json.dumps({**fields, 'num_volumes': 8, 'seed': 0})
        raise InputError(f"{field} is empty, expected a data set; give --config '{usage}'")
    super().check_fields()


class CopyPasteBuilder(ResumableBuilder, Generic[_Donor], skip_registration=True):  # type: ignore[call-arg]
  """One split `train`; every volume is a pure function of the sources, the seed and its index.

  Subclasses say by `prepare_donor` what of a donor is kept and by `paste` what is done with it.
  """

  ARRAYS = VOLUMES
  KEEPS_PARTS = False

  def __init__(self, *, data_dir: str | None = None, config: Any = None, **kwargs: Any):
    known = type(self.BUILDER_CONFIGS[0])
    config = (config if isinstance(config, known) else known()).resolve(data_dir)
    self.sources = config.open_sources(data_dir)
    super().__init__(data_dir=data_dir, config=config, **kwargs)

  def prepare_donor(self, case: Case) -> _Donor:
    """What `paste` needs of a donor, computed once and kept in memory."""
    raise NotImplementedError

  def paste(self, rng: np.random.Generator, parent: Case, donor: _Donor) -> DerivedCase:
    """A parent with the lesion of a donor."""
    raise NotImplementedError

  def name_parent(self, parent: Case) -> dict[str, Any]:
    """What the provenance says of the parent."""
    raise NotImplementedError

  @property
  def parent_source(self) -> Source:
    return next(iter(self.sources.values()))

  @property
  def label_scheme(self) -> dict[str, Any]:
    return self.parent_source.metadata['label_scheme']

  @property
  def contrasts(self) -> tuple[str, ...]:
    return tuple(self.parent_source.metadata['contrasts'])

  def spared(self, case: Case) -> np.ndarray:
    """Parenchyma away from a case's lesion, bool [X, Y, Z].

    Raises:
      InputError: There is none.
    """
    parenchyma_ids = self.label_scheme['parenchyma_ids']
    spared = spared_parenchyma(case.labels, case.lesion, parenchyma_ids)
    if not spared.any():
      raise InputError(
        f'{case.subject_id}: its label map has no parenchyma away from the lesion, expected some to '
        'compare the lesion with'
      )
    return spared

  def scale_again(self, image: np.ndarray) -> np.ndarray:
    """A volume that was put together, [X, Y, Z, C], scaled as those of the sources are."""
    source = self.parent_source
    return scale_again(image, self.contrasts, source.grid, source.intensity_scaling)

  def _info(self) -> tfds.core.DatasetInfo:
    source = self.parent_source
    own = {
      'fingerprint': self.builder_config.fingerprint,
      'made_from': [str(one) for one in self.sources.values()],
      'licences': licences_of(self.sources.values()),
    }
    return self.make_info(source.grid, self.contrasts, {**source.metadata, **own})

  def parts_by_split(self) -> dict[str, range]:
    return {'train': range(self.builder_config.num_volumes)}

  def _generate_examples(
    self, donors: Sequence[tuple[str, _Donor]], parts: range
  ) -> Iterator[tuple[str, dict[str, Any]]]:
    parents = self.parent_source.cycle(len(parts), start=parts.start).as_numpy_iterator()

    def make(numbered: tuple[int, dict[str, Any]]) -> dict[str, Any]:
      index, parent = numbered
      new = lambda: self._make_example(index, Case.from_example(parent), donors)
      return self.kept_example(index, new)

    for derived in builder.map_in_order(make, zip(parts, parents)):
      yield derived['subject_id'], derived

  def open_tools(self) -> list[tuple[str, _Donor]]:
    """Subject and what `prepare_donor` keeps of each clinical case whose lesion is large enough."""
    source, least = self.sources['clinical'], self.builder_config.min_voxels
    cases = map(Case.from_example, source.examples().as_numpy_iterator())
    large_enough = (case for case in cases if np.count_nonzero(case.lesion) >= least)
    donors = [(case.subject_id, self.prepare_donor(case)) for case in large_enough]
    if not donors:
      raise InputError(f'clinical source {source} has no lesion of {least} voxels, expected some')
    return donors

  def _make_example(
    self, index: int, parent: Case, donors: Sequence[tuple[str, _Donor]]
  ) -> dict[str, Any]:
    config = self.builder_config
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((config.seed, index))))
    donor_id, derived, n_draws = self._draw(rng, parent, donors)
    provenance = {
      'source': self.name,
      'seed': config.seed,
      'number': index,
      **self.name_parent(parent),
      'clinical_source': str(self.sources['clinical']),
      'lesion_donor': donor_id,
      'lesion_draws': n_draws,
      **derived.drawn,
    }
    return example.make_example(
      derived.image,
      derived.labels,
      derived.lesion,
      grid=self.parent_source.grid,
      subject_id=f'{self.name}-{index:06d}',
      provenance=provenance,
    )

  def _draw(
    self, rng: np.random.Generator, parent: Case, donors: Sequence[tuple[str, _Donor]]
  ) -> tuple[str, DerivedCase, int]:
    """Donors one after another until the lesion is large enough: donor, new case, how many it took."""
    least = self.builder_config.min_voxels
    others = [donor for donor in donors if donor[0] != parent.subject_id]
    if not others:
      raise InputError(
        f'clinical source {self.sources["clinical"]} has one case with a lesion of {least} voxels, '
        f'{parent.subject_id}, expected at least two'
      )
    sizes: list[int] = []
    while len(sizes) < _MAX_DRAWS:
      donor_id, donor = others[rng.integers(len(others))]
      derived = self.paste(rng, parent, donor)
      sizes.append(int(np.count_nonzero(derived.lesion)))
      if sizes[-1] >= least:
        return donor_id, derived, len(sizes)
    raise InputError(
      f'{parent.subject_id} of {self.parent_source}: {len(sizes)} lesions were drawn, with '
      f'{min(sizes)} to {max(sizes)} voxels, expected one of at least {least}'
    )
