"""People are asked in time for what they owe, whatever the check: one task a period, and who hears of it when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import Session

from domain.agreements import terminations
from domain.declarations.checks.rule import ATTEST, GIVE, SEE_TO, SIT
from domain.declarations.checks.watch import Watch
from domain.kernel.calendars import Calendar
from domain.obligations import attestations
from domain.obligations.asking import ASKS, due_day, reminders
from domain.people import people
from models.base import table_of
from models.casework import Responsibility, Task
from models.meeting import Meeting
from models.obligation import ObligationPeriod
from models.program import Program, Tenure
from tests.agreeing import last_version
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.obligations.signed import hold, kept, period, put_in_force
from tests.meetings.sitting import seat_everyone
from tests.referring import refer

_task = table_of(Task)
_chain = table_of(Responsibility)
_meeting = table_of(Meeting)
_program = table_of(Program)
_period = table_of(ObligationPeriod)
_tenure = table_of(Tenure)

DAY = timedelta(days=1)
CALENDAR = Calendar()
#: The sixtieth, the twentieth and the fifth working day before 31 December 2026: nobody works from Christmas Eve on.
SIXTY, TWENTY, FIVE = date(2026, 9, 30), date(2026, 11, 26), date(2026, 12, 17)


def at(day: date) -> datetime:
    """The morning of a local day."""
    return datetime.combine(day, AT.timetz())


def _signed(cast: Cast) -> None:
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast, "en-marge", "ccsmtl")


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which the agreements of a partner and of the host are in force, and nothing was judged yet."""
    arranged(cast, _signed)
    with cast.session() as made:
        yield made


def asked(session: Session, period_id: UUID) -> list[dict[str, Any]]:
    """What was asked for a period, the first one first, with who owes it as links."""
    rows = session.execute(
        select(_task, _chain.c.links)
        .join(_chain, _chain.c.id == _task.c.owed_by_id)
        .where(_task.c.item == str(period_id), _task.c.step.in_(ASKS))
        .order_by(_task.c.opened_at, _task.c.id)
    ).mappings()
    return [dict(row) for row in rows]


@pytest.mark.ci
def test_each_kind_of_check_is_asked_for_sixty_working_days_before_its_last_day_and_not_before(
    cast: Cast, session: Session
) -> None:
    to_come = hold(session, cast, date(2026, 12, 8), {})
    session.execute(update(_meeting).where(_meeting.c.id == to_come).values(state="planned", closed_at=None))
    kept(session, at(SIXTY - DAY))
    kinds = {"AG-P1": SEE_TO, "AG-P2": ATTEST, "AG-P4": GIVE, "AG-M1": SIT}
    for key in kinds:
        assert asked(session, period(session, cast, "en-marge", key)["id"]) == []
    kept(session, at(SIXTY))
    for key, step in kinds.items():
        (task,) = asked(session, period(session, cast, "en-marge", key)["id"])
        assert (task["step"], task["state"], task["next_check"]) == (step, "open", SIXTY), key
        assert task["links"][0].role == "manager"
        heard = list(zip(task["ladder"], task["ladder_to"], strict=True))
        assert heard[:3] == [(SIXTY, "owner"), (TWENTY, "owner"), (TWENTY, "director")]
        assert (FIVE, "coordinator") in heard
    assert kept(session, at(SIXTY)) == 0
    assert len(asked(session, period(session, cast, "en-marge", "AG-P4")["id"])) == 1


@pytest.mark.ci
def test_nobody_is_asked_by_a_day_after_the_last_one(cast: Cast, session: Session) -> None:
    """The year ends in the holiday break, and January 30 is a Saturday: the last working day before counts."""
    kept(session, at(SIXTY))
    for place, key, day in (
        ("ccsmtl", "GV-9", date(2026, 12, 23)),
        ("en-marge", "AG-P1", date(2026, 12, 23)),
        ("en-marge", "AG-P4", date(2027, 1, 29)),
    ):
        (task,) = asked(session, period(session, cast, place, key)["id"])
        assert task["due_on"] == day, key
    kept(session, at(SIXTY + DAY))
    assert len(asked(session, period(session, cast, "en-marge", "AG-P4")["id"])) == 1, "it is not asked anew"


