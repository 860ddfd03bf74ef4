"""What the ledger says was sent, after a restore: it is not sent again, nor written anew by a round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import changes, col, only, program_of, run, there_is
from domain.record import apart
from models.ledger import SentBefore
from models.lifecycles import NOTICE
from models.outbox import Notice

_SENT = NOTICE.after(NOTICE.initial, "send")


def mark_sent(session: Session, letters: Mapping[UUID, datetime]) -> int:
    """Mark letters as sent that were, at these moments, after the copy of the database was made; how many were not."""
    marked = 0
    for notice_id, at in sorted(letters.items()):
        waiting = changes(Notice).where(Notice.id == notice_id, col(Notice.state).in_(("queued", "failed")))
        marked += run(
            session, waiting.values(state=_SENT, sent_at=at, next_attempt_at=None, leased_until=None)
        ).rowcount
    return marked


def withdraw(session: Session, letters: Iterable[UUID]) -> int:
    """Withdraw letters of which words were taken out after the copy was made, where they wait again; how many."""
    waiting = changes(Notice).where(
        col(Notice.id).in_(sorted(letters)), col(Notice.state).in_(NOTICE.open_to("withdraw"))
    )
    ended = waiting.values(state=NOTICE.moved(col(Notice.state), "withdraw"), next_attempt_at=None, leased_until=None)
    return run(session, ended).rowcount


def keep_keys(session: Session, digests: list[str]) -> None:
    """Keep the keys of letters that were sent, by their digests: a round that comes to the same cause writes none."""
    if digests:
        rows = [{"program_id": program_of(session), "digest": one} for one in sorted(set(digests))]
        run(session, insert(SentBefore).values(rows).on_conflict_do_nothing())
        _programs_with_keys(session)[program_of(session)] = True


def was_sent(session: Session, key: str) -> bool:
    """Whether a letter of this key was sent before a restore, or before a crash that the database knows nothing of."""
    here, known = program_of(session), _programs_with_keys(session)
    if here not in known:
        known[here] = there_is(session, only(SentBefore.digest))
    asked = only(SentBefore.digest).where(SentBefore.digest == apart.digest_of_key(key))
    return known[here] and there_is(session, asked)


def _programs_with_keys(session: Session) -> dict[UUID, bool]:
    """Whether any key is kept, by program, as this session has seen: in daily work none is, and no letter asks."""
    known: dict[UUID, bool] = session.info.setdefault("programs_with_keys", {})
    return known
