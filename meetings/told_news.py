"""What a line of the ledger says of one time that people were told of a meeting or a season: its dates, and to whom.

It says days, hours and numbers alone. Where something is held, and what it is called, no line says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from meetings.entries import CalendarEntry, EntryException
from models.ledger import RestoredMatter
from models.ports import LedgerFact
from models.written import as_json, from_json


class ToldDate(NamedTuple):
    """One date as people were told of it last: when it was to be, and when it is; None where it is off for them."""

    original: datetime
    starts: datetime | None


@dataclass(frozen=True)
class ToldNews:
    """What the ledger says of one time that people were told of a meeting or a season. Every time is local.

    `dates` are the originals of which they were told; `off`, that nothing of it is theirs any more. The dates of a
    season are at its hour, but for those of `without` and `moved`; `beyond` are dates outside of it that are off. Of
    each of `moved`, `moved_to` says when it is, and `lasting` for how many minutes.
    """

    uid: str
    sequence: int
    starts: datetime
    minutes: int
    last_on: str
    off: bool
    people: tuple[UUID, ...] = ()
    dates: tuple[datetime, ...] = ()
    without: tuple[datetime, ...] = ()
    beyond: tuple[datetime, ...] = ()
    moved: tuple[datetime, ...] = ()
    moved_to: tuple[datetime, ...] = ()
    lasting: tuple[int, ...] = ()

    @classmethod
    def of(cls, matter: RestoredMatter) -> ToldNews:
        """What a matter says."""
        return from_json(cls, matter.facts)

    @classmethod
    def told(cls, entry: CalendarEntry, sequence: int, dates: Sequence[datetime], *, is_off: bool) -> ToldNews:
        """What was told: this entry, or that nothing of it is theirs any more."""
        moved = tuple(sorted(entry.moved))
        return cls(
            uid=entry.uid.partition("@")[0],
            sequence=sequence,
            starts=entry.starts,
            minutes=entry.minutes,
            last_on=entry.last_on.isoformat() if entry.last_on else "",
            off=is_off,
            dates=tuple(sorted(dates)),
            without=tuple(sorted(entry.cancelled)),
            beyond=tuple(sorted(entry.called_off)),
            moved=moved,
            moved_to=tuple(entry.moved[one].starts for one in moved),
            lasting=tuple(entry.moved[one].minutes for one in moved),
        )

    @property
    def facts(self) -> dict[str, LedgerFact]:
        """As the ledger says it."""
        said = {**as_json(self), "people": [*map(str, self.people)], "lasting": [*map(str, self.lasting)]}
        return {name: value for name, value in said.items() if value != []}

    def entry(self, *, domain: str, zone: str, place: str = "", online_url: str = "", title: str = "") -> CalendarEntry:
        """What calendars were told, with the words that no line says."""
        return CalendarEntry(
            uid=f"{self.uid}@{domain}",
            zone=zone,
            starts=self.starts,
            minutes=self.minutes,
            last_on=date.fromisoformat(self.last_on) if self.last_on else None,
            cancelled=frozenset(self.without),
            called_off=frozenset(self.beyond),
            moved={
                original: EntryException(starts, minutes, place, online_url)
                for original, starts, minutes in zip(self.moved, self.moved_to, self.lasting, strict=True)
            },
            title=title,
            place=place,
            online_url=online_url,
        )

    def told_dates(self) -> Iterator[ToldDate]:
        """Each date of which they were told: when it is to be, or that it is off."""
        if not self.last_on:
            yield ToldDate(self.starts, None if self.off else self.starts)
            return
        moved = dict(zip(self.moved, self.moved_to, strict=True))
        for one in self.dates:
            is_on = not self.off and one not in self.without and self._is_within(one)
            yield ToldDate(one, moved.get(one, one) if is_on else None)

    def _is_within(self, original: datetime) -> bool:
        return self.starts.date() <= original.date() <= date.fromisoformat(self.last_on)