@pytest.mark.ci
def test_who_owes_it_is_asked_then_their_director_then_the_coordinator(cast: Cast, session: Session) -> None:
    kept(session, at(SIXTY))
    here = str(cast.organizations["en-marge"])

    def falls(place: str, key: str) -> list[tuple[str, str]]:
        (task,) = asked(session, period(session, cast, place, key)["id"])
        return [(link.role, link.at) for link in task["links"]]

    behind = [("director", here), ("coordinator", "*")]
    assert falls("en-marge", "AG-P4") == [("manager", here), *behind]
    assert falls("en-marge", "AG-D2") == behind
    assert falls("en-marge", "AG-X1:youth_worker") == [("youth_worker", here), *behind]
    assert falls("ccsmtl", "GV-6.report") == [("coordinator", "*"), ("director", str(cast.organizations["ccsmtl"]))]
    assert falls("en-marge", "AG-P7") == [("director", here)], "nobody states in another's place"
    assert falls("en-marge", "AG-W1") == [("coordinator", "*")]


@pytest.mark.ci
def test_what_asks_for_it_is_done_by_giving_it_and_is_asked_again_where_it_is_taken_back(
    cast: Cast, session: Session
) -> None:
    kept(session, at(SIXTY))
    by, one = cast.actor("manager_em"), period(session, cast, "en-marge", "AG-P4")
    document = attestations.add_document(
        session, one["id"], "bilan.txt", b"Fait.", effective_on=SIXTY, by=by, at=at(SIXTY)
    )
    (task,) = asked(session, one["id"])
    assert (task["state"], task["done_by"]) == ("done", by.person_id)
    later = at(SIXTY + DAY)
    attestations.withdraw_document(session, document, reason="Mauvais fichier", by=by, at=later)
    assert [task["state"] for task in asked(session, one["id"])] == ["done", "open"]


@pytest.mark.ci
def test_a_referral_completes_what_asked_for_it(cast: Cast, session: Session) -> None:
    kept(session, at(SIXTY))
    one = period(session, cast, "en-marge", "AG-P1")
    session.commit()
    refer(cast, by="manager_em", at=at(SIXTY))
    kept(session, at(SIXTY))
    assert [task["state"] for task in asked(session, one["id"])] == ["done"]


@pytest.mark.ci
def test_whoever_is_asked_late_is_asked_alone_first(cast: Cast, session: Session) -> None:
    kept(session, at(date(2026, 12, 28)))  # not worked, and past every time to ask
    (task,) = asked(session, period(session, cast, "en-marge", "AG-P4")["id"])
    heard = dict.fromkeys(task["ladder_to"], date.max)
    for day, to in zip(reversed(task["ladder"]), reversed(task["ladder_to"]), strict=True):
        heard[to] = day
    assert heard["owner"] == date(2026, 12, 28)
    assert heard["owner"] < heard["director"] < heard["coordinator"]


@pytest.mark.ci
def test_what_is_asked_moves_with_the_last_day_of_the_agreement(cast: Cast, session: Session) -> None:
    kept(session, at(date(2026, 10, 5)))
    one = period(session, cast, "en-marge", "AG-P4")
    by, now = cast.actor("coordinator"), at(date(2026, 10, 6))
    terminations.end_version(session, last_version(session, cast), ends_on=date(2026, 11, 30), by=by, at=now)
    kept(session, now)
    before, after = asked(session, one["id"])
    assert (before["state"], after["state"]) == ("cancelled", "open")
    assert "30 novembre" in after["title_fr"]
    kept(session, now)
    assert len(asked(session, one["id"])) == 2


