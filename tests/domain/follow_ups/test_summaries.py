"""The summary of a follow-up that is handed over (DP-06): two parts, sealed, saved as one goes, complete by an act."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.casework import board, tasks
from domain.departure import hand_overs, offers
from domain.follow_ups import summaries
from domain.follow_ups.summaries import Summary
from domain.roles.roles import standing
from models.base import table_of
from models.casework import Task
from models.departure import FollowUpSummary
from models.record import Event
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import asked, leave, record_protocols, settle
from tests.following import SECOND, WORKER, agreed, bar, followed, told_of
from tests.refusing import refused

SUMMARY, EVENT = table_of(FollowUpSummary), table_of(Event)
SAID = Summary("Elle habite chez sa tante.", "Elle a appelé l’école,\r\npuis la clinique.")


def _follow(cast: Cast) -> UUID:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
        return followed(session, cast, second=SECOND)


@pytest.fixture
def follow_up(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, _follow)


def asking(cast: Cast, case_id: UUID) -> UUID:
    (task,) = asked(cast, case_id, summaries.WRITTEN)
    found: UUID = task.id
    return found


def save(cast: Cast, task_id: UUID, said: Summary = SAID, *, who: str = WORKER, seen: int | None = None) -> int:
    with cast.session() as session:
        return summaries.save_summary(session, task_id, said, by=cast.actor(who), at=AT, seen=seen)


def complete(cast: Cast, task_id: UUID, said: Summary = SAID, *, who: str = WORKER) -> None:
    with cast.session() as session:
        summaries.complete_summary(session, task_id, said, by=cast.actor(who), at=AT)


@pytest.mark.ci
def test_it_is_saved_as_one_goes_and_only_saying_so_completes_it(cast: Cast, follow_up: UUID) -> None:
    case_id = leave(cast, WORKER, "ccsmtl")
    task_id = asking(cast, case_id)
    assert save(cast, task_id, Summary("Elle habite"), seen=0) == 1
    assert save(cast, task_id, Summary("Elle habite chez sa tante."), seen=1) == 2
    with refused("summary.changed"):
        save(cast, task_id, SAID, seen=1)
    with refused("task.by_its_act"), cast.session() as session:
        tasks.complete_task(session, task_id, by=cast.actor(WORKER), at=AT)
    with refused("summary.steps.missing"):
        complete(cast, task_id, Summary("Elle habite chez sa tante.", " \n "))
    with refused("summary.situation.missing"):
        complete(cast, task_id, Summary(" ", "Elle a appelé."))
    with cast.session() as session:
        assert summaries.summaries_of(session, follow_up) == [], "nobody reads a draft"
        kept = summaries.read_summary(session, task_id, ground="part", by=cast.actor(WORKER), at=AT)
        assert kept == Summary("Elle habite chez sa tante."), "what was refused changed nothing"
    complete(cast, task_id)
    assert [row.state for row in asked(cast, case_id, summaries.WRITTEN)] == ["done"]
    with refused("summary.not_open"):
        save(cast, task_id)
    with cast.session() as session:
        (row,) = summaries.summaries_of(session, follow_up)
        assert (row.number, row.leaver_id, row.version) == ("#2026-01", cast.people[WORKER], 3)
        told = told_of(session, follow_up)
        facts = session.scalars(select(EVENT.c.facts).where(EVENT.c.subject_id == follow_up)).all()
    assert told[-4:] == [*["follow_up.summary_saved"] * 3, "follow_up.summarized"]
    assert "tante" not in str(facts)


@pytest.mark.usefixtures("follow_up")
def test_its_words_are_sealed_for_their_row_and_each_reading_is_told(cast: Cast) -> None:
    task_id = asking(cast, leave(cast, WORKER, "ccsmtl"))
    complete(cast, task_id)
    with cast.session() as session:
        row = session.execute(select(SUMMARY)).one()
        assert b"tante" not in bytes(row.words)
        read = summaries.read_summary(session, task_id, ground="role", by=cast.actor("coordinator"), at=AT)
        assert read == Summary(SAID.situation, "Elle a appelé l’école,\npuis la clinique.")
        (line,) = session.execute(select(EVENT.c.subject_id, EVENT.c.facts).where(EVENT.c.verb == "read")).all()
    assert line.subject_id == row.id
    assert (line.facts["what"], line.facts["purpose"]) == ("follow_up_summary", "coordination")


def test_of_one_who_has_gone_their_manager_writes_it_and_without_a_manager_the_coordinator(
    cast: Cast, follow_up: UUID
) -> None:
    case_id = leave(cast, WORKER, "ccsmtl", last_day=TODAY, planned=False)
    (task,) = asked(cast, case_id, summaries.WRITTEN)
    chain = _chain(cast, task)
    assert chain == ["manager_ccsmtl"]
    complete(cast, task.id, who="manager_ccsmtl")
    with cast.session() as session:
        (row,) = summaries.summaries_of(session, follow_up)
    assert row.done_by == cast.people["manager_ccsmtl"]


def _chain(cast: Cast, task: Task) -> list[str]:
    """Whom a task falls on today, by short name."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        falls = board.who(standing(session, TODAY), task, board.chains(session, [task.owed_by_id]))
    assert falls is not None
    return [names[one.person_id] for one in falls.holders]


