"""What partners owe is true: silence is never on track, what was late stays late, and people are asked in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.casework import Missed, missed_before, pinned_protocol
from domain.declarations import AtRisk, Watch
from domain.kernel import (
    SHAPE,
    also,
    calendar_of,
    col,
    every,
    joins,
    local_day,
    of,
    only,
    program,
    program_of,
    same,
    scalar,
    scalars,
    select,
    surely,
    tuples,
    value_of,
)
from models.agreement import Agreement, AgreementVersion, Obligation
from models.casework import Case, Lateness, Task
from models.obligation import Found, ObligationFinding, ObligationPeriod
from models.program import Tenure
from models.record import Event
from simulation.promises import promise, shared, since

_DAY: Final = timedelta(days=1)
#: Why a fact says nothing of how its own period stands.
_SAYS_NOTHING: Final = frozenset(
    {"other_period", "to_come", "not_recorded_yet", "awaited", "cancelled", "without_quorum", "called_off", "waived"}
)
#: In these states something lacks of a period that is not over.
_LACKS: Final = ("nothing_recorded", "at_risk", "on_track")


@promise("Of a clause that is on track, something is on record.")
def silence_is_not_on_track(session: Session, at: datetime) -> Iterator[str]:
    """A period that stands as on track, and by which no fact says anything."""
    for row in shared(session, _lacking, at):
        if row.state != "on_track":
            continue
        facts = row.found["facts"]
        if row.check_kind == "count":
            known = any(int(fact["why"]) for fact in facts) or ("at_most" in row.rule and _was_held(session, row, at))
        else:
            known = any(fact["why"] not in _SAYS_NOTHING for fact in facts)
        if not known:
            yield f"obligation_period {row.id}"


@promise("Silence is a risk from its declared day on, before the last day of its period and not after it.")
def silence_becomes_a_risk(session: Session, at: datetime) -> Iterator[str]:
    """A period of which nothing is recorded the day after that on which it became a risk."""
    watch, calendar, today = _watch(session), calendar_of(session), local_day(session, at)
    for row in shared(session, _lacking, at):
        if row.state != "nothing_recorded" or row.ends_on is None or row.check_kind in ("attendance", "tasks"):
            continue  # without a last day, or where nothing may be left to sit at or to do
        at_risk = AtRisk.model_validate(row.rule.get("at_risk") or watch.at_risk.model_dump())
        risk = at_risk.from_day(row.starts_on, row.ends_on)
        if watch.first_working_days:
            new = calendar.add_working_days(row.since - _DAY, watch.first_working_days)
            risk = max(risk, new + _DAY)
            if row.ends_on <= new:
                continue
        if today > risk:  # on the day itself the round may be still to come
            yield f"obligation_period {row.id}"


@promise("Whoever owes something that lacks is asked for it before its last day comes near.")
def people_are_asked(session: Session, at: datetime) -> Iterator[str]:
    """A period that lacks a statement, a document or a count after the last time to ask for it, and asks nobody."""
    watch, calendar, today = _watch(session), calendar_of(session), local_day(session, at)
    last_time = watch.asked[-1].working_days
    for row in shared(session, _lacking, at):
        numbers = row.found["numbers"]
        lacks = {
            "attestation": not numbers.get("said"),
            "document": True,
            "count": "at_least" in row.rule and numbers.get("counted", 0) < numbers.get("wanted", 0),
        }.get(row.check_kind, False)
        if not lacks or row.task_id is not None or row.ends_on is None or row.ends_on < today:
            continue
        if calendar.add_working_days(row.ends_on, -last_time) < today:
            yield f"obligation_period {row.id}"


@promise("Each period has one task that asks for what it lacks, and none once it lacks nothing.")
def asked_once(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - as its kin
    """A task that asks for a period that is met, waived or without occasion, or beside another one."""
    steps = ["obligation.attest", "obligation.give", "obligation.see_to", "obligation.sit"]
    asked = tuples(session, only(Task.id, Task.item).where(col(Task.step).in_(steps), Task.state == "open"))
    periods = every(session, of(ObligationPeriod).where(col(ObligationPeriod.id).in_([UUID(it) for _, it in asked])))
    right = {period.task_id for period in periods if period.state not in ("waived", "no_occasion")}
    yield from (f"task {task_id}" for task_id, _ in asked if task_id not in right)


@promise("What was late when its step was called off is on record as late.")
def lateness_is_kept(session: Session, at: datetime) -> Iterator[str]:
    """A step of a case that was waived, or ended with its case, after its due day, and of which nothing says so."""
    zone = program(session).time_zone
    handed_in = cast(func.timezone(zone, col(Task.done_at)), Date)
    called_off = func.coalesce(handed_in, cast(func.timezone(zone, col(Case.ended_at)), Date))
    waived = cast(func.timezone(zone, col(Task.settled_at)), Date)
    said = select(Lateness.id).where(joins(Lateness.task_id, Task), Lateness.due_on == Task.due_on).exists()
    rows = scalars(
        session,
        only(Task.id)
        .join(Case, joins(Task.case_id, Case))
        .where(
            or_(
                and_(Task.state == "cancelled", Case.state != "open", called_off > col(Task.due_on)),
                # What was handed in and then waived may have been in time: its own lateness says so.
                and_(Task.state == "waived", waived > col(Task.due_on), ~_was_handed_in()),
            ),
            or_(col(Case.ended_at) >= since(session, at), col(Task.settled_at) >= since(session, at)),
            ~said,
        ),
    )
    yield from (f"task {task_id}" for task_id in rows)


@promise("What was found late of a clause stays late.")
def late_stays_late(session: Session, at: datetime) -> Iterator[str]:
    """A period in which a step was found late by the same text before, and is found so no more."""
    judged = only(ObligationFinding.period_id).where(col(ObligationFinding.evaluated_at) >= since(session, at))
    rows = every(
        session,
        of(ObligationFinding)
        .where(col(ObligationFinding.period_id).in_(judged))
        .order_by(col(ObligationFinding.period_id), col(ObligationFinding.n)),
    )
    known: dict[tuple[UUID, UUID], set[str]] = {}
    standing: dict[UUID, ObligationFinding] = {}
    for one in rows:
        standing[one.period_id] = one
        late = {fact["id"] for fact in one.found["facts"] if (fact["kind"], fact["why"]) == ("task", "late")}
        known.setdefault((one.period_id, one.obligation_id), set()).update(late)
    for period_id, row in standing.items():
        if row.state == "no_occasion" and not row.found["facts"]:
            continue  # it binds nobody any more
        now = {fact["id"] for fact in row.found["facts"] if fact["why"] in ("late", "waived")}
        if known[period_id, row.obligation_id] - now:
            yield f"obligation_period {period_id}"


@promise("Calling a case off and opening another one about the same gives nobody more time.")
def opened_anew_is_as_late(session: Session, at: datetime) -> Iterator[str]:
    """A case that asks anew for what a cancelled one had asked for, and nothing says that it was missed meanwhile."""
    before = aliased(Case, name="before")
    ids = scalars(
        session,
        only(Case.id)
        .join(
            before,
            and_(
                same(before, Case),
                before.protocol == Case.protocol,
                before.state == "cancelled",
                col(before.ended_at) <= col(Case.opened_at),
            ),
        )
        .where(col(Case.opened_at) >= since(session, at))
        .distinct(),
    ).all()
    for case_id in ids:
        case = session.get_one(Case, (program_of(session), case_id))
        missed = missed_before(session, case, pinned_protocol(session, case.protocol_version_id))
        if any(not _is_kept(session, one, local_day(session, case.opened_at)) for one in missed):
            yield f"case {case_id}"


def _is_kept(session: Session, one: Missed, until: date) -> bool:
    """Whether it is on record that a step was not done by its day, until another day at least."""
    return (
        scalar(
            session,
            only(Lateness.id)
            .where(Lateness.task_id == one.task_id, col(Lateness.due_on) <= one.due_on, col(Lateness.until) >= until)
            .limit(1),
        )
        is not None
    )


@promise("No case asks for something by a day that was over when it opened.")
def nothing_is_asked_for_yesterday(session: Session, at: datetime) -> Iterator[str]:
    """A step whose due day comes before the local day on which its case opened."""
    opened = cast(func.timezone(program(session).time_zone, col(Case.opened_at)), Date)
    rows = scalars(
        session,
        only(Task.id)
        .join(Case, joins(Task.case_id, Case))
        .where(col(Task.due_on) < opened, or_(Case.state == "open", col(Case.ended_at) >= since(session, at))),
    )
    yield from (f"task {task_id}" for task_id in rows)


# What several ask.


_begun = aliased(AgreementVersion, name="begun")


class _Standing(ObligationPeriod):
    """A period with its finding that stands, its rule, and the first day of its agreement."""

    model_config = SHAPE
    found: Found = also(ObligationFinding.found)
    check_kind: str = also(Obligation.check_kind)
    rule: dict[str, Any] = also(Obligation.rule)
    organization_id: UUID = also(Agreement.organization_id)
    since: date = surely(
        value_of(
            select(func.min(col(_begun.starts_on)))
            .where(
                same(_begun, ObligationPeriod),
                _begun.agreement_id == ObligationPeriod.agreement_id,
                col(_begun.state).in_(["in_force", "ended"]),
            )
            .scalar_subquery()
        )
    )


def _lacking(session: Session, _at: datetime) -> list[_Standing]:
    """The periods of which something lacks, or may."""
    return every(
        session,
        of(_Standing)
        .join(Agreement, joins(ObligationPeriod.agreement_id, Agreement))
        .join(Obligation, joins(ObligationPeriod.obligation_id, Obligation))
        .join(
            ObligationFinding,
            and_(
                same(ObligationFinding, ObligationPeriod),
                ObligationFinding.period_id == ObligationPeriod.id,
                ObligationFinding.n == ObligationPeriod.finding,
            ),
        )
        .where(col(ObligationPeriod.state).in_(_LACKS)),
    )


def _watch(session: Session) -> Watch:
    return Watch.model_validate(program(session).obligations)


def _was_held(session: Session, row: _Standing, at: datetime) -> bool:
    """Whether somebody held one of the roles of a rule at the partner by now."""
    today: date = local_day(session, at)
    return (
        scalar(
            session,
            only(Tenure.id)
            .where(
                Tenure.organization_id == row.organization_id,
                col(Tenure.role).in_(row.rule.get("roles", [])),
                col(Tenure.starts_on) <= today,
            )
            .limit(1),
        )
        is not None
    )


def _was_handed_in() -> Any:
    """The condition that a step was handed in at some time, as the record has it."""
    return select(Event.id).where(joins(Event.subject_id, Task), Event.verb == "task.submitted").exists()
