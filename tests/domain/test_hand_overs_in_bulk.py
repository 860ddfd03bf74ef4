"""Many follow-ups handed over at once: what is said beforehand happens, nothing is skipped in silence, nothing twice.

Trap 2 of casework elsewhere: a bulk reassignment that is partial and does not say so.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import Session

from domain.casework import tasks, versions
from domain.casework.locking import TaskOutcome, hold_case
from domain.casework.proofs import GivenProof
from domain.departure import hand_overs, hand_overs_in_bulk, offers, parts_left
from domain.follow_ups import assigning
from domain.kernel.actors import Actor
from flows.protocols import PROTOCOLS, read_protocol
from models.base import table_of
from models.casework import Task
from models.departure import HandOver
from tests.cast import AT, LOADING, Cast
from tests.departing import asked, leave, record_protocols, settle, until_somebody_waits
from tests.following import SECOND, THIRD, WORKER, agreed, bar, followed
from tests.refusing import refused

HAND_OVER = table_of(HandOver)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
    return cast


def follow(cast: Cast, number: int) -> list[UUID]:
    with cast.session() as session:
        return [followed(session, cast, f"#2026-{place:03}") for place in range(1, number + 1)]


def offer_all(
    cast: Cast, case_id: UUID, *, dry_run: bool, by: str = "coordinator"
) -> list[hand_overs_in_bulk.BulkOffer]:
    with cast.session() as session:
        return hand_overs_in_bulk.propose_all(session, case_id, dry_run=dry_run, by=cast.actor(by), at=AT)


def offered(cast: Cast) -> dict[UUID, UUID]:
    """To whom each task's follow-up is offered, as the database has it."""
    with cast.session() as session:
        rows = session.execute(select(HAND_OVER.c.task_id, HAND_OVER.c.to_id).where(HAND_OVER.c.state == "proposed"))
        found = [(row.task_id, row.to_id) for row in rows]
    assert len(dict(found)) == len(found), "one of them is offered twice"
    return dict(found)


def told(cast: Cast) -> Counter[str]:
    with cast.session() as session:
        return Counter(session.execute(text("select verb from event where verb like 'hand_over%'")).scalars().all())


@pytest.mark.parametrize("number", [0, 1, 10, *(pytest.param(n, marks=pytest.mark.nightly) for n in (100, 101))])
def test_the_dry_run_and_the_receipt_are_the_same_and_what_is_in_the_database_afterwards(
    program: Cast, number: int
) -> None:
    follow(program, number)
    case_id = leave(program, WORKER, "ccsmtl")
    dry = offer_all(program, case_id, dry_run=True)
    assert (offered(program), told(program)) == ({}, Counter()), "a dry run leaves nothing, not even in the record"
    receipt = offer_all(program, case_id, dry_run=False)
    assert receipt == dry
    assert {line.task_id for line in receipt} == {row.id for row in asked(program, case_id, "hand_over_follow_ups")}
    assert offered(program) == {line.task_id: line.to_id for line in receipt}
    assert len(receipt) == number
    after = told(program)
    again = offer_all(program, case_id, dry_run=False)
    assert [(line.task_id, line.to_id) for line in again] == [(line.task_id, line.to_id) for line in receipt]
    assert {line.refused for line in again} == ({"hand_over.waits"} if number else set())
    assert (offered(program), told(program)) == ({line.task_id: line.to_id for line in receipt}, after)


@pytest.mark.ci
def test_no_one_worker_is_offered_them_all_while_others_have_room(program: Cast) -> None:
    follow(program, 10)
    with program.session() as session:
        session.execute(text("update participant set languages = '{en,fr}'"))
    case_id = leave(program, WORKER, "ccsmtl")
    offer_all(program, case_id, dry_run=False)
    counts = Counter(offered(program).values())
    assert set(counts) == {program.people[SECOND], program.people[THIRD]}
    assert max(counts.values()) <= 6


def test_a_run_in_which_nothing_can_be_offered_changes_nothing_not_even_the_record(program: Cast) -> None:
    (kept,) = follow(program, 1)
    with program.session() as session:
        for name in (SECOND, THIRD, "worker_em"):
            bar(session, program, kept, program.people[name])
    case_id = leave(program, WORKER, "ccsmtl")
    for _ in range(2):
        assert [line.refused for line in offer_all(program, case_id, dry_run=False)] == ["hand_over.nobody_fits"]
    assert told(program) == Counter()


