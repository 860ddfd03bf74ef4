"""What is owed: the obligations of agreements, version by version, and their waivers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import cast
from uuid import UUID

from sqlalchemy import false, func, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.declarations import BindingWindow, OwedClause, Period, VersionClause, rule_of
from domain.endorsement import counted
from domain.kernel import (
    SHAPE,
    Span,
    also,
    col,
    every,
    inside,
    joins,
    of,
    only,
    replaced,
    scalar,
    select,
    surely,
    value_of,
)
from models.agreement import Agreement, AgreementVersion, Obligation
from models.minutes import Decision
from models.obligation import Waiver


def is_anything_owed(session: Session) -> bool:
    """Whether any agreement of the program is in force, or ever was."""
    return (
        scalar(
            session, only(AgreementVersion.id).where(col(AgreementVersion.state).in_(["in_force", "ended"])).limit(1)
        )
        is not None
    )


_begun = aliased(AgreementVersion, name="begun")


class _Bound(Obligation):
    """An obligation with its agreement, and the days on which its version bound the partner."""

    model_config = SHAPE

    agreement_id: UUID = also(Agreement.id)
    organization_id: UUID = also(Agreement.organization_id)
    starts_on: date = surely(AgreementVersion.starts_on)
    ends_on: date | None = also(AgreementVersion.ends_on)
    endorsed_by: dict[str, str] | None = also(
        value_of(type_coerce(inside(AgreementVersion.terms)["endorsed_by"], JSONB))
    )
    since: date = also(
        value_of(
            select(func.min(col(surely(_begun.starts_on))))
            .where(joins(_begun.agreement_id, Agreement), col(_begun.state).in_(["in_force", "ended"]))
            .scalar_subquery()
        )
    )


def owed(
    session: Session, *, organization_ids: Iterable[UUID] | None = None, kinds: Iterable[str] | None = None
) -> tuple[OwedClause, ...]:
    """Every obligation of the agreements that are in force or were, of these organizations or of all.

    With `kinds`, those that some version checks so, through all the versions that had them.
    """
    rows = every(
        session,
        of(_Bound)
        .join(AgreementVersion, joins(Obligation.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            *([col(Agreement.organization_id).in_(list(organization_ids))] if organization_ids is not None else []),
            *([col(Obligation.key).in_(checked_by(kinds))] if kinds is not None else []),
        )
        .order_by(col(Agreement.id), col(Obligation.key), col(AgreementVersion.starts_on)),
    )
    by_clause: dict[tuple[UUID, str], list[_Bound]] = defaultdict(list)
    for row in rows:
        by_clause[row.agreement_id, row.key].append(row)
    return tuple(_owed(found) for found in by_clause.values())


def _owed(versions: Sequence[_Bound]) -> OwedClause:
    """One obligation by its rows, one for each version that had it, in their order."""
    first = versions[0]
    clauses = {row.id: clause_of(row, (row.endorsed_by or {}).get(row.key, "")) for row in versions}
    bounds = tuple(
        BindingWindow(Span(row.starts_on, row.ends_on), row.id, cast("Period", row.period), clauses[row.id].looks_at)
        for row in versions
    )
    return OwedClause(first.agreement_id, first.organization_id, first.key, first.since, bounds, clauses)


def checked_by(kinds: Iterable[str]) -> SelectOfScalar[str]:
    """The keys of the obligations that some version checks by one of these kinds."""
    checked = aliased(Obligation, name="checked")
    return only(checked.key).where(col(checked.check_kind).in_(sorted(kinds)))


def clause_of(row: Obligation, endorsed_by: str = "") -> VersionClause:
    """An obligation's row in the form in which it is judged."""
    rule = rule_of(row.check_kind, row.rule)
    return VersionClause(row.id, row.key, row.owed_by, row.period, rule, row.text_fr, row.text_en, endorsed_by)


class Freed(Waiver):
    """A waiver with its decision's number, and whether it ends before its last day."""

    model_config = SHAPE

    decision: str = also(Decision.number)
    is_cut: bool = also(value_of(false()))


def waivers(session: Session, agreement_id: UUID | None = None, key: str | None = None) -> list[Freed]:
    """The waivers of the program, or of one agreement's clause, by their first day, each with the last day it holds.

    `decision` is the number of its decision. Where the decision is no longer in effect (GV-4), the waiver holds to the
    last day on which it was, and is `is_cut`. Where it had not begun by then, it is left out. No quorum is asked of
    waivers from before it was asked for.
    """
    return [
        replaced(row, ends_on=last, is_cut=last < row.ends_on)
        for row, last in _recorded(session, agreement_id, key)
        if last is not None
    ]


def waivers_of_no_day(session: Session, agreement_id: UUID, key: str) -> list[Freed]:
    """The recorded waivers of a clause that free on no day, by their first day, each as it was recorded.

    The decision of each has not been in effect since before its first day.
    """
    return [row for row, last in _recorded(session, agreement_id, key) if last is None]


def _recorded(session: Session, agreement_id: UUID | None, key: str | None) -> Iterator[tuple[Freed, date | None]]:
    """Each recorded waiver, with the last day on which it frees; None where it frees on none."""
    asked = of(Freed).join(Decision, joins(Waiver.decision_id, Decision)).order_by(col(Waiver.starts_on))
    if agreement_id is not None:
        asked = asked.where(Waiver.agreement_id == agreement_id)
    if key is not None:
        asked = asked.where(Waiver.key == key)
    rows = every(session, asked)
    ids: dict[bool, set[UUID]] = defaultdict(set)
    for row in rows:
        ids[row.from_before].add(row.decision_id)
    how_long = {
        from_before: counted(session, several, quorum_asked=not from_before) for from_before, several in ids.items()
    }
    for row in rows:
        decision = how_long[row.from_before][row.decision_id]
        last = min(row.ends_on, decision.until or row.ends_on)
        yield row, last if decision.ever and last >= row.starts_on else None
