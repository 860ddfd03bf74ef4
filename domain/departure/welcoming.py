"""The cases that welcome who begins in a role: to which stay they belong, and ending or reopening them with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from domain.casework import cases, scheduling
from domain.departure.departure_row import same_place
from domain.holdings import TENURE, held_at
from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    first,
    in_program,
    lasts,
    local_day,
    of,
    only,
    same,
    select,
    surely,
    tuples,
)
from locales import N_, say_in_both
from models.casework import Case
from models.departure import Settlement
from models.program import Tenure

#: The onboarding protocol of each role that has one.
WELCOMED: Final[Mapping[str, str]] = {"youth_worker": "onboarding"}


def see_off(session: Session, person_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """End a person's onboarding at an organization for a stay that is over by now.

    Where it is settled already that they return, the onboarding of the next stay begins in its place. Without one,
    nothing would hold them back from participants.
    """
    for role, protocol in WELCOMED.items():
        again = first_term(session, person_id, role, organization_id, local_day(session, at))
        since = None if again is None else there_since(session, person_id, role, organization_id, again.starts_on)
        ended = end_welcomes_before(session, protocol, person_id, organization_id, since, by=by, at=at)
        if ended and since is not None:
            # Nothing keeps an access from ending: where the agreement has lapsed they are assigned no one anyway.
            with suppress(Refusal), session.begin_nested():
                cases.open_case(session, protocol, subject_id=person_id, organization_id=organization_id, by=by, at=at)


def welcome_again(
    session: Session, person_id: UUID, organization_id: UUID, *, ended_at: datetime, by: Actor, at: datetime
) -> None:
    """Reopen the onboarding that ended with a person's stay at that instant, since they stay after all.

    Not where another onboarding is under way meanwhile.
    """
    reason = say_in_both(_STAYS)
    for case in _welcomes(session, WELCOMED.values(), person_id, organization_id, states=["cancelled"]):
        if case.ended_at == ended_at:
            with suppress(Refusal), session.begin_nested():
                cases.reopen_case(session, case.id, by=by, at=at, reason=reason)


_STAYS = N_("This person stays after all: their onboarding continues.")


def welcoming(
    session: Session, person_id: UUID, organization_id: UUID, states: Collection[str] = ("open",)
) -> list[UUID]:
    """The open onboardings of a person at an organization, or those in these states."""
    return [case.id for case in _welcomes(session, WELCOMED.values(), person_id, organization_id, states=states)]


def first_day_of(session: Session, case: Case) -> str | None:
    """The name of the onboarding's day that is the first of the role; None where its protocol has none."""
    anchors = scheduling.pinned_protocol(session, case.protocol_version_id).anchors
    return next((name for name, declared in anchors.items() if declared.from_ == "worker.starts_on"), None)


def welcome_who_was_given_anew(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Reopen the onboarding of successors named by a departure, whose appointment was withdrawn and given anew."""
    gone, again = aliased(Tenure, name="gone"), aliased(Tenure, name="again")
    rows = tuples(
        session,
        only(gone.person_id, gone.organization_id, gone.taken_back_at)
        .join(Settlement, and_(same(Settlement, gone), Settlement.kind == TENURE))
        .join(again, and_(same_place(again, gone), again.role == gone.role))
        .where(
            Settlement.case_id == case_id,
            Settlement.successor_id == gone.person_id,
            col(gone.taken_back_at) >= col(Settlement.settled_at),
            col(again.taken_back_at).is_(None),
            lasts(again, local_day(session, at)),
        )
        .distinct(),
    )
    for person_id, organization_id, ended_at in rows:
        welcome_again(session, person_id, organization_id, ended_at=surely(ended_at), by=by, at=at)


def held_there(person_id: UUID, role: str, organization_id: UUID) -> ColumnElement[bool]:
    """The condition on an appointment that it is, was or is to be a person's to this role at an organization."""
    return and_(in_program(Tenure), Tenure.role == role, held_at(person_id, organization_id))


def first_term(session: Session, person_id: UUID, role: str, organization_id: UUID, day: date) -> Tenure | None:
    """The first appointment of a person to a role at an organization that is not over before a day."""
    there = select(Tenure).where(held_there(person_id, role, organization_id), lasts(Tenure, day))
    return first(session, there.order_by(col(Tenure.starts_on)).limit(1))


def there_since(session: Session, person_id: UUID, role: str, organization_id: UUID, day: date) -> date:
    """The first day of the stay in a role that `day` is part of: terms without a day between them are one stay."""
    terms = every(
        session,
        select(Tenure)
        .where(held_there(person_id, role, organization_id), col(Tenure.starts_on) <= day)
        .order_by(col(Tenure.starts_on).desc()),
    )
    since = day
    for term in terms:
        if term.ends_on is not None and term.ends_on < since - timedelta(days=1):
            break
        since = min(since, term.starts_on)
    return since


def end_welcomes_before(
    session: Session,
    protocol: str,
    person_id: UUID,
    organization_id: UUID,
    since: date | None,
    *,
    by: Actor,
    at: datetime,
) -> bool:
    """Cancel a person's open onboardings to a stay before the one that began on a day, or to any; whether any was.

    The reason says so in both languages.
    """
    over = [
        case
        for case in _welcomes(session, [protocol], person_id, organization_id, states=["open"])
        if since is None or not _is_of_stay(session, case, since)
    ]
    reason = say_in_both(_STAY_OVER)
    for case in over:
        cases.cancel_case(session, case.id, by=by, at=at, reason=reason)
    return bool(over)


_STAY_OVER = N_("This person’s time in the role is over. If they come back, a new onboarding begins.")


def welcomed_by(
    session: Session, protocol: str, person_id: UUID, organization_id: UUID, since: date, *, anew: bool
) -> UUID | None:
    """The case of a person's onboarding to their stay there, open or closed; if they begin `anew`, only an open one."""
    states = ["open"] if anew else ["open", "closed"]
    found = _welcomes(session, [protocol], person_id, organization_id, states=states)
    return next((case.id for case in found if _is_of_stay(session, case, since)), None)


def _welcomes(
    session: Session, protocols: Collection[str], person_id: UUID, organization_id: UUID, *, states: Collection[str]
) -> list[Case]:
    """The onboardings of a person there in these states, the latest first."""
    return every(
        session,
        of(Case)
        .where(
            col(Case.protocol).in_(list(protocols)),
            Case.subject_id == person_id,
            Case.organization_id == organization_id,
            col(Case.state).in_(states),
        )
        .order_by(col(Case.opened_at).desc()),
    )


def _is_of_stay(session: Session, case: Case, since: date) -> bool:
    """Whether an onboarding is for the stay that began on a day, and not for an earlier one."""
    name = first_day_of(session, case)
    return name is None or name not in case.anchors or case.anchors[name] >= since
