"""Ending somebody's last role, and cancelling the departure that it opens: nobody is left outside with a telephone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.casework import cases
from domain.departure import departure_row, departures, taking_up_again, unopened
from domain.departure.foreseeing import Foreseen, foresee_end
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.people import people
from domain.roles.roles import standing
from flows.departing import close_doors, look_at_hands
from locales import show_day
from models.base import table_of
from models.outbox import Notice
from models.program import Tenure
from tests.casework import carry, case_row, open_onboarding
from tests.cast import AT, TODAY, Cast
from tests.departing import (
    LAST_DAY,
    asked,
    come_back,
    in_hand,
    leave,
    lend,
    open_account,
    record_protocols,
    roles,
    seat_somebody,
    settle,
)
from tests.flows.support import Clock, means_of
from tests.refusing import refused

TENURE, NOTICE = table_of(Tenure), table_of(Notice)
LEAVER, PLACE = "worker_codim", "codim"
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


def tenure_of(cast: Cast, who: str, role: str = "") -> UUID:
    with cast.session() as session:
        found = session.scalars(
            select(TENURE.c.id).where(
                TENURE.c.person_id == cast.people[who], *([TENURE.c.role == role] if role else [])
            )
        )
        tenure_id: UUID = found.one()
    return tenure_id


def end(
    cast: Cast, who: str, ends_on: date, *, by: Actor | None = None, at: datetime = AT, role: str = ""
) -> UUID | None:
    tenure_id = tenure_of(cast, who, role)
    with cast.session() as session:
        return departures.end_role(session, tenure_id, ends_on=ends_on, by=by or cast.actor("coordinator"), at=at)


def foresee(cast: Cast, who: str, ends_on: date, *, at: datetime = AT) -> Foreseen:
    tenure_id = tenure_of(cast, who)
    with cast.session() as session:
        return foresee_end(session, tenure_id, ends_on=ends_on, by=cast.actor("coordinator"), at=at)


def cancel(cast: Cast, case_id: UUID, *, by: Actor | None = None, at: datetime = AT) -> None:
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=by or cast.actor("coordinator"), at=at, reason="They stay")


def open_departures(cast: Cast, who: str) -> list[UUID]:
    with cast.session() as session:
        found = text("select id from \"case\" where protocol = 'departure' and state = 'open' and subject_id = :who")
        return list(session.scalars(found, {"who": cast.people[who]}))


@pytest.mark.ci
@pytest.mark.parametrize("ends_on", [YESTERDAY, TODAY, LAST_DAY])
def test_an_end_of_the_last_role_opens_the_departure_at_once_and_its_cancelling_gives_the_role_back(
    program: Cast, ends_on: date
) -> None:
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
    case_id = end(program, LEAVER, ends_on)
    assert case_id is not None
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]
    cancel(program, case_id)
    # In the same transaction: the engine, which comes later, has nothing to put back.
    assert roles(program, LEAVER) == [("youth_worker", None)]
    assert carry(program, case_id) <= 1
    assert roles(program, LEAVER) == [("youth_worker", None)]
    means = means_of(program, Clock())
    close_doors(means)
    look_at_hands(means)
    assert open_departures(program, LEAVER) == []


@pytest.mark.ci
def test_somebody_who_stayed_once_and_whose_role_is_ended_again_leaves_by_a_departure_at_once(program: Cast) -> None:
    case_id = leave(program, LEAVER, PLACE)
    cancel(program, case_id)
    again = end(program, LEAVER, LAST_DAY)
    assert again not in (None, case_id)
    assert open_departures(program, LEAVER) == [again]


@pytest.mark.ci
def test_an_end_that_was_only_written_down_is_taken_back_too_with_the_departure_that_it_opened(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
        people.end_tenure(
            session, _id_of(session, program, LEAVER), ends_on=YESTERDAY, by=program.actor("coordinator"), at=AT
        )
    look_at_hands(means_of(program, Clock()))
    (case_id,) = open_departures(program, LEAVER)
    cancel(program, case_id)
    assert roles(program, LEAVER) == [("youth_worker", None)]


@pytest.mark.ci
def test_a_departure_whose_role_was_to_end_anyway_and_did_is_not_cancelled_before_they_have_a_role_again(
    program: Cast,
) -> None:
    """A term that was agreed on is over: nobody holds anything by calling the departure off."""
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
        session.execute(TENURE.update().where(TENURE.c.person_id == program.people[LEAVER]).values(ends_on=YESTERDAY))
    look_at_hands(means_of(program, Clock()))
    (case_id,) = open_departures(program, LEAVER)
    with refused("departure.role_over"):
        cancel(program, case_id)
    assert "equipment" in dict(in_hand(program, LEAVER, PLACE))
    assert open_departures(program, LEAVER) == [case_id], "and it goes on"
    # The advice can be followed.
    come_back(program, LEAVER, PLACE, starts_on=TODAY)
    cancel(program, case_id)
    assert open_departures(program, LEAVER) == []
    look_at_hands(means_of(program, Clock()))
    assert open_departures(program, LEAVER) == []


@pytest.mark.ci
def test_a_departure_whose_only_role_another_holds_by_now_is_not_cancelled(program: Cast) -> None:
    by = program.actor("director_ccsmtl")
    case_id = leave(program, "coordinator", "ccsmtl", last_day=TODAY, planned=False, by=by)
    (last,) = asked(program, case_id, "find_successor")
    settle(program, last.id, to="manager_codim", by=program.actor("manager_ccsmtl"))
    with refused("departure.role_taken"):
        cancel(program, case_id, by=program.actor("manager_ccsmtl"))
    with program.session() as session:
        assert not taking_up_again.is_called_off(session, case_id)
        assert case_row(session, case_id)["state"] == "open"


@pytest.mark.ci
def test_nobody_cancels_their_own_departure_nor_gets_around_it(program: Cast) -> None:
    hers = program.actor("coordinator")
    case_id = leave(program, "coordinator", "ccsmtl", by=program.actor("manager_ccsmtl"))
    with refused("departure.own"):
        cancel(program, case_id, by=hers)
    manager = program.people["manager_ccsmtl"]
    in_her_name = Actor("coordinator", manager, hers.organization_id, acting_for=hers.person_id)
    with refused("departure.own"):
        cancel(program, case_id, by=in_her_name)
    with refused("tenure.own"):
        end(program, "coordinator", LAST_DAY + timedelta(days=60), by=hers)
    with refused("tenure.own_return"):
        come_back(program, "coordinator", "ccsmtl", role="manager", starts_on=LAST_DAY + timedelta(days=1))
    assert roles(program, "coordinator") == [("coordinator", LAST_DAY)]
    cancel(program, case_id, by=program.actor("manager_ccsmtl"))
    assert roles(program, "coordinator") == [("coordinator", None)]


@pytest.mark.ci
def test_what_welcomed_somebody_goes_on_only_where_they_stay(program: Cast) -> None:
    """An onboarding that was reopened for somebody outside would have the engine enrol who holds no role."""
    case_id = open_onboarding(program, "without_mail", "anonyme")
    departure_id = end(program, "without_mail", YESTERDAY)
    assert departure_id is not None
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "cancelled"
    cancel(program, departure_id)
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "open"
    carry(program, case_id)
    assert roles(program, "without_mail") == [("youth_worker", None)]


def held_by_name(session: Any, person_id: UUID, kind: str) -> None:
    if kind == "equipment":
        lend(session, person_id, "SN-9")
    elif kind == "account":
        open_account(session, person_id, "left.behind")


@pytest.mark.ci
@pytest.mark.parametrize("kind", ["equipment", "account"])
def test_whoever_holds_something_and_no_role_has_an_open_departure_however_long_ago_they_left(
    program: Cast, kind: str
) -> None:
    long_ago = TODAY - timedelta(days=90)
    with program.session() as session:
        people.end_tenure(
            session,
            _id_of(session, program, LEAVER),
            ends_on=long_ago,
            by=program.actor("coordinator"),
            at=AT - timedelta(days=60),
        )
    means = means_of(program, Clock())
    look_at_hands(means)
    assert open_departures(program, LEAVER) == [], "nothing is in their hands"
    with program.session() as session:
        held_by_name(session, program.people[LEAVER], kind)
    look_at_hands(means)
    (case_id,) = open_departures(program, LEAVER)
    with program.session() as session:
        departure = departure_row.departure_of(session, case_id)
        assert departure is not None
        assert (departure.last_day, departure.planned) == (long_ago, False)
    step = {"equipment": "return_equipment", "account": "close_accounts"}[kind]
    assert [row.state for row in asked(program, case_id, step)] == ["open"]
    look_at_hands(means)
    assert open_departures(program, LEAVER) == [case_id], "once"


@pytest.mark.ci
def test_of_two_who_cancel_and_end_at_once_nobody_is_left_without_a_role_and_a_departure(program: Cast) -> None:
    """Whoever comes second acts on what the first left, and neither waits for ever."""
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
    case_id = leave(program, LEAVER, PLACE)
    carry(program, case_id)
    tenure_id = tenure_of(program, LEAVER)
    start, failed = Barrier(2), list[BaseException]()

    def at_once(act: Callable[[Any], object]) -> None:
        start.wait()
        try:
            with program.session() as session:
                act(session)
        except Refusal:
            pass
        except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
            failed.append(error)

    by = program.actor("manager_codim")
    acts: list[Callable[[Any], object]] = [
        lambda session: cases.cancel_case(
            session, case_id, by=program.actor("coordinator"), at=AT, reason="They stay after all"
        ),
        lambda session: departures.end_role(session, tenure_id, ends_on=YESTERDAY, by=by, at=AT),
    ]
    threads = [Thread(target=at_once, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    (held,) = roles(program, LEAVER)
    if held[1] == YESTERDAY:
        (last,) = open_departures(program, LEAVER)
        assert last != case_id, "the end came second, and opened a departure of its own"
    else:
        assert (held[1], open_departures(program, LEAVER)) == (None, []), "the cancelling came second"


# Foreseen.


@pytest.mark.ci
def test_what_an_end_would_do_is_said_before_it_is_done_and_then_it_does_that(program: Cast) -> None:
    onboarding = open_onboarding(program, "without_mail", "anonyme")
    with program.session() as session:
        lend(session, program.people["without_mail"], "SN-1")
        seat_somebody(session, "clinical", program.organizations["anonyme"], program.people["without_mail"])
        before = session.scalar(text("select count(*) from event"))
    found = foresee(program, "without_mail", TODAY)
    with program.session() as session:
        assert session.scalar(text("select count(*) from event")) == before, "nothing was done"
    assert open_departures(program, "without_mail") == []
    assert (found.opens, found.stays, found.loses_access, found.is_open) == (True, False, True, False)
    assert "Program cell phone, serial number SN-1" in [one.title.en for one in found.in_hand]
    assert [one.id for one in found.called_off] == [onboarding]
    (seat,) = found.seats
    assert (seat.title.en, seat.stands_in) == ("Clinical Committee – L’Anonyme", program.people["second_deputy"])
    assert found.vacant_on == TODAY + timedelta(days=1)
    case_id = end(program, "without_mail", TODAY)
    assert case_id is not None
    with program.session() as session:
        written = set(session.scalars(text("select person_id from notice where case_id = :case"), {"case": case_id}))
    assert set(found.told) == written != set()


@pytest.mark.ci
def test_who_sits_as_an_alternate_already_is_named_where_a_seat_would_end(program: Cast) -> None:
    place, alternate = program.organizations["anonyme"], program.people["manager_la"]
    with program.session() as session:
        seat_somebody(session, "clinical", place, program.people["without_mail"])
        seat_somebody(session, "clinical", place, alternate, kind="alternate")
    (seat,) = foresee(program, "without_mail", TODAY).seats
    assert seat.stands_in == alternate, "nobody else is given it, and it is not empty"


@pytest.mark.ci
def test_an_end_far_ahead_opens_nothing_yet_and_says_when_it_will(program: Cast) -> None:
    far = TODAY + timedelta(days=100)
    found = foresee(program, LEAVER, far)
    assert (found.opens, found.opens_on) == (False, far - unopened.NOTICE)
    assert end(program, LEAVER, far) is None
    clock = Clock(AT + timedelta(days=71))
    look_at_hands(means_of(program, clock))
    assert len(open_departures(program, LEAVER)) == 1


def test_the_end_of_one_of_two_roles_opens_nothing(program: Cast) -> None:
    come_back(program, LEAVER, PLACE, role="second_representative", starts_on=TODAY - timedelta(days=30))
    with program.session() as session:
        found = foresee_end(
            session,
            _id_of(session, program, LEAVER, "second_representative"),
            ends_on=TODAY,
            by=program.actor("coordinator"),
            at=AT,
        )
    assert (found.opens, found.opens_on, found.stays, found.loses_access) == (False, None, True, False)
    assert end(program, LEAVER, TODAY, role="second_representative") is None


def _id_of(session: Any, cast: Cast, who: str, role: str = "youth_worker") -> UUID:
    found = session.scalars(select(TENURE.c.id).where(TENURE.c.person_id == cast.people[who], TENURE.c.role == role))
    return found.one()  # type: ignore[no-any-return]


# --------------------------------------------------------------------------- an appointment that has not begun


MONDAY = TODAY + timedelta(days=14)


def appoint(cast: Cast, who: str, role: str, place: str, starts_on: date, ends_on: date | None = None) -> UUID:
    with cast.session() as session:
        return people.appoint(
            session,
            person_id=cast.people[who],
            role=role,
            organization_id=cast.organizations[place],
            starts_on=starts_on,
            ends_on=ends_on,
            by=cast.actor("coordinator"),
            at=AT,
        )


def with_newcomer(cast: Cast) -> Cast:
    with cast.session() as session:
        newcomer = people.add_person(
            session,
            given_name="Maëlle",
            family_name="Tessier",
            email="maelle@example.org",
            language="fr",
            by=cast.actor("coordinator"),
            at=AT,
        )
    return replace(cast, people={**cast.people, "newcomer": newcomer})


def take_back(cast: Cast, tenure_id: UUID, *, on: date = MONDAY - timedelta(days=1), at: datetime = AT) -> UUID | None:
    with cast.session() as session:
        return departures.end_role(session, tenure_id, ends_on=on, by=cast.actor("coordinator"), at=at)


def holds(cast: Cast, who: str, role: str, day: date) -> bool:
    with cast.session() as session:
        return any(held.role == role for held in standing(session, day).tenures if held.person_id == cast.people[who])


def test_an_appointment_by_mistake_is_taken_back_before_it_begins_and_is_held_on_no_day(program: Cast) -> None:
    tenure_id = appoint(program, LEAVER, "second_representative", PLACE, MONDAY)
    assert holds(program, LEAVER, "second_representative", MONDAY)
    with program.session() as session:
        found = foresee_end(session, tenure_id, ends_on=TODAY, by=program.actor("coordinator"), at=AT)
    assert (found.never_begins, found.opens, found.stays, found.loses_access) == (True, False, True, False)
    assert take_back(program, tenure_id) is None
    for day in (TODAY, MONDAY, MONDAY + timedelta(days=40)):
        assert not holds(program, LEAVER, "second_representative", day)
    assert open_departures(program, LEAVER) == []
    means = means_of(program, Clock())
    close_doors(means)
    look_at_hands(means)
    assert open_departures(program, LEAVER) == []
    assert ("youth_worker", None) in roles(program, LEAVER)
    # It is neither ended nor prolonged nor taken back a second time: whoever is to have it is appointed anew.
    for day in (TODAY, MONDAY, MONDAY + timedelta(days=9)):
        with refused("tenure.taken_back"):
            take_back(program, tenure_id, on=day)
    appoint(program, LEAVER, "second_representative", PLACE, MONDAY + timedelta(days=2))
    assert not holds(program, LEAVER, "second_representative", MONDAY)
    assert holds(program, LEAVER, "second_representative", MONDAY + timedelta(days=2))


def test_whoever_loses_an_appointment_is_told_and_not_who_gives_it_up(program: Cast) -> None:
    program = with_newcomer(program)
    mine = appoint(program, "newcomer", "youth_worker", PLACE, MONDAY)
    own = appoint(program, "coordinator", "youth_worker", "ccsmtl", MONDAY)
    with program.session() as session:
        found = foresee_end(session, mine, ends_on=TODAY, by=program.actor("coordinator"), at=AT)
    assert program.people["newcomer"] in found.told
    for tenure_id in (mine, own):
        take_back(program, tenure_id)
    ((to, subject, words),) = _taken_back_letters(program)
    assert to == program.people["newcomer"]
    assert "Nomination annulée" in subject
    assert show_day("fr", MONDAY) in words


def _taken_back_letters(cast: Cast) -> list[tuple[UUID, str, str]]:
    found = []
    with cast.session() as session:
        for row in session.execute(select(NOTICE).where(NOTICE.c.template == "appointment_taken_back")):
            body = message_from_bytes(row.message, policy=policy.default).get_body(("plain",))
            assert body is not None
            found.append((row.person_id, row.subject, body.get_content()))
    return found


def test_one_that_began_today_was_held_and_is_not_taken_back(program: Cast) -> None:
    tenure_id = appoint(program, LEAVER, "second_representative", PLACE, TODAY)
    with refused("tenure.ends_first"):
        take_back(program, tenure_id, on=YESTERDAY)
    take_back(program, tenure_id, on=TODAY)
    assert holds(program, LEAVER, "second_representative", TODAY)


@pytest.mark.ci
def test_taking_back_the_only_appointment_calls_the_welcome_off_and_ends_the_access(program: Cast) -> None:
    program = with_newcomer(program)
    tenure_id = appoint(program, "newcomer", "youth_worker", PLACE, MONDAY)
    case_id = open_onboarding(program, "newcomer", PLACE)
    with program.session() as session:
        found = foresee_end(session, tenure_id, ends_on=TODAY, by=program.actor("coordinator"), at=AT)
    assert [one.id for one in found.called_off] == [case_id]
    assert (found.loses_access, found.vacant_on) == (True, None)
    assert take_back(program, tenure_id) is None
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "cancelled"
    assert open_departures(program, "newcomer") == []


@pytest.mark.ci
def test_whoever_has_a_telephone_before_the_first_day_leaves_by_a_departure(program: Cast) -> None:
    program = with_newcomer(program)
    tenure_id = appoint(program, "newcomer", "youth_worker", PLACE, MONDAY)
    with program.session() as session:
        lend(session, program.people["newcomer"], "SN-7")
    with program.session() as session:
        found = foresee_end(session, tenure_id, ends_on=TODAY, by=program.actor("coordinator"), at=AT)
    assert found.opens
    assert len(found.in_hand) == 1
    case_id = take_back(program, tenure_id)
    assert case_id is not None
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]
    assert not holds(program, "newcomer", "youth_worker", MONDAY)
