"""What an appointment from a past day does to the clause that asks for a quick replacement: nothing (AG-X2).

The one who enters such a day is told so first. What the record showed as vacant stays counted
(`domain.roles.entered_late`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.declarations import Post, Records, clause_without_role, lacks_since, rule_of
from domain.kernel import Refusal, col, joins, lasts, local_day, only, run
from domain.roles import record_began
from locales import N_
from models.agreement import Agreement, AgreementVersion, Obligation

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class StaysVacant:
    """A role that the record shows as vacant from a local day up to yesterday, and the clause that counts it.

    `days` are working days; `at_most`, as many as the clause allows.
    """

    clause: str
    since: date
    days: int
    at_most: int


def stays_vacant(
    session: Session, organization_id: UUID, role: str, starts_on: date, *, at: datetime
) -> StaysVacant | None:
    """What stays counted where a person is given a role from a past day; None where nothing does."""
    today = local_day(session, at)
    if starts_on >= today:
        return None
    rows = run(
        session,
        only(Obligation.key, Obligation.check_kind, Obligation.rule)
        .join(AgreementVersion, joins(Obligation.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(
            Agreement.organization_id == organization_id,
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            col(AgreementVersion.starts_on) <= today,
            lasts(AgreementVersion, today),
        )
        .order_by(col(Obligation.key)),
    )
    for row in rows:
        allowed = rule_of(row.check_kind, row.rule).vacancy_allowed(role)
        if allowed is not None:
            return _counted(Records(session, at), (organization_id, role), starts_on, row.key, allowed)
    return None


def _counted(records: Records, post: Post, starts_on: date, key: str, allowed: int) -> StaysVacant | None:
    """What a clause counts of a role that the record shows as vacant up to yesterday."""
    yesterday = records.on - _DAY
    since, began = lacks_since(records, post, yesterday), record_began(records.session)
    if since is None or began is None:
        return None
    if starts_on < began:  # the days before there was a record are filled by who is entered for them
        since = max(since, began)
    if since > yesterday:
        return None
    days = records.calendar.working_days_between(since - _DAY, yesterday)
    return StaysVacant(clause_without_role(key), since, days, allowed)


def refuse_unseen(
    session: Session, organization_id: UUID, role: str, starts_on: date, *, seen: bool, at: datetime
) -> None:
    """Refuse a past first day until the one who enters it confirms having seen what stays counted. Raises Refusal."""
    found = None if seen else stays_vacant(session, organization_id, role, starts_on, at=at)
    if found is None:
        return
    raise Refusal(
        "tenure.entered_late",
        N_(
            "This first day is past. This role has been vacant since %(since)s, and clause "
            "%(clause)s still counts that time up to yesterday, whatever day is written now. "
            "Working days so far: %(days)s; most allowed: %(most)s. Confirm that you have "
            "seen it, or write another day."
        ),
        since=found.since.isoformat(),
        clause=found.clause,
        days=found.days,
        most=found.at_most,
        source="AG-X2",
    )
