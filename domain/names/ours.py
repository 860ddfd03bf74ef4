"""The names and contacts of a program's staff and organizations, which are no participant's."""

from __future__ import annotations

from sqlmodel import Session

from domain.kernel.rows import only, run
from models.program import Organization, Person


def ours(session: Session) -> list[str]:
    """Each name, e-mail address and telephone of the session's program's staff, and each name of its organizations."""
    people = run(session, only(Person.given_name, Person.family_name, Person.email, Person.phone))
    places = run(session, only(Organization.name_fr, Organization.name_en, Organization.short_name))
    own = [
        text
        for given, family, *contact in people
        for text in (f"{given} {family}", *(written for written in contact if written))
    ]
    return [*own, *(name for row in places for name in row)]
