"""Whether a database is the one for which the ledger was written, or an older copy of it: a restore.

Pure: no database, no clock. What happened is told by numbers alone, never by moments, since a clock may go back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from models.ports import VOID, LedgerLine

#: The kinds of lines that are the ledger's own. A line that voids others needs no row.
OPENED, EPOCH, ACCEPTED, HEAD = "opened", "epoch", "accepted", "head"

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
    """What a database says of itself: where it is, the lines that it was there for, and whether it holds a program."""

    place: Place
    seen: Mapping[int, str]
    epoch: int
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    new: neither has begun. same: they agree. moved: the database is elsewhere by now, and nothing is lost. crashed: no
    more than what was being done is without its row: `undone`. restored: `lost` lines are of acts that this database
    does not know. waits: a transaction is under way, look again.
    """

    kind: Literal["new", "same", "moved", "crashed", "restored", "waits"]
    lost: tuple[LedgerLine, ...] = ()
    undone: tuple[LedgerLine, ...] = ()


class Disagrees(Exception):
    """The ledger is not this database's, or was put back itself: no one can say what must not come back.

    `why`: missing, shorter (it ends before a line that the database saw), different (a line is another one than the
    database saw), or fresh (the database holds nothing, and the ledger does). And restored, of a process that finds it
    as it starts to serve: what brings the database to its newest deals with that.
    """

    def __init__(self, why: Literal["missing", "shorter", "different", "fresh", "restored"], line: int = 0) -> None:
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
    is_here = _place_of(lines) in (None, standing.place)
    missing = [(line, _fate(line, fates if is_here else {})) for line in without_row(lines, standing.seen)]
    if any(fate == "in progress" for _, fate in missing):
        return Verdict("waits")
    undone = tuple(line for line, fate in missing if fate == "aborted")
    lost = tuple(line for line, fate in missing if fate != "aborted")
    if lost or standing.epoch < epoch_of(lines):
        return Verdict("restored", lost, undone)
    if undone:
        return Verdict("crashed", undone=undone)
    return Verdict("same" if is_here else "moved")


def _fate(line: LedgerLine, fates: Mapping[int, Fate]) -> Fate:
    """What became of a line's transaction; "" of one that was of none."""
    return fates.get(line.xid, "") if line.xid else ""


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


def _place_of(lines: Sequence[LedgerLine]) -> Place | None:
    """Where the database was when a line last said so."""
    for line in reversed(lines):
        system, database = (line.note.more.get(name) for name in ("system", "database"))
        if system is not None and database is not None:
            return Place(str(system), int(str(database)))
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
