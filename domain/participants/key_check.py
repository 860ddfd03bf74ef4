"""Whether the keys that lie here open what the database holds: counted, and never shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, union_all
from sqlmodel import Session

from domain.kernel import Refusal, built, col, in_program, keys_of, only, run, scalars, select, surely, unseal
from domain.participants.identity import IDENTITY
from models.participant import DataKey, Participant
from models.ports import KeyGone, NoKeys
from models.redaction import WordKey

#: Of so many what they sealed is opened too: keys that are not of this database go wrong together.
OPENED_AT_MOST: Final = 200


@dataclass(frozen=True)
class KeysTried:
    """The keys that rows need: how many, those that lie nowhere, and those that lie there and open nothing."""

    needed: int
    missing: frozenset[UUID]
    broken: frozenset[UUID]

    @property
    def opened(self) -> int:
        """How many are as they have to be."""
        return self.needed - len(self.missing) - len(self.broken)


def try_keys(session: Session) -> KeysTried:
    """Try every key that the session's program needs, and open the newest identities; forget what they say."""
    needed = frozenset(scalars(session, _NEEDED))
    missing, broken = set(), set()
    for key_id in needed:
        try:
            keys_of(session).seal(key_id, b"", about="a trial")  # as much as unwrapping it
        except KeyGone:
            missing.add(key_id)
        except NoKeys:
            broken.add(key_id)
    for participant_id, sealed in run(session, _NEWEST, {}).all():
        try:
            unseal(session, participant_id, IDENTITY, sealed or b"")
        except Refusal as refused:
            (missing if refused.code == "keys.gone" else broken).add(participant_id)
    return KeysTried(len(needed), frozenset(missing), frozenset(broken - missing))


def together(each: Iterable[KeysTried]) -> KeysTried:
    """What was found of several programs, as one."""
    found = [*each]
    return KeysTried(
        sum(one.needed for one in found),
        frozenset().union(*(one.missing for one in found)),
        frozenset().union(*(one.broken for one in found)),
    )


def destroyed(session: Session, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these keys of which the session's program says that they are destroyed."""
    return frozenset(scalars(session, _DESTROYED, {"ids": list(ids)})) if ids else frozenset()


_NEEDED: Final = built(
    union_all(
        select(surely(DataKey.participant_id)).where(in_program(DataKey), col(DataKey.destroyed_at).is_(None)),
        select(surely(WordKey.id)).where(in_program(WordKey), col(WordKey.destroyed_at).is_(None)),
    )
)
_IDS: Final[Any] = bindparam("ids", expanding=True)
_DESTROYED: Final = built(
    union_all(
        select(surely(DataKey.participant_id)).where(
            in_program(DataKey), col(DataKey.destroyed_at).is_not(None), col(DataKey.participant_id).in_(_IDS)
        ),
        select(surely(WordKey.id)).where(
            in_program(WordKey), col(WordKey.destroyed_at).is_not(None), col(WordKey.id).in_(_IDS)
        ),
    )
)
_NEWEST: Final = built(
    only(Participant.id, Participant.sealed)
    .join(DataKey, and_(in_program(DataKey), col(DataKey.participant_id) == col(Participant.id)))
    .where(col(Participant.sealed).is_not(None), col(DataKey.destroyed_at).is_(None))
    .order_by(col(DataKey.made_at).desc())
    .limit(OPENED_AT_MOST)
)
