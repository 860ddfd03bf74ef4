"""The names of people and the titles of roles, as every page and answer says them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam
from sqlmodel import Session

from api.access.session import RequestContext
from domain.kernel import Question, built, col, every, of, only, run, tuples
from domain.roles import DayTenures
from locales import current_language
from models.casework import ProtocolVersion
from models.program import Organization, Person, Role

_PEOPLE: Final = built(
    of(Person)
    .where(col(Person.id) == any_(bindparam("people", type_=ARRAY(Uuid()))))
    .order_by(col(Person.sort_key), col(Person.id))
)


class People(Mapping[UUID, Person]):
    """People by id, in the order of their names: those who were asked for, at once; another when it is looked up.

    Never everyone: a program keeps the name of each who ever worked in it.
    """

    def __init__(self, session: Session, ids: Iterable[UUID | None]) -> None:
        self._session = session
        self._found = self._read(ids)

    def _read(self, ids: Iterable[UUID | None]) -> dict[UUID, Person]:
        wanted = sorted({one for one in ids if one is not None})
        return {one.id: one for one in every(self._session, _PEOPLE, {"people": wanted})} if wanted else {}

    def __getitem__(self, person_id: UUID) -> Person:
        if person_id not in self._found:
            self._found |= self._read([person_id])
        return self._found[person_id]

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def people_by_id(context: RequestContext, ids: Iterable[UUID | None]) -> People:
    """These people of the program by id, in the order of their names."""
    return People(context.session, ids)


class Names(Mapping[UUID, str]):
    """The names of people by id, as `People` has them."""

    def __init__(self, people: People) -> None:
        self._people = people

    def __getitem__(self, person_id: UUID) -> str:
        return self._people[person_id].name

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)


def names_by_id(session: Session, ids: Iterable[UUID | None]) -> Names:
    """The names of these people of the program by id, in their order."""
    return Names(People(session, ids))


def present(context: RequestContext) -> set[UUID]:
    """Those who hold a role today, or are to hold one: the people that a form offers."""
    return present_on(context.asker.standing)


def present_on(today: DayTenures) -> set[UUID]:
    """Those who hold a role on a day, or are to hold one after it."""
    return today.live | {one.person_id for one in today.coming}


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
