"""The names of people and the titles of roles, as every page and answer says them."""

from __future__ import annotations

from uuid import UUID

from api.access.session import Desk
from domain.kernel.rows import col, in_program, only, run, select
from locales import current_language
from models.program import Person, Role


def people_by_id(desk: Desk) -> dict[UUID, Person]:
    """The program's people by id, in the order of their names."""
    found = desk.session.scalars(select(Person).where(in_program(Person)).order_by(col(Person.sort_key)))
    return {person.id: person for person in found}


def titles_of_roles(desk: Desk) -> dict[str, str]:
    """Each role's title in the language of the page, by its key."""
    title = col(Role.title_fr) if current_language() == "fr" else col(Role.title_en)
    rows = run(desk.session, only(Role.key, title.label("title")))
    return {row.key: row.title for row in rows}
