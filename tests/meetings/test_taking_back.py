"""A decision takes back what it says by itself, as it comes to count, and that stands again as it falls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import Session

from domain.casework import tasks
from domain.kernel.rows import surely
from domain.obligations.clauses import waivers
from meetings import decisions, endorsing, settling, taking_back
from meetings.decision_rows import lock_decision
from models.base import table_of
from models.casework import Task
from models.minutes import Decision
from simulation.promises import broken
from tests.agreeing import agreement_of
from tests.cast import Cast
from tests.meetings.endorsed import DUE, all_endorse, asked_of, decide, rest_waiver, say, session, stands, task_of, told
from tests.meetings.meeting_room import MINUTE, NOW, events_of, meeting

__all__ = ["session"]

_decision = table_of(Decision)
_task = table_of(Task)
DAY = timedelta(days=1)
PAST, COMING = NOW.date() - 5 * DAY, NOW.date() + 60 * DAY


def _number(session: Session, decision: UUID) -> str:
    number: str = decisions.decision_of(session, decision).number
    return number


def _taking_back(session: Session, cast: Cast, *named: UUID, **more: Any) -> UUID:
    """A decision on management, where nothing else is said, that takes these back."""
    return decide(session, cast, takes_back=[_number(session, one) for one in named], **more)


def _by(session: Session, decision: UUID) -> UUID | None:
    """The decision that took one back; None where it holds."""
    row = decisions.decision_of(session, decision)
    assert (row.state == "withdrawn") == (row.withdrawn_by_id is not None)
    found: UUID | None = row.withdrawn_by_id
    return found


def _waived(session: Session, cast: Cast) -> list[tuple[date, date]]:
    return [(row.starts_on, row.ends_on) for row in waivers(session, agreement_of(session, cast, "codim"))]


def _whys(session: Session, decision: UUID, later: UUID) -> str:
    refusal = taking_back.why_not(session, *(lock_decision(session, one) for one in (decision, later)))
    return "" if refusal is None else refusal.code


@pytest.mark.ci
def test_it_is_taken_back_with_the_last_endorsement_and_again_whenever_that_counts_again(
    session: Session, cast: Cast
) -> None:
    first = decide(session, cast)
    all_endorse(session, cast, first)
    rest_waiver(session, cast, first, PAST, COMING)
    later = _taking_back(session, cast, first, at=NOW + MINUTE)
    say(session, cast, later, "codim", "endorsed", at=NOW + 2 * MINUTE)
    assert _by(session, first) is None
    assert _waived(session, cast) == [(PAST, COMING)]
    for again in range(1, 4):
        at = NOW + again * DAY
        say(session, cast, later, "en-marge", "endorsed", at=at)
        assert _by(session, first) == later
        assert _waived(session, cast) == [(PAST, at.date() - DAY)], "what was before stays"
        assert list(broken(session, at + MINUTE)) == []
        say(session, cast, later, "en-marge", "objected", at=at + 2 * MINUTE)
        assert (_by(session, first), stands(session, first)) == (None, ("endorsed", True))
        assert _waived(session, cast) == [(PAST, COMING)]
        assert list(broken(session, at + 3 * MINUTE)) == []
    verbs = [verb for verb, _ in events_of(session, first)]
    assert verbs[-6:] == ["decision.withdrawn", "decision.stands_again"] * 3
    assert told(session, cast, "decision_objected") >= {"coordinator", "manager_codim", "director_em"}


@pytest.mark.ci
def test_it_is_taken_back_as_the_committee_settles_what_was_objected_to_the_later_one(
    session: Session, cast: Cast
) -> None:
    first = decide(session, cast, owner_role="coordinator", due_on=DUE)
    all_endorse(session, cast, first)
    later = _taking_back(session, cast, first, at=NOW + MINUTE)
    say(session, cast, later, "codim", "endorsed", at=NOW + MINUTE)
    say(session, cast, later, "en-marge", "objected", at=NOW + MINUTE)
    assert _whys(session, first, later) == "decision.objected"
    by, at = cast.actor("coordinator"), NOW + 2 * MINUTE
    settles = settling.settle(session, later, meeting(session), settling.KEPT, text_fr="On la garde.", by=by, at=at)
    row = decisions.decision_of(session, first)
    assert (row.withdrawn_by_id, task_of(session, surely(row.task_id))["state"]) == (later, "cancelled")
    assert list(broken(session, at + MINUTE)) == []
    # What settled it is taken back, so that it is objected to as before: the first stands, and is owed.
    _taking_back(session, cast, settles, kind="other", at=at + MINUTE)
    assert stands(session, later) == ("objected", False)
    assert (_by(session, first), task_of(session, surely(row.task_id))["state"]) == (None, "open")
    assert list(broken(session, at + 2 * MINUTE)) == []


@pytest.mark.ci
def test_what_takes_back_one_that_had_taken_another_back_has_that_stand_and_be_taken_back_by_turns(
    session: Session, cast: Cast
) -> None:
    """The third takes back the second, which takes back the first: each stands as what is above it falls."""
    first = decide(session, cast, kind="other")
    second = _taking_back(session, cast, first, kind="other", at=NOW + MINUTE)
    assert (_by(session, first), _by(session, second)) == (second, None), "it is recorded, and needs no endorsement"
    third = _taking_back(session, cast, second, at=NOW + 2 * MINUTE)
    all_endorse(session, cast, third, at=NOW + 3 * MINUTE)
    assert (_by(session, first), _by(session, second)) == (None, third)
    say(session, cast, third, "codim", "objected", at=NOW + 4 * MINUTE)
    assert (_by(session, first), _by(session, second)) == (second, None)
    say(session, cast, third, "codim", "endorsed", at=NOW + 5 * MINUTE)
    assert (_by(session, first), _by(session, second)) == (None, third)
    assert list(broken(session, NOW + 6 * MINUTE)) == []


@pytest.mark.ci
def test_of_two_that_take_back_the_same_the_other_does_it_where_one_falls(session: Session, cast: Cast) -> None:
    first = decide(session, cast)
    one, other = (_taking_back(session, cast, first, first, at=NOW + n * MINUTE) for n in (1, 2))
    for later in (other, one):
        all_endorse(session, cast, later, at=NOW + 3 * MINUTE)
    assert _by(session, first) == other
    say(session, cast, other, "codim", "objected", at=NOW + 4 * MINUTE)
    assert _by(session, first) == one
    say(session, cast, one, "codim", "objected", at=NOW + 5 * MINUTE)
    assert _by(session, first) is None
    assert list(broken(session, NOW + 6 * MINUTE)) == []


@pytest.mark.ci
def test_what_was_objected_to_is_taken_back_once_that_is_over_and_no_partner_is_asked_about_it(
    session: Session, cast: Cast
) -> None:
    first = decide(session, cast)
    later = _taking_back(session, cast, first, at=NOW + MINUTE)
    say(session, cast, first, "codim", "objected", at=NOW + 2 * MINUTE)
    all_endorse(session, cast, later, at=NOW + 3 * MINUTE)
    assert (_by(session, first), _whys(session, first, later)) == (None, "decision.objected")
    say(session, cast, first, "codim", "", at=NOW + 4 * MINUTE)
    assert _by(session, first) == later
    assert asked_of(session, first) == {}
    assert list(broken(session, NOW + 5 * MINUTE)) == []


@pytest.mark.ci
def test_the_round_takes_back_what_an_earlier_version_left_and_what_was_carried_out_and_is_undone(
    session: Session, cast: Cast
) -> None:
    left = decide(session, cast, kind="other")
    owed = decide(session, cast, kind="other", owner_role="coordinator", due_on=DUE)
    by, task_id = cast.actor("coordinator"), decisions.decision_of(session, owed).task_id
    later = _taking_back(session, cast, left, owed, kind="other", at=NOW + MINUTE)
    stands_still = {"state": "standing", "closed_at": None, "closed_as": None, "withdrawn_by_id": None}
    session.execute(update(_decision).where(_decision.c.id == left).values(stands_still))
    session.execute(update(_decision).where(_decision.c.id == owed).values(stands_still | {"state": "open"}))
    session.execute(update(_task).where(_task.c.id == task_id).values(state="open"))
    tasks.complete_task(session, surely(task_id), by=by, at=NOW + 2 * MINUTE)
    assert endorsing.follow_agreements(session, at=NOW + 3 * MINUTE) == 1
    assert (_by(session, left), decisions.decision_of(session, owed).state) == (later, "done")
    assert _whys(session, owed, later) == "decision.done"
    assert endorsing.follow_agreements(session, at=NOW + 4 * MINUTE) == 0
    assert list(broken(session, NOW + 4 * MINUTE)) == []
    tasks.undo_task(session, surely(task_id), by=by, at=NOW + 5 * MINUTE)
    assert endorsing.follow_agreements(session, at=NOW + 6 * MINUTE) == 1
    assert (_by(session, owed), task_of(session, surely(task_id))["state"]) == (later, "cancelled")
    assert list(broken(session, NOW + 60 * DAY)) == []


@pytest.mark.ci
def test_those_who_speak_at_once_of_a_decision_and_of_what_it_takes_back_wait_for_each_other(
    session: Session, cast: Cast
) -> None:
    pairs = []
    for n in range(4):
        first = decide(session, cast, at=NOW + n * MINUTE)
        say(session, cast, first, "en-marge", "endorsed", at=NOW + n * MINUTE)
        later = _taking_back(session, cast, first, at=NOW + n * MINUTE)
        say(session, cast, first, "codim", "objected", at=NOW + n * MINUTE)
        say(session, cast, later, "codim", "endorsed", at=NOW + n * MINUTE)
        pairs.append((first, later))
    session.commit()
    at, failed, barrier = NOW + 9 * MINUTE, list[Exception](), threading.Barrier(2)

    def speak(act: Callable[[Session, UUID, UUID], None]) -> None:
        try:
            for pair in pairs:
                barrier.wait(20)
                with cast.session() as mine:
                    act(mine, *pair)
                    mine.commit()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)
            barrier.abort()

    threads = [
        threading.Thread(target=speak, args=(act,))
        for act in (
            lambda mine, first, _: say(mine, cast, first, "codim", "endorsed", at=at),
            lambda mine, _, later: say(mine, cast, later, "en-marge", "endorsed", at=at),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    with cast.session() as after:
        assert [_by(after, first) for first, _ in pairs] == [later for _, later in pairs]
        assert list(broken(after, at + MINUTE)) == []
