"""A ledger in memory, of lines as the file has them; `broken` is one that cannot be written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.ports import LedgerLine, LedgerNote, NoLedger


@dataclass
class FakeLedger:
    """Lines in their order."""

    kept: list[LedgerLine] = field(default_factory=list)
    broken: bool = False

    def append(self, notes: Sequence[LedgerNote], *, xid: int = 0, epoch: int | None = None) -> Sequence[LedgerLine]:
        self._refuse_if_broken()
        lines: list[LedgerLine] = []
        for note in notes:
            last = self.kept[-1] if self.kept else None
            n, stands = (last.n + 1, last.epoch) if last else (1, 0)
            digest = hashlib.sha256(f"{n} {note} {xid} {last.digest if last else ''}".encode()).hexdigest()
            lines.append(LedgerLine(n, note, xid, stands if epoch is None else epoch, digest))
            self.kept.append(lines[-1])
        return lines

    def last(self) -> LedgerLine | None:
        self._refuse_if_broken()
        return self.kept[-1] if self.kept else None

    def lines(self) -> Sequence[LedgerLine]:
        self._refuse_if_broken()
        return list(self.kept)

    def _refuse_if_broken(self) -> None:
        if self.broken:
            msg = "ledger.jsonl cannot be used (OSError)"
            raise NoLedger(msg)


#: The ledger of every test's database alike: its numbers only rise, so that a copied database takes none twice.
LEDGER = FakeLedger()
