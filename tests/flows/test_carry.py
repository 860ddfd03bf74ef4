"""Taking a case as far as it can go: what the engine does by itself, whatever breaks off and wherever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text, update
from sqlmodel import Session

from domain.casework import acts, cases, tasks, wakeups
from domain.kernel.refusals import Refusal
from domain.mail import notices, sent_before
from domain.people import people
from domain.record import events
from domain.record.apart import digest_of_key
from domain.roles.roles import standing
from flows import carry as carrying
from flows import protocols
from flows.carry import HELD, carry, plainly, protocol_flow
from flows.engine import ActFailed, BoundProtocol, DueAction, Means, StepAction, at_hand
from flows.onboarding import actions, contact_lists
from flows.sweep import sweep
from meetings import schedule
from models.base import table_of
from models.casework import Case, Task
from models.committee import Seat, SeatHolder
from models.engine import EngineRun, WakeUp
from models.program import Person
from tests.casework import WHOLE_ONBOARDING, complete, open_onboarding
from tests.cast import ARRIVAL, AT, SINCE, TODAY, Cast
from tests.departing import leave, record_protocols
from tests.flows.support import (
    HOLDER,
    Clock,
    body,
    carry_all,
    case,
    letters,
    means_of,
    onboard,
    seats,
    take,
    task,
    told,
)
from tests.following import agreed
from tests.meetings.sitting import give
from tests.meetings.sitting import letters as calendar_letters

_case = table_of(Case)
_run = table_of(EngineRun)
_wake = table_of(WakeUp)
_seat = table_of(Seat)
_task = table_of(Task)
_person = table_of(Person)


def runs(cast: Cast, case_id: UUID) -> list[Any]:
    with cast.session() as session:
        return list(session.execute(select(_run).where(_run.c.case_id == case_id).order_by(_run.c.ended_at)).all())


def wake_up(cast: Cast, case_id: UUID) -> Any:
    with cast.session() as session:
        return session.execute(select(_wake).where(_wake.c.case_id == case_id)).one()


def introduced(cast: Cast) -> UUID:
    """A case in which the engine is asked to enrol the worker."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    return case_id


# --------------------------------------------------------------------------------------- what it does in a whole case


