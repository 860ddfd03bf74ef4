"""The round of beginnings: opens the cases that begin automatically, once for each subject and period.

The calendar, the agreements and the holders of roles say what is due to begin, and not when the round last ran. One
that was down for months opens what it missed, and one that runs twice opens nothing twice. The index `begun_once`
enforces that for every opener.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session

from domain.agreements import is_given_notice
from domain.casework import ROLE_OF_WORKER, CaseSubject, cases, protocol_of
from domain.declarations import Protocol, Starts
from domain.kernel import (
    Actor,
    Each,
    Period,
    col,
    every,
    in_program,
    joins,
    lasts,
    lasts_beyond,
    local_day,
    of,
    only,
    periods,
    run,
    same,
    select,
    surely,
    tuples,
)
from flows.turns import Turn, in_parts
from models.agreement import Agreement, AgreementVersion
from models.casework import Case, ProtocolVersion
from models.program import Organization, Tenure

#: The local hour at which a day's cases open, before anyone works.
CRON: Final = "0 5 * * *"

#: What is over for longer was missed for good: no one wants the papers of the year before last.
LOOKS_BACK: Final = timedelta(days=366)

_Known = set[tuple[UUID | None, UUID | None, UUID | None, str]]


@in_parts("begin", CRON)
def begin(turn: Turn) -> int:
    """Open every case of one program that is due to begin and was never opened; returns how many.

    Each is a transaction of its own: what is refused for one is logged, does not hold up the others, and is tried
    again with the next round.
    """
    with turn.reading() as session:
        protocols, day = _protocols(session), local_day(session, turn.at)
    opening = replace(turn, beaten=_is_opened_already)
    # Of each protocol by itself: one that cannot be read holds up no other.
    return sum(opening.each(turn.look(partial(_due_of, one=one, day=day)), _open) for one in protocols)


def _due_of(session: Session, *, one: tuple[ProtocolVersion, date], day: date) -> Iterator[tuple[str, CaseSubject]]:
    """What of a protocol is due to begin on a local day and never had its case: the protocol's key, and the subject."""
    version, since = one
    protocol = protocol_of(version)
    if protocol.starts is None:
        return
    known = _begun(session, version.key)
    for subject in _due(session, protocol, protocol.starts, since, day):
        ids = (subject.subject_id, subject.organization_id, subject.agreement_version_id, subject.period)
        if ids not in known:
            yield version.key, subject


def _open(session: Session, wanted: tuple[str, CaseSubject], *, by: Actor, at: datetime) -> int:
    key, subject = wanted
    cases.open_case(
        session,
        key,
        subject_id=subject.subject_id,
        organization_id=subject.organization_id,
        agreement_version_id=subject.agreement_version_id,
        period=subject.period,
        by=by,
        at=at,
    )
    return 1


def _is_opened_already(error: IntegrityError) -> bool:
    """Whether somebody opened the case meanwhile."""
    return "begun_once" in str(error.orig) or "one_open_case" in str(error.orig)


def _protocols(session: Session) -> list[tuple[ProtocolVersion, date]]:
    """Each protocol in its current version, and the local day on which the program first had it."""
    recorded = run(
        session,
        only(ProtocolVersion.key, func.min(col(ProtocolVersion.recorded_at))).group_by(col(ProtocolVersion.key)),
    )
    first = {key: moment for key, moment in recorded}  # noqa: C416 - a result is no mapping to `dict`
    rows = session.scalars(
        select(ProtocolVersion)
        .where(in_program(ProtocolVersion))
        .order_by(col(ProtocolVersion.key), col(ProtocolVersion.number), col(ProtocolVersion.recorded_at))
    )
    current = {row.key: row for row in rows}
    return [(row, local_day(session, first[key])) for key, row in current.items()]


def _begun(session: Session, key: str) -> _Known:
    """The subjects that had their case of a protocol, whatever became of it."""
    about = only(Case.subject_id, Case.organization_id, Case.agreement_version_id, Case.period)
    return set(tuples(session, about.where(Case.protocol == key)))


