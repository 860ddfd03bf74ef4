"""An appointment that is entered late makes no quick replacement of what the record showed as vacant (AG-X2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import Session

from domain.casework import versions
from domain.obligations.entering_late import refuse_unseen, stays_vacant
from domain.people import people
from domain.record import events
from domain.roles.entered_late import days_of, record_began, said_late
from flows.protocols import PROTOCOLS, read_protocol
from models.base import table_of
from models.program import Tenure
from tests.agreeing import code_of
from tests.api.application import client_for
from tests.cast import AT, LOADING, Arranged, Cast
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.meetings.sitting import seat_everyone

_tenure = table_of(Tenure)

ONE = timedelta(days=1)
CLAUSE = "AG-X2.replacement"
LEFT, SAID, ENTERED = date(2027, 1, 11), date(2027, 1, 18), date(2027, 3, 15)


def at(day: date) -> datetime:
    """The morning of a local day."""
    return datetime.combine(day, AT.timetz())


def _signed(cast: Cast) -> None:
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast, "en-marge")
        made.execute(
            update(_tenure)
            .where(_tenure.c.program_id == cast.program_id, _tenure.c.person_id == cast.people["manager_em"])
            .values(ends_on=LEFT)
        )


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which a manager left on 11 January 2027, and nobody follows."""
    arranged(cast, _signed)
    with cast.session() as made:
        yield made


def _appoint(session: Session, cast: Cast, first: date, entered: date, last: date | None = None) -> None:
    people.appoint(
        session,
        person_id=cast.people["worker_em"],
        organization_id=cast.organizations["en-marge"],
        role="manager",
        starts_on=first,
        ends_on=last,
        by=cast.actor("coordinator"),
        at=at(entered),
    )


def _state(session: Session, cast: Cast, on: date) -> str:
    kept(session, at(on))
    found: str = period(session, cast, "en-marge", CLAUSE)["state"]
    return found


def test_what_was_vacant_too_long_stays_so_where_its_end_is_entered_late(session: Session, cast: Cast) -> None:
    assert _state(session, cast, ENTERED) == "cannot_be_met"
    _appoint(session, cast, SAID, ENTERED)
    assert _state(session, cast, ENTERED) == "cannot_be_met"


def test_what_a_program_brings_of_the_years_before_its_record_is_not_entered_late(session: Session, cast: Cast) -> None:
    kept_ = session.scalars(select(_tenure.c.entered_late).where(_tenure.c.program_id == cast.program_id)).all()
    assert set(map(len, kept_)) == {0}, "each began long before the program was loaded"


def test_who_was_entered_in_time_replaced_in_time(session: Session, cast: Cast) -> None:
    _appoint(session, cast, SAID, SAID + timedelta(days=3))
    assert _state(session, cast, ENTERED) != "cannot_be_met"


def test_a_record_whose_lines_were_written_after_later_ones_begins_with_the_earliest_day(
    session: Session, cast: Cast
) -> None:
    """As a demonstration writes the year behind it once it is loaded."""
    before = at(date(2026, 1, 5))
    events.write(session, "program.loaded", "program", cast.program_id, by=LOADING, at=before)
    assert record_began(session) == date(2026, 1, 5)
    first, entered = date(2026, 11, 9), date(2026, 11, 20)
    assert entered < AT.date(), "before the program was loaded"
    people.appoint(
        session,
        person_id=cast.people["worker_em"],
        organization_id=cast.organizations["en-marge"],
        role="second_representative",
        starts_on=first,
        by=cast.actor("coordinator"),
        at=at(entered),
    )
    whose = _tenure.c.person_id == cast.people["worker_em"], _tenure.c.starts_on == first
    assert days_of(session.scalars(select(_tenure.c.entered_late).where(*whose)).one()) == [(first, entered - ONE)]


def test_of_days_before_the_record_began_nothing_is_asked_to_be_seen(session: Session, cast: Cast) -> None:
    """What is entered of those days fills them: a program brings its years with it."""
    began = record_began(session)
    assert began is not None
    place = (cast.organizations["en-marge"], "manager")
    session.execute(
        update(_tenure).where(_tenure.c.person_id == cast.people["manager_em"]).values(ends_on=began - 40 * ONE)
    )
    assert stays_vacant(session, *place, began - 30 * ONE, at=at(began)) is None
    found = stays_vacant(session, *place, began - 30 * ONE, at=at(began + 5 * ONE))
    assert found is not None
    assert found.since == began


@pytest.mark.ci
def test_a_last_day_that_is_put_off_once_it_is_over_fills_no_vacancy(session: Session, cast: Cast) -> None:
    _appoint(session, cast, SAID, SAID, SAID)
    assert _state(session, cast, ENTERED) == "cannot_be_met"
    tenure = session.scalars(
        select(_tenure.c.id).where(_tenure.c.person_id == cast.people["worker_em"], _tenure.c.role == "manager")
    ).one()
    people.end_tenure(session, tenure, ends_on=date(2027, 9, 1), by=cast.actor("coordinator"), at=at(ENTERED))
    assert _state(session, cast, ENTERED) == "cannot_be_met"


def _last_days(session: Session, cast: Cast, tenure: UUID, said: list[tuple[date, date]]) -> None:
    """Write a last day anew on each of these days: when, and which."""
    for entered, last in said:
        people.end_tenure(session, tenure, ends_on=last, by=cast.actor("coordinator"), at=at(entered))