@pytest.mark.ci
def test_a_whole_onboarding_is_carried_from_opening_to_close(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    onboard(cast, means, case_id, WHOLE_ONBOARDING, at=AT)
    assert case(cast, case_id)["state"] == "closed"
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "done"
    assert task(cast, case_id, "send_contact_lists")["act_state"] == "done"
    outcomes = [run.outcome for run in runs(cast, case_id)]
    assert outcomes[-1] == "closed"
    assert set(outcomes[:-1]) == {"waiting"}
    assert sum(run.acts for run in runs(cast, case_id)) == 2
    assert take(means) is None


@pytest.mark.ci
def test_presenting_the_program_enrols_the_worker_and_sends_the_lists_in_one_run(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    (carried,) = carry_all(means)
    assert (carried.outcome, carried.acts) == ("waiting", 2)
    (seat,) = seats(cast, "worker_em")
    assert (seat["kind"], seat["starts_on"], seat["ends_on"]) == ("principal", ARRIVAL, None)
    done = task(cast, case_id, "enrol_on_clinical_committee")
    assert (done["state"], done["done_by"], done["done_as"]) == ("done", None, "engine")
    (letter,) = letters(cast, "contact_lists")
    assert (letter["person_id"], letter["language"]) == (cast.people["worker_em"], "fr")


def test_a_case_that_asks_for_nothing_is_acknowledged_and_its_run_is_kept(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = open_onboarding(cast)
    (carried,) = carry_all(means)
    assert (carried.outcome, carried.acts) == ("waiting", 0)
    assert len(runs(cast, case_id)) == 1
    assert (wake_up(cast, case_id).want, wake_up(cast, case_id).have) == (1, 1)


@pytest.mark.ci
def test_who_is_enrolled_is_invited_to_the_season_in_the_same_transaction_and_who_is_withdrawn_is_told(
    cast: Cast,
) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    with cast.session() as session:
        give(session, cast, "clinical", "coordination", "coordinator")
        schedule.plan_season(
            session,
            "clinical",
            first=date(2026, 12, 2),
            last=date(2027, 1, 27),
            hour=time(9, 30),
            by=cast.actor("coordinator"),
            at=AT,
        )
    case_id = introduced(cast)
    carry_all(means)
    with cast.session() as session:
        worker = [one for one in calendar_letters(session) if one.person_id == cast.people["worker_em"]]
        (invitation,) = worker
        assert invitation.method == "REQUEST"
        # The meeting of 2 December is before the seat begins.
        assert invitation.events[0]["dtstart"].dt.date() == date(2026, 12, 9)
    clock.pass_by(hours=1)
    with cast.session() as session:
        tasks.undo_task(
            session,
            task(cast, case_id, "introduce_program")["id"],
            by=cast.actor("coordinator"),
            at=clock(),
            reason="Mauvaise personne",
        )
    carry_all(means)
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "undone"
    with cast.session() as session:
        assert [one.method for one in calendar_letters(session) if one.person_id == cast.people["worker_em"]] == [
            "REQUEST",
            "CANCEL",
        ]
        assert [one.method for one in calendar_letters(session) if one.person_id == cast.people["coordinator"]] == [
            "REQUEST"
        ]


# ------------------------------------------------------------------------------------------------ the worker's seat


@pytest.mark.ci
def test_a_worker_whose_organization_has_a_principal_becomes_the_alternate(cast: Cast) -> None:
    means = means_of(cast, Clock())
    first = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, first, "introduce_program")
    carry_all(means)
    with cast.session() as session:
        newcomer = people.add_person(
            session,
            given_name="Jaspe",
            family_name="Lave",
            email="jaspe@codim.example",
            language="fr",
            by=cast.actor("coordinator"),
            at=AT,
        )
        people.appoint(
            session,
            person_id=newcomer,
            role="youth_worker",
            organization_id=cast.organizations["codim"],
            starts_on=ARRIVAL,
            ends_on=ARRIVAL + timedelta(days=200),
            by=cast.actor("coordinator"),
            at=AT,
        )
        second = cases.open_case(
            session,
            "onboarding",
            subject_id=newcomer,
            organization_id=cast.organizations["codim"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    complete(cast, second, "introduce_program")
    carry_all(means)
    with cast.session() as session:
        held = session.execute(select(table_of(SeatHolder)).where(table_of(SeatHolder).c.person_id == newcomer)).one()
    assert (held.kind, held.starts_on, held.ends_on) == ("alternate", ARRIVAL, ARRIVAL + timedelta(days=200))
    (first_seat,) = seats(cast, "worker_codim")
    assert (first_seat["kind"], first_seat["starts_on"]) == ("principal", TODAY)


@pytest.mark.ci
def test_a_seat_that_its_principal_leaves_before_the_arrival_is_taken_as_principal(cast: Cast) -> None:
    means = means_of(cast, Clock())
    with cast.session() as session:
        seat = session.execute(
            select(_seat).where(_seat.c.organization_id == cast.organizations["en-marge"], _seat.c.key == "en-marge")
        ).all()
        clinical = next(row for row in seat if row.role == "youth_worker")
        session.execute(
            table_of(SeatHolder)
            .insert()
            .values(
                program_id=cast.program_id,
                id=UUID(int=7),
                seat_id=clinical.id,
                person_id=cast.people["deputy"],
                kind="principal",
                starts_on=TODAY - timedelta(days=300),
                ends_on=ARRIVAL - timedelta(days=1),
                recorded_at=AT,
                version=1,
            )
        )
    introduced(cast)
    carry_all(means)
    (mine,) = seats(cast, "worker_em")
    assert mine["kind"] == "principal"


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("known", ["by a departure", "by its last day"])
def test_the_seat_of_who_comes_back_is_given_for_their_return_while_they_hold_that_of_before(
    cast: Cast, known: str
) -> None:
    """Until the last day of the one, and from the first of the other: on none of them twice."""
    means = means_of(cast, Clock(AT + timedelta(hours=1)))  # after the instant at which the first seat was given
    by, last_day, returns = cast.actor("coordinator"), TODAY + timedelta(days=8), ARRIVAL + timedelta(days=35)
    who, place = cast.people["worker_codim"], cast.organizations["codim"]
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
        give(session, cast, "clinical", "codim", "worker_codim", until=None if known == "by a departure" else last_day)
        if known == "by its last day":
            (tenure,) = standing(session, TODAY).roles_of(who)
            people.end_tenure(session, tenure.id, ends_on=last_day, by=by, at=AT)
    if known == "by a departure":
        leave(cast, "worker_codim", "codim", last_day=last_day)
    with cast.session() as session:
        people.appoint(
            session, person_id=who, role="youth_worker", organization_id=place, starts_on=returns, by=by, at=AT
        )
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "introduce_program")
    carry_all(means)
    held = sorted(seats(cast, "worker_codim"), key=lambda row: row["starts_on"])
    assert [(row["starts_on"], row["ends_on"]) for row in held] == [(SINCE, last_day), (returns, None)]
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "done"


@pytest.mark.ci
def test_an_undone_presentation_withdraws_the_seat_and_a_second_one_gives_it_again(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    undo(cast, case_id, "introduce_program")
    carry_all(means)
    assert seats(cast, "worker_em") == []
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "undone"
    complete(cast, case_id, "introduce_program")
    carry_all(means)
    assert len(seats(cast, "worker_em")) == 1
    assert [event["verb"] for verb in ("seat.given", "seat.withdrawn") for event in told(cast, verb)] == [
        "seat.given",
        "seat.given",
        "seat.withdrawn",
    ]
    assert len(letters(cast, "contact_lists")) == 1, "the lists are sent once in a case"


@pytest.mark.ci
def test_a_seat_that_was_held_for_a_while_ends_the_day_before_it_is_withdrawn(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = introduced(cast)
    carry_all(means)
    clock.now = AT + timedelta(days=30)
    undo(cast, case_id, "introduce_program", at=clock.now)
    carry_all(means)
    (held,) = seats(cast, "worker_em")
    assert (held["starts_on"], held["ends_on"]) == (ARRIVAL, TODAY + timedelta(days=29))


@pytest.mark.ci
def test_a_cancelled_case_gives_back_the_seat_and_a_reopened_one_takes_it_again(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Elle ne vient pas.")
    (carried,) = carry_all(means)
    assert carried.outcome == "cancelled"
    assert seats(cast, "worker_em") == []
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Elle vient.")
    carry_all(means)
    assert len(seats(cast, "worker_em")) == 1
    assert task(cast, case_id, "enrol_on_clinical_committee")["state"] == "done"


def move_arrival(cast: Cast, case_id: UUID, day: date, *, at: datetime = AT) -> None:
    with cast.session() as session:
        cases.move_day(session, case_id, anchor="arrival", day=day, by=cast.actor("coordinator"), at=at)


@pytest.mark.ci
def test_a_seat_that_the_case_gave_begins_on_the_new_day_once_the_arrival_moves(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    for day in (ARRIVAL + timedelta(days=35), ARRIVAL - timedelta(days=7)):
        move_arrival(cast, case_id, day)
        assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "wanted"
        carry_all(means)
        (seat,) = seats(cast, "worker_em")
        assert (seat["kind"], seat["starts_on"]) == ("principal", day)
    enrolled = task(cast, case_id, "enrol_on_clinical_committee")
    assert (enrolled["state"], enrolled["act_state"]) == ("done", "done")
    assert [event["facts"]["starts_on"] for event in told(cast, "seat.moved")] == ["2027-01-11", "2026-11-30"]
    assert [event["facts"]["was"] for event in told(cast, "tenure.moved")] == ["2026-12-07", "2027-01-11"]
    assert len(told(cast, "act.done_again")) == 2
    assert len(letters(cast, "contact_lists")) == 1, "what leaves nothing to undo is not done again"
    # To the same day once more: looked at, and left.
    move_arrival(cast, case_id, ARRIVAL - timedelta(days=7))
    carry_all(means)
    assert len(told(cast, "seat.moved")) == len(told(cast, "tenure.moved")) == 2
    # And it is taken back by name, as the seat that it is.
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Ne vient plus.")
    carry_all(means)
    assert seats(cast, "worker_em") == []


@pytest.mark.ci
def test_a_seat_begins_at_the_soonest_on_the_day_that_it_was_given(cast: Cast) -> None:
    """Nobody sat there before: moving the arrival into the past does not say so."""
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    move_arrival(cast, case_id, TODAY - timedelta(days=70))
    carry_all(means)
    (seat,) = seats(cast, "worker_em")
    assert seat["starts_on"] == TODAY


def test_who_comes_while_another_still_has_the_seat_becomes_the_alternate_from_the_new_day(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    with cast.session() as session:
        seat_id = session.scalar(select(HOLDER.c.seat_id).where(HOLDER.c.person_id == cast.people["worker_em"]))
        session.execute(
            insert(HOLDER).values(
                program_id=cast.program_id,
                id=uuid4(),
                seat_id=seat_id,
                person_id=cast.people["deputy"],
                kind="principal",
                starts_on=TODAY,
                ends_on=ARRIVAL - timedelta(days=1),
                recorded_at=AT,
                version=1,
            )
        )
    move_arrival(cast, case_id, ARRIVAL - timedelta(days=3))
    carry_all(means)
    (seat,) = seats(cast, "worker_em")
    assert (seat["kind"], seat["starts_on"]) == ("alternate", ARRIVAL - timedelta(days=3))


def test_a_seat_that_the_case_did_not_give_stays_as_it_is(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    with cast.session() as session:
        seat_id = session.scalar(
            select(_seat.c.id).where(
                _seat.c.organization_id == cast.organizations["en-marge"], _seat.c.role == "youth_worker"
            )
        )
        session.execute(
            insert(HOLDER).values(
                program_id=cast.program_id,
                id=uuid4(),
                seat_id=seat_id,
                person_id=cast.people["worker_em"],
                kind="alternate",
                starts_on=TODAY,
                recorded_at=AT - timedelta(days=1),
                version=1,
            )
        )
    carry_all(means)
    move_arrival(cast, case_id, ARRIVAL + timedelta(days=35))
    carry_all(means)
    (seat,) = seats(cast, "worker_em")
    assert (seat["kind"], seat["starts_on"]) == ("alternate", TODAY)
    assert told(cast, "seat.moved") == []
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "done"


@pytest.mark.parametrize("ended", ["the case is cancelled", "the presentation is undone"])
def test_a_seat_that_the_case_did_not_give_is_not_taken_back_with_what_it_did(cast: Cast, ended: str) -> None:
    """An onboarding opened by mistake for a worker who sits there already."""
    means = means_of(cast, Clock())
    with cast.session() as session:
        give(session, cast, "clinical", "en-marge", "worker_em")
    case_id = introduced(cast)
    carry_all(means)
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "done"
    if ended == "the case is cancelled":
        with cast.session() as session:
            cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Par erreur.")
    else:
        undo(cast, case_id, "introduce_program")
    carry_all(means)
    (seat,) = seats(cast, "worker_em")
    assert (seat["starts_on"], seat["ends_on"]) == (SINCE, None)
    assert told(cast, "seat.withdrawn") == []
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "undone"


@pytest.mark.ci
def test_the_seat_follows_a_new_role_that_begins_on_the_new_day_and_ends_with_it(cast: Cast) -> None:
    """The first appointment ended before it came to anything; the person is appointed anew, and the arrival moves."""
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    begins, ends = ARRIVAL + timedelta(days=35), ARRIVAL + timedelta(days=200)
    with cast.session() as session:
        (tenure,) = standing(session, ARRIVAL).roles_of(cast.people["worker_em"])
        people.end_tenure(session, tenure.id, ends_on=ARRIVAL, by=cast.actor("coordinator"), at=AT)
        people.appoint(
            session,
            person_id=cast.people["worker_em"],
            role="youth_worker",
            organization_id=cast.organizations["en-marge"],
            starts_on=begins,
            ends_on=ends,
            by=cast.actor("coordinator"),
            at=AT,
        )
    move_arrival(cast, case_id, begins)
    carry_all(means)
    (seat,) = seats(cast, "worker_em")
    assert (seat["starts_on"], seat["ends_on"]) == (begins, ends)


@pytest.mark.ci
def test_a_case_is_cancelled_before_the_engine_has_looked_again_and_the_seat_is_given_back(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    carry_all(means)
    move_arrival(cast, case_id, ARRIVAL + timedelta(days=35))
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Ne vient plus.")
    carry_all(means)
    assert seats(cast, "worker_em") == []
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "undone"


@pytest.mark.ci
def test_a_case_does_not_close_before_the_seat_has_followed_the_arrival(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = open_onboarding(cast)
    onboard(cast, means, case_id, WHOLE_ONBOARDING[:-1], at=AT)
    move_arrival(cast, case_id, ARRIVAL + timedelta(days=35))
    complete(cast, case_id, WHOLE_ONBOARDING[-1])
    assert case(cast, case_id)["state"] == "open"
    carry_all(means)
    assert case(cast, case_id)["state"] == "closed"
    (seat,) = seats(cast, "worker_em")
    assert seat["starts_on"] == ARRIVAL + timedelta(days=35)


def test_an_organization_without_a_seat_makes_trouble_that_people_see_and_nothing_is_tried_without_end(
    cast: Cast,
) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    with cast.session() as session:
        session.execute(
            update(_seat)
            .where(_seat.c.organization_id == cast.organizations["en-marge"])
            .values(ends_on=TODAY - timedelta(days=1))
        )
    case_id = introduced(cast)
    (carried,) = carry_all(means)
    assert (carried.outcome, carried.trouble) == ("trouble", "seat.none")
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "stuck"
    assert [event["facts"]["code"] for event in told(cast, "act.trouble")] == ["seat.none"]
    clock.pass_by(minutes=30)
    assert take(means) is None, "a refusal waits for people"
    with cast.session() as session:
        session.execute(
            update(_seat).where(_seat.c.organization_id == cast.organizations["en-marge"]).values(ends_on=None)
        )
    complete(cast, case_id, "plan_training", at=clock.now)
    carry_all(means)
    assert task(cast, case_id, "enrol_on_clinical_committee")["state"] == "done"
    assert len(seats(cast, "worker_em")) == 1


# ---------------------------------------------------------------------------------------------- the contact lists


@pytest.mark.ci
def test_the_contact_lists_name_who_sits_where_that_day_and_say_which_seats_are_vacant(cast: Cast) -> None:
    means = means_of(cast, Clock())
    introduced(cast)
    carry_all(means)
    with cast.session() as session:
        lists = contact_lists.contact_lists(session, ARRIVAL, "fr")
    assert [committee.title for committee in lists] == ["Comité clinique", "Comité directeur", "Comité élargi"]
    clinical = lists[0].members
    named = [line for line in clinical if not line.vacant]
    assert [(line.name, line.organization, line.email) for line in named] == [
        ("Émeraude Quartz", "En Marge 12-17", "worker.em@en-marge.example")
    ]
    assert len(clinical) == 8
    assert lists[2].and_those_of == ["Comité clinique"]
    (letter,) = letters(cast, "contact_lists")
    assert letter["subject"] == "Les coordonnées de vos comités"


def test_the_contact_lists_tell_who_sits_on_the_day_on_which_they_are_written(cast: Cast) -> None:
    """Not who sat before, nor who will."""
    case_id = open_onboarding(cast)
    yesterday, today, tomorrow = (TODAY + timedelta(days=n) for n in (-1, 0, 1))
    with cast.session() as session:
        for person, kind, since, until in (
            ("manager_codim", "principal", SINCE, yesterday),
            ("worker_codim", "principal", today, today),
            ("director_codim", "principal", tomorrow, None),
        ):
            give(session, cast, "steering", "codim", person, kind, since=since, until=until)
    complete(cast, case_id, "introduce_program")
    carry_all(means_of(cast, Clock()))
    (letter,) = letters(cast, "contact_lists")
    text = body(letter)
    assert "Garnet Schist" in text
    assert "Pearl O'Quartz" not in text
    assert "Slate Nickel" not in text
    with cast.session() as session:
        steering = contact_lists.contact_lists(session, tomorrow, "en")[1].members
    assert [line.name for line in steering if line.organization == "CODIM"] == ["Slate Nickel"]


def test_the_contact_lists_reach_an_english_worker_in_english(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "introduce_program")
    carry_all(means)
    (letter,) = letters(cast, "contact_lists")
    assert letter["subject"] == "The contact lists of your committees"
    assert "Garnet Schist (CODIM), Youth worker, worker.codim@codim.example" in body(letter)


def test_a_worker_without_an_address_gets_the_contact_lists_once_one_is_written_and_the_coordinator_is_told(
    cast: Cast,
) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast, "without_mail", "anonyme")
    complete(cast, case_id, "introduce_program")
    (carried,) = carry_all(means)
    assert (carried.outcome, carried.trouble) == ("trouble", "contact_lists.no_address")
    assert letters(cast, "contact_lists") == []
    lists = task(cast, case_id, "send_contact_lists")
    assert (lists["state"], lists["act_state"]) == ("open", "stuck"), "it is on the board, and the case stays open"
    (letter,) = letters(cast, "no_address")
    assert letter["person_id"] == cast.people["coordinator"]
    assert "Gypse Ardoise" in body(letter)
    clock.pass_by(days=7)
    with cast.session() as session:
        session.execute(
            update(_person).where(_person.c.id == cast.people["without_mail"]).values(email="gypse@anonyme.example")
        )
    sweep(means, cast.program_id, "worker")
    carry_all(means)
    (letter,) = letters(cast, "contact_lists")
    assert letter["to_address"] == "gypse@anonyme.example"
    assert task(cast, case_id, "send_contact_lists")["state"] == "done"


@pytest.mark.ci
def test_lists_that_were_sent_and_lost_with_a_restore_are_not_sent_again_and_their_step_is_done(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    with cast.session() as session:
        key = f"contact_lists:{case_id}:{cast.people['worker_em']}"
        sent_before.keep_keys(session, [digest_of_key(key)])
    carry_all(means)
    assert letters(cast, "contact_lists") == []
    assert task(cast, case_id, "send_contact_lists")["state"] == "done"


# --------------------------------------------------------------------------------------------------------- the gate


GATE_STEPS = ("request_secure_access", "open_secure_account", "prepare_notebook_and_guide", "introduce_program",
              "hand_over_notebook_and_guide", "confirm_notebook_and_guide")  # fmt: skip


@pytest.mark.ci
def test_the_worker_the_manager_and_the_coordinator_are_told_that_the_gate_opened_and_that_it_is_shut_again(
    cast: Cast,
) -> None:
    means = means_of(cast, Clock())
    case_id = open_onboarding(cast)
    onboard(cast, means, case_id, GATE_STEPS[:-1], at=AT)
    assert letters(cast, "gate_opened") == []
    onboard(cast, means, case_id, GATE_STEPS[-1:], at=AT)
    heard = {letter["person_id"] for letter in letters(cast, "gate_opened")}
    assert heard == {cast.people[name] for name in ("worker_em", "manager_em", "coordinator")}
    complete(cast, case_id, "plan_coaching")
    carry_all(means)
    assert (len(told(cast, "gate.opened")), letters(cast, "gate_shut")) == (1, []), "once, however often it is carried"
    undo(cast, case_id, "confirm_notebook_and_guide")
    carry_all(means)
    complete(cast, case_id, "plan_training")
    carry_all(means)
    shut = letters(cast, "gate_shut")
    assert [letter["person_id"] for letter in shut] == [letter["person_id"] for letter in letters(cast, "gate_opened")]
    assert "Confirmer que vous avez reçu le carnet et le guide." in body(shut[0])
    onboard(cast, means, case_id, GATE_STEPS[-1:], at=AT)
    assert len(letters(cast, "gate_opened")) == 6
    assert [len(told(cast, verb)) for verb in ("gate.opened", "gate.shut")] == [2, 1]


@pytest.mark.ci
def test_a_gate_undone_and_done_again_before_the_engine_looks_is_no_news(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = open_onboarding(cast)
    onboard(cast, means, case_id, GATE_STEPS, at=AT)
    undo(cast, case_id, "confirm_notebook_and_guide")
    onboard(cast, means, case_id, GATE_STEPS[-1:], at=AT)
    assert len(told(cast, "gate.opened")) == 1
    assert told(cast, "gate.shut") == []


# ----------------------------------------------------------------------------------- what breaks off, and wherever


class Killed(BaseException):
    """The process is gone: no `except Exception` of ours runs any more."""


def kill_at(monkeypatch: pytest.MonkeyPatch, where: object, name: str, *, after: bool) -> Callable[[], int]:
    """Have the named function kill the process once, before it does anything or right after; returns its count."""
    real = getattr(where, name)
    calls = []

    def deadly(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 1 and not after:
            raise Killed
        result = real(*args, **kwargs)
        if len(calls) == 1:
            raise Killed
        return result

    monkeypatch.setattr(where, name, deadly)
    return lambda: len(calls)


KILL_POINTS: list[tuple[object, str]] = [
    (actions, "_seat_of"),
    (actions, "_live"),
    (events, "write"),
    (acts, "record_act"),
    (contact_lists, "_letter_key"),
    (notices, "write"),
    (cases, "gate_is_open"),
    (wakeups, "acknowledge"),
    (Session, "commit"),
]


def test_each_place_where_the_engine_is_killed_is_in_the_code() -> None:
    assert [name for where, name in KILL_POINTS if not hasattr(where, name)] == []


@pytest.mark.ci
@pytest.mark.wide(6)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", KILL_POINTS, ids=lambda point: point[1])
def test_whatever_kills_the_engine_and_wherever_everything_is_done_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, point: tuple[object, str], after: bool
) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = introduced(cast)
    claim = take(means)
    assert claim is not None
    reached = kill_at(monkeypatch, *point, after=after)
    with pytest.raises(Killed):
        asyncio.run(carry(claim, means, plainly(means)))
    assert reached() == 1
    monkeypatch.undo()
    if take(means) is None:
        clock.pass_by(seconds=121)  # the lease of the one who died
    carry_all(means)
    assert len(seats(cast, "worker_em")) == 1
    assert len(letters(cast, "contact_lists")) == 1
    assert len(told(cast, "seat.given")) == 1
    assert [event["facts"]["step"] for event in told(cast, "act.done")] == [
        "enrol_on_clinical_committee",
        "send_contact_lists",
    ]
    assert wake_up(cast, case_id).want == wake_up(cast, case_id).have


def test_an_act_and_its_note_are_there_together_or_not_at_all(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    means = means_of(cast, Clock())
    introduced(cast)
    claim = take(means)
    assert claim is not None
    kill_at(monkeypatch, acts, "record_act", after=False)
    with pytest.raises(Killed):
        asyncio.run(carry(claim, means, plainly(means)))
    assert seats(cast, "worker_em") == [], "a seat that no note tells of would never be given back"


@pytest.mark.ci
def test_a_change_made_during_the_carry_keeps_the_case_due(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    claim = take(means)
    assert claim is not None
    complete(cast, case_id, "plan_training")
    carried = asyncio.run(carry(claim, means, plainly(means)))
    assert carried.outcome == "waiting"
    assert wake_up(cast, case_id).want > wake_up(cast, case_id).have
    assert len(carry_all(means)) == 1


def test_what_is_left_of_a_run_that_did_as_much_as_one_may_is_done_soon_and_waits_for_no_sweep(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = introduced(cast)
    monkeypatch.setattr(carrying, "MOST_ACTS", 1)
    assert [one.acts for one in carry_all(means)] == [1]
    assert task(cast, case_id, "send_contact_lists")["state"] != "done"
    clock.pass_by(seconds=wakeups.REST_AFTER.total_seconds())
    assert [one.acts for one in carry_all(means)] == [1]
    assert task(cast, case_id, "send_contact_lists")["state"] == "done"
    clock.pass_by(seconds=wakeups.REST_AFTER.total_seconds())
    assert [one.acts for one in carry_all(means)] == [0]
    assert wake_up(cast, case_id).want == wake_up(cast, case_id).have


def test_a_carry_whose_lease_passed_to_another_writes_nothing(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    slow = take(means, worker="slow")
    assert slow is not None
    clock.pass_by(seconds=121)
    quick = take(means, worker="quick")
    assert quick is not None
    assert asyncio.run(carry(slow, means, plainly(means))).outcome == "lost"
    assert runs(cast, case_id) == []
    assert wake_up(cast, case_id).leased_by == "quick"
    assert asyncio.run(carry(quick, means, plainly(means))).outcome == "waiting"


def test_two_carries_of_one_case_at_once_do_each_act_once(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    introduced(cast)
    slow = take(means, worker="slow")
    clock.pass_by(seconds=121)
    quick = take(means, worker="quick")
    assert slow is not None
    assert quick is not None

    async def both() -> list[str]:
        done = await asyncio.gather(carry(slow, means, plainly(means)), carry(quick, means, plainly(means)))
        return [carried.outcome for carried in done]

    assert asyncio.run(both()) == ["lost", "waiting"]
    assert len(seats(cast, "worker_em")) == 1
    assert len(letters(cast, "contact_lists")) == 1
    assert len(told(cast, "act.done")) == 2


# ------------------------------------------------------------------------------------------ what cannot be done now


def bound(monkeypatch: pytest.MonkeyPatch, name: str, action: StepAction) -> None:
    """Put another action under a name of the onboarding."""
    named = {**actions.ACTIONS, name: action}
    changed = BoundProtocol("onboarding", protocols.PROTOCOLS["onboarding"].file, named)
    monkeypatch.setattr(protocols, "PROTOCOLS", {"onboarding": changed})


def test_a_case_that_another_keeps_for_a_while_is_put_back_and_no_line_tells_of_it(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)

    def in_a_hurry(program_id: UUID) -> Session:
        session = means.sessions(program_id)
        session.execute(text("set local statement_timeout = '300ms'"))
        return session

    case_id = introduced(cast)
    holder = ExitStack()
    holder.enter_context(cast.session()).execute(select(_case).where(_case.c.id == case_id).with_for_update())
    carry_act = plainly(replace(means, sessions=in_a_hurry))

    async def until_it_is_let_go(act: DueAction) -> None:
        try:
            await carry_act(act)
        finally:
            holder.close()

    claim = take(means)
    assert claim is not None
    carried = asyncio.run(carry(claim, means, until_it_is_let_go))
    assert (carried.outcome, carried.trouble) == ("trouble", HELD)
    assert told(cast, "act.trouble") == []
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "wanted"
    clock.now = wake_up(cast, case_id).not_before
    carry_all(means)
    assert task(cast, case_id, "enrol_on_clinical_committee")["act_state"] == "done"


@pytest.mark.ci
def test_an_act_that_errs_is_told_once_and_tried_again_after_waits_that_double(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = introduced(cast)

    def broken(*_: object) -> None:
        raise ConnectionError("the directory of Émeraude Quartz is away")

    bound(monkeypatch, "enrol_on_clinical_committee", StepAction(broken, actions.is_enrolled))
    waits = []
    for _ in range(4):
        (carried,) = carry_all(means)
        assert (carried.outcome, carried.trouble) == ("trouble", "error.ConnectionError")
        waits.append((wake_up(cast, case_id).not_before - clock.now).total_seconds())
        clock.pass_by(seconds=waits[-1])
    assert waits == [2, 4, 8, 16]
    assert wake_up(cast, case_id).trouble == "error.ConnectionError"
    assert len(told(cast, "act.trouble")) == 1
    assert all("Quartz" not in str(dict(event["facts"])) for event in told(cast, "act.trouble"))
    monkeypatch.undo()
    carry_all(means)
    assert task(cast, case_id, "send_contact_lists")["state"] == "done"
    assert wake_up(cast, case_id).trouble == ""


def test_an_act_that_says_done_and_is_not_is_not_believed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    bound(monkeypatch, "enrol_on_clinical_committee", StepAction(lambda *_: None, actions.is_enrolled))
    (carried,) = carry_all(means)
    assert carried.trouble == "action.not_verified"
    assert task(cast, case_id, "enrol_on_clinical_committee")["state"] == "open"


def test_an_action_that_the_engine_no_longer_has_is_trouble_and_not_silence(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = means_of(cast, Clock())
    introduced(cast)
    monkeypatch.setattr(
        protocols, "PROTOCOLS", {"onboarding": BoundProtocol("onboarding", protocols.PROTOCOLS["onboarding"].file)}
    )
    (carried,) = carry_all(means)
    assert carried.trouble == "action.unknown"


def test_one_act_in_trouble_does_not_hold_up_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    # No protocol of today asks for two things at once: one of its tasks is made automatic here.
    with cast.session() as session:
        session.execute(
            update(_task)
            .where(_task.c.case_id == case_id, _task.c.step == "plan_training")
            .values(action="send_contact_lists", act_state="wanted")
        )

    def refuses(*_: object) -> None:
        raise Refusal("seat.held", "")

    bound(monkeypatch, "enrol_on_clinical_committee", StepAction(refuses, actions.is_enrolled))
    (carried,) = carry_all(means)
    assert (carried.acts, carried.trouble) == (1, "seat.held")
    assert task(cast, case_id, "plan_training")["state"] == "done"
    assert seats(cast, "worker_em") == []


def test_what_was_called_off_before_the_act_is_not_done(cast: Cast) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)
    claim = take(means)
    assert claim is not None
    asked: list[DueAction] = []

    async def too_late(act: DueAction) -> None:
        if not asked:
            undo(cast, case_id, "introduce_program")
        asked.append(act)
        await plainly(means)(act)

    asyncio.run(carry(claim, means, too_late))
    assert asked
    assert seats(cast, "worker_em") == []
    assert told(cast, "act.done") == []


def test_a_failure_carries_a_code_and_no_trace_of_the_error_behind_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = means_of(cast, Clock())
    case_id = introduced(cast)

    def broken(*_: object) -> None:
        raise ValueError("Émeraude Quartz")

    bound(monkeypatch, "enrol_on_clinical_committee", StepAction(broken, actions.is_enrolled))
    row = task(cast, case_id, "enrol_on_clinical_committee")
    act = DueAction(cast.program_id, case_id, row["id"], row["step"], row["action"])
    with pytest.raises(ActFailed) as failed:
        asyncio.run(_once(means, act))
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None
    assert failed.value.args == ("error.ValueError",)


def test_what_fails_in_a_run_that_was_started_by_hand_is_told_to_prefect_as_a_code(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the database restarts: what leaves a flow Prefect keeps with its text, which may hold an address."""

    def broken(*_: object, **__: object) -> None:
        raise ValueError("connection to server at 10.0.0.5 failed for user spheres_app")

    async def by_hand(case_id: str) -> tuple[str | None, str | None]:
        at_hand.set(means_of(cast, Clock()))
        state = await protocol_flow("onboarding").fn(case_id)
        return state.name, state.message

    monkeypatch.setattr(wakeups, "wake_by_id", broken)
    assert asyncio.run(by_hand(str(uuid4()))) == ("Trouble (error.ValueError)", "error.ValueError")
    assert asyncio.run(by_hand("no id")) == ("Trouble (case.unknown)", "case.unknown")


async def _once(means: Means, act: DueAction) -> None:
    await plainly(means)(act)


def undo(cast: Cast, case_id: UUID, name: str, *, at: datetime = AT) -> None:
    with cast.session() as session:
        tasks.undo_task(session, task(cast, case_id, name)["id"], by=cast.actor("coordinator"), at=at)