@pytest.mark.ci
def test_what_a_program_declares_is_when_its_people_are_asked(cast: Cast, session: Session) -> None:
    said = Watch.model_validate({"asked": [{"working_days": 10, "to": ["owner", "coordinator"]}]})
    session.execute(
        update(_program).where(_program.c.id == cast.program_id).values(obligations=said.model_dump(mode="json"))
    )
    session.expire_all()
    kept(session, at(TODAY))
    one = period(session, cast, "en-marge", "AG-P4")
    assert asked(session, one["id"]) == []
    kept(session, at(date(2026, 12, 10)))
    (task,) = asked(session, one["id"])
    assert task["ladder_to"][:2] == ["owner", "coordinator"]


@pytest.mark.ci
def test_what_is_owed_once_is_asked_for_within_the_agreements_first_year(cast: Cast, session: Session) -> None:
    kept(session, at(SIXTY - DAY))
    one = period(session, cast, "en-marge", "AG-D1")
    assert (one["state"], one["ends_on"], asked(session, one["id"])) == ("nothing_recorded", None, [])
    kept(session, at(SIXTY))  # sixty working days before 4 January too
    (task,) = asked(session, one["id"])
    assert (task["step"], task["due_on"]) == (GIVE, date(2027, 1, 4))
    assert task["title_en"].startswith("Submit a document by January 4, 2027")


@pytest.mark.ci
def test_a_seat_that_is_sat_on_and_one_without_a_meeting_to_come_ask_for_nothing(cast: Cast, session: Session) -> None:
    hold(session, cast, date(2026, 2, 10), {"en-marge": "present"})
    kept(session, at(TODAY))
    for place in ("en-marge", "ccsmtl"):
        assert asked(session, period(session, cast, place, "AG-M1")["id"]) == []


@pytest.mark.ci
def test_a_vacant_role_asks_from_its_first_day_to_have_it_held_in_time(cast: Cast, session: Session) -> None:
    kept(session, at(date(2026, 9, 1)))
    one = period(session, cast, "en-marge", "AG-X2.replacement")
    assert asked(session, one["id"]) == []
    _leaves(session, cast, "manager_em", date(2026, 9, 2))
    kept(session, at(date(2026, 9, 3)))
    (task,) = asked(session, one["id"])
    assert (task["step"], task["due_on"]) == (SEE_TO, date(2026, 10, 1))
    people.appoint(
        session,
        person_id=cast.people["worker_em"],
        organization_id=cast.organizations["en-marge"],
        role="manager",
        starts_on=date(2026, 9, 8),
        by=cast.actor("coordinator"),
        at=at(date(2026, 9, 8)),
    )
    kept(session, at(date(2026, 9, 8)))
    assert [task["state"] for task in asked(session, one["id"])] == ["done"]


def _leaves(session: Session, cast: Cast, who: str, last: date) -> None:
    session.execute(
        update(_tenure)
        .where(_tenure.c.program_id == cast.program_id, _tenure.c.person_id == cast.people[who])
        .values(ends_on=last)
    )


days = st.dates(date(2026, 1, 1), date(2028, 6, 30))


@given(days, st.integers(0, 200), st.integers(-40, 60))
def test_nobody_hears_before_whoever_owes_it_nor_before_it_is_asked(on: date, until: int, grace: int) -> None:
    last = on + timedelta(days=until)
    due = due_day(last + timedelta(days=max(grace, 0)), CALENDAR, on=on)
    found = reminders(Watch(), last, due, CALENDAR, on=on)
    assert found == sorted(found, key=lambda one: one.on)
    assert found[0].to == "owner"
    assert found[0].on == max(on, CALENDAR.add_working_days(last, -60))
    first = {to: min(one.on for one in found if one.to == to) for to in ("owner", "director", "coordinator")}
    assert first["owner"] < first["director"] < first["coordinator"] or due < on
    assert len(set(found)) == len(found)
