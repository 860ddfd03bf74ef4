"""The promises of departures: each is broken in the rows on purpose, and found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from domain.casework import cases
from domain.departure import current, departures, ending
from domain.participants import referring
from domain.people import absences, people
from simulation.promises import nothing_in_hand as promised
from tests.agreeing import in_force
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import LAST_DAY, asked, leave, lend, record_protocols, seat_somebody, settle
from tests.following import THIRD, WORKER, agreed, followed
from tests.referring import ONDINE, declare_admission

LEAVER, PLACE = "worker_codim", "codim"


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


def run(cast: Cast, statement: str, **values: Any) -> None:
    with cast.session() as session:
        session.execute(text(statement), values)


def found(cast: Cast, look: Callable[[Session, Any], Any]) -> list[str]:
    with cast.session() as session:
        return list(look(session, AT))


@pytest.mark.ci
def test_who_is_outside_with_a_telephone_and_no_departure_is_found(program: Cast) -> None:
    look = promised._nobody_left_with_something
    with program.session() as session:
        loan = lend(session, program.people[LEAVER], "SN-1")
    case_id = leave(program, LEAVER, PLACE, last_day=TODAY, planned=False)
    assert found(program, look) == []
    run(program, "update \"case\" set state = 'closed', ended_at = :at where id = :case", at=AT, case=case_id)
    assert found(program, look) == [f"loan {loan}"]
    run(
        program,
        "insert into absence (program_id, id, person_id, deputy_id, kinds, starts_on, ends_on, recorded_at)"
        " values (:here, :id, :who, :deputy, '{tasks}', :day, :day, :at)",
        here=program.program_id,
        id=loan,
        who=program.people["coordinator"],
        deputy=program.people[LEAVER],
        day=TODAY,
        at=AT,
    )
    assert found(program, look) == [f"absence {loan}", f"loan {loan}"], "they would stand in for somebody"


@pytest.mark.ci
@pytest.mark.parametrize("days", [-1, 10])
def test_a_departure_called_off_of_somebody_without_a_role_or_with_one_that_ends_soon_is_found(
    program: Cast, days: int
) -> None:
    look = promised._nobody_stayed_outside
    case_id = leave(program, LEAVER, PLACE)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="They stay")
    assert found(program, look) == []
    run(
        program,
        "update tenure set ends_on = :day where person_id = :who",
        day=TODAY + timedelta(days=days),
        who=program.people[LEAVER],
    )
    with program.session() as session:
        departure = session.scalar(text("select id from departure where case_id = :case"), {"case": case_id})
    assert found(program, look) == [f"departure {departure}"]


def test_a_cancelled_departure_that_ends_roles_all_the_same_or_was_cancelled_by_the_leaver_is_found(
    program: Cast,
) -> None:
    still, own = promised._cancelled_is_called_off, promised._nobody_cancelled_their_own
    case_id = leave(program, LEAVER, PLACE)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="They stay")
    assert (found(program, still), found(program, own)) == ([], [])
    run(program, "update departure set called_off_at = null")
    run(program, 'update "case" set ended_by = subject_id where id = :case', case=case_id)
    assert len(found(program, still)) == 1
    assert found(program, own) == [f"case {case_id}"]


@pytest.mark.ci
def test_a_referral_that_is_left_and_asked_of_nobody_is_found(program: Cast) -> None:
    look = promised._what_was_begun_is_asked
    declare_admission(program)
    with program.session() as session:
        referral = referring.begin_referral(session, ONDINE, by=program.actor(LEAVER), at=AT)
    case_id = leave(program, LEAVER, PLACE)
    (row,) = asked(program, case_id, "send_drafts")
    settle(program, row.id, ended="to_the_coordinator", by=program.actor(LEAVER))
    assert found(program, look) == []
    run(
        program,
        "update task set owed_by_id = (select id from responsibility where links->0->>'role' = 'manager' limit 1)"
        " where step = 'referral.unfinished'",
    )
    assert found(program, look) == [f"referral {referral}"], "a manager can neither read nor send it"
    run(program, "update task set state = 'cancelled', next_check = null where step = 'referral.unfinished'")
    assert found(program, look) == [f"referral {referral}"]


@pytest.mark.ci
def test_a_draft_that_is_kept_from_its_author_who_stays_is_found(program: Cast) -> None:
    look = promised._drafts_are_given_back
    declare_admission(program)
    with program.session() as session:
        referral = referring.begin_referral(session, ONDINE, by=program.actor(LEAVER), at=AT)
    case_id = leave(program, LEAVER, PLACE)
    settle(program, asked(program, case_id, "send_drafts")[0].id, ended="to_the_coordinator", by=program.actor(LEAVER))
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="They stay")
    assert found(program, look) == []
    run(program, "update referral set left_at = :at where id = :id", at=AT - timedelta(hours=1), id=referral)
    assert found(program, look) == [f"referral {referral}"]


@pytest.mark.ci
def test_a_task_that_somebody_took_over_and_cannot_do_is_found(program: Cast) -> None:
    look = promised._what_was_taken_can_be_done
    open_onboarding(program)
    case_id = leave(program, "manager_em", "en-marge")
    (row, *_) = asked(program, case_id, "pass_on_tasks")
    settle(program, row.id, to="deputy")
    assert found(program, look) == []
    run(program, "update tenure set role = 'petty_cash_holder' where person_id = :who", who=program.people["deputy"])
    assert found(program, look) == [f"task {UUID(row.item)}"]


def handed_in(cast: Cast) -> UUID:
    """An access asked for by the coordinator while nobody manages the employer."""
    case_id = open_onboarding(cast)
    run(
        cast,
        "update tenure set ends_on = :day where person_id = :who",
        day=TODAY - timedelta(days=1),
        who=cast.people["manager_em"],
    )
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        found_id: UUID = step(session, case_id, "request_secure_access")["id"]
    return found_id


@pytest.mark.ci
def test_an_approval_that_stops_at_who_is_barred_is_found(program: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    on = promised._approvals_go_on
    task_id = handed_in(program)
    assert found(program, on) == []

    def stops(today: Any, task: Any, chains: Any) -> Any:
        whole = today.falls(chains[task.approved_by_id if task.state == "submitted" else task.owed_by_id])
        barred = any(one.person_id == task.done_by for one in whole.holders)
        return today.falls([]) if barred else whole

    with monkeypatch.context() as patched:
        patched.setattr("domain.casework.board.who_has", stops)
        assert found(program, on) == [f"task {task_id}"]


@pytest.mark.ci
def test_a_note_that_is_asked_of_who_keeps_the_petty_cash_is_found(
    program: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an absence as it was recorded before it was asked whether the deputy may."""
    notes, fit = promised._notes_are_asked_of_who_may_write, promised._deputies_are_fit
    declare_admission(program)
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", worker="worker_ccsmtl", by=program.actor("coordinator"), at=AT)
    leave(program, "worker_ccsmtl", "ccsmtl", last_day=TODAY, planned=False)
    with program.session() as session:
        absences.record_absence(
            session,
            person_id=program.people["manager_ccsmtl"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=5),
            deputy_id=program.people["director_ccsmtl"],
            by=program.actor("coordinator"),
            at=AT,
        )
    run(program, "update absence set deputy_id = :who", who=program.people["petty_cash_holder"])
    assert (found(program, notes), found(program, fit)) == ([], []), "the resolver asks it too"
    monkeypatch.setattr("domain.roles.roles.takers.may_act_as", lambda _role, held: bool(held))
    assert found(program, notes) != []
    assert found(program, fit) != []


