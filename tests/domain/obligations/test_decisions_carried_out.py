"""Decisions that are carried out late: of who is to carry them out, and of the coordination that follows them up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.casework import tasks
from domain.declarations.checks.decisions import DecisionsRule
from domain.kernel.rows import surely
from meetings import deciding, decisions
from tests.cast import Cast
from tests.domain.obligations.signed import follow_with, kept, period, put_in_force
from tests.meetings.meeting_room import NOW, PRESENT, meeting, opened, session

__all__ = ["session"]

RULE = DecisionsRule(committees=("steering",), at_most_late=0)
DUE = date(2027, 2, 1)
SOON, LATER = datetime.combine(DUE, NOW.timetz()), datetime.combine(DUE + timedelta(days=3), NOW.timetz())


@pytest.fixture
def owing(session: Session, cast: Cast) -> Session:
    """A clause of CODIM and one of the coordination that go by what the Steering Committee decides."""
    put_in_force(session, cast)
    check = {"check_kind": RULE.key, "rule": RULE.model_dump(mode="json", exclude_none=True)}
    follow_with(session, cast, "CM-S", place="codim", like="AG-M2", starts_on=date(2026, 7, 1), **check)
    follow_with(session, cast, "CM-S", place="ccsmtl", like="GV-5.links", starts_on=date(2026, 7, 1), **check)
    opened(session, cast, *PRESENT)
    return session


def decide(session: Session, cast: Cast, **more: Any) -> UUID:
    said: dict[str, Any] = {
        "text_fr": "Louer le local.",
        "text_en": "Rent the room.",
        "owner_role": "manager",
        "owner_organization_id": cast.organizations["codim"],
        "due_on": DUE,
    }
    return deciding.decide(session, meeting(session), None, **{**said, **more}, by=cast.actor("coordinator"), at=NOW)


def found(session: Session, cast: Cast, place: str, at: datetime) -> tuple[str, list[str]]:
    """How the clause stands, and why each decision counts or does not."""
    kept(session, at)
    row = period(session, cast, place, "CM-S")
    return row["state"], [fact["why"] for fact in row["found"]["facts"]]


@pytest.mark.ci
def test_a_decision_that_is_carried_out_late_counts_for_its_owner_and_for_the_coordination(
    owing: Session, cast: Cast
) -> None:
    decision = decide(owing, cast)
    assert found(owing, cast, "codim", NOW) == ("nothing_recorded", ["to_come"])
    assert found(owing, cast, "codim", SOON) == ("nothing_recorded", ["to_come"]), "its last day is in time"
    assert found(owing, cast, "codim", LATER) == ("cannot_be_met", ["late"])
    assert found(owing, cast, "ccsmtl", LATER) == ("cannot_be_met", ["late"])
    task = surely(decisions.decision_of(owing, decision).task_id)
    tasks.complete_task(owing, task, by=cast.actor("manager_codim"), at=LATER)
    assert found(owing, cast, "codim", LATER) == ("cannot_be_met", ["late"])


@pytest.mark.ci
def test_one_that_was_carried_out_in_time_is_on_track_and_anothers_counts_for_the_coordination_alone(
    owing: Session, cast: Cast
) -> None:
    decision = decide(owing, cast)
    task = surely(decisions.decision_of(owing, decision).task_id)
    tasks.complete_task(owing, task, by=cast.actor("manager_codim"), at=NOW)
    decide(owing, cast, owner_organization_id=cast.organizations["spvm"])
    assert found(owing, cast, "codim", LATER) == ("on_track", ["in_time"])
    assert sorted(found(owing, cast, "ccsmtl", LATER)[1]) == ["in_time", "late"]


@pytest.mark.ci
def test_a_clinical_decision_and_one_that_no_partner_endorsed_yet_are_no_occasion(owing: Session, cast: Cast) -> None:
    decide(owing, cast, kind="clinical")
    assert found(owing, cast, "codim", LATER) == ("nothing_recorded", [])
    decide(owing, cast, kind="management")
    assert found(owing, cast, "codim", LATER) == ("nothing_recorded", ["called_off"])
