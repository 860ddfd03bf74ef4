"""Who sees a case by a role, and on whom privacy falls: asked by the windows' table, and by letters that lead there."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from duties.roles import Link, Standing

#: The role whose holder sees every case of the program.
SEES_EVERY_CASE: Final = "coordinator"
#: The roles whose holders see the cases of the organization at which they hold them.
SEE_CASES_OF_THEIRS: Final = frozenset({"manager", "director"})

#: On whom falls what the person in charge of the protection of personal information does: else on the coordinator.
FOR_PRIVACY: Final[list[Link]] = [{"role": "privacy_officer", "at": "*"}, {"role": "coordinator", "at": "*"}]


def sees_by_role(today: Standing, person_id: UUID, organization_id: UUID | None) -> bool:
    """Whether a person sees, on that day, a case of this organization by a role of theirs or of whom they act for.

    A duty outside any case is of no organization.
    """
    links: list[Link] = [{"role": SEES_EVERY_CASE, "at": "*"}]
    if organization_id is not None:
        links += [{"role": role, "at": str(organization_id)} for role in SEE_CASES_OF_THEIRS]
    return any(today.falls([link]).on(person_id) is not None for link in links)
