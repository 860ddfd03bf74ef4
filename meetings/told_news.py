"""What a line of the ledger says of one time that people were told of a meeting or a season: its dates, and who heard.

It says days, hours and numbers alone. Where something is held, and what it is called, no line says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from meetings.entries import CalendarEntry, EntryException
from models.ledger import RestoredMatter
from models.ports import LedgerFact
from models.written import as_json, from_json

#: What no place is called, so that it is told whatever it is now.
_UNKNOWN: Final = "…"


class ToldDate(NamedTuple):
    """One date as people were told of it last: when it was to be, and when it is; None where it is off for them."""

    original: datetime
    starts: datetime | None


@dataclass(frozen=True)
class ToldNews:
    """What the ledger says of one time that people were told of a meeting or a season. Every time is local.

    `dates` are the originals of which they were told; `off`, that nothing of it is theirs any more. The dates of a
    season are at its hour, but for those of `without` and `moved`; `beyond` are dates outside of it that are off. Of
    each of `moved`, `moved_to` says when it is, and `lasting` for how many minutes. `elsewhere` are dates whose
    place is another.
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
    elsewhere: tuple[datetime, ...] = ()

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

    def entry(self, known: CalendarEntry, elsewhere: Collection[datetime]) -> CalendarEntry:
        """What calendars were told, in the words of what is `known` of the same.

        No line says where those of `elsewhere` are held: so they are told to be wherever they are now.
        """
        unknown = bool(elsewhere) and not self.last_on
        return replace(
            known,
            starts=self.starts,
            minutes=self.minutes,
            last_on=date.fromisoformat(self.last_on) if self.last_on else None,
            cancelled=frozenset(self.without),
            called_off=frozenset(self.beyond),
            moved=dict(self._moves(known, elsewhere)) if self.last_on else {},
            place=_UNKNOWN if unknown else known.place,
        )

    def _moves(
        self, known: CalendarEntry, elsewhere: Collection[datetime]
    ) -> Iterator[tuple[datetime, EntryException]]:
        """The dates that are otherwise than most: by their hours as they were told, and by where they are held."""
        hours = dict(zip(self.moved, zip(self.moved_to, self.lasting, strict=True), strict=True))
        for one in {*hours, *known.moved, *elsewhere} - {*self.without}:
            if self._is_within(one):
                starts, minutes = hours.get(one, (one, self.minutes))
                there = known.moved.get(one, EntryException(one, minutes, known.place, known.online_url))
                how = EntryException(starts, minutes, _UNKNOWN if one in elsewhere else there.place, there.online_url)
                if how != EntryException(one, self.minutes, known.place, known.online_url):
                    yield one, how

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
