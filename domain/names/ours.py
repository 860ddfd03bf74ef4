"""What the staff and the organizations of a program are called, and how they are reached: no participant's."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session

from domain.kernel.scope import program_of
from models.base import table_of
from models.program import Organization, Person

_person = table_of(Person)
_organization = table_of(Organization)


def ours(session: Session) -> list[str]:
    """Each name, e-mail address and telephone of the session's program's staff, and each name of its organizations."""
    here = program_of(session)
    people = session.execute(
        select(_person.c.given_name, _person.c.family_name, _person.c.email, _person.c.phone).where(
            _person.c.program_id == here
        )
    )
    places = session.execute(
        select(_organization.c.name_fr, _organization.c.name_en, _organization.c.short_name).where(
            _organization.c.program_id == here
        )
    )
    own = [
        text
        for given, family, *contact in people
        for text in (f"{given} {family}", *(written for written in contact if written))
    ]
    return [*own, *(name for row in places for name in row)]
