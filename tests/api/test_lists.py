"""Lists beside that of cases show what their askers may open, whatever the row of the table holds.

`test_sight` holds the list of cases to the table, and `tests.matrix.test_lists` every list of the windows to the page
of each of its things.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlmodel import Session

from api.access import permissions
from api.access.follow_ups import caseload_of, find_follow_up
from api.access.meetings import find_meeting
from api.access.partners import partners_of, to_partner
from api.access.permissions import TABLE, Action, Asker, Forbidden, Relation, require
from api.access.session import RequestContext
from api.views.meetings import between
from domain.people.absences import record_absence
from domain.roles.roles import standing
from tests.api.application import client_for, installation_of
from tests.cast import AT, TODAY, Cast
from tests.conftest import Copies
from tests.following import SECOND, WORKER, agreed, bar, followed
from tests.meetings.meeting_room import LOCAL, planned

ASKERS: Final = (
    *("coordinator", "officer", "administrator", "privacy_officer", "researcher", "police", "specialist"),
    *("director_codim", "manager_codim", "manager_la", "manager_two", "deputy", WORKER, SECOND, "without_mail"),
)
DAYS: Final = (TODAY, TODAY + timedelta(days=1), LOCAL.date())


@pytest.fixture(scope="module")
def lived_in(copies: Copies, cast_template: tuple[str, Cast]) -> Iterator[Cast]:
    """Meetings that are planned, partners whose agreements are in force, follow-ups, and absences."""
    name, built = cast_template
    with copies.of(name) as database:
        cast = built.on(database)
        planned(cast)
        with cast.session() as session:
            agreed(session, cast)
            followed(session, cast, "#2026-01", second=SECOND)
            barring = followed(session, cast, "#2026-02", worker="without_mail")
            followed(session, cast, "#2026-03", worker="without_mail")
            bar(session, cast, barring, cast.people["deputy"])
            for who, deputy in (("without_mail", "deputy"), ("manager_codim", "director_codim"), ("manager_la", None)):
                record_absence(
                    session,
                    person_id=cast.people[who],
                    starts_on=TODAY + timedelta(days=1),
                    ends_on=LOCAL.date(),
                    deputy_id=cast.people[deputy] if deputy else None,
                    kinds=["tasks", "approvals", "seats"],
                    by=cast.actor("coordinator"),
                    at=AT,
                )
        yield cast


def meetings(context: RequestContext) -> dict[UUID, bool]:
    """The meetings of the list, and whether it leads to each."""
    return {line.meeting.id: line.may_open for line in between(context, LOCAL.date(), date(2027, 4, 30))}


def partners(context: RequestContext) -> dict[UUID, bool]:
    """Every partner, and whether the list has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(permissions, "TABLE", {**TABLE, Action.SEE_PARTNER: frozenset({Relation.STAFF})})
        every = [row.id for row in partners_of(context.session, context.asker)]
    listed = {row.id for row in partners_of(context.session, context.asker)}
    return {one: one in listed for one in every}


def may_see_partner(_: Session, asker: Asker, organization_id: UUID) -> None:
    """What the table says of one partner; its page is found in the list."""
    require(Action.SEE_PARTNER, to_partner(asker, organization_id))


def opens(context: RequestContext, find: Callable[..., object], thing: UUID) -> bool:
    """Whether the thing is there for the asker."""
    with suppress(Forbidden):
        find(context.session, context.asker, thing)
        return True
    return False


#: A list, how one of its things is opened, and the row of the table that decides on both.
LISTS: Final = {
    "meetings": (meetings, find_meeting, Action.SEE_MEETING),
    "partners": (partners, may_see_partner, Action.SEE_PARTNER),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.ci
def test_a_list_and_its_pages_agree_for_every_asker_on_every_day(lived_in: Cast, name: str) -> None:
    listing, find, _ = LISTS[name]
    answers = set()
    with lived_in.session() as session:
        for day in DAYS:
            today = standing(session, day)
            for who in ASKERS:
                context = RequestContext(
                    session, Asker(lived_in.people[who], today), AT, installation_of(lived_in.database)
                )
                for thing, listed in listing(context).items():
                    assert listed == opens(context, find, thing), (day, who)
                    answers.add(listed)
    assert answers == {True, False}


@pytest.mark.ci
@pytest.mark.parametrize("name", LISTS)
def test_they_agree_whatever_the_row_of_the_table_holds(
    lived_in: Cast, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, find, action = LISTS[name]
    every: dict[frozenset[Relation], set[bool]] = {}
    with lived_in.session() as session:
        today = standing(session, TODAY)
        for row in (frozenset(), frozenset({Relation.STAFF}), *(frozenset({one}) for one in TABLE[action])):
            monkeypatch.setattr(permissions, "TABLE", {**TABLE, action: row})
            for who in ("coordinator", "police", "manager_codim", "researcher"):
                context = RequestContext(
                    session, Asker(lived_in.people[who], today), AT, installation_of(lived_in.database)
                )
                for thing, listed in listing(context).items():
                    assert listed == opens(context, find, thing), (row, who)
                    every.setdefault(row, set()).add(listed)
    assert every[frozenset()] == {False}
    assert every[frozenset({Relation.STAFF})] == {True}


@pytest.mark.ci
def test_ones_own_follow_ups_are_those_that_are_assigned_to_one_or_to_whom_one_acts_for(lived_in: Cast) -> None:
    answers = set()
    with lived_in.session() as session:
        coordinator = Asker(lived_in.people["coordinator"], standing(session, TODAY))
        workers = [Asker(lived_in.people[who], coordinator.standing) for who in (WORKER, "without_mail")]
        every = {row.id for worker in workers for row, _ in caseload_of(session, worker)}
        assert len(every) == 3
        for day in DAYS:
            today = standing(session, day)
            for who in ASKERS:
                asker = Asker(lived_in.people[who], today)
                listed = {row.id for row, _ in caseload_of(session, asker)}
                for one in every:
                    assigned = False
                    with suppress(Forbidden):
                        assigned = Relation.ASSIGNED in find_follow_up(session, asker, one)[1]
                    assert (one in listed) == assigned, (day, who)
                    answers.add((assigned, who))
    assert {(True, "deputy"), (False, "deputy"), (True, SECOND), (False, "coordinator")} <= answers


@pytest.mark.ci
def test_everyones_follow_ups_are_listed_for_whoever_may_open_each_whatever_the_row_holds(
    lived_in: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = TABLE[Action.SEE_FOLLOW_UP]
    rows = (row, row - {Relation.COORDINATOR}, row | {Relation.FOLLOWS})
    for held, (coordinator, worker) in zip(rows, ((3, 1), (0, 1), (3, 3)), strict=True):
        monkeypatch.setattr(permissions, "TABLE", {**TABLE, Action.SEE_FOLLOW_UP: held})
        for who, listed in (("coordinator", coordinator), (SECOND, worker)):
            client = client_for(lived_in.database, lived_in.people[who])
            found = client.get("/api/v1/caseload").json()["follow_ups"]
            assert len(found) == listed, (who, held)
            page = client.get("/caseload").text
            assert {one["number"] for one in found} == set(re.findall(r"#2026-[0-9]{2}", page)), (who, held)
