"""Settling objections: by a decision of its own, at a sitting with its quorum, on the item that the rule put there.

The committee keeps the decision in spite of the objection, or takes the decision back. What settles decides nothing
else, so that no other matter comes in under its name. No partner endorses it: else it would never end (GV-4).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Refusal, moments_of
from domain.obligations import waiving
from domain.record import Fact
from locales import N_
from meetings import deciding, decisions, endorsements, endorsing, objections, running, taking_back
from meetings.attendance import quorum_now
from meetings.decision_rows import lock_decision, tell
from meetings.locking import lock_meeting
from meetings.objections import CARRIED

#: How the committee settles an objection.
KEPT: Final = "kept"
TAKEN_BACK: Final = "taken_back"
SETTLED_AS: Final = (KEPT, TAKEN_BACK)

_NO_QUORUM: Final = N_(
    "An objection is settled with a quorum, and too few sat at that moment. If you "
    "record it afterwards, say at what hour it was settled."
)


def settle(
    session: Session,
    decision_id: UUID,
    meeting_id: UUID,
    settled_as: str,
    *,
    text_fr: str,
    text_en: str = "",
    decided_at: datetime | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> UUID:
    """Record how the committee settles what is objected to a decision, and return the id of the decision that does.

    `settled_as` is one of `SETTLED_AS`; `seen` is the item's version. With "kept", the objections are settled and the
    decision counts once the other partners endorsed it; with "taken_back", it holds no more. A decision that frees a
    partner of a clause has its quorum without that partner too, and no one who owes the clause settles anything by
    which it stands. Recorded afterwards, it is settled at the given moment, or as the meeting's day ends, and settles
    only what was objected by then. Raises Refusal.
    """
    meeting = lock_meeting(session, meeting_id)
    day_ends = moments_of(session, meeting.starts.date())[1] - timedelta(microseconds=1)
    settled_at = min(decided_at or at, day_ends)
    if settled_as not in SETTLED_AS:
        raise Refusal("objection.settled_as", N_("Choose one of the ways offered to settle the objection."))
    item = objections.item_on(session, meeting_id, decision_id)
    if item is None:
        raise Refusal(
            "objection.not_on_agenda",
            N_("An objection is settled on its own item of this meeting’s agenda."),
            source="GV-4",
        )
    _refuse_without_quorum(session, meeting_id, decision_id, settled_at)
    taking_back.hold(session, [decision_id], at=at)
    row = lock_decision(session, decision_id)
    against = [one for one in endorsements.objecting(session, decision_id, at=at) if one.said_at <= settled_at]
    if not against or row.state == "withdrawn":
        raise Refusal("objection.none", N_("No partner objects to this decision now."), source="GV-4")
    if item.outcome == CARRIED:  # by the round, since nobody closed this sitting in time
        seen = running.treat(session, item.id, "treated", by=by, at=at, seen=seen)
    settles = deciding.decide(
        session,
        meeting.id,
        item.id,
        text_fr=text_fr,
        text_en=text_en,
        decided_at=settled_at,
        by=by,
        at=at,
        seen=seen,
        settles_id=decision_id,
        takes_back=[row.number] if settled_as == TAKEN_BACK else (),
    )
    later = decisions.decision_of(session, settles).number
    facts: dict[str, Fact] = {"later": later, "settled_as": settled_as, "partners": len(against)}
    tell(session, "objection.settled", row, by=by, at=at, **facts)
    endorsing.settle_objections(session, decision_id, settles, against, by=by, at=at)
    return settles


def _refuse_without_quorum(session: Session, meeting_id: UUID, decision_id: UUID, moment: datetime) -> None:
    """Refuse to settle what is objected while too few sit, also without the partner that the decision frees."""
    waiver = waiving.decided_on(session, decision_id)
    for without in (None,) if waiver is None else (None, waiving.partner_of(session, waiver)):
        if not quorum_now(session, meeting_id, moment, without=without).is_met:
            raise Refusal("objection.no_quorum", _NO_QUORUM, source="GV-4")
