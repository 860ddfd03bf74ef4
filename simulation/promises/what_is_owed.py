"""What partners owe is true: silence is never on track, what was late stays late, and people are asked in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Date, Text, and_, cast, func, or_, select
from sqlmodel import Session

from domain.casework.anew import Missed, missed_before
from domain.casework.scheduling import pinned_protocol
from domain.declarations.program_agreements import AtRisk, Watch
from domain.kernel.program_calendar import calendar_of
from domain.kernel.scope import local_day, many, program, program_of
from models.agreement import Agreement, AgreementVersion, Obligation
from models.base import refers, table_of
from models.casework import Case, Lateness, Task
from models.obligation import ObligationFinding, ObligationPeriod
from models.program import Tenure
from models.record import Event
from simulation.promises import promise

_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)
_obligation = table_of(Obligation)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_task = table_of(Task)
_case = table_of(Case)
_lateness = table_of(Lateness)
_tenure = table_of(Tenure)
_event = table_of(Event)

_DAY: Final = timedelta(days=1)
#: Why a fact says nothing of how its own period stands.
_SAYS_NOTHING: Final = frozenset(
    {
        "other_period",
        "to_come",
        "not_recorded_yet",
        "awaited",
        "cancelled",
        "without_quorum",
        "called_off",
        "waived",
    }
)
#: In these states something lacks of a period that is not over.
_LACKS: Final = ("nothing_recorded", "at_risk", "on_track")


@promise("Of a clause that is on track, something is on record.")
def silence_is_not_on_track(session: Session, at: datetime) -> Iterator[str]:
    """A period that stands as on track, and by which no fact says anything."""
    for row in _standing(session, "on_track"):
        facts = row["found"]["facts"]
        if row["check_kind"] == "count":
            known = any(int(fact["why"]) for fact in facts) or (
                "at_most" in row["rule"] and _was_held(session, row, at)
            )
        else:
            known = any(fact["why"] not in _SAYS_NOTHING for fact in facts)
        if not known:
            yield f"obligation_period {row['id']}"


@promise("Silence is a risk from its declared day on, before the last day of its period and not after it.")
def silence_becomes_a_risk(session: Session, at: datetime) -> Iterator[str]:
    """A period of which nothing is recorded the day after that on which it became a risk."""
    watch, calendar, today = _watch(session), calendar_of(session), local_day(session, at)
    for row in _standing(session, "nothing_recorded"):
        if row["ends_on"] is None or row["check_kind"] in ("attendance", "tasks"):
            continue  # without a last day, or where nothing may be left to sit at or to do
        at_risk = AtRisk.model_validate(row["rule"].get("at_risk") or watch.at_risk.model_dump())
        risk = at_risk.from_day(row["starts_on"], row["ends_on"])
        if watch.first_working_days:
            new = calendar.add_working_days(row["since"] - _DAY, watch.first_working_days)
            risk = max(risk, new + _DAY)
            if row["ends_on"] <= new:
                continue
        if today > risk:  # on the day itself the round may be still to come
            yield f"obligation_period {row['id']}"


@promise("Whoever owes something that lacks is asked for it before its last day comes near.")
def people_are_asked(session: Session, at: datetime) -> Iterator[str]:
    """A period that lacks a statement, a document or a count after the last time to ask for it, and asks nobody."""
    watch, calendar, today = _watch(session), calendar_of(session), local_day(session, at)
    last_time = watch.asked[-1].working_days
    for row in _standing(session, *_LACKS):
        numbers = row["found"]["numbers"]
        lacks = {
            "attestation": not numbers.get("said"),
            "document": True,
            "count": "at_least" in row["rule"] and numbers.get("counted", 0) < numbers.get("wanted", 0),
        }.get(row["check_kind"], False)
        if not lacks or row["task_id"] is not None or row["ends_on"] is None or row["ends_on"] < today:
            continue
        if calendar.add_working_days(row["ends_on"], -last_time) < today:
            yield f"obligation_period {row['id']}"


@promise("Each period has one task that asks for what it lacks, and none once it lacks nothing.")
def asked_once(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001 - as its kin
    """A task that asks for a period that is met, waived or without occasion, or beside another one."""
    rows = many(
        session,
        select(_task.c.id, _period.c.state, _period.c.task_id)
        .outerjoin(
            _period,
            and_(_period.c.program_id == _task.c.program_id, cast(_period.c.id, Text) == _task.c.item),
        )
        .where(
            _task.c.program_id == program_of(session),
            _task.c.step.in_(["obligation.attest", "obligation.give", "obligation.see_to", "obligation.sit"]),
            _task.c.state == "open",
        ),
    )
    for row in rows:
        if row["task_id"] != row["id"] or row["state"] in ("waived", "no_occasion"):
            yield f"task {row['id']}"


@promise("What was late when its step was called off is on record as late.")
def lateness_is_kept(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    """A step of a case that was waived, or ended with its case, after its due day, and of which nothing says so."""
    zone = program(session).time_zone
    handed_in = cast(func.timezone(zone, _task.c.done_at), Date)
    called_off = func.coalesce(handed_in, cast(func.timezone(zone, _case.c.ended_at), Date))
    waived = cast(func.timezone(zone, _task.c.settled_at), Date)
    said = (
        select(_lateness.c.id)
        .where(
            _lateness.c.program_id == _task.c.program_id,
            _lateness.c.task_id == _task.c.id,
            _lateness.c.due_on == _task.c.due_on,
        )
        .exists()
    )
    rows = session.scalars(
        select(_task.c.id)
        .join(_case, refers(_task.c.case_id, _case))
        .where(
            _task.c.program_id == program_of(session),
            or_(
                and_(_task.c.state == "cancelled", _case.c.state != "open", called_off > _task.c.due_on),
                # What was handed in and then waived may have been in time: its own lateness says so.
                and_(_task.c.state == "waived", waived > _task.c.due_on, ~_was_handed_in()),
            ),
            ~said,
        )
    )
    yield from (f"task {task_id}" for task_id in rows)


@promise("What was found late of a clause stays late.")
def late_stays_late(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    """A period in which a step was found late by the same text before, and is found so no more."""
    rows = many(
        session,
        select(_finding.c.period_id, _finding.c.n, _finding.c.obligation_id, _finding.c.found, _finding.c.state)
        .where(_finding.c.program_id == program_of(session))
        .order_by(_finding.c.period_id, _finding.c.n),
    )
    known: dict[tuple[Any, Any], set[str]] = {}
    standing: dict[Any, Mapping[str, Any]] = {}
    for one in rows:
        standing[one["period_id"]] = one
        late = {fact["id"] for fact in one["found"]["facts"] if (fact["kind"], fact["why"]) == ("task", "late")}
        known.setdefault((one["period_id"], one["obligation_id"]), set()).update(late)
    for period_id, row in standing.items():
        if row["state"] == "no_occasion" and not row["found"]["facts"]:
            continue  # it binds nobody any more
        now = {fact["id"] for fact in row["found"]["facts"] if fact["why"] in ("late", "waived")}
        if known[period_id, row["obligation_id"]] - now:
            yield f"obligation_period {period_id}"


@promise("Calling a case off and opening another one about the same gives nobody more time.")
def opened_anew_is_as_late(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    """A case that asks anew for what a cancelled one had asked for, and nothing says that it was missed meanwhile."""
    before = _case.alias("before")
    ids = session.scalars(
        select(_case.c.id)
        .join(
            before,
            and_(
                before.c.program_id == _case.c.program_id,
                before.c.protocol == _case.c.protocol,
                before.c.state == "cancelled",
                before.c.ended_at <= _case.c.opened_at,
            ),
        )
        .where(_case.c.program_id == program_of(session))
        .distinct()
    ).all()
    for case_id in ids:
        case = session.get_one(Case, (program_of(session), case_id))
        missed = missed_before(session, case, pinned_protocol(session, case.protocol_version_id))
        if any(not _is_kept(session, one, local_day(session, case.opened_at)) for one in missed):
            yield f"case {case_id}"


def _is_kept(session: Session, one: Missed, until: date) -> bool:
    """Whether it is on record that a step was not done by its day, until another day at least."""
    return (
        session.scalar(
            select(_lateness.c.id)
            .where(
                _lateness.c.program_id == program_of(session),
                _lateness.c.task_id == one.task_id,
                _lateness.c.due_on <= one.due_on,
                _lateness.c.until >= until,
            )
            .limit(1)
        )
        is not None
    )


@promise("No case asks for something by a day that was over when it opened.")
def nothing_is_asked_for_yesterday(session: Session, at: datetime) -> Iterator[str]:  # noqa: ARG001
    """A step whose due day comes before the local day on which its case opened."""
    opened = cast(func.timezone(program(session).time_zone, _case.c.opened_at), Date)
    rows = session.scalars(
        select(_task.c.id)
        .join(_case, refers(_task.c.case_id, _case))
        .where(_task.c.program_id == program_of(session), _task.c.due_on < opened)
    )
    yield from (f"task {task_id}" for task_id in rows)


# What several ask.


def _standing(session: Session, *states: str) -> list[dict[str, Any]]:
    """The periods in these states, each with its finding that stands, its rule, and the first day of its agreement."""
    begun = _version.alias("begun")
    since = (
        select(func.min(begun.c.starts_on))
        .where(
            begun.c.program_id == _period.c.program_id,
            begun.c.agreement_id == _period.c.agreement_id,
            begun.c.state.in_(["in_force", "ended"]),
        )
        .scalar_subquery()
    )
    return many(
        session,
        select(
            *(_period.c[name] for name in ("id", "starts_on", "ends_on", "task_id")),
            _finding.c.found,
            _obligation.c.check_kind,
            _obligation.c.rule,
            _agreement.c.organization_id,
            since.label("since"),
        )
        .join(_agreement, refers(_period.c.agreement_id, _agreement))
        .join(_obligation, refers(_period.c.obligation_id, _obligation))
        .join(_finding, and_(_finding.c.period_id == _period.c.id, _finding.c.n == _period.c.finding))
        .where(_period.c.program_id == program_of(session), _period.c.state.in_(states)),
    )


def _watch(session: Session) -> Watch:
    return Watch.model_validate(program(session).obligations)


def _was_held(session: Session, row: Mapping[str, Any], at: datetime) -> bool:
    """Whether somebody held one of the roles of a rule at the partner by now."""
    today: date = local_day(session, at)
    return (
        session.scalar(
            select(_tenure.c.id)
            .where(
                _tenure.c.program_id == program_of(session),
                _tenure.c.organization_id == row["organization_id"],
                _tenure.c.role.in_(row["rule"].get("roles", [])),
                _tenure.c.starts_on <= today,
            )
            .limit(1)
        )
        is not None
    )


def _was_handed_in() -> Any:
    """The condition that a step was handed in at some time, as the record has it."""
    return (
        select(_event.c.id)
        .where(
            _event.c.program_id == _task.c.program_id,
            _event.c.subject_id == _task.c.id,
            _event.c.verb == "task.submitted",
        )
        .exists()
    )
