"""What the provenance of an example says of the cases that it was made from.

`synthetic_stroke`, `synthetic_slices`, `lesion_fusion` and `carvemix` write the fields named here.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

HEALTHY_PARENT, CLINICAL_PARENT, DONOR = 'healthy parent', 'clinical parent', 'donor of the lesion'
PATIENT = "patient's scan"  # The parent where it has a lesion, which is kept.
KEPT_LESION = 'kept_lesion_voxels'
# Fields with the subject and its data set.
_ORIGINS = {
  HEALTHY_PARENT: ('healthy_parent', 'healthy_source'),
  CLINICAL_PARENT: ('base', 'clinical_source'),
  DONOR: ('lesion_donor', 'clinical_source'),
}
_MADE_BY = ('translator', 'lesion_generator', 'lesion_donor', 'joint_generator')


@dataclasses.dataclass(frozen=True)
class Origin:
  """A case that another was made from.

  Attributes:
    role: What it gave: one of the constants above.
    subject: Its name.
    source: Its data set, `name/config:split`; empty where the provenance does not say.
  """

  role: str
  subject: str
  source: str

  def __str__(self) -> str:
    return f'{self.role} {self.subject} ({self.source or "of a data set that is not named"})'


def origins_of(provenance: Mapping[str, Any]) -> list[Origin]:
  """What gave anatomy, scan or lesion: the parent, then the lesion's donor, as far as they are named.

  >>> [str(origin) for origin in origins_of({'base': 'case_3', 'clinical_source': 'soop/mini:train'})]
  ['clinical parent case_3 (soop/mini:train)']
  """
  return [
    Origin(
      PATIENT if role == HEALTHY_PARENT and KEPT_LESION in provenance else role,
      provenance[subject],
      provenance.get(source, ''),
    )
    for role, (subject, source) in _ORIGINS.items()
    if subject in provenance
  ]


def is_derived(provenance: Mapping[str, Any]) -> bool:
  """Whether a case was made from others."""
  return any(field in provenance for field in _MADE_BY)
