"""Who a task's reminders are for: the rungs of its ladder, and those of them that a round used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import TaskWithCase, scheduling
from domain.declarations import Protocol

#: The recipient of each rung of a duty outside any case. No manager sees one, as many are about a participant: where
#: its owner was reminded three times, the coordinator is told.
OUTSIDE_A_CASE: Final = ("owner", "owner", "owner", "accountable")


@dataclass(frozen=True)
class RungsUsed:
    """When a task's rungs were used, for which people, and in which state it was then.

    The owner is the one who owes it or, if it was handed in, approves it. The manager is theirs, and the director that
    of the organization for which it is owed.
    """

    at: datetime
    targets: frozenset[str]
    state: str = "open"


class Ladders:
    """The recipients of each rung of a task's ladder, by the version of the protocol that its case follows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[UUID, Protocol] = {}

    def of(self, row: TaskWithCase) -> Protocol | None:
        """The protocol that a task's case follows; None for a duty outside any case."""
        version_id = row.protocol_version_id
        if version_id is None:
            return None
        if version_id not in self._read:
            self._read[version_id] = scheduling.protocol_of(scheduling.version_of(self._session, version_id))
        return self._read[version_id]

    def targets(self, row: TaskWithCase) -> list[str]:
        """The recipient of each rung, the first one first: owner, manager or accountable; director or coordinator."""
        if row.ladder_to:
            return list(row.ladder_to)
        protocol = self.of(row)
        return [rung.to for rung in protocol.remind] if protocol else list(OUTSIDE_A_CASE)