def test_whom_the_participant_barred_does_not_write_it(cast: Cast, follow_up: UUID) -> None:
    task_id = asking(cast, leave(cast, WORKER, "ccsmtl", last_day=TODAY, planned=False))
    with cast.session() as session:
        bar(session, cast, follow_up, cast.people["manager_ccsmtl"])
    with refused("summary.barred"):
        save(cast, task_id, who="manager_ccsmtl")
    complete(cast, task_id, who="coordinator")


def test_it_is_corrected_by_taking_back_that_it_is_complete_with_the_reason(cast: Cast, follow_up: UUID) -> None:
    case_id = leave(cast, WORKER, "ccsmtl")
    task_id = asking(cast, case_id)
    complete(cast, task_id)
    with refused("reason.missing"), cast.session() as session:
        summaries.take_back(session, task_id, reason=" ", by=cast.actor(WORKER), at=AT)
    with cast.session() as session:
        summaries.take_back(session, task_id, reason="Une erreur", by=cast.actor(WORKER), at=AT)
        assert summaries.summaries_of(session, follow_up) == []
        before = summaries.read_summary(session, task_id, ground="part", by=cast.actor(WORKER), at=AT)
    assert before.situation == SAID.situation
    complete(cast, task_id, Summary("Elle habite seule.", "Aucune."))
    with cast.session() as session:
        assert len(summaries.summaries_of(session, follow_up)) == 1


@pytest.mark.ci
def test_it_is_still_asked_for_once_the_follow_up_was_taken_over(cast: Cast, follow_up: UUID) -> None:
    case_id = leave(cast, WORKER, "ccsmtl")
    (task,) = asked(cast, case_id, "hand_over_follow_ups")
    settle(cast, task.id, to="without_mail")
    with cast.session() as session:
        (offer,) = offers.offered_to(session, cast.people["without_mail"])
        hand_overs.accept(session, offer.id, by=cast.actor("without_mail"), at=AT)
    complete(cast, asking(cast, case_id))
    with cast.session() as session:
        assert len(summaries.summaries_of(session, follow_up)) == 1


@pytest.mark.parametrize("said", [Summary("x" * 4_001, "y"), Summary("x", "y\x00")])
def test_words_that_are_too_long_or_no_text_are_refused_and_nothing_is_kept(
    cast: Cast, follow_up: UUID, said: Summary
) -> None:
    task_id = asking(cast, leave(cast, WORKER, "ccsmtl"))
    with refused("words.too_long" if len(said.situation) > 9 else "words.not_text"):
        save(cast, task_id, said)
    with cast.session() as session:
        row = summaries.asked_by(session, task_id)
        assert row is not None
        assert (row.id, row.follow_up_id) == (None, follow_up)
        assert summaries.read_summary(session, task_id, ground="part", by=cast.actor(WORKER), at=AT) == Summary()
        assert session.scalars(select(EVENT.c.id).where(EVENT.c.verb == "read")).all() == [], "nothing was read"


@pytest.mark.usefixtures("follow_up")
def test_no_other_step_takes_one(cast: Cast) -> None:
    case_id = leave(cast, WORKER, "ccsmtl", last_day=TODAY + timedelta(days=3))
    (task,) = asked(cast, case_id, "tell_participant")
    for verb in (summaries.save_summary, summaries.complete_summary):
        with refused("summary.none"), cast.session() as session:
            verb(session, task.id, SAID, by=cast.actor(WORKER), at=AT)
    with refused("summary.none"), cast.session() as session:
        summaries.take_back(session, task.id, reason="x", by=cast.actor(WORKER), at=AT)
