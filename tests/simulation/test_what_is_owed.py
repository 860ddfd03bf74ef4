"""The promises of what partners owe find whatever breaks them, and nothing where they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.casework import cases
from models.base import table_of
from models.casework import Case, Task
from models.obligation import ObligationFinding, ObligationPeriod
from simulation.promises import Broken, broken, what_is_owed
from tests.casework import open_onboarding, step
from tests.cast import AT, Arranged, Cast
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.domain.test_lateness import LATE

_case = table_of(Case)
_task = table_of(Task)
_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)

Look = Callable[[Session, datetime], Any]
SENTENCES: Final = {
    what_is_owed.silence_is_not_on_track: "Of a clause that is on track, something is on record.",
    what_is_owed.silence_becomes_a_risk: (
        "Silence is a risk from its declared day on, before the last day of its period and not after it."
    ),
    what_is_owed.people_are_asked: "Whoever owes something that lacks is asked for it before its last day comes near.",
    what_is_owed.asked_once: "Each period has one task that asks for what it lacks, and none once it lacks nothing.",
    what_is_owed.lateness_is_kept: "What was late when its step was called off is on record as late.",
    what_is_owed.late_stays_late: "What was found late of a clause stays late.",
    what_is_owed.opened_anew_is_as_late: (
        "Calling a case off and opening another one about the same gives nobody more time."
    ),
    what_is_owed.nothing_is_asked_for_yesterday: "No case asks for something by a day that was over when it opened.",
}


def _arrange(cast: Cast) -> UUID:
    """A partner that is late with an onboarding, which is then cancelled, and owes the rest of its year."""
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    case_id = open_onboarding(cast)
    with cast.session() as session:
        kept(session, LATE)
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=LATE, reason="Ailleurs.")
        kept(session, LATE)
    return case_id


@pytest.fixture
def case_id(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """The case of `_arrange`."""
    return arranged(cast, _arrange)


def _of(session: Session, cast: Cast, key: str) -> UUID:
    found: UUID = period(session, cast, "en-marge", key)["id"]
    return found


def _silent_on_track(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001 - as its kin
    one = _of(session, cast, "AG-P4")
    session.execute(update(_period).where(_period.c.id == one).values(state="on_track"))
    return f"obligation_period {one}"


def _silent_for_too_long(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001
    one = _of(session, cast, "AG-P1")
    session.execute(update(_period).where(_period.c.id == one).values(state="nothing_recorded"))
    return f"obligation_period {one}"


def _asked_of_nobody(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001
    one = _of(session, cast, "AG-P6")
    session.execute(update(_period).where(_period.c.id == one).values(task_id=None))
    return f"obligation_period {one}"


def _asked_though_waived(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001
    one = period(session, cast, "en-marge", "AG-P2")
    session.execute(update(_period).where(_period.c.id == one["id"]).values(state="waived"))
    return f"task {one['task_id']}"


def _late_no_more(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001
    """As if another day had been written over the one that was missed, which nothing keeps."""
    task = step(session, case_id, "welcome_in_organization")
    session.execute(update(_task).where(_task.c.id == task["id"]).values(due_on=task["due_on"] + timedelta(days=1)))
    return f"task {task['id']}"


def _found_late_no_more(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001
    one = period(session, cast, "en-marge", "AG-M4")
    session.execute(
        text("""
            INSERT INTO obligation_finding
                (program_id, id, period_id, n, obligation_id, state, "on", found, evaluated_at)
            SELECT program_id, :id, period_id, n + 1, obligation_id, 'met', "on",
                '{"facts": [], "numbers": {}}', evaluated_at
            FROM obligation_finding WHERE period_id = :period AND n = :n"""),
        {"id": uuid4(), "period": one["id"], "n": one["finding"]},
    )
    return f"obligation_period {one['id']}"


def _due_before_it_opened(session: Session, cast: Cast, case_id: UUID) -> str:  # noqa: ARG001
    task = step(session, case_id, "plan_coaching")
    session.execute(update(_task).where(_task.c.id == task["id"]).values(due_on=date(2026, 11, 20)))
    return f"task {task['id']}"


def _missed_no_more(session: Session, cast: Cast, case_id: UUID) -> str:
    """As if another case had been opened about the same before anything was kept of the one that was cancelled."""
    session.execute(update(_case).where(_case.c.id == case_id).values(protocol="elsewhere"))
    another = cases.open_case(
        session,
        "onboarding",
        subject_id=cast.people["worker_em"],
        organization_id=cast.organizations["en-marge"],
        by=cast.actor("coordinator"),
        at=LATE + timedelta(days=1),
    )
    session.execute(update(_case).where(_case.c.id == case_id).values(protocol="onboarding"))
    return f"case {another}"


BREAKING: Final[Mapping[Look, Callable[[Session, Cast, UUID], str]]] = {
    what_is_owed.silence_is_not_on_track: _silent_on_track,
    what_is_owed.silence_becomes_a_risk: _silent_for_too_long,
    what_is_owed.people_are_asked: _asked_of_nobody,
    what_is_owed.asked_once: _asked_though_waived,
    what_is_owed.lateness_is_kept: _late_no_more,
    what_is_owed.late_stays_late: _found_late_no_more,
    what_is_owed.opened_anew_is_as_late: _missed_no_more,
    what_is_owed.nothing_is_asked_for_yesterday: _due_before_it_opened,
}


@pytest.mark.usefixtures("case_id")
def test_nothing_is_found_where_they_hold(cast: Cast) -> None:
    with cast.session() as session:
        assert [one for one in broken(session, LATE) if one.sentence in SENTENCES.values()] == []


@pytest.mark.ci
@pytest.mark.parametrize("look", BREAKING, ids=lambda look: look.__name__)
def test_whatever_breaks_a_promise_is_found_by_its_kind_and_id(cast: Cast, case_id: UUID, look: Look) -> None:
    with cast.session() as session:
        where = BREAKING[look](session, cast, case_id)
        found = [one for one in broken(session, LATE) if one.sentence == SENTENCES[look]]
        assert Broken(SENTENCES[look], where) in found
        assert len(found) == 1
        assert session.scalar(select(_finding.c.id).limit(1))
        session.rollback()


def test_every_promise_of_what_is_owed_is_broken_here_once() -> None:
    assert SENTENCES.keys() == BREAKING.keys()
    assert AT < LATE
