"""The names of people and the titles of roles, as every page and answer says them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from api.access.session import Desk
from domain.kernel.scope import program_of
from locales import current_language
from models.base import table_of
from models.program import Person, Role

_role = table_of(Role)
_person = table_of(Person)


def people_by_id(desk: Desk) -> dict[UUID, Person]:
    """The program's people by id, in the order of their names."""
    found = desk.session.scalars(
        select(Person).where(_person.c.program_id == program_of(desk.session)).order_by(_person.c.sort_key)
    )
    return {person.id: person for person in found}


def titles_of_roles(desk: Desk) -> dict[str, str]:
    """Each role's title in the language of the page, by its key."""
    title = _role.c.title_fr if current_language() == "fr" else _role.c.title_en
    rows = desk.session.execute(
        select(_role.c.key, title.label("title")).where(_role.c.program_id == program_of(desk.session))
    )
    return {row.key: row.title for row in rows}
