"""All that a person has in hand, kind by kind: what a departure goes through, and what keeps it from closing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.holdings import access, candidates, duty, follow_ups, notes, roles, seats, things
from domain.holdings.holding import Holding, Leaving, elsewhere, goes_on
from domain.kernel import local_day
from domain.roles import DayTenures, standing
from locales import N_

#: Each kind with what finds it, in the order in which a departure shows them.
KINDS: Final[Mapping[str, Callable[[Leaving], Sequence[Holding]]]] = {
    follow_ups.FOLLOW_UP: follow_ups.follow_ups_of,
    notes.NOTE: notes.unfinished_of,
    candidates.CANDIDATE: candidates.candidates_of,
    candidates.REFERRAL: candidates.referrals_of,
    candidates.DRAFT: candidates.drafts_of,
    roles.TENURE: roles.tenures_of,
    duty.TASK: duty.tasks_of,
    duty.APPROVAL: duty.approvals_of,
    duty.DECISION: duty.decisions_of,
    roles.SIGNATURE: roles.signatures_of,
    seats.SEAT: seats.seats_of,
    seats.GUEST: seats.invitations_of,
    seats.DEPUTIZING: seats.deputizing_of,
    things.EQUIPMENT: things.equipment_of,
    things.ACCOUNT: things.accounts_of,
    access.ACCESS: access.access_of,
}

#: The name of each kind, in the plural.
NAMES: Final[Mapping[str, str]] = {
    roles.TENURE: N_("Roles"),
    duty.TASK: N_("Open tasks"),
    duty.APPROVAL: N_("Approvals that wait"),
    duty.DECISION: N_("Decisions to carry out"),
    roles.SIGNATURE: N_("Signatures"),
    seats.SEAT: N_("Seats on committees"),
    seats.GUEST: N_("Invitations without a seat"),
    seats.DEPUTIZING: N_("Acting for others"),
    things.EQUIPMENT: N_("Equipment"),
    things.ACCOUNT: N_("Accounts"),
    access.ACCESS: N_("Access to the program"),
    follow_ups.FOLLOW_UP: N_("Follow-ups"),
    notes.NOTE: N_("Notes to finish"),
    candidates.CANDIDATE: N_("Candidates to meet"),
    candidates.REFERRAL: N_("Referrals in triage"),
    candidates.DRAFT: N_("Referrals begun and not sent"),
}


def holdings_of(
    session: Session,
    person_id: UUID,
    organization_id: UUID | None,
    at: datetime,
    *,
    kinds: Collection[str] = tuple(KINDS),
    last_day: date | None = None,
    known_on: date | None = None,
    roles_left: Collection[UUID] = (),
) -> list[Holding]:
    """What a person has in hand at an organization, or anywhere in the program, on the local day of `at`.

    With an organization, what belongs to none is included only where they hold nothing elsewhere. For a leaver,
    `last_day` is the last one: after it, this is what they had in hand on it and still have. A role that ended on
    `known_on` or later, the day on which it was known that they leave, needs a successor. So does each of `roles_left`,
    which ended a little before. What a deputy does while they are away is still theirs: it is done for them until they
    return. One who holds a role there again after the last day leaves what they had until then, and no more.
    """
    today = local_day(session, at)
    on = min(today, last_day) if last_day else today
    # Where two organizations are left on one day, neither keeps what is the person's own.
    others = elsewhere(session, person_id, organization_id, last_day + timedelta(days=1) if last_day else on)
    there = _as_if_there(standing(session, on), person_id)
    since = standing(session, today) if on < today else None
    is_back = last_day is not None and goes_on(session, person_id, organization_id, last_day)
    left = frozenset(roles_left)
    leaving = Leaving(
        session, person_id, organization_id, on, last_day, there, others, known_on, since, is_back, roles_left=left
    )
    return [holding for kind, find in KINDS.items() if kind in kinds for holding in find(leaving)]


def _as_if_there(now: DayTenures, person_id: UUID) -> DayTenures:
    others = (away for away in now.absences.values() if away.person_id != person_id)
    return DayTenures(now.day, now.tenures, others, now.coming)
