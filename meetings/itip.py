"""What has to be said so that a person's calendar goes from what they were told to what is so (RFC 5546).

No form of message about one date of a season is read rightly everywhere, so a person's calendar has a dialect: "merge"
takes a date by itself, as the RFC says; "replace" takes every message for the whole, and gets the whole each time. What
is not known is taken for "merge", which the calendars of large offices are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from meetings.entries import WEEK, CalendarEntry, Occurrence

Method = Literal["REQUEST", "CANCEL"]
Kind = Literal["invitation", "update", "details", "moved", "restored", "cancelled", "removed"]
Dialect = Literal["unknown", "merge", "replace"]

REQUEST: Final = "REQUEST"
CANCEL: Final = "CANCEL"

#: A season that loses more dates than this at one of its ends is told as shorter, and not date by date.
FEW: Final = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `kind` says what happened, for the letter; the rest is what the calendar file holds.

    It is about the original local time `recurrence` alone, or about all of `entry`. `whole`: the file holds the rule
    and every exception; else the rule without the dates that are off, or the one date. `bumps`: SEQUENCE rises, and
    answers given before no longer count. `is_off`, of a CANCEL: the meeting does not take place; else this person alone
    is not expected, and no STATUS may say otherwise to their calendar.

    Of messages that `joined` made one: `also` are originals that the file says by themselves though they are as the
    rule has them; with `keeps_answers` only the dates that changed are asked anew; what `is_quiet` is for the calendar
    alone, and no news to its reader.
    """

    method: Method
    kind: Kind
    entry: CalendarEntry
    recurrence: datetime | None = None
    bumps: bool = True
    whole: bool = True
    is_off: bool = False
    also: frozenset[datetime | None] = frozenset()
    keeps_answers: bool = False
    is_quiet: bool = False

    @property
    def called_off(self) -> datetime | None:
        """The date that it calls off by itself."""
        return self.recurrence if self.kind in ("cancelled", "removed") else None


