"""What another person weighs before a file is destroyed: by number, in the words that were written, without a name.

The reason is not all: how long the file is kept was perhaps changed by hand, or its destruction was refused before.
What a calm page could hide is a caution, and each caution is confirmed by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import Actor, col, every, of, only, scalar, unseal
from domain.names import Hides
from domain.participants.destruction_requests import DestructionRequest, asking_ones
from domain.participants.identity import identity_within, without_the_name
from domain.participants.keeping_changes import PLACE, changes_of
from domain.participants.locking import known_as
from domain.record import record_read
from models.destruction import Destruction, KeptUntil
from models.lifecycles import DESTRUCTION

#: early: its last day is not over. untriaged: a referral waits for its triage. shortened: who asks moved the last day
#: to an earlier one. released: a legal hold was released. refused: an earlier request was refused.
Caution = Literal["early", "untriaged", "shortened", "released", "refused"]
CAUTIONS: Final[tuple[Caution, ...]] = get_args(Caution)


@dataclass(frozen=True)
class KeepingChange:
    """One change by hand of how long a file is kept: its kind (`models.destruction.KEEPING_CHANGES`), days and reason.

    `file` is the number or reference of a file that was joined to it, and destroyed. The reason is "" where it is
    destroyed with the file.
    """

    kind: str
    was: date | None
    day: date | None
    set_by: UUID
    set_as: str
    set_for: UUID | None
    set_at: datetime
    file: str
    reason: str


@dataclass(frozen=True)
class EarlierRequest:
    """An earlier request about the same file, and what became of it; why it was made and refused, in words."""

    ground: str
    asked_by: UUID | None
    asked_at: datetime
    state: str
    ended_by: UUID | None
    ended_at: datetime | None
    reason: str
    answer: str


@dataclass(frozen=True)
class Weighed:
    """What is read of a request, beside what the file holds."""

    cautions: list[Caution]
    reason: str
    answer: str
    changes: list[KeepingChange]
    earlier: list[EarlierRequest]


def cautions_of(session: Session, asked: DestructionRequest, today: date) -> list[Caution]:
    """What a person who confirms an unanswered request must say that they know, in a fixed order."""
    if asked.state != DESTRUCTION.initial:
        return []
    before = _requests_of(session, asked.participant_id)
    return _cautions(session, asked, changes_of(session, asked.participant_id), before, today)


def weigh(session: Session, asked: DestructionRequest, today: date, *, by: Actor, at: datetime) -> Weighed:
    """What is read of a request, without the person's own names; noted on record. Raises Refusal: the keys."""
    changes, requests = changes_of(session, asked.participant_id), _requests_of(session, asked.participant_id)
    words = _Words(session, asked)
    weighed = Weighed(
        cautions=_cautions(session, asked, changes, requests, today) if asked.state == DESTRUCTION.initial else [],
        reason=words.of_reason(asked),
        answer=words.of_answer(asked),
        changes=words.of_changes(changes),
        earlier=[
            EarlierRequest(
                **{name: getattr(one, name) for name in _OF_A_REQUEST},
                reason=words.of_reason(one),
                answer=words.of_answer(one),
            )
            for one in requests
            if one.id != asked.id
        ],
    )
    if words.were_read:
        record_read(session, "participant", asked.participant_id, what="destruction", ground="role", by=by, at=at)
    return weighed


class _Words:
    """Opens the words that were written about one file, and knows whether it opened any.

    What is sealed is asked for only where there are words: a page without any shows nothing that is protected.
    """

    def __init__(self, session: Session, asked: DestructionRequest) -> None:
        self._session = session
        self._file = asked.participant_id
        self._is_gone = asked.file_state == "destroyed"
        self._hides: Hides | None = None

    @property
    def were_read(self) -> bool:
        """Whether there were words to read."""
        return self._hides is not None

    def of_reason(self, request: Destruction) -> str:
        """The reason of a request, or ""."""
        mine = only(Destruction.sealed).where(Destruction.id == request.id)
        return self._read(f"destruction/{request.id}", mine) if request.worded else ""

    def of_answer(self, request: Destruction) -> str:
        """Why a request was refused, or ""."""
        mine = only(Destruction.answer_sealed).where(Destruction.id == request.id)
        return self._read(f"destruction/{request.id}/answer", mine) if request.state == "refused" else ""

    def of_changes(self, changes: Sequence[KeptUntil]) -> list[KeepingChange]:
        """The changes of how long the file is kept, each with why it was made."""
        return [
            KeepingChange(
                **{name: getattr(one, name) for name in _OF_A_CHANGE},
                file=known_as(self._session, one.joined_id) if one.joined_id else "",
                reason=self._of_change(one),
            )
            for one in changes
        ]

    def _of_change(self, change: KeptUntil) -> str:
        return self._read(f"{PLACE}/{change.id}", only(KeptUntil.sealed).where(KeptUntil.id == change.id))

    def _read(self, place: str, asked: SelectOfScalar[Any]) -> str:
        """The words at one place, "" where they are destroyed with the file."""
        sealed = None if self._is_gone else scalar(self._session, asked)
        if sealed is None:
            return ""
        if self._hides is None:
            self._hides = without_the_name(identity_within(self._session, self._file))
        return self._hides(unseal(self._session, self._file, place, sealed)["reason"])


def _cautions(
    session: Session,
    asked: DestructionRequest,
    changes: Sequence[KeptUntil],
    requests: Sequence[Destruction],
    today: date,
) -> list[Caution]:
    asking = asking_ones(session, asked, today)
    holds: dict[Caution, bool] = {
        "early": asked.kept_until is None or asked.kept_until >= today,
        "untriaged": asked.file_state == "candidate",
        "shortened": any(is_shorter(one) and not asking.isdisjoint({one.set_by, one.set_for}) for one in changes),
        "released": any(one.kind == "release" for one in changes),
        "refused": any(one.state == "refused" for one in requests),
    }
    return [caution for caution in CAUTIONS if holds[caution]]


def is_shorter(change: KeptUntil) -> bool:
    """Whether a change moved the last day to an earlier one."""
    return change.was is not None and change.day is not None and change.day < change.was


def _requests_of(session: Session, participant_id: UUID) -> list[Destruction]:
    about = of(Destruction, without=(Destruction.sealed, Destruction.answer_sealed))
    theirs = about.where(Destruction.participant_id == participant_id)
    return every(session, theirs.order_by(col(Destruction.asked_at), col(Destruction.id)))


_OF_A_CHANGE: Final = [one.name for one in fields(KeepingChange) if one.name not in ("file", "reason")]
_OF_A_REQUEST: Final = [one.name for one in fields(EarlierRequest) if one.name not in ("reason", "answer")]