@pytest.mark.nightly
def test_of_fifty_one_that_is_refused_and_one_that_fails_hold_up_no_other_and_are_both_told(
    program: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_ups = follow(program, 50)
    with program.session() as session:
        for name in (SECOND, THIRD, "worker_em"):
            bar(session, program, follow_ups[6], program.people[name])
    case_id = leave(program, WORKER, "ccsmtl")
    rows = {row.title_en[-9:]: row.id for row in asked(program, case_id, "hand_over_follow_ups")}
    failing = rows["#2026-013"]
    propose = hand_overs.propose

    def sometimes(session: Session, task_id: UUID, to_id: UUID, *, by: Actor, at: datetime, **rest: Any) -> TaskOutcome:
        moved = propose(session, task_id, to_id, by=by, at=at, **rest)
        if task_id == failing:
            session.execute(text("select 1 / 0"))
        return moved

    monkeypatch.setattr(hand_overs_in_bulk, "propose", sometimes)
    dry = offer_all(program, case_id, dry_run=True)
    receipt = offer_all(program, case_id, dry_run=False)
    assert receipt == dry
    assert len(receipt) == 50
    refused_ones = {line.task_id: line.refused for line in receipt if line.to_id is None}
    assert refused_ones == {rows["#2026-007"]: "hand_over.nobody_fits", failing: "hand_over.failed"}
    assert all(line.why is not None for line in receipt if line.to_id is None)
    assert offered(program) == {line.task_id: line.to_id for line in receipt if line.to_id is not None}
    assert len(offered(program)) == 48
    monkeypatch.setattr(hand_overs_in_bulk, "propose", propose)
    again = offer_all(program, case_id, dry_run=False)
    assert {line.task_id for line in again if line.refused != "hand_over.waits"} == set(refused_ones)
    assert len(again) == 50, "and none is left out"
    assert failing in offered(program)


def at_once(*acts: Any) -> list[Any]:
    """What each of these gives that begin at the same instant on connections of their own."""
    start = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        start.wait()
        try:
            answers[place] = acts[place]()
        except Exception as error:  # noqa: BLE001 - it is what the act came to
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return answers


@pytest.mark.ci
def test_of_two_who_run_the_same_bulk_at_once_one_offers_them_all_and_the_other_finds_that_they_are(
    program: Cast,
) -> None:
    follow(program, 10)
    case_id = leave(program, WORKER, "ccsmtl")
    receipts = at_once(
        lambda: offer_all(program, case_id, dry_run=False),
        lambda: offer_all(program, case_id, dry_run=False, by="manager_ccsmtl"),
    )
    assert sorted([*{line.refused for line in one}, len(one)] for one in receipts) == [
        ["", 10],
        ["hand_over.waits", 10],
    ]
    for receipt in receipts:
        assert offered(program) == {line.task_id: line.to_id for line in receipt}
    assert told(program)["hand_overs.proposed"] == 1


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("turn", range(3))
def test_who_accepts_while_it_is_offered_to_another_has_it_or_is_told_and_nobody_waits_for_ever(
    program: Cast, turn: int
) -> None:
    (follow_up,) = follow(program, 1)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people[SECOND])

    def accept() -> str:
        with program.session() as session:
            return hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=AT).state

    def offer_elsewhere() -> str:
        with program.session() as session:
            return hand_overs.propose(
                session, task.id, program.people[THIRD], by=program.actor("coordinator"), at=AT
            ).state

    answers = at_once(*((accept, offer_elsewhere) if turn else (offer_elsewhere, accept)))
    codes = {getattr(one, "code", one) for one in answers}
    assert codes in ({"done", "hand_over.nothing"}, {"open", "hand_over.answered"}), answers
    with program.session() as session:
        now = {row.kind: row.person_id for row in assigning.on_day(session, AT.date(), follow_up_ids=[follow_up])}
    assert now["primary"] == program.people[SECOND if "done" in codes else WORKER]


@pytest.mark.ci
def test_of_two_who_accept_the_same_at_once_from_two_windows_one_takes_it(program: Cast) -> None:
    follow(program, 1)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people[SECOND])

    def accept() -> str:
        with program.session() as session:
            return hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=AT).state

    answers = at_once(accept, accept)
    assert sorted(str(getattr(one, "code", one)) for one in answers) == ["done", "hand_over.answered"]


@pytest.mark.ci
def test_whoever_accepts_while_their_own_departure_opens_has_it_and_it_is_asked_of_them_in_turn(program: Cast) -> None:
    """Both hold the case of the one who leaves first: else each would wait for what the other has."""
    follow(program, 1)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    opened: list[UUID] = []
    leaving = threading.Thread(target=lambda: opened.append(leave(program, SECOND, "codim")))
    with program.session() as session:
        hold_case(session, case_id, seen=None)
        session.execute(select(HAND_OVER.c.id).with_for_update())  # as accepting does first
        leaving.start()
        until_somebody_waits(session)
        (offer,) = offers.offered_to(session, program.people[SECOND])
        assert hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=AT).state == "done"
    leaving.join()
    (theirs,) = opened
    assert [row.state for row in asked(program, theirs, "hand_over_follow_ups")] == ["open"]


# Fit, and as the participant wants it.


