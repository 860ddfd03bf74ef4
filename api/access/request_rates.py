"""How much one signed-in person may ask: counted by each process in memory, and told to the others every few requests.

It stops a script that goes through everything, and never a person at work: no hand makes so many requests in a quarter
of an hour. Counting in the database would cost each request a transaction. So a process adds its own count there now
and then, and learns what the others added. What is stopped keeps its words (`api.web.answers.slow_down`).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session
from starlette.exceptions import HTTPException

from domain.kernel import col, scalar
from models.access import RateCount

_log = logging.getLogger("spheres.web")

SPAN: Final = timedelta(minutes=15)
#: Two hundred a minute, for a quarter of an hour. Static files are nobody’s requests.
MOST: Final = 3_000
#: So many requests of one person a process answers before it tells the others: what they may miss meanwhile.
TOLD_EVERY: Final = 25
_adding = insert(RateCount).values(
    key=bindparam("key"), starts_at=bindparam("starts_at"), tries=bindparam("more", type_=Integer())
)
_ADD: Final = _adding.on_conflict_do_update(
    index_elements=[col(RateCount.key), col(RateCount.starts_at)],
    set_={"tries": col(RateCount.tries) + _adding.excluded.tries},
).returning(col(RateCount.tries))


class TooManyRequests(HTTPException):
    """A signed-in person asked more than one may. `seconds` from now the next request counts anew."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, headers={"Retry-After": str(seconds)})
        self.seconds = seconds


@dataclass
class _Counted:
    mine: int = 0
    told: int = 0
    others: int = 0


@dataclass
class Requests:
    """What each signed-in person asked of this process in the quarter of an hour that runs."""

    most: int = MOST
    _begun: datetime | None = None
    _by_person: dict[UUID, _Counted] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hit(self, person_id: UUID, at: datetime, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        """Count one more request of a person. `transaction` begins one of no program. Raises TooManyRequests."""
        begun = datetime.fromtimestamp(at.timestamp() // SPAN.total_seconds() * SPAN.total_seconds(), UTC)
        with self._lock:
            if begun != self._begun:
                self._begun, self._by_person = begun, {}
            counted = self._by_person.setdefault(person_id, _Counted())
            counted.mine += 1
            more = counted.mine - counted.told
            tells = more >= TOLD_EVERY
            if tells:
                counted.told = counted.mine
        if tells:
            with transaction() as session:
                total = scalar(session, _ADD, {"key": _key(person_id), "starts_at": begun, "more": more}) or more
            with self._lock:
                counted.others = max(counted.others, total - counted.told)
        if counted.mine + counted.others > self.most:
            if counted.mine + counted.others == self.most + 1:
                _log.warning("too many requests", extra={"part": "requests"})
            raise TooManyRequests(max(1, int((begun + SPAN - at).total_seconds())))


def _key(person_id: UUID) -> str:
    return hashlib.sha256(f"requests\n{person_id}".encode()).hexdigest()
