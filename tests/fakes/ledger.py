"""A ledger in memory, of lines as the file has them; `broken` is one that cannot be written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from adapters.addresses import conninfo_of
from adapters.closing import write_apart
from adapters.keys import FileSealKeys, make_seal_key
from adapters.ledger import FileLedger, make_ledger
from models.ports import NOT_RUN, LedgerLine, LedgerNote, NoLedger, OtherEpoch, Ran

if TYPE_CHECKING:
    from tests.databases import Database


@dataclass
class FakeLedger:
    """Lines in their order."""

    kept: list[LedgerLine] = field(default_factory=list)
    broken: bool = False

    def append(
        self, notes: Sequence[LedgerNote], *, ran: Ran = NOT_RUN, epoch: int | None = None, within: int | None = None
    ) -> Sequence[LedgerLine]:
        self._refuse_if_broken()
        if within is not None and self.kept and within != self.kept[-1].epoch:
            raise OtherEpoch
        lines: list[LedgerLine] = []
        for note in notes:
            last = self.kept[-1] if self.kept else None
            n, stands = (last.n + 1, last.epoch) if last else (1, 0)
            digest = hashlib.sha256(f"{n} {note} {ran.xid} {last.digest if last else ''}".encode()).hexdigest()
            lines.append(LedgerLine(n, note, ran.xid, stands if epoch is None else epoch, digest, ran.server))
            self.kept.append(lines[-1])
        return lines

    def last(self) -> LedgerLine | None:
        self._refuse_if_broken()
        return self.kept[-1] if self.kept else None

    def lines(self) -> Sequence[LedgerLine]:
        self._refuse_if_broken()
        return list(self.kept)

    def since(self, n: int) -> Sequence[LedgerLine]:
        return [line for line in self.lines() if line.n >= n]

    def refuse_unwritable(self) -> None:
        self._refuse_if_broken()

    def readable(self) -> Sequence[LedgerLine]:
        return list(self.kept)

    def begin_anew(self, notes: Sequence[LedgerNote], *, after: int, epoch: int, at: datetime) -> None:
        digest = hashlib.sha256(str(after).encode()).hexdigest()
        self.kept[:] = [LedgerLine(after + 1, LedgerNote("accepted", at), 0, epoch, digest)]
        self.append(notes)

    def _refuse_if_broken(self) -> None:
        if self.broken:
            msg = "ledger.jsonl cannot be used (OSError)"
            raise NoLedger(msg)


def on_disk(database: Database, data: Path) -> FileLedger:
    """The ledger of a database in a data folder, with the key that signs it, for processes of their own.

    The test writes to the same one from then on; a second process of the same folder goes on with it.
    """
    make_seal_key(data / "keys" / "seal.json")
    if make_ledger(data / "ledger"):
        with psycopg.connect(conninfo_of(database.owner_url), autocommit=True) as owner:
            if owner.execute("select to_regclass('ledger_seen')").fetchone() != (None,):
                owner.execute("delete from ledger_seen")  # of what was written with another
    ledger = FileLedger(data / "ledger", FileSealKeys(data / "keys" / "seal.json"))
    write_apart(database.engine, ledger)
    return ledger


def on_disk_beside(database: Database, data: Path) -> dict[str, str]:
    """The same, as the environment of a process whose data folder is another."""
    on_disk(database, data)
    return {"SPHERES_LEDGER": str(data / "ledger"), "SPHERES_SEAL_KEY_FILE": str(data / "keys" / "seal.json")}


#: The ledger of every test's database alike: its numbers only rise, so that a copied database takes none twice.
LEDGER = FakeLedger()