def _due(session: Session, protocol: Protocol, starts: Starts, since: date, day: date) -> Iterator[CaseSubject]:
    if starts.each is None:
        yield from _agreements(session, starts, since, day)
        return
    for span in _periods(starts, starts.each, since, day):
        for subject in _SUBJECTS[protocol.subject.kind](session, protocol, span, day):
            yield replace(subject, period=span.key)


def _periods(starts: Starts, each: Each, since: date, day: date) -> Iterator[Period]:
    """The periods whose case is due by a day: from the day on which the program first had the protocol on.

    Of those that had begun before that day, only the last, and only where the period itself was not over.
    """
    oldest = day - LOOKS_BACK
    around = periods.overlapping(each, max(since, oldest) - LOOKS_BACK, day + LOOKS_BACK)
    due = [one for one in around if starts.on(one) <= day]
    before = [one for one in due if starts.on(one) < since]
    for one in (*before[-1:], *due[len(before) :]):
        if one.ends_on >= (max(since, oldest) if one in before else oldest):
            yield one


def _agreements(session: Session, starts: Starts, since: date, day: date) -> Iterator[CaseSubject]:
    """The versions that end without a successor set to begin, with a last day as near as the protocol says.

    Where the next one is merely signed, the renewal makes it begin. Not those that were ended with notice, nor those of
    a partner that has left by then.
    """
    later = aliased(AgreementVersion, name="later")
    followed = (
        select(later.id)
        .where(
            same(later, AgreementVersion),
            later.agreement_id == AgreementVersion.agreement_id,
            col(later.n) > col(AgreementVersion.n),
            col(later.state).in_(["in_force", "ended"]),
        )
        .exists()
    )
    rows = tuples(
        session,
        only(AgreementVersion.id, surely(AgreementVersion.ends_on), AgreementVersion.notice_days, Organization.id)
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            col(AgreementVersion.ends_on) >= max(since, day - LOOKS_BACK),
            lasts_beyond(Organization, col(AgreementVersion.ends_on)),
            ~followed,
            ~is_given_notice(),
        )
        .order_by(col(AgreementVersion.ends_on), col(AgreementVersion.id)),
    )
    for version_id, ends_on, notice_days, place in rows:
        if starts.before_last_day(ends_on, notice_days) <= day:
            yield CaseSubject(organization_id=place, agreement_version_id=version_id)


# ------------------------------------------------------------------------------------- whom a period's case is about


def _the_program(session: Session, protocol: Protocol, span: Period, day: date) -> Iterator[CaseSubject]:  # noqa: ARG001
    yield CaseSubject()


def _organizations(session: Session, protocol: Protocol, span: Period, day: date) -> Iterator[CaseSubject]:
    """The organizations with a holder of the role that the protocol names, that day and in the period."""
    rows = _holders(session, str(protocol.subject.having), span, day)
    for place in dict.fromkeys(row.organization_id for row in rows):
        yield CaseSubject(organization_id=place)


def _workers(session: Session, protocol: Protocol, span: Period, day: date) -> Iterator[CaseSubject]:  # noqa: ARG001
    """The youth workers of that day who also are youth workers on a day of the period."""
    for row in _holders(session, ROLE_OF_WORKER, span, day):
        yield CaseSubject(subject_id=row.person_id, organization_id=row.organization_id)


def _holders(session: Session, role: str, span: Period, day: date) -> list[Tenure]:
    """Those who hold a role on a day, or on the first day of a period to come, and on a day of that period."""
    day = max(day, span.starts_on)
    return every(
        session,
        of(Tenure)
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(
            Tenure.role == role,
            col(Tenure.starts_on) <= min(day, span.ends_on),
            lasts(Tenure, day),
            lasts(Organization, day),
        )
        .order_by(col(Tenure.organization_id), col(Tenure.person_id)),
    )


_Subjects = Callable[[Session, Protocol, Period, date], Iterator[CaseSubject]]
_SUBJECTS: Final[Mapping[str, _Subjects]] = {
    "program": _the_program,
    "organization": _organizations,
    "worker": _workers,
}
