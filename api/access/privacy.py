"""Who may look at who read what, and which lines of it are not theirs to see."""

from __future__ import annotations

from uuid import UUID

from api.access.permissions import Action, Asker, require, to_program


def look_without(asker: Asker) -> UUID | None:
    """The person whose own lines are left out for this asker. Raises Forbidden where they may not look at all.

    Who stands in for the privacy officer does not look at what they read themselves: the officer does.
    """
    by = require(Action.SEE_PRIVACY, to_program(asker))
    return by.person_id if by.acting_for else None
