"""Whether a database is the one for which the ledger was written, or an older copy of it: a restore.

Pure: no database, no clock. What happened is told by numbers alone, never by moments, since a clock may go back.
A transaction's number says something on its own server and timeline alone: after a failover it is given out again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from models.ports import VOID, LedgerLine

#: The kinds of lines that are the ledger's own. A line that voids others needs no row.
OPENED, EPOCH, ACCEPTED, HEAD = "opened", "epoch", "accepted", "head"

#: A fact of a line that an accepted ledger carries on: the one before it was of what was being done in a crash.
UNDONE: Final = "undone"

#: What became of a transaction, as PostgreSQL says; "" where it knows none of that number: it is of another server, or
#: of a time that this one has not seen.
Fate = Literal["committed", "aborted", "in progress", ""]


@dataclass(frozen=True, slots=True)
class Place:
    """Which database it is: PostgreSQL's identifier of the server's data, and its own of the database in it."""

    system: str
    database: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database says of itself: where it is, the lines that it was there for, and whether it holds a program.

    `server` is where its transactions have their numbers now: the place, and the timeline.
    """

    place: Place
    seen: Mapping[int, str]
    epoch: int
    is_empty: bool
    server: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    new: neither has begun. same: they agree. moved: the database is elsewhere by now, and every line has its row: it
    was moved, or is a copy from after the last line, and what closed nothing is missing. crashed: no more than what was
    being done is without its row: `undone`. restored: `lost` lines are of acts that this database does not know.
    waits: a transaction is under way, look again.
    """

    kind: Literal["new", "same", "moved", "crashed", "restored", "waits"]
    lost: tuple[LedgerLine, ...] = ()
    undone: tuple[LedgerLine, ...] = ()


class Disagrees(Exception):
    """The ledger is not this database's, or was put back itself: no one can say what must not come back.

    `why`: missing, shorter (it ends before a line that the database saw), different (a line is another one than the
    database saw), or fresh (the database holds nothing, and the ledger does). And restored or moved, of a process that
    finds it as it serves, or is about to: what brings the database to its newest deals with that. And restoring: a copy
    is being brought back into the database, or that was cut off.
    """

    def __init__(
        self, why: Literal["missing", "shorter", "different", "fresh", "restored", "moved", "restoring"], line: int = 0
    ) -> None:
        super().__init__(why, line)
        self.why = why
        self.line = line


#: The lines that a new installation begins with: a crash right after the first one is no lost database.
_FIRST: Final = frozenset({OPENED, VOID})


def judge(lines: Sequence[LedgerLine], standing: Standing, fates: Mapping[int, Fate]) -> Verdict:
    """What happened to the database since the ledger was written. Raises Disagrees.

    `fates`: what became of the transactions of the lines that have no row, by their numbers. Asked before the rows
    were read once more, so that a transaction that ends meanwhile counts as ended.
    """
    _refuse_another(lines, standing)
    if not standing.seen and _are_first(lines):
        return Verdict("new")
    is_here = place_of(lines) in (None, standing.place)
    sorted_out = sort_out(without_row(lines, standing.seen), fates if is_here else {}, standing.server)
    lost, undone = sorted_out.lost, sorted_out.undone
    if sorted_out.under_way:
        return Verdict("waits")
    if lost or standing.epoch < epoch_of(lines):
        return Verdict("restored", lost, undone)
    if undone:
        return Verdict("crashed", undone=undone)
    return Verdict("same" if is_here else "moved")


@dataclass(frozen=True, slots=True)
class Missing:
    """Lines without a row: of acts that were lost, of what was being done in a crash, and of what is being done now."""

    lost: tuple[LedgerLine, ...]
    undone: tuple[LedgerLine, ...]
    under_way: tuple[LedgerLine, ...]


def sort_out(missing: Sequence[LedgerLine], fates: Mapping[int, Fate], server: str) -> Missing:
    """What the lines without a row are of. What became of a transaction is believed on its own server alone."""

    by_fate: dict[Fate, list[LedgerLine]] = {"committed": [], "aborted": [], "in progress": []}
    for line in missing:
        by_fate[_fate_of(line, fates, server) or "committed"].append(line)
    return Missing(*map(tuple, by_fate.values()))


def _fate_of(line: LedgerLine, fates: Mapping[int, Fate], server: str) -> Fate:
    if line.note.more.get(UNDONE):
        return "aborted"
    return fates.get(line.xid, "") if line.xid and line.server == server else ""


def _are_first(lines: Sequence[LedgerLine]) -> bool:
    return all(line.note.kind in _FIRST for line in lines)


def without_row(lines: Sequence[LedgerLine], seen: Mapping[int, str]) -> list[LedgerLine]:
    """The lines that this database was not there for, without those that were voided."""
    voided = voided_by(lines)
    return [line for line in lines if line.n not in seen and line.n not in voided and line.note.kind != VOID]


def voided_by(lines: Sequence[LedgerLine]) -> frozenset[int]:
    """The numbers of lines whose acts were never done, as later lines say."""
    return frozenset(
        int(n)
        for line in lines
        if line.note.kind == VOID and isinstance(told := line.note.more.get("lines"), list)
        for n in told
    )


def epoch_of(lines: Sequence[LedgerLine]) -> int:
    """The epoch that the ledger is in."""
    return lines[-1].epoch if lines else 0


def told_of(place: Place) -> dict[str, str | int]:
    """What a line says of where the database is."""
    return {"system": place.system, "database": place.database}


def place_of(lines: Sequence[LedgerLine]) -> Place | None:
    """Where the database was when a line last said so: in words, or by the server that its transaction was of."""
    for line in reversed(lines):
        system, database = (line.note.more.get(name) for name in ("system", "database"))
        if system is not None and database is not None:
            return Place(str(system), int(str(database)))
        if line.server:
            system, database, _ = line.server.split(".")
            return Place(system, int(database))
    return None


def _refuse_another(lines: Sequence[LedgerLine], standing: Standing) -> None:
    newest = max(standing.seen, default=0)
    if not lines:
        if newest:
            raise Disagrees("missing", newest)
        return
    if newest > lines[-1].n:
        raise Disagrees("shorter", lines[-1].n)
    for line in lines:
        if standing.seen.get(line.n, line.digest) != line.digest:
            raise Disagrees("different", line.n)
    if standing.is_empty and not newest and not _are_first(lines):
        raise Disagrees("fresh", lines[-1].n)