@pytest.mark.ci
@pytest.mark.parametrize("first_step", [SAID + ONE, SAID])
def test_a_last_day_that_is_put_off_in_two_steps_fills_no_vacancy_either(
    session: Session, cast: Cast, first_step: date
) -> None:
    _appoint(session, cast, SAID, SAID, SAID)
    tenure = session.scalars(
        select(_tenure.c.id).where(_tenure.c.person_id == cast.people["worker_em"], _tenure.c.role == "manager")
    ).one()
    _last_days(session, cast, tenure, [(ENTERED, first_step), (ENTERED, date(2027, 9, 1))])
    assert _state(session, cast, ENTERED) == "cannot_be_met"


@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=pytest.mark.ci if n < 3 else pytest.mark.nightly) for n in range(12)]
)
def test_in_whichever_steps_a_last_day_is_written_a_day_is_held_as_the_record_had_it_when_it_was_over(
    session: Session, cast: Cast, seed: int
) -> None:
    drawn = Random(seed)  # noqa: S311 - a test
    _appoint(session, cast, SAID, SAID)
    tenure = session.scalars(
        select(_tenure.c.id).where(_tenure.c.person_id == cast.people["worker_em"], _tenure.c.role == "manager")
    ).one()
    entered = sorted(SAID + drawn.randint(0, 60) * ONE for _ in range(6))
    said = [(day, SAID + drawn.randint(0, 90) * ONE) for day in entered]
    _last_days(session, cast, tenure, said)
    today = entered[-1] + 20 * ONE
    row = session.execute(select(_tenure.c.ends_on, _tenure.c.entered_late).where(_tenure.c.id == tenure)).one()
    late = {first + n * ONE for first, last in days_of(row.entered_late) for n in range((last - first).days + 1)}
    days = [SAID + n * ONE for n in range((today - SAID).days)]
    held = {day for day in days if day <= row.ends_on and day not in late}

    def shown(day: date) -> bool:
        """Whether the record had somebody on that day, as it was over."""
        return next((last for when, last in reversed(said) if when <= day), day) >= day

    assert held == {day for day in days if day <= row.ends_on and shown(day)}


def test_who_enters_a_day_that_is_past_sees_what_stays_counted(session: Session, cast: Cast) -> None:
    place = (cast.organizations["en-marge"], "manager")
    found = stays_vacant(session, *place, SAID, at=at(ENTERED))
    assert found is not None
    assert (found.since, found.at_most, found.days > found.at_most) == (LEFT + timedelta(days=1), 20, True)
    refused = code_of(lambda: refuse_unseen(session, *place, SAID, seen=False, at=at(ENTERED)))
    assert refused == "tenure.entered_late"
    refuse_unseen(session, *place, SAID, seen=True, at=at(ENTERED))
    refuse_unseen(session, *place, ENTERED, seen=False, at=at(ENTERED))
    assert stays_vacant(session, cast.organizations["en-marge"], "youth_worker", SAID, at=at(ENTERED)) is None


@pytest.mark.usefixtures("session")
def test_the_page_says_it_before_the_role_is_given(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"], at=at(ENTERED))
    who = cast.people["worker_em"]
    given_ = {"place": f"manager:{cast.organizations['en-marge']}", "starts_on": SAID.isoformat()}
    first = client.post(f"/people/{who}/roles", data=given_)
    assert first.status_code == 409
    assert "still counts that time" in first.text
    assert 'name="late"' in first.text
    assert client.post(f"/people/{who}/roles", data=given_ | {"late": "yes"}).status_code == 303


@pytest.mark.usefixtures("session")
def test_the_plan_of_an_onboarding_says_it_before_somebody_new_is_added(cast: Cast) -> None:
    with cast.session() as session:
        versions.record_protocol(session, read_protocol(PROTOCOLS["onboarding"].file), by=LOADING, at=AT)
        whose = _tenure.c.person_id == cast.people["worker_em"]
        session.execute(update(_tenure).where(_tenure.c.program_id == cast.program_id, whose).values(ends_on=LEFT))
    client = client_for(cast.database, cast.people["coordinator"], at=at(ENTERED))
    new = {"form": "new", "given_name": "Opale", "family_name": "Jaspe", "language": "en"}
    new |= {"email": "opale@em.example", "organization": str(cast.organizations["en-marge"])}
    plan = {day: client.post("/cases/new", data=new | {"starts_on": day.isoformat()}).text for day in (SAID, ENTERED)}
    assert {day: "See the plan" in text for day, text in plan.items()} == {SAID: True, ENTERED: True}
    assert {day: "Past vacancy still counts" in text for day, text in plan.items()} == {SAID: True, ENTERED: False}


days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(days, st.none() | st.integers(0, 400), days)
def test_no_day_to_come_is_said_late_and_every_day_that_was_over_is(first: date, more: int | None, on: date) -> None:
    last = None if more is None else first + timedelta(days=more)
    late = {
        start + timedelta(days=n)
        for start, end in days_of(said_late(first, last, on=on))
        for n in range((end - start).days + 1)
    }
    whole = {first + timedelta(days=n) for n in range(max(0, (min(on, last or on) - first).days + 1))}
    assert late == {day for day in whole if day < on}
