"""What sessions close is written to the ledger before they commit, and is done on the database that it is of alone.

A database that is put back breaks connections, and no process: each new connection is asked whether the ledger and the
database still agree, in the first transaction on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event, func, insert, select, text
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from models.base import table_of
from models.ledger import SERVER, Epoch, LedgerSeen
from models.ports import EPOCH, LEDGER, LEDGER_NOTES, VOID, Ledger, LedgerLine, LedgerNote, NoLedger, OtherEpoch, Ran

#: Says which epoch a ledger and a database agree on, in a session before a program is known; raises where they do not.
Agree = Callable[[Session, Ledger], int]

#: Where a session keeps the lines that it wrote and has not committed, by their transaction; and what goes with its
#: engine, which keeps those whose commit failed: perhaps the database has done it, and the answer was lost.
_IN_DOUBT: Final = "ledger_in_doubt"
_OF_ENGINE: Final = "ledger_of_engine"
#: Where a connection keeps that ledger and database agreed on it.
_AGREED: Final = "ledger_agreed"
#: A copy may also be put back table by table, under connections that live on.
AGREES_ANEW_SECONDS: Final = 10.0


@dataclass
class _Apart:
    """What goes with an engine and lies outside its database: the ledger, and the epoch once it is agreed on.

    `newest` is the row of the last line that the database had then: where the ledger cannot be read, the database is
    the same as long as it is there.
    """

    ledger: Ledger
    agree: Agree | None
    epoch: int | None = None
    newest: tuple[int, str] | None = None
    agreed_at: float = -math.inf
    unsettled: dict[int, LedgerLine] = field(default_factory=dict)

    def is_to_agree(self, connection: Connection) -> bool:
        """Whether ledger and database are to be compared again, on this connection."""
        return connection.info.get(_AGREED) is not self or time.monotonic() - self.agreed_at > AGREES_ANEW_SECONDS


_APART: Final[WeakKeyDictionary[Engine, _Apart]] = WeakKeyDictionary()


def write_apart(engine: Engine, ledger: Ledger, agree: Agree | None = None) -> None:
    """Have what the sessions of an engine close written to a ledger, as `make_engine` says."""
    _APART[engine] = _Apart(ledger, agree)


def epoch_of(engine: Engine) -> int:
    """The epoch that the ledger and the database agree on; 0 without a ledger. Raises as `agree` of `make_engine`."""
    apart = _APART.get(engine)
    if apart is None:
        return 0
    if apart.epoch is None and apart.agree is not None:
        with engine.connect() as connection:
            apart.epoch = _agreed(connection, apart)
    return apart.epoch or 0


def told_of(engine: Engine) -> dict[str, object]:
    """What a session of an engine knows of what lies apart."""
    apart = _APART.get(engine)
    return {} if apart is None else {LEDGER: apart.ledger, EPOCH: epoch_of(engine), _OF_ENGINE: apart}


@event.listens_for(Session, "after_begin")
def _agree_anew(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Have ledger and database agree, on a connection that is new and now and then, before anything is read.

    The epoch that they agree on is the session's from then on.
    """
    apart: _Apart | None = session.info.get(_OF_ENGINE)
    if apart is None or apart.agree is None or transaction.nested or not apart.is_to_agree(connection):
        return
    if connection.get_execution_options().get("isolation_level") is not None:
        return  # it sees one moment alone, in which lines that others write now have no row
    apart.epoch = session.info[EPOCH] = _agreed(connection, apart)


@event.listens_for(Session, "before_commit")
def _write_to_the_ledger(session: Session) -> None:
    """Have what this transaction closes on the disk, outside the database, before it is acknowledged.

    A line whose transaction then fails stays without its row. The next one to write voids it, once the database says
    that it was never done. Raises NoLedger; OtherEpoch where the database was restored meanwhile; as `agree` does.
    """
    if not session.info.get(LEDGER_NOTES) or session.in_nested_transaction():
        return
    notes, apart = session.info[LEDGER_NOTES], session.info.get(_OF_ENGINE)
    if apart is None:
        raise NoLedger("this session was given no ledger")
    connection = session.connection()
    if apart.agree is None:
        _settle(connection, apart)
    elif (epoch := _agreed(connection, apart)) != session.info[EPOCH]:
        apart.epoch = epoch
        raise OtherEpoch
    ran = Ran(*connection.exec_driver_sql(f"select pg_current_xact_id()::text::bigint, {SERVER}").one())
    within = None if apart.agree is None else session.info[EPOCH]
    lines = apart.ledger.append(notes, ran=ran, within=within)
    session.info[_IN_DOUBT] = {line.n: line for line in lines}
    connection.execute(insert(table_of(LedgerSeen)), [{"n": one.n, "digest": one.digest} for one in lines])
    del session.info[LEDGER_NOTES]


