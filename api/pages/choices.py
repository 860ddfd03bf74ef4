"""What the forms choose from: people, and roles at organizations, as lists that the page shows and reads back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from api.access.permissions import Action, allows, to_program
from api.access.session import Desk
from api.views.names import titles_of_roles
from domain.kernel.scope import program_of
from domain.terms.agreed_roles import created_roles, creates_from
from models.agreement import AgreementRole
from models.base import table_of
from models.program import Organization, Person

_person = table_of(Person)
_organization = table_of(Organization)
_created = table_of(AgreementRole)


def names_to_choose(desk: Desk) -> list[tuple[UUID, str]]:
    """Everyone of the program with their name, in the order of their names."""
    rows = desk.session.execute(
        select(_person.c.id, _person.c.given_name, _person.c.family_name)
        .where(_person.c.program_id == program_of(desk.session))
        .order_by(_person.c.sort_key)
    )
    return [(row.id, f"{row.given_name} {row.family_name}") for row in rows]


def roles_to_give(desk: Desk) -> list[tuple[str, str]]:
    """Each role at each organization that the asker may give someone, as choices of a list."""
    titles = titles_of_roles(desk)
    rows = desk.session.execute(
        created_roles(desk.session, _organization.c.id, _organization.c.short_name, _created.c.role)
        .where(creates_from(desk.day))
        .distinct()
        .order_by(_organization.c.short_name)
    ).all()
    allowed = {
        place
        for place in {row.id for row in rows}
        if allows(Action.APPOINT, to_program(desk.asker, organizations=[place])) is not None
    }
    mine = [row for row in rows if row.id in allowed]
    return [
        (f"{row.role}:{row.id}", f"{row.short_name} – {titles[row.role]}")
        for row in sorted(mine, key=lambda row: (row.short_name, titles[row.role]))
    ]
