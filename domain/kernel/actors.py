"""Who acts: a person under the hat of a role, for themselves or for someone absent, or a part of the system."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

ENGINE = "engine"
ROUNDS = "rounds"
LOADER = "loader"
#: Whoever comes to the sign-in and is not known yet, and whoever runs the installation from its command line.
SIGN_IN = "sign_in"
OPERATOR = "operator"
#: An outside professional who came by a link, and has no account.
OUTSIDE = "outside"


@dataclass(frozen=True)
class Actor:
    """The author of an act, as the record keeps it.

    `role` is the hat worn, or the part of the system that acted where `person_id` is empty.
    `acting_for` is the absent person whose deputy the actor is, if so.
    """

    role: str
    person_id: UUID | None = None
    organization_id: UUID | None = None
    acting_for: UUID | None = None

    @classmethod
    def system(cls, part: str) -> Actor:
        """A part of the system: `ENGINE`, `ROUNDS`, `LOADER`, `SIGN_IN`, `OPERATOR` or `OUTSIDE`."""
        return cls(role=part)

    @property
    def is_system(self) -> bool:
        """Whether no person acted."""
        return self.person_id is None

    def is_one_of(self, *people: UUID | None) -> bool:
        """Whether the one who acts is among `people`. Whom they act for does not matter: the bar is on the person."""
        return self.person_id is not None and self.person_id in people
