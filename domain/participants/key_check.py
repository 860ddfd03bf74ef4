"""Whether the keys that lie here open what the database holds: counted, and never shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_
from sqlmodel import Session

from domain.kernel import Refusal, built, col, in_program, only, run, unseal
from domain.participants.identity import IDENTITY
from models.participant import DataKey, Participant

#: So many are tried: the keys of one copy are wrapped under one master key, and go wrong together.
TRIED_AT_MOST: Final = 200


@dataclass(frozen=True)
class KeysTried:
    """Of so many participants with a key, how many were opened, and for how many no key lies here."""

    tried: int
    opened: int
    gone: int

    @property
    def is_sound(self) -> bool:
        """Whether every key that lies here opens what it has to, and some do where any was tried."""
        return self.opened + self.gone == self.tried and (self.opened > 0 or self.tried == 0)


def try_keys(session: Session) -> KeysTried:
    """Open the newest identities of the session's program, and forget what they say."""
    found = run(session, _NEWEST, {}).all()
    opened = gone = 0
    for participant_id, sealed in found:
        try:
            unseal(session, participant_id, IDENTITY, sealed or b"")
            opened += 1
        except Refusal as refused:
            gone += refused.code == "keys.gone"
    return KeysTried(len(found), opened, gone)


_NEWEST: Final = built(
    only(Participant.id, Participant.sealed)
    .join(DataKey, and_(in_program(DataKey), col(DataKey.id) == col(Participant.id)))
    .where(col(Participant.sealed).is_not(None), col(DataKey.destroyed_at).is_(None))
    .order_by(col(DataKey.made_at).desc())
    .limit(TRIED_AT_MOST)
)
