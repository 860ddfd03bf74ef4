"""The requests to destroy a file: which there are, how the file of each stands, and who has a part in the asking."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import SHAPE, also, col, every, first, joins, local_day, of, surely, value_of
from domain.roles import deputies_of
from models.destruction import Destruction
from models.lifecycles import DESTRUCTION
from models.participant import Participant


class DestructionRequest(Destruction):
    """A request, with the file's number or reference, its state and its last day."""

    model_config = SHAPE

    known_as: str = also(value_of(func.coalesce(col(surely(Participant.number)), col(Participant.candidate_ref))))
    file_state: str = also(Participant.state)
    kept_until: date | None = also(Participant.retain_until)


def _requests() -> SelectOfScalar[DestructionRequest]:
    return of(DestructionRequest, without=(Destruction.sealed, Destruction.answer_sealed)).join(
        Participant, joins(Destruction.participant_id, Participant)
    )


def asked_of(session: Session, participant_id: UUID) -> DestructionRequest | None:
    """The request about a file that is not answered; None where there is none."""
    return first(
        session,
        _requests().where(Destruction.participant_id == participant_id, Destruction.state == DESTRUCTION.initial),
    )


def last_of(session: Session, participant_id: UUID) -> DestructionRequest | None:
    """The last request about a file, whatever became of it; None where there never was one."""
    return first(
        session,
        _requests()
        .where(Destruction.participant_id == participant_id)
        .order_by(
            col(Destruction.ended_at).is_not(None), col(Destruction.asked_at).desc(), col(Destruction.ended_at).desc()
        )
        .limit(1),
    )


def all_asked(session: Session) -> list[DestructionRequest]:
    """Every request that waits for an answer, the first to be confirmed first."""
    return every(
        session,
        _requests()
        .where(Destruction.state == DESTRUCTION.initial)
        .order_by(col(Destruction.confirm_from), col(Destruction.id)),
    )


def is_asked() -> ColumnElement[bool]:
    """The condition on a participant that there is an unanswered request to destroy their file."""
    return exists().where(joins(Destruction.participant_id, Participant), col(Destruction.state) == DESTRUCTION.initial)


def asking_ones(session: Session, asked: Destruction, day: date) -> frozenset[UUID]:
    """Those who have a part in the asking: who asked, the one they asked for, and any deputy of either since."""
    ones = {one_of_them for one_of_them in (asked.asked_by, asked.asked_for) if one_of_them}
    return frozenset(ones | deputies_of(session, ones, [(local_day(session, asked.asked_at), day)]))
