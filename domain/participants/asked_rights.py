"""What a person asked about their own data, where their file ends: it is destroyed, or joined to another of theirs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.casework import asking
from domain.kernel import Actor, Refusal, changes, col, every, of, only, rewrite, scalars, seal_again, tuples, unseal
from domain.record import events
from locales import N_
from models.lifecycles import RIGHTS_REQUEST
from models.right import RightsPackage, RightsRequest

#: The columns with words that are sealed under the participant's key.
WORDS = ("asked", "masks", "answer", "statement")


def stop(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """End every open request about a file that is destroyed, and remove what was made to be given."""
    remove_packages(session, col(RightsPackage.participant_id) == participant_id, "destroyed", at=at)
    waiting = of(RightsRequest).where(*_open(participant_id)).with_for_update()
    for row in every(session, waiting):
        state = RIGHTS_REQUEST.after(row.state, "stop")
        rewrite(session, RightsRequest, row.id, state=state, ended_by=by.person_id, ended_as=by.role, ended_at=at)
        events.write(session, "rights.stopped", "rights_request", row.id, by=by, at=at, kind=row.kind)
        asking.nothing_more(session, row.id, by=by, at=at)


def bring(session: Session, joined_id: UUID, to: UUID, *, at: datetime) -> None:
    """Move the requests of a file to the known one, with their words sealed as its own. Raises Refusal.

    What was made to be given is removed: it is looked at anew, since it holds both files now.
    """
    rows = every(session, of(RightsRequest).where(RightsRequest.participant_id == joined_id).with_for_update())
    theirs = set(tuples(session, only(RightsRequest.kind, RightsRequest.person_id).where(*_open(to))))
    if any(row.ended_at is None and (row.kind, row.person_id) in theirs for row in rows):
        raise Refusal(
            "referral.asked_twice",
            N_("The same right is asked for in both files. The privacy officer answers or withdraws one first."),
        )
    remove_packages(session, col(RightsPackage.participant_id).in_([joined_id, to]), "changed", at=at)
    for row in rows:
        words = {name: sealed for name in WORDS if (sealed := getattr(row, name)) is not None}
        for name, sealed in words.items():
            place = place_of(row.id, name)
            words[name] = seal_again(session, to, place, unseal(session, joined_id, place, sealed))
        rewrite(session, RightsRequest, row.id, participant_id=to, **words)


def remove_packages(session: Session, which: ColumnElement[bool], removed_as: str, *, at: datetime) -> int:
    """Remove the packages of which this is so, and that can still be opened; how many there were."""
    stand = changes(RightsPackage).where(which, col(RightsPackage.removed_at).is_(None))
    gone = stand.values(sealed=None, removed_at=at, removed_as=removed_as).returning(col(RightsPackage.id))
    return len(list(scalars(session, gone)))


def place_of(request_id: UUID, name: str) -> str:
    """Where words of a request are sealed."""
    return f"rights/{request_id}/{name}"


def _open(participant_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(RightsRequest.participant_id) == participant_id, col(RightsRequest.ended_at).is_(None)
