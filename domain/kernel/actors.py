"""Who acts: a person in a role, for themselves or for an absent person, or a part of the system."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

ENGINE = "engine"
ROUNDS = "rounds"
LOADER = "loader"
#: A visitor to the sign-in who is not known yet, and the operator of the installation at its command line.
SIGN_IN = "sign_in"
OPERATOR = "operator"
#: An outside professional who came by a link, and has no account.
OUTSIDE = "outside"


@dataclass(frozen=True)
class Actor:
    """The author of an act, as the record keeps it.

    `role` is the role in which they act, or the part of the system that acted where `person_id` is empty. `acting_for`
    is the absent person whose deputy the actor is, if so.
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
        """Whether the actor is among `people`. The person they replace does not matter: the bar is on the actor."""
        return self.person_id is not None and self.person_id in people
