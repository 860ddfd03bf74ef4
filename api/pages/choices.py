"""What the forms choose from: people, and roles at organizations, as lists that the page shows and reads back."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.access.permissions import Action, is_allowed, to_program
from api.access.session import RequestContext
from api.views.names import people_by_id, present, titles_of_roles
from domain.kernel import col, only, run, scalars
from domain.people import people
from domain.terms import created_roles, creates_from
from models.agreement import AgreementRole
from models.program import Organization, Person

#: So many people of a search are offered beside those who are there.
MOST_FOUND: Final = 50


def names_to_choose(context: RequestContext, *chosen: UUID | None, named: str = "") -> list[tuple[UUID, str]]:
    """Who holds a role today or is to, and who was `chosen`, with their names, in the order of their names.

    Who left is not offered, as they would be more each year: their page leads on, or the first of those who have the
    part `named` in their name are offered too.
    """
    found = only(Person.id).where(people.named_like(named)).order_by(col(Person.sort_key)).limit(MOST_FOUND)
    others = scalars(context.session, found) if named.strip() else ()
    offered = people_by_id(context, {*present(context), *chosen, *others})
    return [(one.id, one.name) for one in offered.values()]


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
