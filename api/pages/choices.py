"""What the forms choose from: people, and roles at organizations, as lists that the page shows and reads back."""

from __future__ import annotations

from uuid import UUID

from api.access.permissions import Action, is_allowed, to_program
from api.access.session import RequestContext
from api.views.names import titles_of_roles
from domain.kernel import col, only, run
from domain.terms import created_roles, creates_from
from models.agreement import AgreementRole
from models.program import Organization, Person


def names_to_choose(context: RequestContext) -> list[tuple[UUID, str]]:
    """Everyone of the program with their name, in the order of their names."""
    rows = run(context.session, only(Person.id, Person.given_name, Person.family_name).order_by(col(Person.sort_key)))
    return [(row.id, f"{row.given_name} {row.family_name}") for row in rows]


def roles_to_give(context: RequestContext) -> list[tuple[str, str]]:
    """Each role at each organization that the asker may give someone, as choices of a list."""
    titles = titles_of_roles(context)
    rows = run(
        context.session,
        created_roles(col(Organization.id), col(Organization.short_name), col(AgreementRole.role))
        .where(creates_from(context.day))
        .distinct()
        .order_by(col(Organization.short_name)),
    ).all()
    allowed = {
        place
        for place in {row.id for row in rows}
        if is_allowed(Action.APPOINT, to_program(context.asker, organizations=[place]))
    }
    mine = [row for row in rows if row.id in allowed]
    return [
        (f"{row.role}:{row.id}", f"{row.short_name} – {titles[row.role]}")
        for row in sorted(mine, key=lambda row: (row.short_name, titles[row.role]))
    ]