def test_a_step_that_falls_to_another_though_somebody_begins_in_time_is_found(
    program: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = promised._steps_wait_by_name
    case_id = open_onboarding(program)
    complete(program, case_id, "prepare_notebook_and_guide")
    complete(program, case_id, "hand_over_notebook_and_guide")
    assert found(program, look) == []
    with program.session() as session:
        waits = step(session, case_id, "confirm_notebook_and_guide")["id"]
    monkeypatch.setattr("domain.roles.roles.DayTenures.falls_by", lambda self, chain, _due: self.falls(chain))
    assert found(program, look) == [f"task {waits}"]


def test_a_role_to_come_that_is_called_vacant_is_found(program: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    look = promised._to_come_is_not_vacant
    with program.session() as session:
        in_force(session, program, "en-marge")
    assert found(program, look) == []
    monkeypatch.setattr("domain.roles.roles.DayTenures.to_hold", lambda _self, _role, _place: [])
    assert len(found(program, look)) == 1


@pytest.mark.ci
def test_who_follows_in_a_role_though_they_held_none_that_opens_it_is_found(program: Cast) -> None:
    look = promised._followers_are_fit
    case_id = leave(program, LEAVER, PLACE)
    settle(program, asked(program, case_id, "find_successor")[0].id, to="worker_em")
    assert found(program, look) == []
    run(
        program,
        "update tenure set role = 'it_contact' where person_id = :who and organization_id = :place",
        who=program.people["worker_em"],
        place=program.organizations["en-marge"],
    )
    assert len(found(program, look)) == 1, "the role that the settlement itself gave them counts for nothing"


def test_a_role_that_was_entered_late_and_does_not_say_so_is_found(program: Cast) -> None:
    look, who = promised._late_entries_are_kept, program.people["worker_em"]
    long_after = AT + timedelta(days=90)
    with program.session() as session:
        people.appoint(
            session,
            person_id=who,
            organization_id=program.organizations["en-marge"],
            role="second_representative",
            starts_on=TODAY + timedelta(days=30),
            by=program.actor("coordinator"),
            at=long_after,
        )
    assert found(program, look) == []
    run(program, "update tenure set entered_late = '{}' where person_id = :who", who=who)
    assert found(program, look) == [f"person {who}"]


def test_a_seat_that_a_cancelled_departure_took_and_did_not_give_back_is_found(program: Cast) -> None:
    look, who, after = promised._seats_are_given_back, program.people["manager_em"], AT + timedelta(days=16)
    with program.session() as session:
        seat_somebody(session, "steering", program.organizations["en-marge"], who)
    case_id = leave(program, "manager_em", "en-marge")
    settle(program, asked(program, case_id, "pass_on_seats")[0].id, ended="left_vacant", note="Vacant")
    with program.session() as session:
        ending.end_departure(session, *current.due_to_end(session, after), by=LOADING, at=after)
        (taken,) = session.scalars(text("select id from seat_holder where person_id = :who"), {"who": who}).all()
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=after, reason="They stay")
    assert found(program, look) == []
    run(
        program,
        "update seat_holder set kind = 'alternate' where person_id = :who and id <> :first",
        who=who,
        first=taken,
    )
    run(program, "update seat_holder set ends_on = :last where id = :first", last=LAST_DAY, first=taken)
    assert found(program, look) == [f"seat_holder {taken}"]


def test_a_part_that_a_cancelled_departure_ended_and_nobody_has_is_found(program: Cast) -> None:
    look, after = promised._parts_are_given_back, AT + timedelta(days=16)
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", worker=THIRD, second=WORKER)
    case_id = leave(program, WORKER, "ccsmtl")
    with program.session() as session:
        ending.end_departure(session, *current.due_to_end(session, after), by=LOADING, at=after)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=after, reason="They stay")
    assert found(program, look) == []
    with program.session() as session:
        (taken,) = session.scalars(text("select id from assignment where ended_at is not null")).all()
    run(program, "update assignment set assigned_at = :at where kind = 'second' and ended_at is null", at=AT)
    assert found(program, look) == [f"assignment {taken}"]


def test_an_appointment_that_is_taken_back_after_it_began_is_found(program: Cast) -> None:
    look, first = promised._taken_back_before_it_begins, TODAY + timedelta(days=9)
    by = program.actor("coordinator")
    with program.session() as session:
        tenure_id = people.appoint(
            session,
            person_id=program.people[LEAVER],
            role="second_representative",
            organization_id=program.organizations[PLACE],
            starts_on=first,
            by=by,
            at=AT,
        )
        departures.end_role(session, tenure_id, ends_on=TODAY, by=by, at=AT)
    assert found(program, look) == []
    run(program, "update tenure set taken_back_at = :late where id = :it", late=AT + timedelta(days=9), it=tenure_id)
    assert found(program, look) == [f"tenure {tenure_id}"]
