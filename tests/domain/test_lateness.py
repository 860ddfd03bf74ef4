"""What was late stays late, whatever becomes of its step: called off, waived, moved, asked anew or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.casework import board, cases, tasks, versions
from domain.departure import calling_off
from domain.obligations.triggers import judge_touched
from models.base import table_of
from models.casework import Lateness, Task
from tests.casework import complete, open_onboarding, step, steps
from tests.cast import AT, LOADING, TODAY, Cast, onboarding
from tests.declared import record
from tests.departing import LAST_DAY, leave, record_protocols
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.domain.test_cases import newer

_task = table_of(Task)
_lateness = table_of(Lateness)

#: The steps of an onboarding by which a manager supervises their worker (AG-M4); one may be late.
SUPERVISES = ("request_secure_access", "welcome_in_organization")
#: By then both are late by more than the agreement's five working days.
LATE: Final = AT + timedelta(days=31)
SOON: Final = AT + timedelta(days=1)


def stands(cast: Cast, at: datetime, key: str = "AG-M4", place: str = "en-marge") -> tuple[str, list[str]]:
    """How a partner's clause stands, and how each of its steps was found."""
    with cast.session() as session:
        kept(session, at)
        found: dict[str, Any] = period(session, cast, place, key)
    return found["state"], [fact["why"] for fact in found["found"]["facts"]]


def _cancel(cast: Cast, case_id: UUID, at: datetime) -> None:
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=at, reason="Ailleurs.")


def _cancel_and_reopen(cast: Cast, case_id: UUID, at: datetime) -> None:
    _cancel(cast, case_id, at)
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=at, reason="Ici.")


def _move_the_arrival(cast: Cast, case_id: UUID, at: datetime) -> None:
    day = at.date() + timedelta(days=60)
    with cast.session() as session:
        cases.move_day(session, case_id, anchor="arrival", day=day, by=cast.actor("coordinator"), at=at)


def _move_it_there_and_back(cast: Cast, case_id: UUID, at: datetime) -> None:
    _move_the_arrival(cast, case_id, at)
    with cast.session() as session:
        cases.move_day(session, case_id, anchor="arrival", day=at.date(), by=cast.actor("coordinator"), at=at)


def _take(cast: Cast, case_id: UUID, at: datetime, *edits: tuple[str, str]) -> None:
    with cast.session() as session:
        version = versions.record_protocol(session, newer(*edits), by=LOADING, at=at)
        versions.take_version(session, case_id, version.id, by=cast.actor("coordinator"), at=at)


def _follow_a_version_with_other_steps(cast: Cast, case_id: UUID, at: datetime) -> None:
    for_it = [(name, f"{name}_anew") for name in SUPERVISES]
    text = onboarding().text
    _take(cast, case_id, at, *(edit for edit in for_it for _ in range(text.count(edit[0]))))


def _follow_a_version_in_which_they_serve_nothing(cast: Cast, case_id: UUID, at: datetime) -> None:
    _take(cast, case_id, at, *[("    clause: AG-M4\n", "")] * 2)


def _follow_a_version_with_later_days(cast: Cast, case_id: UUID, at: datetime) -> None:
    edits = [("due: {days: 10, before: arrival}", "due: {days: 90, after: arrival}")]
    _take(cast, case_id, at, *edits, ("due: {days: 2, after: arrival}", "due: {days: 90, after: arrival}"))


WAYS: Final[Mapping[str, Callable[[Cast, UUID, datetime], None]]] = {
    "called off": _cancel,
    "called off and taken up again": _cancel_and_reopen,
    "its arrival moved": _move_the_arrival,
    "its arrival moved there and back": _move_it_there_and_back,
    "another step in its place": _follow_a_version_with_other_steps,
    "no clause any more": _follow_a_version_in_which_they_serve_nothing,
    "due later by a newer version": _follow_a_version_with_later_days,
}


@pytest.mark.ci
@pytest.mark.parametrize("way", WAYS)
def test_a_late_step_stays_late(cast: Cast, way: str) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    case_id = open_onboarding(cast)
    assert stands(cast, SOON)[0] != "cannot_be_met"
    before = stands(cast, LATE)
    assert before == ("cannot_be_met", ["late", "late"])
    WAYS[way](cast, case_id, LATE)
    state, whys = stands(cast, LATE)
    assert (state, whys.count("late") >= before[1].count("late")) == ("cannot_be_met", True)
    with cast.session() as session:
        assert judge_touched(session, at=LATE) == 0


