"""Seals the record: soon after lines are written, they are gathered under a seal that carries on the one before.

A seal is signed with a key that the database does not hold. So one who controls the database can neither change a
sealed line unseen, nor make a seal that fits. That the newest seals were cut off shows only beside a copy from outside.
The last seal is sent by letter each working day (`heads`), and `seal_check` compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Row, Text, cast, func, insert, literal_column, text
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, or_

from domain.kernel import col, first, in_program, of, only, program_of, run, scalar, select, surely, tuples
from models.ports import NoSealKey, SealKeys
from models.record import Event, Seal

#: A seal covers so many lines at most.
LINES_AT_A_TIME: Final = 1000
#: How many letters of a line's own digest stand under its seal. They say which line changed; the seal proves it.
MARK: Final = 12
#: The signature of nothing: what the first seal carries on.
BEGINNING: Final = ""

#: Any number that no other lock of ours uses; the program stands beside it.
_LOCK: Final = 0x5EA1

#: One line of the record as it is digested: every column, the facts as PostgreSQL writes them.
LINE: Final = (
    col(Event.n),
    col(Event.id),
    col(Event.recorded_at),
    col(Event.at),
    col(Event.actor_id),
    col(Event.actor_as),
    col(Event.actor_for),
    col(Event.verb),
    col(Event.subject_kind),
    col(Event.subject_id),
    col(Event.case_id),
    cast(col(Event.facts), Text).label("facts"),
    col(Event.xid),
)

#: Older transactions than this have all ended: whatever they wrote is seen.
_OLDEST: ColumnElement[int] = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger())
#: No transaction of this server has come so far. A line from there was written on another server, and restored.
_NEWEST: ColumnElement[int] = literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint", BigInteger())


@dataclass(frozen=True)
class LastSeal:
    """The last seal of a program: its number, which counts them, and its signature, which holds all before it."""

    number: int
    signature: str


def seal_next(session: Session, keys: SealKeys) -> int:
    """Put the next lines of the session's program under a seal; returns how many, 0 where none can be sealed yet.

    A line waits until no transaction older than its own is still open, so that one that commits late is not passed
    over. Only one process seals at a time; the next one goes on from there. The moment of a seal is the database's
    own word, as that of a line is. Raises NoSealKey.
    """
    run(
        session,
        text("select pg_advisory_xact_lock(:ours, hashtext(:program))"),
        {"ours": _LOCK, "program": str(program_of(session))},
    )
    last = first(session, of(Seal).order_by(col(Seal.number).desc()).limit(1))
    lines = _next_lines(session, last)
    if not lines:
        return 0
    digest, marks = digest_of(lines)
    seal = Seal(
        program_id=program_of(session),
        number=last.number + 1 if last else 1,
        lines=len(lines),
        events=[line.n for line in lines],
        marks=marks,
        digest=digest,
        key_id=keys.current(),
        signature="",
        sealed_at=surely(scalar(session, select(func.clock_timestamp()))),
    )
    signature = signature_of(keys, seal, before=last.signature if last else BEGINNING)
    if signature is None:
        raise NoSealKey("the key that seals now is not among the keys")
    run(session, insert(Seal).values(seal.model_dump() | {"signature": signature}))
    return len(lines)


def head_of(session: Session) -> LastSeal | None:
    """The last seal of the session's program, or None where nothing is sealed yet."""
    row = run(session, only(Seal.number, Seal.signature).order_by(col(Seal.number).desc()).limit(1)).first()
    return None if row is None else LastSeal(row.number, row.signature)


def digest_of(lines: Iterable[Row[*tuple[Any, ...]]]) -> tuple[str, list[str]]:
    """SHA-256 over these lines in their order, and each line's mark."""
    whole, marks = hashlib.sha256(), []
    for line in lines:
        of_line = hashlib.sha256(_canonical([_plain(value) for value in line])).digest()
        whole.update(of_line)
        marks.append(of_line.hex()[:MARK])
    return whole.hexdigest(), marks


def signature_of(keys: SealKeys, seal: Seal, *, before: str) -> str | None:
    """The signature that a seal should have by its own key; None where that key is not here. Raises NoSealKey."""
    signed = [
        "spheres seal 1",
        _plain(seal.program_id),
        seal.number,
        seal.lines,
        seal.events,
        seal.marks,
        seal.digest,
        seal.key_id,
        _plain(seal.sealed_at),
        before,
    ]
    return keys.sign(seal.key_id, _canonical(signed))


def _next_lines(session: Session, last: Seal | None) -> Sequence[Row[*tuple[Any, ...]]]:
    """The lines that the next seal covers, in the order of their transactions and numbers."""
    here = in_program(Event)
    wanted = [here, col(Event.xid) < _OLDEST]
    came_to = _place_of(session, last.events[-1]) if last is not None else None
    if came_to is not None and came_to[0] < _now(session, _NEWEST):
        xid, n = came_to
        wanted += [col(Event.xid) >= xid, or_(col(Event.xid) > xid, col(Event.n) > n)]
    else:
        # The first seal of all, or restored onto a server that counts its transactions from further back: then first
        # what came unsealed from the other one, and after it what was written here. Only until a line from here is
        # sealed.
        restored = [here, col(Event.xid) >= _NEWEST, col(Event.n).not_in(_sealed_since(session, None))]
        if scalar(session, select(Event.n).where(*restored).limit(1)) is not None:
            wanted = restored
    oldest = scalar(session, select(func.min(col(Event.recorded_at))).where(*wanted))
    if oldest is None:
        return []
    # A line that was restored may have a transaction's number that comes up here again: it is sealed already.
    wanted.append(col(Event.n).not_in(_sealed_since(session, oldest)))
    lines = select(*LINE).where(*wanted).order_by(col(Event.xid), col(Event.n)).limit(LINES_AT_A_TIME)
    return run(session, lines).all()


def _place_of(session: Session, n: int) -> tuple[int, int] | None:
    """The transaction and number of a line, or None where it is gone."""
    return next(iter(tuples(session, only(surely(Event.xid), surely(Event.n)).where(Event.n == n))), None)


def _now(session: Session, asked: ColumnElement[int]) -> int:
    found: int = run(session, select(asked)).scalar_one()
    return found


def _sealed_since(session: Session, moment: datetime | None) -> Any:
    """The lines' numbers under every seal that could cover a line written at `moment`; under all, for None."""
    here = in_program(Seal)
    since = 0
    if moment is not None:
        since = (
            scalar(
                session,
                select(Seal.number)
                .where(here, col(Seal.sealed_at) < moment)
                .order_by(col(Seal.number).desc())
                .limit(1),
            )
            or 0
        )
    numbers = func.jsonb_array_elements_text(col(Seal.events))
    return select(cast(numbers, BigInteger)).where(here, col(Seal.number) > since)


def _canonical(value: list[Any]) -> bytes:
    """The one canonical way to write it, with no line break in it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """A column's value as it is digested: ids as text, moments in UTC to the microsecond."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
