"""Finding out whether the database was restored, before anything is served from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy import func, literal, text
from sqlmodel import Session

from domain.kernel import col, run, scalar, select
from domain.restoring import judging
from domain.restoring.judging import Disagrees, Fate, Missing, Place, Standing, Verdict, judge, sort_out, without_row
from models.ledger import IS_BEING_RESTORED, SERVER, Epoch, LedgerSeen
from models.ports import Ledger, LedgerLine
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
    _refuse_unfinished(session)
    lines = ledger.lines()  # before the rows are read: a row that comes in between is of no line that is looked at
    waited = 0.0
    while True:
        fates = _fates(session, without_row(lines, seen(session)))
        if waited >= LONGEST_WAIT_SECONDS:
            fates = _lost_if_under_way(fates)
        standing = stand(session)
        verdict = judge(lines, standing, fates)
        if verdict.kind != "waits":
            return Found(lines, standing, verdict)
        pause(_LOOKS_EVERY_SECONDS)
        waited += _LOOKS_EVERY_SECONDS


def missing_now(session: Session, lines: Sequence[LedgerLine]) -> Missing:
    """What the lines without a row are of, where no one is to be waited for."""
    fates = _lost_if_under_way(_fates(session, without_row(lines, seen(session))))
    return sort_out(without_row(lines, seen(session)), fates, server_of(session))


def stand(session: Session) -> Standing:
    """What the database says of itself."""
    return Standing(place_of(session), seen(session), epoch_of(session), _is_empty(session), server_of(session))


def server_of(session: Session) -> str:
    """Which server, database and timeline this is: where a transaction's number has its meaning."""
    return str(scalar(session, text(f"select {SERVER}")))  # a constant


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

    For each process before it serves anything, and again on each new connection: what lets people in is of an epoch.
    """
    _refuse_unfinished(session)  # where the database is away, that is what is wrong
    here = epoch_of(session)
    newest = scalar(session, select(func.max(col(LedgerSeen.n)))) or 0
    last = ledger.last()
    if last is None:
        if newest or here:
            raise Disagrees("missing", newest)
        return 0
    if newest > last.n:
        raise Disagrees("shorter", last.n)
    lines = ledger.since(newest)
    lost = _lost_since(session, lines, newest)
    if lost or last.epoch != here:
        raise Disagrees("restored", lost[0].n if lost else last.n)
    if judging.place_of(lines) not in (None, place_of(session)):
        raise Disagrees("moved", last.n)
    return here


def _refuse_unfinished(session: Session) -> None:
    """Refuse a database into which a copy is being brought back, also by another machine. Raises Disagrees."""
    if scalar(session, text(f"select {IS_BEING_RESTORED}")):  # a constant
        raise Disagrees("restoring")


def _lost_since(session: Session, lines: Sequence[LedgerLine], newest: int) -> Sequence[LedgerLine]:
    """The lines after the newest row that are of acts which this database does not know: voided and undone are not.

    Raises Disagrees, where it knows another line of that number.
    """
    fates = _fates(
        session, [line for line in lines if line.n != newest]
    )  # before the rows are looked for, as in `look`
    known = seen(session, since=newest)
    for line in lines:
        if known.get(line.n, line.digest) != line.digest:
            raise Disagrees("different", line.n)
    missing = without_row(lines, known)
    return sort_out(missing, fates, server_of(session)).lost if missing else ()


def seen(session: Session, *, since: int = 0) -> Mapping[int, str]:
    """The lines that this database was there for, by their numbers: from this one on."""
    rows = select(LedgerSeen.n, LedgerSeen.digest).where(col(LedgerSeen.n) >= since)
    return {row.n: row.digest for row in run(session, rows)}


def _is_empty(session: Session) -> bool:
    return scalar(session, select(literal(1)).select_from(Program).limit(1)) is None


def _fates(session: Session, lines: Sequence[LedgerLine]) -> dict[int, Fate]:
    """What became of the transactions of these lines; "" for one that is yet to come here, or too long ago."""
    xids = sorted({line.xid for line in lines if line.xid})
    if not xids:
        return {}
    # Each that is under way locks its number. Asked first: one that ends meanwhile has ended for what is asked next.
    running = {
        row.xid
        for row in run(
            session,
            text(
                "select xid from unnest(cast(:xids as bigint[])) as xid join pg_locks l on l.locktype = 'transactionid'"
                " and l.transactionid::text::bigint = xid % 4294967296 where l.mode = 'ExclusiveLock'"
            ),
            {"xids": xids},
        )
    }
    # Asked of none that this server has not begun: it would raise.
    rows = run(
        session,
        text(
            "select xid, case when xid::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())"
            " then pg_xact_status(xid::text::xid8) end as fate from unnest(cast(:xids as bigint[])) as xid"
        ),
        {"xids": xids},
    )
    return {row.xid: cast("Fate", "in progress" if row.xid in running else row.fate or "") for row in rows}


def _lost_if_under_way(fates: Mapping[int, Fate]) -> dict[int, Fate]:
    return {xid: cast("Fate", "" if fate == "in progress" else fate) for xid, fate in fates.items()}
