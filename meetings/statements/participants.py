"""What the program's statement counts of participants: one cohort a year, each referral in one part of it.

The only place that makes such counts, so that there is no second table to subtract from the first: docs/adr/0012.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlmodel import Session

from domain.kernel import Period, col, is_of, joins, moments_of, only, scalar, tuples
from locales import N_
from meetings.statements.small_counts import shares
from meetings.statements.tables import CountRow, CountTable, TableOf, both
from models.follow_up import FollowUp
from models.participant import Participant
from models.referral import Referral

#: Where a referral stands, in the order in which parts are hidden beside small ones: it must not depend on the counts.
_PARTS: Final[Mapping[str, str]] = {
    "waiting": N_("Waiting to be read"),
    "under_way": N_("Admission under way"),
    "not_admitted": N_("Not admitted, or did not wish to come"),
    "active": N_("Admitted: followed"),
    "on_break": N_("Admitted: on a break"),
    "inactive": N_("Admitted: inactive"),
    "completed": N_("Admitted: completed"),
}
#: A draft was never sent, an abandoned one neither, and one that was joined is another's.
_COUNTED: Final = ("received", "triaged", "destroyed")


def participant_tables(session: Session, period: Period) -> tuple[CountTable, ...]:
    """The counts of participants of a calendar year, as far as they may leave; none of a quarter, and none of nothing.

    As they stand now: the person who gives them out keeps them, and gives no others of that year.
    """
    if not is_of(period.key, "calendar_year"):
        return ()
    cohort = _cohort(session, period)
    # Before anybody was ever referred, the program keeps no such counts.
    ever = only(Referral.id).where(col(Referral.state).in_(_COUNTED)).limit(1)
    return (_referrals(cohort),) if cohort.total() or scalar(session, ever) is not None else ()


def _cohort(session: Session, period: Period) -> Counter[str]:
    """The referrals received in the period, by where each stands."""
    states = only(Referral.state, Referral.result, Participant.state, Participant.admitted_on, FollowUp.state)
    of_each = states.join(Participant, joins(Referral.participant_id, Participant))
    received = of_each.outerjoin(FollowUp, joins(FollowUp.participant_id, Participant)).where(
        col(Referral.state).in_(_COUNTED),
        col(Referral.received_at) >= moments_of(session, period.starts_on)[0],
        col(Referral.received_at) < moments_of(session, period.ends_on)[1],
    )
    return Counter(part_of(*row) for row in tuples(session, received))


def part_of(referral: str, result: str | None, state: str, admitted_on: date | None, follow_up: str | None) -> str:
    """In which part of the cohort a referral is counted, by the states of the three and the result."""
    if admitted_on is not None:
        return follow_up or "active"
    if result == "refused" or state in ("refused", "declined", "destroyed"):
        return "not_admitted"
    return "waiting" if referral == "received" else "under_way"


_REFERRALS: Final = TableOf(
    key="referrals",
    title=N_("Referrals received in the year, and where each stands"),
    of=N_("Status"),
    counts={"referrals": N_("Referrals")},
    note=N_(
        "Counts from 1 to 4 are hidden, and others with them, so that none can be "
        "calculated. Only referrals of this year are counted, and only once."
    ),
)


def _referrals(cohort: Mapping[str, int]) -> CountTable:
    shown = shares([cohort.get(part, 0) for part in _PARTS])
    rows = [
        CountRow(key=part, name=both(msgid), cells=(n,))
        for (part, msgid), n in zip(_PARTS.items(), shown.parts, strict=True)
    ]
    total = CountRow(key="total", name=both(N_("Referrals received in the year")), cells=(shown.total,), is_total=True)
    return _REFERRALS.table([*rows, total])