@pytest.mark.ci
def test_a_step_that_is_called_off_in_time_was_never_late(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    case_id = open_onboarding(cast)
    _cancel(cast, case_id, AT)
    state, whys = stands(cast, LATE)
    assert (state, set(whys)) == ("nothing_recorded", {"called_off"})
    with cast.session() as session:
        assert session.scalars(select(_lateness.c.id)).all() == []


@pytest.mark.ci
def test_a_step_that_was_late_stays_so_where_it_is_done_then_undone_then_waived(cast: Cast) -> None:
    """Of the quarters' time to debrief; a third one that is waived in time counts for nothing."""
    record(cast, "compassion_fatigue")
    by, quarters = cast.actor("manager_em"), ("first", "second")
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
        case_id = cases.open_case(
            session,
            "compassion_fatigue",
            organization_id=cast.organizations["en-marge"],
            period="2026",
            by=cast.actor("coordinator"),
            at=datetime(2026, 1, 6, 15, 0, tzinfo=UTC),
        )
    late = datetime(2026, 9, 1, 15, 0, tzinfo=UTC)
    for nth in quarters:
        complete(cast, case_id, f"debrief_{nth}_quarter", by=by, at=late)
    done = stands(cast, late, "AG-X3.team")
    assert done[1].count("late") == 3, "the safety plans are late as well"
    with cast.session() as session:
        for nth in reversed(quarters):
            task_id = step(session, case_id, f"debrief_{nth}_quarter")["id"]
            tasks.undo_task(session, task_id, by=by, at=late, reason="Pas eu lieu.")
        for nth in (*quarters, "third"):
            task_id = step(session, case_id, f"debrief_{nth}_quarter")["id"]
            tasks.waive_task(session, task_id, by=cast.actor("coordinator"), at=late, reason="Sans objet.")
    assert stands(cast, late, "AG-X3.team") == (done[0], ["late", "late", "late", "called_off", "to_come"])


@pytest.mark.ci
def test_calling_off_a_departure_takes_back_no_lateness(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    case_id = leave(cast, "worker_em", "en-marge")
    late = datetime.combine(LAST_DAY + timedelta(days=24), AT.timetz())
    before = stands(cast, late)
    assert (before[0], before[1].count("late")) == ("at_risk", 1)
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=late, reason="Elle reste.")
        calling_off.call_off(session, case_id, by=cast.actor("coordinator"), at=late)
    assert stands(cast, late) == before


@pytest.mark.ci
def test_calling_a_case_off_on_its_last_day_and_opening_another_one_gives_no_more_time(cast: Cast) -> None:
    """Once, or again before each last day: it is as late as if the first one had been taken up again."""
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    first = open_onboarding(cast)
    with cast.session() as session:
        (last_day,) = {step(session, first, "welcome_in_organization")["due_on"]}
    on_it = datetime.combine(last_day, AT.timetz())
    _cancel(cast, first, on_it)
    second = open_onboarding(cast, at=on_it + timedelta(days=2))
    assert stands(cast, on_it + timedelta(days=2))[1].count("late") == 1, "the agreement leaves some days more"
    _cancel(cast, second, on_it + timedelta(days=2))
    third = open_onboarding(cast, at=LATE)
    with cast.session() as session:
        assert step(session, third, "welcome_in_organization")["due_on"] >= LATE.date(), "asked for by no day past"
        welcome = step(session, first, "welcome_in_organization")["id"]
        missed = session.execute(select(_lateness.c.due_on, _lateness.c.until).where(_lateness.c.task_id == welcome))
        assert {tuple(row) for row in missed} >= {(last_day, LATE.date())}
    state, whys = stands(cast, LATE)
    assert (state, whys.count("late")) == ("cannot_be_met", 2), "each step is late once"


@pytest.mark.ci
def test_who_comes_later_than_was_meant_is_not_late_by_a_case_that_was_cancelled(cast: Cast) -> None:
    """The arrival was put off before the next case opened: its days count from the new one."""
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    first = open_onboarding(cast)
    _move_the_arrival(cast, first, SOON)
    _cancel(cast, first, SOON)
    second = open_onboarding(cast, at=LATE)
    with cast.session() as session:
        assert step(session, second, "welcome_in_organization")["due_on"] > LATE.date()
        welcome = step(session, first, "welcome_in_organization")["id"]
        assert session.scalars(select(_lateness.c.id).where(_lateness.c.task_id == welcome)).all() == []


@pytest.mark.ci
def test_a_cancelled_case_shows_what_was_done_of_how_many(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    for name in ("plan_coaching", "plan_training"):
        complete(cast, case_id, name)
    with cast.session() as session:
        (before,) = board.progress(session, [case_id], TODAY).values()
    _cancel(cast, case_id, SOON)
    with cast.session() as session:
        (after,) = board.progress(session, [case_id], TODAY).values()
    assert (after.settled, after.required) == (2, before.required)
    _take_back(cast, case_id)


def _take_back(cast: Cast, case_id: UUID) -> None:
    """A step that a newer version called off before is none of those that the case asked for."""
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=SOON, reason="Ici.")
        required = [one["required"] for one in steps(session, case_id).values()].count(True)
    text = onboarding().text
    _take(cast, case_id, SOON, *[("plan_integration", "plan_more")] * text.count("plan_integration"))
    _cancel(cast, case_id, SOON)
    with cast.session() as session:
        (after,) = board.progress(session, [case_id], TODAY).values()
    assert (after.settled, after.required) == (2, required)