def reasons(cast: Cast, task: Task) -> dict[str, tuple[bool, bool, bool, bool]]:
    """Who could take it, best first: whether they have met the person, speak the language, have time, and are near."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        return {
            names[one.person_id]: (one.met, one.speaks, one.roomy, one.nearby)
            for one in parts_left.fit_for(session, task, cast.people[WORKER], AT)
        }


@pytest.mark.ci
def test_language_time_and_area_are_weighed_and_each_is_said(program: Cast) -> None:
    """DP-03a. Of the two who could, one speaks English; each of the reasons in turn puts somebody first."""
    (follow_up,) = follow(program, 1)
    with program.session() as session:
        followed(session, program, "#2026-90", worker=SECOND)
        session.execute(text("update participant set area = 'laval'"))
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    assert list(reasons(program, task).items()) == [
        (THIRD, (False, True, True, False)),
        (SECOND, (False, False, True, True)),
    ]
    with program.session() as session:
        session.execute(text("update participant set languages = '{en}'"))
    assert next(iter(reasons(program, task).items())) == (SECOND, (False, True, True, True))
    with program.session() as session:
        session.execute(text("update participant set languages = '{en,fr}'"))
        session.execute(text("update follow_up set intensity = 'intense' where id = :id"), {"id": follow_up})
        for place in range(11):
            followed(session, program, f"#2026-8{place:02}", worker=SECOND)
    found = reasons(program, task)
    assert list(found) == [THIRD, SECOND], "language being equal, whoever has time for what it asks comes first"
    assert found[SECOND] == (False, True, False, True)


@pytest.mark.ci
def test_who_has_met_the_participant_in_an_activity_is_shown_first(program: Cast) -> None:
    """DP-03b: a first meeting in pairs, or a group activity."""
    (follow_up,) = follow(program, 1)
    with program.session() as session:
        session.execute(
            text(
                "with made as (insert into activity (program_id, id, held_on, kind, planned_by, planned_at) values"
                " (:here, gen_random_uuid(), '2026-11-10', 'outing', :who, :at) returning id)"
                " insert into activity_part (program_id, id, activity_id, follow_up_id, place, alone)"
                " select :here, gen_random_uuid(), id, :follow_up, 1, false from made"
            ),
            {"here": program.program_id, "who": program.people[SECOND], "at": AT, "follow_up": follow_up},
        )
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    assert next(iter(reasons(program, task).items()))[0] == SECOND


@pytest.mark.ci
def test_the_way_is_agreed_with_the_participant_and_goes_with_the_offer_whenever_it_is_agreed(program: Cast) -> None:
    """DP-04: a call from the new worker, or a meeting with both; unknown until the participant said so."""

    follow(program, 1)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    (telling,), (agreeing,) = asked(program, case_id, "tell_participant"), asked(program, case_id, "agree_on_way")
    settle(program, task.id, to=SECOND)

    def way() -> str:
        with program.session() as session:
            (offer,) = offers.offered_to(session, program.people[SECOND])
            return str(offer.way)

    assert way() == ""
    by = program.actor(WORKER)
    with program.session() as session:
        tasks.complete_task(session, telling.id, by=by, at=AT)
    with refused("evidence.missing"), program.session() as session:
        tasks.complete_task(session, agreeing.id, by=by, at=AT)
    with refused("evidence.way"), program.session() as session:
        tasks.complete_task(session, agreeing.id, by=by, at=AT, evidence=[GivenProof("way", "letter")])
    with program.session() as session:
        tasks.complete_task(session, agreeing.id, by=by, at=AT, evidence=[GivenProof("way", "meeting")])
    assert way() == "meeting"
    with program.session() as session:
        tasks.undo_task(session, agreeing.id, by=by, at=AT, reason="They changed their mind")
    assert way() == ""
    with program.session() as session:
        tasks.complete_task(session, agreeing.id, by=by, at=AT, evidence=[GivenProof("way", "call")])
        (offer,) = offers.offered_to(session, program.people[SECOND])
        hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=AT)
        assert session.execute(select(HAND_OVER.c.way, HAND_OVER.c.state)).all() == [("call", "accepted")]


@pytest.mark.ci
def test_the_days_to_answer_are_those_that_the_cases_own_protocol_declares(program: Cast, tmp_path: Path) -> None:
    follow(program, 1)
    case_id = leave(program, WORKER, "ccsmtl")
    later = tmp_path / "protocol.yaml"
    declared = PROTOCOLS["departure"].file.read_text(encoding="utf-8")
    later.write_text(declared.replace("answer_within: 3", "answer_within: 5").replace("version: 6", "version: 7"))
    with program.session() as session:
        versions.record_protocol(session, read_protocol(later), by=LOADING, at=AT)
        followed(session, program, "#2026-002", worker=SECOND)
    other = leave(program, SECOND, "codim")
    for departure in (case_id, other):
        (task,) = asked(program, departure, "hand_over_follow_ups")
        settle(program, task.id, to=THIRD)
    with program.session() as session:
        days = {row.case_id: row.answer_by for row in session.execute(select(HAND_OVER))}
    assert {days[case_id].isoformat(), days[other].isoformat()} == {"2026-11-26", "2026-11-30"}, "from Monday the 23rd"
    assert days[case_id] < days[other]
