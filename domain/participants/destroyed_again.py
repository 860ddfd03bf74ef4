"""Destroying again what a restore brought back: a file that was destroyed is destroyed, whatever copy was put back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import asking, cases
from domain.casework import words as task_words
from domain.kernel import Actor, changes, col, first, of, only, run, scalars
from domain.participants import asked_rights, destruction
from domain.participants.locking import case_of, change_referral, forget
from domain.record import events
from models.follow_up import ActivityPart, FollowUp
from models.lifecycles import FOLLOW_UP, REFERRAL
from models.participant import Participant
from models.referral import Referral


def destroy_again(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Destroy a file that was destroyed before the database was restored. Whether it was here, and was not.

    Two people had agreed to it: what they said is in the copy that was lost, and stands.
    """
    held = first(session, of(Participant).where(Participant.id == participant_id).with_for_update())
    if held is None or held.state == "destroyed":
        return False
    destruction.stop(session, participant_id, "changed", by=by, at=at)
    asked_rights.stop(session, participant_id, by=by, at=at)
    forget(session, held, "destroy_again", at=at)
    referrals = [
        _destroy_referral(session, row)
        for row in scalars(session, only(Referral.id).where(Referral.participant_id == participant_id)).all()
    ]
    follow_ups = only(FollowUp.id).where(FollowUp.participant_id == participant_id)
    run(
        session,
        changes(ActivityPart)
        .where(col(ActivityPart.follow_up_id).in_(follow_ups))
        .values(sealed=None, where_mark=None),
    )
    run(
        session,
        changes(FollowUp)
        .where(FollowUp.participant_id == participant_id, col(FollowUp.state).in_(FOLLOW_UP.open_to("complete")))
        .values(state=FOLLOW_UP.moved(col(FollowUp.state), "complete"), version=col(FollowUp.version) + 1),
    )
    task_words.destroy(session, participant_id)
    events.write(session, "participant.destroyed_again", "participant", participant_id, by=by, at=at)
    case_id = case_of(session, participant_id)
    if case_id is not None:
        cases.cancel_case(session, case_id, by=by, at=at, reason="AD-R1")
    for item in (participant_id, *referrals):
        asking.nothing_more(session, item, by=by, at=at)
    return True


def _destroy_referral(session: Session, referral_id: UUID) -> UUID:
    held = first(session, of(Referral).where(Referral.id == referral_id).with_for_update())
    for move in ("abandon", "destroy"):
        if held is not None and REFERRAL.allows(held.state, move):
            change_referral(session, held, state=REFERRAL.after(held.state, move), sealed=None)
            break
    return referral_id
