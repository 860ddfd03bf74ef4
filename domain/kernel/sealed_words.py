"""Words about people that are in no participant's file: notes of a meeting, minutes, the register of incidents.

Each meeting, and each incident, has a data key for its words, outside the database. What is sealed begins with the id
of the key that sealed it. To take words out of all copies, the rest is sealed anew under another key (`change_key`),
and the worker destroys the one before, as it does a participant's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlmodel import Session

from domain.kernel import sealing
from domain.kernel.refusals import Refusal
from domain.kernel.rows import changes, col, only, run, scalar, scalars
from domain.kernel.scope import program_of
from locales import N_
from models.redaction import WordKey

Of = Literal["meeting", "incident", "study"]
_ID_BYTES: Final = 16


def seal_words(session: Session, of: Of, subject_id: UUID, place: str, words: sealing.Facts, *, at: datetime) -> bytes:
    """Seal words of a meeting or an incident, for one place. Its row is locked, so that two callers make one key.

    What people type into them is looked at before. Minutes are composed, and words to be taken out stand as they are.

    Raises Refusal where the keys cannot be used.
    """
    key_id = _key_of(session, of, subject_id) or _make(session, of, subject_id, at)
    return key_id.bytes + sealing.seal_again(session, key_id, place, words)


def open_words(session: Session, place: str, sealed: bytes) -> sealing.Told:
    """The words that were sealed for this place. It writes no record: the one who shows them does. Raises Refusal."""
    if len(sealed) <= _ID_BYTES:
        raise Refusal("keys.damaged", N_("What is sealed here was changed or moved since. It cannot be opened."))
    return sealing.unseal(session, UUID(bytes=bytes(sealed[:_ID_BYTES])), place, sealed[_ID_BYTES:])


def change_key(session: Session, of: Of, subject_id: UUID, *, at: datetime) -> None:
    """Seal everything under another key from now on. The former key is destroyed after this is committed.

    The caller seals anew, in the same transaction, everything that was sealed before: it opens no more.
    """
    end_key(session, of, subject_id, at=at)
    _make(session, of, subject_id, at)


def keyed_codes(session: Session, of: Of, subject_id: UUID, things: Iterable[UUID]) -> dict[UUID, str]:
    """A code of each thing under the key of its subject alone: the same each time, and nothing without that key.

    Raises Refusal where the key is destroyed, or the keys cannot be used.
    """
    key_id = _key_of(session, of, subject_id)
    if key_id is None:
        raise Refusal("keys.gone", N_("What was sealed here is destroyed, and can no longer be read."))
    return {thing: sealing.digest_under(session, key_id, str(thing)) for thing in things}


def end_key(session: Session, of: Of, subject_id: UUID, *, at: datetime) -> None:
    """Have the key in use destroyed after this is committed, and make no other."""
    run(
        session,
        changes(WordKey)
        .where(col(getattr(WordKey, f"{of}_id")) == subject_id, col(WordKey.destroyed_at).is_(None))
        .values(destroyed_at=at),
    )


def begin_key(session: Session, of: Of, subject_id: UUID, *, at: datetime) -> None:
    """Make the first key of a subject, which is known to its transaction alone yet. Raises Refusal."""
    _make(session, of, subject_id, at)


def destroy_keys(session: Session, *, at: datetime) -> int:
    """Destroy the keys that this program's rows say are destroyed; returns how many were still there.

    Each time all of them, since a store that is restored brings keys back. In a transaction of its own. Raises NoKeys.
    """
    rows = run(session, only(WordKey.id, WordKey.gone_at).where(col(WordKey.destroyed_at).is_not(None))).all()
    keys = sealing.keys_of(session)
    found = sum(keys.destroy(row.id) for row in rows)
    run(
        session,
        changes(WordKey).where(col(WordKey.id).in_([row.id for row in rows if row.gone_at is None])).values(gone_at=at),
    )
    return found


def key_ids(session: Session) -> frozenset[UUID]:
    """The id of every key of words of the session's program, destroyed or not."""
    return frozenset(scalars(session, only(WordKey.id)))


def _key_of(session: Session, of: Of, subject_id: UUID) -> UUID | None:
    return scalar(
        session,
        only(WordKey.id).where(col(getattr(WordKey, f"{of}_id")) == subject_id, col(WordKey.destroyed_at).is_(None)),
    )


def _make(session: Session, of: Of, subject_id: UUID, at: datetime) -> UUID:
    key_id = uuid4()
    sealing.new_key(session, key_id)
    run(
        session,
        insert(WordKey).values(program_id=program_of(session), id=key_id, made_at=at, **{f"{of}_id": subject_id}),
    )
    return key_id
