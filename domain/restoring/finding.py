"""Finding out whether the database was restored, before anything is served from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy import func, literal, text
from sqlmodel import Session

from domain.kernel import col, run, scalar, select
from domain.restoring.judging import Disagrees, Fate, Place, Standing, Verdict, judge, without_row
from models.ledger import Epoch, LedgerSeen
from models.ports import VOID, Ledger, LedgerLine
from models.program import Program

#: How long a transaction that another machine has under way is waited for, at most. No act takes as long.
LONGEST_WAIT_SECONDS: Final = 90
_LOOKS_EVERY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """The whole ledger, what the database says of itself, and what that means."""

    lines: Sequence[LedgerLine]
    standing: Standing
    verdict: Verdict


def look(session: Session, ledger: Ledger, *, pause: Callable[[float], object] = time.sleep) -> Found:
    """Compare the database with the ledger, in a session of its owner. Raises Disagrees, NoLedger.

    What another machine is just committing is waited for; where it does not end in time it counts as lost.
    """
    lines = ledger.lines()  # before the rows are read: a row that comes in between is of no line that is looked at
    waited = 0.0
    while True:
        fates = _fates(session, without_row(lines, seen(session)))
        if waited >= LONGEST_WAIT_SECONDS:
            fates = {xid: cast("Fate", "" if fate == "in progress" else fate) for xid, fate in fates.items()}
        standing = stand(session)
        verdict = judge(lines, standing, fates)
        if verdict.kind != "waits":
            return Found(lines, standing, verdict)
        pause(_LOOKS_EVERY_SECONDS)
        waited += _LOOKS_EVERY_SECONDS


def stand(session: Session) -> Standing:
    """What the database says of itself."""
    return Standing(place_of(session), seen(session), epoch_of(session), _is_empty(session))


def place_of(session: Session) -> Place:
    """Which database of which server this is."""
    row = run(
        session,
        text(
            "select system_identifier::text as system, (select oid::bigint from pg_database"
            " where datname = current_database()) as database from pg_control_system()"
        ),
    ).one()
    return Place(row.system, row.database)


def epoch_of(session: Session) -> int:
    """The epoch that the database is in: how often it was restored, and knows of it."""
    return scalar(session, select(func.max(col(Epoch.number)))) or 0


def refuse_another_epoch(session: Session, ledger: Ledger) -> int:
    """The epoch that the ledger and the database agree on, without reading all of the ledger. Raises Disagrees.

    For each process before it serves anything: what lets people in is of an epoch.
    """
    here = epoch_of(session)  # where the database is away, that is what is wrong
    newest = scalar(session, select(func.max(col(LedgerSeen.n)))) or 0
    last = ledger.last()
    if last is None:
        if newest or here:
            raise Disagrees("missing", newest)
        return 0
    if newest > last.n:
        raise Disagrees("shorter", last.n)
    if last.epoch != here or _is_lost(session, last):
        raise Disagrees("restored", last.n)
    return here


def _is_lost(session: Session, line: LedgerLine) -> bool:
    """Whether a line is of an act that this database does not know. Raises Disagrees, where it knows another."""
    fate = _fates(session, [line]).get(line.xid, "")  # asked before its row is looked for, as in `look`
    digest = scalar(session, select(LedgerSeen.digest).where(col(LedgerSeen.n) == line.n))
    if digest not in (None, line.digest):
        raise Disagrees("different", line.n)
    return digest is None and line.note.kind != VOID and fate in ("committed", "")


def seen(session: Session) -> Mapping[int, str]:
    """The lines that this database was there for, by their numbers."""
    return {row.n: row.digest for row in run(session, select(LedgerSeen.n, LedgerSeen.digest))}


def _is_empty(session: Session) -> bool:
    return scalar(session, select(literal(1)).select_from(Program).limit(1)) is None


def _fates(session: Session, lines: Sequence[LedgerLine]) -> dict[int, Fate]:
    """What became of the transactions of these lines; "" for one that is yet to come here, or too long ago."""
    xids = sorted({line.xid for line in lines if line.xid})
    if not xids:
        return {}
    # Asked of none that this server has not begun: it would raise.
    rows = run(
        session,
        text(
            "select xid, case when xid::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())"
            " then pg_xact_status(xid::text::xid8) end as fate from unnest(cast(:xids as bigint[])) as xid"
        ),
        {"xids": xids},
    )
    return {row.xid: cast("Fate", row.fate or "") for row in rows}