@dataclass(frozen=True, slots=True)
class _Change:
    """How one date to come differs: None where the person is not expected. `is_new`: its season did not reach it."""

    original: datetime
    before: Occurrence | None
    now: Occurrence | None
    is_new: bool = False

    @property
    def is_other_time(self) -> bool:
        if self.before is None or self.now is None:
            return True
        return self.before.hours != self.now.hours

    @property
    def is_restored(self) -> bool:
        return self.before is None and not self.is_new

    def kind(self, still_on: Collection[datetime]) -> Kind:
        """What happened to it; `still_on` are originals that take place, without this person."""
        if self.now is None:
            return "removed" if self.original in still_on else "cancelled"
        if self.is_restored:
            return "restored"
        return "moved" if self.is_other_time else "details"


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is to come of what was told and of what is wanted, by the original time, and the dates that differ."""

    had: Mapping[datetime, Occurrence]
    gets: Mapping[datetime, Occurrence]

    @classmethod
    def of(cls, told: CalendarEntry | None, wanted: CalendarEntry | None, after: datetime) -> _Ahead:
        return cls(_to_come(told, after), _to_come(wanted, after))

    @property
    def differ(self) -> list[datetime]:
        return [one for one in sorted({*self.had, *self.gets}) if self.had.get(one) != self.gets.get(one)]

    def change(self, original: datetime, told: CalendarEntry) -> _Change:
        is_new = not _is_within(told, original) and original not in told.called_off
        return _Change(original, self.had.get(original), self.gets.get(original), is_new=is_new)


def differences(
    told: CalendarEntry | None,
    wanted: CalendarEntry | None,
    *,
    dialect: Dialect | str,
    after: datetime,
    is_off: bool = False,
    still_on: Collection[datetime] = (),
) -> tuple[Message, ...]:
    """The messages, in the order in which they have to arrive, from what was told to what is wanted.

    Only meetings that begin after `after`, the local time now, count. Where none of them is at another moment, of
    another length or elsewhere, nothing is sent. Other words alone, such as a committee's new name or a person's other
    language, wait for the next change: a reader of a change looks for the date that changed. `is_off` says that these
    meetings no longer take place for anyone; `still_on` names originals that take place without this person. Raises
    ValueError for two UIDs, and for a season that would get another weekday or hour under its old UID: calendars keep
    exceptions by their original time, and lose them.
    """
    _refuse_unlike(told, wanted)
    ahead = _Ahead.of(told, wanted, after)
    if wanted is not None and ahead.gets and not ahead.had:
        return tuple(_invited(told, wanted, ahead, dialect))
    if told is None or not ahead.had:
        return ()
    if wanted is None or not ahead.gets:
        return (Message(CANCEL, "cancelled" if is_off else "removed", told, is_off=is_off),)
    return tuple(_of_changes(told, wanted, ahead, dialect, still_on, after))


def _of_changes(
    told: CalendarEntry,
    wanted: CalendarEntry,
    ahead: _Ahead,
    dialect: Dialect | str,
    still_on: Collection[datetime],
    after: datetime,
) -> Iterable[Message]:
    """What is told of the dates to come that differ, of what goes on."""
    changes = [ahead.change(one, told) for one in ahead.differ]
    if not changes and told.zone == wanted.zone:
        return ()
    if not wanted.is_season:
        # A meeting alone is known by its UID: its original time is its time, so that a move looks like two changes.
        return (_news(wanted, bumps=told.zone != wanted.zone or _bumps(changes)),)
    if dialect == "replace":
        return (_as_a_whole(wanted, changes, still_on),)
    return _by_dates(told, wanted, changes, ahead, still_on, after)


def changed(told: CalendarEntry | None, wanted: CalendarEntry | None, *, after: datetime) -> tuple[datetime, ...]:
    """The originals of the meetings after `after` that a person is to hear of: those that they had or get otherwise."""
    return tuple(_Ahead.of(told, wanted, after).differ)


def joined(
    messages: Sequence[Message],
    told: CalendarEntry | None,
    wanted: CalendarEntry | None,
    *,
    after: datetime,
    still_on: Collection[datetime] = (),
) -> tuple[Message, ...]:
    """What `differences` found, for one letter: one file that says all of it, where there were several messages.

    A letter brings several files to few calendars: many read the first alone. So it has the rule and every date that
    is otherwise, and those as the rule has them of which a calendar may think otherwise. What no rule says stays a
    cancellation behind it: that a date that a calendar holds by itself, because it was moved, is gone. Where the rule
    leaves that date out, some calendars hide it alone, and show it again once a later rule says nothing of it.
    """
    if len(messages) < 2 or wanted is None:  # noqa: PLR2004 - one is one already
        return tuple(messages)
    alone_too = frozenset(one.recurrence for one in messages if one.method == REQUEST) - {None}
    if messages[0].kind == "invitation" or told is None:
        return (replace(messages[0], also=alone_too),)
    whole = _whole(told, wanted, messages, _Ahead.of(told, wanted, after), still_on)
    gone = (replace(one, is_quiet=True) for one in messages if one.method == CANCEL and one.recurrence in told.moved)
    return (replace(whole, also=alone_too), *gone)


def _whole(
    told: CalendarEntry,
    wanted: CalendarEntry,
    messages: Sequence[Message],
    ahead: _Ahead,
    still_on: Collection[datetime],
) -> Message:
    """One message that says what several do: of the one date of the season that is otherwise, or of more of it."""
    bumps, news = any(message.bumps for message in messages), ahead.differ
    whole = replace(_news(wanted, bumps=bumps), keeps_answers=True)
    if len(news) != 1 or not _is_within(told, news[0]):
        return whole
    return replace(whole, kind=ahead.change(news[0], told).kind(still_on), recurrence=news[0])


def remembered(
    told: CalendarEntry | None, wanted: CalendarEntry | None, messages: Sequence[Message]
) -> CalendarEntry | None:
    """What a person's calendar is taken to hold after these messages, to be given as `told` the next time.

    It is what is wanted, with the dates beyond its rule that were called off while the rule reached them: some
    calendars keep that, and do not show such a date again when the rule alone comes to reach it. Where all of it was
    taken back it holds nothing, also of the dates that were held.
    """
    if any(message.method == CANCEL and message.recurrence is None for message in messages):
        return None
    if told is None or wanted is None or not wanted.is_season:
        return wanted
    off = {*told.cancelled, *told.called_off, *filter(None, (one.called_off for one in messages))}
    return replace(wanted, called_off=frozenset(one for one in off if not _is_within(wanted, one)))


def sequences(before: int, messages: Sequence[Message]) -> list[int]:
    """The SEQUENCE of each message, after the last one that the person was sent; -1 where there was none."""
    found, at = [], before
    for message in messages:
        at = max(at + 1 if message.bumps else at, 0)
        found.append(at)
    return found


def alone(entry: CalendarEntry, original: datetime) -> CalendarEntry:
    """One date of a season as a meeting of its own, as an exception by itself says it."""
    one = entry.at(original)
    return replace(
        entry,
        starts=one.starts,
        minutes=one.minutes,
        place=one.place,
        online_url=one.online_url,
        last_on=None,
        cancelled=frozenset(),
        moved={},
    )


def _invited(
    told: CalendarEntry | None, wanted: CalendarEntry, ahead: _Ahead, dialect: Dialect | str
) -> Iterator[Message]:
    """An invitation, and what a calendar may hold of a date by itself: that it is off, or was moved to a past day."""
    yield Message(REQUEST, "invitation", wanted)
    if told is not None and dialect != "replace":
        for one in sorted(ahead.gets.keys() & {*told.cancelled, *told.called_off, *told.moved}):
            yield Message(REQUEST, "restored", wanted, one, whole=False)


def _news(wanted: CalendarEntry, *, bumps: bool, whole: bool = True) -> Message:
    return Message(REQUEST, "update" if bumps else "details", wanted, bumps=bumps, whole=whole)


def _as_a_whole(wanted: CalendarEntry, changes: Sequence[_Change], still_on: Collection[datetime]) -> Message:
    """One message with everything in it, whatever changed."""
    if len(changes) == 1 and not changes[0].is_new:
        (change,) = changes
        return Message(REQUEST, change.kind(still_on), wanted, change.original, bumps=change.is_other_time)
    return _news(wanted, bumps=_bumps(changes))


def _bumps(changes: Sequence[_Change]) -> bool:
    return any(change.is_other_time for change in changes)


def _by_dates(
    told: CalendarEntry,
    wanted: CalendarEntry,
    changes: Sequence[_Change],
    ahead: _Ahead,
    still_on: Collection[datetime],
    after: datetime,
) -> Iterator[Message]:
    """The rule if it has to change, then each date that is otherwise, then each that is off: the order of Outlook."""
    restored = [change for change in changes if change.is_restored]
    if restored and len(changes) == 1:
        # Calendars that took the date out of the rule need the rule; those that keep its cancellation need the date.
        yield Message(REQUEST, "restored", wanted, restored[0].original)
        return
    dates = list(changes)
    if restored or _is_otherwise(told, wanted, changes):
        yield _news(wanted, bumps=_bumps(changes), whole=False)
        dates = [*_told_anew(told, wanted, changes, ahead, after), *_gone_by_themselves(told, wanted, changes)]
    for change in sorted(dates, key=lambda one: one.now is None):
        yield _by_itself(change, told, wanted, still_on)


def _by_itself(change: _Change, told: CalendarEntry, wanted: CalendarEntry, still_on: Collection[datetime]) -> Message:
    kind = change.kind(still_on)
    if change.now is None:
        return Message(CANCEL, kind, told, change.original, whole=False, is_off=kind == "cancelled")
    return Message(REQUEST, kind, wanted, change.original, bumps=change.is_other_time, whole=False)


def _gone_by_themselves(told: CalendarEntry, wanted: CalendarEntry, changes: Sequence[_Change]) -> Iterator[_Change]:
    """Of the dates that are off, those that a new rule does not take along.

    Beyond it a date goes with the old one; one that was moved is kept by some as a thing of its own.
    """
    for change in changes:
        if change.now is None and (_is_within(wanted, change.original) or change.original in told.moved):
            yield change


def _told_anew(
    told: CalendarEntry, wanted: CalendarEntry, changes: Sequence[_Change], ahead: _Ahead, after: datetime
) -> Iterator[_Change]:
    """The dates that take place otherwise, with a new rule: some calendars keep a date's exception, some drop it."""
    by_date = {change.original: change for change in changes}
    restored = (change.original for change in changes if change.is_restored)
    anew = {*wanted.moved, *told.moved, *restored} & ahead.gets.keys()
    # One that was moved to an earlier day and held is past, and would come back on its old day.
    held = {one for one in wanted.moved.keys() - wanted.cancelled - ahead.gets.keys() - by_date.keys() if one > after}
    for one in sorted(anew | held):
        stands = wanted.at(one)
        yield by_date.get(one, _Change(one, stands, stands))


