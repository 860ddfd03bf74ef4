"""What the forms choose from: people, and roles at organizations, as lists that the page shows and reads back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from api.pages.forms import id_or_none
from api.pages.frame import titles_of_roles
from api.permissions import Action, allows, to_program
from api.session import Desk
from duties.agreed_roles import creates_from
from duties.here import program_of
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.base import refers, table_of
from models.program import Organization, Person

_person = table_of(Person)
_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)


def people_by_id(desk: Desk) -> dict[UUID, Person]:
    """The program's people by id, in the order of their names."""
    found = desk.session.scalars(
        select(Person).where(_person.c.program_id == program_of(desk.session)).order_by(_person.c.sort_key)
    )
    return {person.id: person for person in found}


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
        select(_organization.c.id, _organization.c.short_name, _created.c.role)
        .select_from(_created)
        .join(_version, refers(_created.c.agreement_version_id, _version))
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_created.c.program_id == program_of(desk.session), creates_from(desk.day))
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


def role_and_organization(text: str) -> tuple[str, UUID | None]:
    """A role and its organization as the list of choices sends them."""
    role, _, organization = text.partition(":")
    return role, id_or_none(organization)
