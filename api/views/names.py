"""The names of people and the titles of roles, as every page and answer says them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.access.session import RequestContext
from domain.kernel import Question, built, col, in_program, only, run, select, tuples
from locales import current_language
from models.casework import ProtocolVersion
from models.program import Organization, Person, Role


def people_by_id(context: RequestContext) -> dict[UUID, Person]:
    """The program's people by id, in the order of their names."""
    found = context.session.scalars(select(Person).where(in_program(Person)).order_by(col(Person.sort_key)))
    return {person.id: person for person in found}


_PLACES: Final = built(only(Organization.id, Organization.short_name).order_by(col(Organization.short_name)))
#: What `places_by_id` asks.
ASKED_OF_PLACES: Final = Question(_PLACES)


def places_by_id(context: RequestContext) -> dict[UUID, str]:
    """The short names of the program's organizations by id, in their order."""
    return dict(tuples(context.session, *ASKED_OF_PLACES))


_TITLES: Final = built(only(Role.key, Role.title_fr, Role.title_en))
#: What `titles_of_roles` asks.
ASKED_OF_TITLES: Final = Question(_TITLES)


def titles_of_roles(context: RequestContext) -> dict[str, str]:
    """Each role's title in the language of the page, by its key."""
    in_french = current_language() == "fr"
    return {key: fr if in_french else en for key, fr, en in run(context.session, *ASKED_OF_TITLES)}


_PROTOCOLS: Final = built(
    only(ProtocolVersion.key, ProtocolVersion.title_fr, ProtocolVersion.title_en).order_by(col(ProtocolVersion.number))
)
#: What `titles_of_protocols` asks.
ASKED_OF_PROTOCOLS: Final = Question(_PROTOCOLS)


def titles_of_protocols(context: RequestContext) -> dict[str, str]:
    """Each protocol's title, of its last version, in the language of the page, by its key."""
    in_french = current_language() == "fr"
    return {key: fr if in_french else en for key, fr, en in run(context.session, *ASKED_OF_PROTOCOLS)}