@event.listens_for(Session, "after_commit")
def _know_it_done(session: Session) -> None:
    done, apart = session.info.pop(_IN_DOUBT, None), session.info.get(_OF_ENGINE)
    if done and apart is not None:
        n = max(done)
        apart.newest = max(apart.newest or (0, ""), (n, done[n].digest))


@event.listens_for(Session, "after_transaction_end")
def _doubt_it(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is not None:
        return
    in_doubt, apart = session.info.pop(_IN_DOUBT, None), session.info.get(_OF_ENGINE)
    if in_doubt and apart is not None:  # rolled back, closed, or ended by the answer that never came
        apart.unsettled.update(in_doubt)


def _agreed(connection: Connection, apart: _Apart) -> int:
    """The epoch that ledger and database agree on, asked in this transaction. Raises as `agree` does.

    Where the ledger cannot be read, what was agreed on before holds as long as the database is the one of then: what
    closes nothing goes on.
    """
    try:
        epoch = _asked(connection, apart)
    except NoLedger:
        if apart.epoch is None or not _is_the_same(connection, apart):
            raise
        epoch = apart.epoch
    except BaseException:
        apart.agreed_at = -math.inf  # each connection asks, until they agree
        raise
    connection.info[_AGREED] = apart
    apart.agreed_at = time.monotonic()
    return epoch


def _asked(connection: Connection, apart: _Apart) -> int:
    assert apart.agree is not None  # noqa: S101  # as the callers have seen
    _settle(connection, apart)
    with Session(bind=connection) as session:
        epoch = apart.agree(session, apart.ledger)
    apart.newest = _newest(connection)
    return epoch


def _newest(connection: Connection) -> tuple[int, str] | None:
    row = connection.exec_driver_sql("select n, digest from ledger_seen order by n desc limit 1").first()
    return None if row is None else (row.n, row.digest)


def _is_the_same(connection: Connection, apart: _Apart) -> bool:
    """Whether the database is still of the epoch that was agreed on, and has the last row that it had then."""
    rows = table_of(LedgerSeen)
    epoch = connection.scalar(select(func.max(table_of(Epoch).c.number))) or 0
    n, digest = apart.newest or (0, "")
    there = connection.scalar(select(rows.c.digest).where(rows.c.n == n))
    return epoch == apart.epoch and (there or "") == digest


def _settle(connection: Connection, apart: _Apart) -> None:
    """Void the lines of failed transactions that were never done: nobody was told that they were. Raises NoLedger.

    The database says so on the server that they were of. Of one that was promoted since, on another timeline, it is
    enough that it has no row of them. Where it has, they were done, and only the answer was lost.
    """
    if not apart.unsettled:
        return
    unsettled, rows = dict(apart.unsettled), table_of(LedgerSeen)
    gone = _gone(connection, unsettled.values())
    done = set(connection.scalars(select(rows.c.n).where(rows.c.n.in_(sorted(unsettled)))))
    never = [n for n, one in unsettled.items() if n not in done and one in gone]
    if never:
        at = datetime.now(UTC)
        apart.ledger.append([LedgerNote(VOID, at, more={"lines": [str(n) for n in sorted(never)]})])
    for n in [*done, *never]:
        apart.unsettled.pop(n, None)


def _gone(connection: Connection, unsettled: Collection[LedgerLine]) -> list[LedgerLine]:
    """Those that this server says were never done, and those of an earlier timeline, of which it has no transaction."""
    server = str(connection.exec_driver_sql(f"select {SERVER}").scalar_one())
    place, _, _ = server.rpartition(".")
    here = sorted({one.xid for one in unsettled if one.server == server})
    asked = text(  # of none that this server has not begun: it would raise
        "select xid from unnest(cast(:xids as bigint[])) as xid where"
        " case when xid::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())"
        " then pg_xact_status(xid::text::xid8) end = 'aborted'"
    )
    aborted = set(connection.scalars(asked, {"xids": here})) if here else set()
    return [
        one
        for one in unsettled
        if (one.xid in aborted if one.server == server else one.server.rpartition(".")[0] == place)
    ]
