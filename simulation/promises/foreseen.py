"""'Can no longer be met' is said as soon as it is so, and only of what then is not met."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import SHAPE, also, col, every, joins, local_day, of, only, surely, tuples, value_of
from models.agreement import Obligation
from models.minutes import Attendance
from models.obligation import Found, ObligationFinding, ObligationPeriod
from simulation.promises import found, promise, shared, since

#: So long before a period is missed it is said, wherever that could be known.
_BEFORE: Final = timedelta(days=30)
#: A step is late some working days after its day, and an attendance is recorded within its days of grace.
_UNTIL_KNOWN: Final = timedelta(days=21)
#: Why a fact is a miss.
_MISSES: Final = frozenset({"late", "absent", "alternate_does_not_count", "alternate_too_often"})
_LOST: Final = frozenset({"cannot_be_met", "missed"})


@promise("What can no longer be met is met by nothing that comes later.")
def said_of_nothing_that_was_met(session: Session, at: datetime) -> Iterator[str]:
    """A period that was met, by one text, though nothing was changed of what had made it impossible by that text."""
    for period_id, findings in shared(session, _histories, at).items():
        last = findings[-1]
        if last.state != "met":
            continue
        facts = _facts(last.found)
        for one in findings:
            before = _facts(one.found)
            if (one.state, one.obligation_id) == (
                "cannot_be_met",
                last.obligation_id,
            ) and before.items() <= facts.items():
                yield f"obligation_period {period_id}"
                break


@promise("'Can no longer be met' is said as soon as it is so.", stays=True)
def said_at_once(session: Session, _: datetime) -> Iterator[str]:
    """A finding that counts more absences or late steps than are allowed, and does not say that the period is lost."""
    yield from found(
        session,
        """
        select distinct 'obligation_finding', finding.id from obligation_finding finding
        join obligation on obligation.program_id = finding.program_id and obligation.id = finding.obligation_id
        where finding.program_id = :here
            and obligation.check_kind in ('attendance', 'tasks')
            and finding.state not in ('cannot_be_met', 'missed', 'waived', 'not_yet')
            and coalesce((finding.found->'numbers'->>'absences')::int, (finding.found->'numbers'->>'late')::int)
                > (finding.found->'numbers'->>'allowed')::int
        """,
    )


@promise("That a period will be missed is said 30 days before, wherever what is on record told it by then.")
def said_in_time(session: Session, at: datetime) -> Iterator[str]:
    """A period that was missed by what lay more than a month before its end, and of which nothing had said so by then.

    What was put on record late could not be known.
    """
    missed = {
        period_id: findings
        for period_id, findings in shared(session, _histories, at).items()
        if findings[-1].state == "missed" and findings[-1].ends_on is not None
    }
    recorded = _recorded_on(session, missed.values())
    for period_id, findings in missed.items():
        lost_on = _lost_on(findings[-1], recorded)
        by_then = surely(findings[-1].ends_on) - _BEFORE
        if lost_on is None or max(lost_on, findings[0].on) > by_then:
            continue
        if not any(one.state in _LOST and one.on <= by_then for one in findings):
            yield f"obligation_period {period_id}"


class _Finding(ObligationFinding):
    """A finding with its clause's kind of check, and the last day of its period."""

    model_config = SHAPE
    ends_on: date | None = also(ObligationPeriod.ends_on)
    check_kind: str = also(Obligation.check_kind)


def _histories(session: Session, at: datetime) -> Mapping[UUID, Sequence[_Finding]]:
    """How periods that were found lost once, and were judged of late, were judged each time: the first one first."""
    lately = only(ObligationFinding.period_id).where(
        col(ObligationFinding.evaluated_at) >= since(session, at), col(ObligationFinding.state).in_(["met", "missed"])
    )
    rows = every(
        session,
        of(_Finding)
        .join(ObligationPeriod, joins(ObligationFinding.period_id, ObligationPeriod))
        .join(Obligation, joins(ObligationFinding.obligation_id, Obligation))
        .where(
            col(Obligation.check_kind).in_(["attendance", "tasks", "count", "decisions"]),
            col(ObligationFinding.period_id).in_(lately),
        )
        .order_by(col(ObligationFinding.period_id), col(ObligationFinding.n)),
    )
    histories: dict[UUID, list[_Finding]] = defaultdict(list)
    for row in rows:
        histories[row.period_id].append(row)
    return histories


def _lost_on(finding: _Finding, recorded: Mapping[str, date]) -> date | None:
    """The day on which what a period was missed by was known: one miss more than it allows; None where none was."""
    misses = [one for one in finding.found["facts"] if one["counts"] and one["why"] in _MISSES]
    days = sorted(
        max(date.fromisoformat(one["on"]) + _UNTIL_KNOWN, recorded.get(one["id"], date.min)) for one in misses
    )
    allowed = finding.found["numbers"].get("allowed", len(days))
    return days[allowed] if len(days) > allowed else None


def _recorded_on(session: Session, histories: Iterable[Sequence[_Finding]]) -> dict[str, date]:
    """When it was put on record how the seats of meetings were filled, by the meeting's id."""
    ids = {
        UUID(one["id"])
        for findings in histories
        for one in findings[-1].found["facts"]
        if findings[-1].check_kind == "attendance"
    }
    rows = tuples(
        session,
        only(Attendance.meeting_id, value_of(func.max(col(Attendance.recorded_at))))
        .where(col(Attendance.meeting_id).in_(ids))
        .group_by(col(Attendance.meeting_id)),
    )
    return {str(meeting_id): local_day(session, recorded_at) for meeting_id, recorded_at in rows}


def _facts(found_then: Found) -> dict[str, tuple[str, str]]:
    """What counted, and how, by each fact's id: what was still to come says nothing."""
    return {one["id"]: (one["why"], one["on"]) for one in found_then["facts"] if one["counts"]}
