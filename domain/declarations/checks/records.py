"""What a program has on record, read for all its obligations at once: each thing once, where a kind of check asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final, TypeVar, cast

from sqlmodel import Session

from domain.declarations.checks.watch import Watch, first_days_of
from domain.kernel import Calendar, calendar_of, local_day, program

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class Records:
    """The records of one program on one local day. Reads only.

    Each kind of check has functions that read what it looks at, for the whole program; `read` calls each of them once.
    """

    def __init__(self, session: Session, at: datetime) -> None:
        self.session: Final = session
        self.on: Final = local_day(session, at)
        self._read: dict[Callable[[Records], object], object] = {}
        self._new: dict[date, date | None] = {}

    def read(self, reads: Callable[[Records], T]) -> T:
        """What `reads` reads: it is called the first time that it is asked for."""
        if reads not in self._read:
            self._read[reads] = reads(self)
        return cast("T", self._read[reads])

    def local_day(self, moment: datetime) -> date:
        """The program's local day of a moment."""
        return local_day(self.session, moment)

    @cached_property
    def calendar(self) -> Calendar:
        """The program's working days."""
        return calendar_of(self.session)

    @cached_property
    def watch(self) -> Watch:
        """When the program counts silence as a risk, and asks people."""
        return Watch.model_validate(program(self.session).obligations)

    def new_until(self, since: date) -> date | None:
        """The last of the first days of an agreement that began on `since`."""
        if since not in self._new:
            self._new[since] = first_days_of(since, self.watch, self.calendar)
        return self._new[since]


def grouped(rows: Iterable[V], by: Callable[[V], K]) -> Mapping[K, list[V]]:
    """Rows by what `by` says of each; of what no row says, an empty list."""
    found: dict[K, list[V]] = defaultdict(list)
    for row in rows:
        found[by(row)].append(row)
    return found


def stands(row: Any, day: date) -> bool:
    """Whether the day is among those of a seat, or of a holder."""
    return (row.starts_on is None or row.starts_on <= day) and (row.ends_on is None or day <= row.ends_on)
