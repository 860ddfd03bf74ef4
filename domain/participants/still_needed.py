"""What still needs a file, and when a file ended: it is neither destroyed meanwhile, nor kept for less time.

A file is needed while the person is accompanied, admitted or waits: while a referral, a case, a committee or a question
about them is open.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.casework import asking
from domain.declarations import Ended
from domain.kernel import Refusal, col, first, in_program, inside, local_day, of, only, scalar, select, surely, there_is
from domain.participants.locking import case_of
from domain.participants.retention_terms import last_day
from locales import N_
from models.agenda import ENDED as NO_MORE
from models.agenda import AgendaItem
from models.destruction import KeptUntil
from models.follow_up import FollowUp
from models.participant import Participant
from models.record import Event
from models.referral import Referral
from models.right import RightsRequest

#: The states of a follow-up that is over for its workers.
ENDED: Final = ("inactive", "completed")
#: What the worker of a person referred again is asked, or the coordinator where the follow-up is over.
AGAIN: Final = "referral.again"


def is_followed(session: Session, participant_id: UUID) -> bool:
    """Whether the follow-up of a participant is active, or on a break from which they return."""
    going_on = FollowUp.participant_id == participant_id, col(FollowUp.state).not_in(ENDED)
    return there_is(session, only(FollowUp.id).where(*going_on))


def is_being_decided(session: Session, participant_id: UUID) -> bool:
    """Whether a candidate's referral went beyond the first look: the committee or a worker has it."""
    triaged = Referral.participant_id == participant_id, Referral.state == "triaged"
    return there_is(session, only(Referral.id).where(*triaged))


def is_on_an_agenda(session: Session, held: Participant) -> bool:
    """Whether a committee has still to talk about a person, by their number or reference."""
    called = [name for name in (held.number, held.candidate_ref) if name]
    still = col(AgendaItem.state).in_(["pool", "scheduled"]), ~inside(AgendaItem.reasons).contains([{"code": NO_MORE}])
    return there_is(session, only(AgendaItem.id).where(col(AgendaItem.subject).in_(called), *still))


def is_asked_for(session: Session, participant_id: UUID) -> bool:
    """Whether the person asked about their own data, and was not answered yet."""
    waits = RightsRequest.participant_id == participant_id, col(RightsRequest.ended_at).is_(None)
    return there_is(session, only(RightsRequest.id).where(*waits))


def is_referred_again(session: Session, held: Participant) -> bool:
    """Whether a participant was referred again, and no one has said yet whether the follow-up is resumed.

    Of a person who was not admitted, the admission that ended since has answered it.
    """
    return held.state == "admitted" and bool(asking.open_ones(session, AGAIN, held.id))


def refuse_while_decided(session: Session, held: Participant) -> None:
    """Refuse where an admission is not over. Raises Refusal."""
    if held.state == "candidate":
        going_on = is_being_decided(session, held.id)
    else:
        going_on = held.state in ("assigned", "committed") or case_of(session, held.id) is not None
    if going_on:
        raise Refusal(
            "retention.being_admitted", N_("This person is being admitted: the file is needed."), source="AD-R3"
        )


def refuse_while_followed(session: Session, held: Participant) -> None:
    """Refuse where the person is accompanied. Raises Refusal."""
    if is_followed(session, held.id):
        raise Refusal(
            "retention.followed", N_("This participant is still followed: the file is needed."), source="FU-1"
        )


def refuse_while_talked_about(session: Session, held: Participant) -> None:
    """Refuse where an answer is still open: of a referral, of a committee, or to the person themselves. Raises Refusal.

    Law: what a person asked for is kept until it is answered (Quebec's Access Act, A-2.1, section 52.1).
    """
    if is_asked_for(session, held.id):
        raise Refusal(
            "retention.asked_for",
            N_("The person asked about their own data and waits for an answer: the file is needed."),
        )
    if is_referred_again(session, held):
        raise Refusal(
            "retention.referred_again",
            N_("This person was referred again, and what follows is still to be said: the file is needed."),
        )
    if is_on_an_agenda(session, held):
        raise Refusal("retention.on_agenda", N_("A committee has still to talk about this person: the file is needed."))


def calendar_day(session: Session, held: Participant) -> date | None:
    """The last day that the program's calendar gives a file, from the day on which it ended; None for one that did not.

    No day that is set by hand is earlier.
    """
    ended = _end_of(session, held)
    return None if ended is None else last_day(session, *ended)


def is_set_by_hand(session: Session, held: Participant) -> bool:
    """Whether the last day of a file is one that was set by hand."""
    by_hand = KeptUntil.participant_id == held.id, KeptUntil.kind == "day", KeptUntil.day == held.retain_until
    return there_is(session, only(KeptUntil.id).where(*by_hand))


def _end_of(session: Session, held: Participant) -> tuple[Ended, date] | None:
    """How a file ended, as the retention calendar names it, and on which local day."""
    if held.state == "admitted":
        row = first(session, of(FollowUp).where(FollowUp.participant_id == held.id, col(FollowUp.state).in_(ENDED)))
        if row is None:
            return None
        return ("completed" if row.state == "completed" else "inactive"), row.state_since
    if held.state == "candidate":
        theirs = in_program(Referral), Referral.participant_id == held.id
        since = select(func.max(col(surely(Referral.received_at)))).where(*theirs)
    else:
        ended = in_program(Event), Event.subject_id == held.id, col(Event.verb).in_(_ENDS)
        since = select(func.max(col(Event.at))).where(*ended)
    at = scalar(session, since)
    return None if at is None else ("not_admitted", local_day(session, at))


#: What the record says where an admission ended without a number.
_ENDS: Final = ("participant.refused", "participant.declined")
