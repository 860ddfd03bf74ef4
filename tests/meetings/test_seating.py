"""Giving a seat and ending one: for days to come alone, and telling whoever it concerns and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.casework import vacancies
from domain.departure import current, departures, ending, unopened
from domain.kernel.refusals import Refusal
from domain.people import people
from domain.roles.roles import standing
from meetings import attendance, invitations, running, schedule, seating
from meetings.committees import ALTERNATE, PRINCIPAL, committee_of, membership
from meetings.invitations import PersonalNews
from models.base import table_of
from models.program import Tenure
from tests.agreeing import code_of, in_force
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import record_protocols
from tests.meetings.agenda_application import meeting
from tests.meetings.sitting import letters, seat, seat_everyone

_tenure = table_of(Tenure)

FIRST = date(2026, 12, 2)
FROM = date(2026, 12, 9)


def _prepare(cast: Cast) -> None:
    with cast.session() as made:
        seat_everyone(made, cast)
        by = cast.actor("coordinator")
        schedule.plan_season(
            made, "clinical", first=FIRST, last=FIRST + timedelta(weeks=4), hour=time(9, 30), by=by, at=AT
        )
        schedule.plan_meetings(made, "joint", [datetime.combine(date(2027, 1, 19), time(9))], by=by, at=AT)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """Everyone sits; five Wednesdays of the Clinical Committee are planned, and one meeting of the Joint."""
    arranged(cast, _prepare)
    with cast.session() as made:
        yield made


def _give(
    session: Session, cast: Cast, person: str, *, kind: str = PRINCIPAL, on: date = FROM, key: str = "en-marge"
) -> tuple[PersonalNews, ...]:
    clinical = committee_of(session, "clinical").id
    where = seat(session, "clinical", key)
    by = cast.actor("coordinator")
    return seating.give_seat(session, clinical, where, cast.people[person], kind=kind, starts_on=on, by=by, at=AT)


def works(session: Session, cast: Cast, person: str, *, until: date | None = None) -> None:
    """Have somebody be a youth worker of En Marge too."""
    people.appoint(
        session,
        person_id=cast.people[person],
        role="youth_worker",
        organization_id=cast.organizations["en-marge"],
        starts_on=TODAY,
        ends_on=until,
        by=cast.actor("coordinator"),
        at=AT,
    )


def _holders(session: Session, day: date, key: str = "en-marge") -> tuple[UUID, ...]:
    clinical = membership(session, committee_of(session, "clinical").id)
    return clinical.holders(seat(session, "clinical", key), day)


def _told(told: tuple[PersonalNews, ...], cast: Cast) -> set[tuple[str, str, str]]:
    names = {one: name for name, one in cast.people.items()}
    return {(names[one.person_id], one.kind, one.method) for one in told}


def test_a_change_of_holder_is_for_days_to_come_and_tells_the_two_alone_also_of_what_is_derived(
    cast: Cast, session: Session
) -> None:
    works(session, cast, "deputy")
    told = _give(session, cast, "deputy")
    worker, deputy = cast.people["worker_em"], cast.people["deputy"]
    assert _holders(session, FROM - timedelta(days=1))[0] == worker
    assert _holders(session, FROM) == (deputy,), "who was the alternate is the principal, and no alternate any more"
    # The season of the Clinical Committee, and the Joint one, which has its seats from there; the alternate of Steering
    # is not invited by that seat.
    assert {name for name, _, _ in _told(told, cast)} == {"worker_em", "deputy"}
    assert ("deputy", "invitation", "REQUEST") in _told(told, cast)
    assert len(told) == 4
    assert _give(session, cast, "deputy") == (), "again, nothing changes and nobody is told"


def test_who_was_at_a_meeting_that_was_held_stays_recorded_there(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    during = AT + timedelta(days=9)
    running.open_meeting(session, first, by=by, at=during)
    where = seat(session, "clinical", "en-marge")
    attendance.record(session, first, where, "present", by=by, at=during)
    works(session, cast, "deputy")
    _give(session, cast, "deputy", on=FROM)
    (there,) = [one for one in attendance.attendance_of(session, first) if one.seat.id == where]
    assert (there.state, there.person_id) == ("present", cast.people["worker_em"])


def test_a_seat_ends_with_the_role_that_it_rests_on(cast: Cast, session: Session) -> None:
    last = FROM + timedelta(days=7)
    works(session, cast, "deputy", until=last)
    _give(session, cast, "deputy")
    assert _holders(session, last) == (cast.people["deputy"],)
    assert _holders(session, last + timedelta(days=1)) == ()
    assert _give(session, cast, "deputy") == ()


def test_a_seat_given_for_an_interim_leaves_whoever_is_to_have_it_after_that(cast: Cast, session: Session) -> None:
    then, last = FROM + timedelta(days=21), FROM + timedelta(days=20)
    works(session, cast, "manager_em")
    _give(session, cast, "manager_em", on=then)
    works(session, cast, "deputy", until=last)
    told = _give(session, cast, "deputy")
    assert _holders(session, FROM)[0] == _holders(session, last)[0] == cast.people["deputy"]
    assert _holders(session, then) == (cast.people["manager_em"],)
    assert "manager_em" not in {name for name, _, _ in _told(told, cast)}
    assert _give(session, cast, "deputy") == (), "again, nothing changes and nobody is told"


def test_who_has_the_seat_for_an_interim_and_for_good_from_later_keeps_both(cast: Cast, session: Session) -> None:
    then, last = FROM + timedelta(days=21), FROM + timedelta(days=7)
    works(session, cast, "deputy", until=last)
    people.appoint(
        session,
        person_id=cast.people["deputy"],
        role="youth_worker",
        organization_id=cast.organizations["en-marge"],
        starts_on=then,
        by=cast.actor("coordinator"),
        at=AT,
    )
    _give(session, cast, "deputy", on=then)
    _give(session, cast, "deputy")
    assert _holders(session, last)[0] == cast.people["deputy"]
    assert cast.people["deputy"] not in _holders(session, last + timedelta(days=1))
    assert _holders(session, then)[0] == cast.people["deputy"]


@pytest.mark.ci
def test_who_leaves_and_comes_back_has_the_seat_that_is_given_from_the_return_on(cast: Cast, session: Session) -> None:
    """The one of before runs without an end until the departure ends it."""
    record_protocols(cast)
    last, then = FROM + timedelta(days=7), FROM + timedelta(days=21)
    by, worker, place = cast.actor("coordinator"), cast.people["worker_em"], cast.organizations["en-marge"]
    departures.open_departure(
        session, person_id=worker, organization_id=place, last_day=last, planned=True, by=by, at=AT
    )
    people.appoint(session, person_id=worker, role="youth_worker", organization_id=place, starts_on=then, by=by, at=AT)
    _give(session, cast, "worker_em", on=then)
    assert _give(session, cast, "worker_em", on=then) == (), "again, nothing changes and nobody is told"
    after = AT + timedelta(days=30)
    ending.end_departure(session, *current.due_to_end(session, after), by=by, at=after)
    assert _holders(session, last)[0] == worker
    assert worker not in _holders(session, last + timedelta(days=1))
    assert _holders(session, then)[0] == worker


@pytest.mark.ci
def test_an_alternate_is_told_of_nothing_until_they_are_called_and_a_seat_ends_with_its_last_day(
    cast: Cast, session: Session
) -> None:
    before = len(letters(session))
    works(session, cast, "manager_em")
    assert _give(session, cast, "manager_em", kind=ALTERNATE, on=TODAY) == ()
    assert len(letters(session)) == before
    clinical, where, by = (
        committee_of(session, "clinical").id,
        seat(session, "clinical", "en-marge"),
        cast.actor("coordinator"),
    )
    told = seating.end_seat(session, clinical, where, cast.people["worker_em"], last_day=FROM, by=by, at=AT)
    # Nobody holds it then: the alternates are called (CM-2R).
    assert {name for name, _, _ in _told(told, cast)} == {"worker_em", "deputy", "manager_em"}
    assert cast.people["worker_em"] in _holders(session, FROM)
    assert cast.people["worker_em"] not in _holders(session, FROM + timedelta(days=1))


@pytest.mark.parametrize(
    ("person", "on", "kind", "code"),
    [
        ("deputy", TODAY - timedelta(days=1), PRINCIPAL, "seat.past"),
        ("worker_codim", FROM, ALTERNATE, "seat.other_role"),
        ("manager_em", FROM, ALTERNATE, "seat.other_role"),  # of the organization, and no worker
        ("deputy", FROM, PRINCIPAL, "seat.other_role"),
        ("deputy", FROM, "guest", "seat.kind.missing"),
    ],
)
def test_a_seat_is_given_to_nobody_of_elsewhere_and_in_no_past(
    cast: Cast, session: Session, person: str, on: date, kind: str, code: str
) -> None:
    before = _holders(session, FROM)
    with pytest.raises(Refusal) as refused:
        _give(session, cast, person, kind=kind, on=on)
    assert refused.value.code == code
    assert _holders(session, FROM) == before


def test_no_seat_is_given_once_the_agreement_has_lapsed_and_whoever_sits_there_stays(
    cast: Cast, session: Session
) -> None:
    works(session, cast, "deputy")
    in_force(session, cast, until=FROM - timedelta(days=1))
    before = _holders(session, FROM)
    for kind in (PRINCIPAL, ALTERNATE):
        assert code_of(lambda kind=kind: _give(session, cast, "deputy", kind=kind)) == "agreement.lapsed"  # type: ignore[misc]
    assert _holders(session, FROM) == before
    _give(session, cast, "deputy", on=FROM - timedelta(days=1))  # the last day of the agreement


def test_the_coordinators_own_seat_is_given_whatever_became_of_the_agreement(cast: Cast, session: Session) -> None:
    """Or nobody could bring it back."""
    in_force(session, cast, "ccsmtl", until=TODAY)
    assert _give(session, cast, "coordinator", key="coordination") == (), "they hold it already"


def test_a_seat_of_another_committee_is_none_of_this_one_and_what_is_past_is_not_ended(
    cast: Cast, session: Session
) -> None:
    by, steering, where = (
        cast.actor("coordinator"),
        committee_of(session, "steering").id,
        seat(session, "clinical", "en-marge"),
    )
    who = cast.people["worker_em"]
    with pytest.raises(Refusal, match="unknown"):
        seating.end_seat(session, steering, where, who, last_day=FROM, by=by, at=AT)
    clinical = committee_of(session, "clinical").id
    with pytest.raises(Refusal, match="past"):
        seating.end_seat(session, clinical, where, who, last_day=TODAY - timedelta(days=2), by=by, at=AT)
    with pytest.raises(Refusal, match="not_held"):
        seating.end_seat(session, clinical, where, cast.people["police"], last_day=FROM, by=by, at=AT)


def test_the_extended_committee_is_the_clinical_one_with_outside_partners_and_a_guest_of_one_meeting(
    cast: Cast, session: Session
) -> None:
    by, extended = cast.actor("coordinator"), committee_of(session, "extended").id
    two = [datetime.combine(date(2027, 2, 10), time(14)), datetime.combine(date(2027, 5, 12), time(14))]
    planned = schedule.plan_meetings(session, "extended", two, by=by, at=AT)
    clinical = membership(session, committee_of(session, "clinical").id).invited(two[0].date())
    assert {one.person_id for one in planned} == set(clinical)
    outside = cast.people["research_coordinator"]
    people.appoint(
        session,
        person_id=outside,
        role="specialized_resource",
        organization_id=cast.organizations["cavac"],
        starts_on=TODAY,
        by=by,
        at=AT,
    )
    where = seat(session, "extended", "cavac")
    told = seating.give_seat(session, extended, where, outside, kind=PRINCIPAL, starts_on=TODAY, by=by, at=AT)
    assert _told(told, cast) == {("research_coordinator", "invitation", "REQUEST")}
    assert [one.starts for one in told] == two, "of the Extended Committee alone, and of each of its meetings"
    told = schedule.invite_guest(session, meeting(session, two[0].date()), cast.people["manager_la"], by=by, at=AT)
    assert _told(told, cast) == {("manager_la", "invitation", "REQUEST")}
    assert [one.starts for one in told] == two[:1]


def _role(session: Session, cast: Cast, person: str, role: str) -> UUID:
    found: UUID = session.scalars(
        select(_tenure.c.id).where(_tenure.c.person_id == cast.people[person], _tenure.c.role == role)
    ).one()
    return found


def _steering(session: Session, day: date, key: str) -> tuple[UUID, ...]:
    steering = membership(session, committee_of(session, "steering").id)
    return steering.holders(seat(session, "steering", key), day)


def test_a_seat_ends_with_its_role_where_its_holder_stays_in_another_and_the_second_representative_stands_in(
    cast: Cast, session: Session
) -> None:
    by, joint = cast.actor("coordinator"), date(2027, 1, 19)
    people.appoint(
        session,
        person_id=cast.people["manager_la"],
        role="youth_worker",
        organization_id=cast.organizations["anonyme"],
        starts_on=TODAY,
        by=by,
        at=AT,
    )
    departures.end_role(session, _role(session, cast, "manager_la", "manager"), ends_on=FROM, by=by, at=AT)
    assert unopened.due_to_open(session, AT) == [], "they stay, and nothing else ends their seat"

    assert seating.end_with_roles(session, by=by, at=AT) == 1
    assert seating.end_with_roles(session, by=by, at=AT) == 0

    assert _steering(session, FROM, "anonyme") == (cast.people["manager_la"],)
    assert _steering(session, joint, "anonyme") == (cast.people["second_deputy"],)
    told = _told(invitations.tell_all(session, at=AT), cast)
    # On the Joint Committee, which has its seats from there, the second representative stands in too (CM-2R).
    assert told == {("manager_la", "removed", "CANCEL"), ("second_deputy", "invitation", "REQUEST")}
    vacant = [one.organization_id for one in vacancies.find(session, standing(session, joint)) if one.kind == "seat"]
    assert cast.organizations["anonyme"] in vacant


def test_the_seats_of_whoever_leaves_altogether_are_their_departures_to_pass_on(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    departures.end_role(session, _role(session, cast, "manager_la", "manager"), ends_on=FROM, by=by, at=AT)
    assert seating.end_with_roles(session, by=by, at=AT) == 0
    assert _steering(session, FROM + timedelta(days=1), "anonyme") == (cast.people["manager_la"],)
    called_off = AT + timedelta(days=30)  # no departure came: the seat is nobody's for ever
    assert seating.end_with_roles(session, by=by, at=called_off) == 1
    assert cast.people["manager_la"] not in _steering(session, called_off.date(), "anonyme")


def test_a_seat_that_ends_with_a_role_goes_on_with_it_when_the_role_is_prolonged(cast: Cast, session: Session) -> None:
    last, by = FROM + timedelta(days=7), cast.actor("coordinator")
    works(session, cast, "deputy", until=last)
    _give(session, cast, "deputy")
    role = _role(session, cast, "deputy", "youth_worker")
    departures.end_role(session, role, ends_on=last + timedelta(days=14), by=by, at=AT)
    assert _holders(session, last + timedelta(days=14)) == (cast.people["deputy"],)
    assert _holders(session, last + timedelta(days=15)) == ()
    # Not where somebody else was given it by then.
    works(session, cast, "manager_em")
    _give(session, cast, "manager_em", on=last + timedelta(days=15))
    departures.end_role(session, role, ends_on=last + timedelta(days=28), by=by, at=AT)
    assert _holders(session, last + timedelta(days=28)) == (cast.people["manager_em"],)