def _is_otherwise(told: CalendarEntry, wanted: CalendarEntry, changes: Sequence[_Change]) -> bool:
    """Whether the rule or the words of a season have to be told anew, and not single dates of it alone."""
    if (_texts(told), told.usual) != (_texts(wanted), wanted.usual):
        return True
    if any(change.is_new for change in changes):
        return True
    outside = [change for change in changes if change.now is None and not _is_within(wanted, change.original)]
    early = sum(change.original < wanted.starts for change in outside)
    return early > FEW or len(outside) - early > FEW


def _to_come(entry: CalendarEntry | None, after: datetime) -> dict[datetime, Occurrence]:
    """The meetings of an entry that are to come, by their original time."""
    return {one.original: one for one in entry.occurrences() if one.starts > after} if entry is not None else {}


def _is_within(entry: CalendarEntry, original: datetime) -> bool:
    """Whether the rule of a season has this original time, held or not."""
    return entry.last_on is not None and entry.starts.date() <= original.date() <= entry.last_on


def _texts(entry: CalendarEntry) -> tuple[str, str, str]:
    return entry.title, entry.description, entry.url


def _refuse_unlike(told: CalendarEntry | None, wanted: CalendarEntry | None) -> None:
    if told is None or wanted is None:
        return
    if told.uid != wanted.uid or told.is_season != wanted.is_season:
        raise ValueError("two things are told under two UIDs")
    if told.is_season and (told.zone != wanted.zone or (wanted.starts - told.starts) % WEEK):
        raise ValueError("a season at another weekday, hour or zone has a UID of its own")
