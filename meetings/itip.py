"""What has to be said so that a person's calendar goes from what they were told to what is so (RFC 5546).

No form of message about one date of a season is read rightly everywhere, so a person's calendar has a dialect: "merge"
takes a date by itself, as the RFC says; "replace" takes every message for the whole, and gets the whole each time. What
is not known is taken for "merge", which the calendars of large offices are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from meetings.entries import WEEK, Entry, Occurrence

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
    answers given before no longer count. `is_off`, of a CANCEL: nobody meets then; else this person alone is not
    expected, and no STATUS may say otherwise to their calendar.

    Of messages that `joined` made one: `also` are originals that the file says by themselves though they are as the
    rule has them; with `keeps_answers` only the dates that changed are asked anew; what `is_quiet` is for the calendar
    alone, and no news to its reader.
    """

    method: Method
    kind: Kind
    entry: Entry
    recurrence: datetime | None = None
    bumps: bool = True
    whole: bool = True
    is_off: bool = False
    also: frozenset[datetime] = frozenset()
    keeps_answers: bool = False
    is_quiet: bool = False


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
        return (self.before.starts, self.before.minutes) != (self.now.starts, self.now.minutes)


def differences(
    told: Entry | None,
    wanted: Entry | None,
    *,
    dialect: Dialect | str,
    after: datetime,
    is_off: bool = False,
    still_on: Collection[datetime] = (),
) -> tuple[Message, ...]:
    """The messages, in the order in which they have to arrive, from what was told to what is wanted.

    Only meetings that begin after `after`, the local time now, count: where none of them is at another moment, of
    another length or elsewhere, nothing is sent. Other words alone, such as a committee's new name or a person's other
    language, wait for the next change: who reads of a change looks for the date that changed.
    `is_off` says that nobody has any of these meetings any more; `still_on` names originals that take place, without
    this person. Raises ValueError for two UIDs, and for a season that would get another weekday or hour under its old
    UID: calendars keep exceptions by their original time, and lose them.
    """
    if told is not None and wanted is not None:
        _refuse_unlike(told, wanted)
    had, gets = _ahead(told, after), _ahead(wanted, after)
    if wanted is not None and gets and not had:
        # What a calendar may still hold of a date by itself: that it is off, or was moved to a day that is over.
        by_itself = () if told is None or dialect == "replace" else (*told.cancelled, *told.called_off, *told.moved)
        again = gets.keys() & set(by_itself)
        alone_again = (Message(REQUEST, "restored", wanted, one, whole=False) for one in sorted(again))
        return (Message(REQUEST, "invitation", wanted), *alone_again)
    if told is None or not had:
        return ()
    if wanted is None or not gets:
        return (Message(CANCEL, "cancelled" if is_off else "removed", told, is_off=is_off),)
    changes = [
        _Change(
            original,
            had.get(original),
            gets.get(original),
            is_new=not _is_within(told, original) and original not in told.called_off,
        )
        for original in sorted({*had, *gets})
        if had.get(original) != gets.get(original)
    ]
    if not changes and told.zone == wanted.zone:
        return ()
    if not wanted.is_season:
        return tuple(_of_one(told, wanted, changes))
    if dialect == "replace":
        return tuple(_as_a_whole(wanted, changes, still_on))
    return tuple(_by_dates(told, wanted, changes, gets, still_on, after))


def changed(told: Entry | None, wanted: Entry | None, *, after: datetime) -> tuple[datetime, ...]:
    """The originals of the meetings after `after` that a person is to hear of: those that they had or get otherwise."""
    had, gets = _ahead(told, after), _ahead(wanted, after)
    return tuple(one for one in sorted({*had, *gets}) if had.get(one) != gets.get(one))


def joined(
    messages: Sequence[Message],
    told: Entry | None,
    wanted: Entry | None,
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
    first, news = messages[0], changed(told, wanted, after=after)
    alone_too = frozenset(one.recurrence for one in messages if one.method == REQUEST and one.recurrence is not None)
    if first.kind == "invitation" or told is None:
        return (replace(first, also=alone_too),)
    had, gets = _ahead(told, after), _ahead(wanted, after)
    bumps = any(message.bumps for message in messages)
    only = news[0] if len(news) == 1 and _is_within(told, news[0]) else None
    kind: Kind = "update" if bumps else "details"
    if only is not None:
        kind = _kind(_Change(only, had.get(only), gets.get(only)), still_on)
    whole = Message(REQUEST, kind, wanted, only, bumps=bumps, also=alone_too, keeps_answers=True)
    left = (one for one in messages if one.method == CANCEL and one.recurrence in told.moved)
    return (whole, *(replace(one, is_quiet=True) for one in left))


def remembered(told: Entry | None, wanted: Entry | None, messages: Sequence[Message]) -> Entry | None:
    """What a person's calendar is taken to hold after these messages, to be given as `told` the next time.

    It is what is wanted, with the dates beyond its rule that were called off while the rule reached them: some
    calendars keep that, and do not show such a date again when the rule alone comes to reach it. Where all of it was
    taken back it holds nothing, also of the dates that were held.
    """
    if any(message.method == CANCEL and message.recurrence is None for message in messages):
        return None
    if told is None or wanted is None or not wanted.is_season:
        return wanted
    off = {message.recurrence for message in messages if message.kind in ("cancelled", "removed")}
    off |= told.cancelled | told.called_off
    beyond = {one for one in off if one is not None and not _is_within(wanted, one)}
    return replace(wanted, called_off=frozenset(beyond))


def sequences(before: int, messages: Sequence[Message]) -> list[int]:
    """The SEQUENCE of each message, after the last one that the person was sent; -1 where there was none."""
    found, at = [], before
    for message in messages:
        at = max(at + 1 if message.bumps else at, 0)
        found.append(at)
    return found


def alone(entry: Entry, original: datetime) -> Entry:
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


def _of_one(told: Entry, wanted: Entry, changes: Sequence[_Change]) -> Iterator[Message]:
    # A meeting alone is known by its UID: its original time is its time, so that a move looks like two changes.
    if told.zone != wanted.zone or any(change.is_other_time for change in changes):
        yield Message(REQUEST, "update", wanted)
    else:
        yield Message(REQUEST, "details", wanted, bumps=False)


def _as_a_whole(wanted: Entry, changes: Sequence[_Change], still_on: Collection[datetime]) -> Iterator[Message]:
    """One message with everything in it, whatever changed."""
    if len(changes) == 1 and not changes[0].is_new:
        (change,) = changes
        yield Message(REQUEST, _kind(change, still_on), wanted, change.original, bumps=change.is_other_time)
    elif any(change.is_other_time for change in changes):
        yield Message(REQUEST, "update", wanted)
    else:
        yield Message(REQUEST, "details", wanted, bumps=False)


def _by_dates(
    told: Entry,
    wanted: Entry,
    changes: Sequence[_Change],
    gets: Mapping[datetime, Occurrence],
    still_on: Collection[datetime],
    after: datetime,
) -> Iterator[Message]:
    """The rule if it has to change, then each date that is otherwise, then each that is off: the order of Outlook."""
    restored = [change for change in changes if change.before is None and not change.is_new]
    if restored and len(changes) == 1:
        # Calendars that took the date out of the rule need the rule; those that keep its cancellation need the date.
        yield Message(REQUEST, "restored", wanted, restored[0].original)
        return
    moved = [change for change in changes if change.now is not None]
    off = [change for change in changes if change.now is None]
    if restored or _is_otherwise(told, wanted, changes):
        bumps = any(change.is_other_time for change in changes)
        yield Message(REQUEST, "update" if bumps else "details", wanted, bumps=bumps, whole=False)
        # Some calendars keep a date's exception under a new rule, some drop it: each is told anew.
        by_date = {change.original: change for change in changes}
        anew = {*wanted.moved, *told.moved, *(change.original for change in restored)} & set(gets)
        # One that was moved to an earlier day and held is past, and would come back on its old day.
        held = {one for one in wanted.moved.keys() - wanted.cancelled - gets.keys() - by_date.keys() if one > after}
        stands = {one: wanted.at(one) for one in anew | held}
        moved = [by_date.get(one, _Change(one, stands[one], stands[one])) for one in sorted(stands)]
        # Beyond the new rule a date goes with the old one; one that was moved is kept by some as a thing of its own.
        off = [one for one in off if _is_within(wanted, one.original) or one.original in told.moved]
    for change in moved:
        yield Message(
            REQUEST, _kind(change, still_on), wanted, change.original, bumps=change.is_other_time, whole=False
        )
    for change in off:
        kind = _kind(change, still_on)
        yield Message(CANCEL, kind, told, change.original, whole=False, is_off=kind == "cancelled")


def _is_otherwise(told: Entry, wanted: Entry, changes: Sequence[_Change]) -> bool:
    """Whether the rule or the words of a season have to be told anew, and not single dates of it alone."""
    if _texts(told) != _texts(wanted):
        return True
    if _usual(told) != _usual(wanted):
        return True
    if any(change.is_new for change in changes):
        return True
    outside = [change for change in changes if change.now is None and not _is_within(wanted, change.original)]
    early = sum(change.original < wanted.starts for change in outside)
    return early > FEW or len(outside) - early > FEW


def _kind(change: _Change, still_on: Collection[datetime]) -> Kind:
    if change.now is None:
        return "removed" if change.original in still_on else "cancelled"
    if change.before is None and not change.is_new:
        return "restored"
    return "moved" if change.is_other_time else "details"


def _ahead(entry: Entry | None, after: datetime) -> dict[datetime, Occurrence]:
    """The meetings of an entry that are to come, by their original time."""
    return {one.original: one for one in entry.occurrences() if one.starts > after} if entry is not None else {}


def _is_within(entry: Entry, original: datetime) -> bool:
    """Whether the rule of a season has this original time, held or not."""
    return entry.last_on is not None and entry.starts.date() <= original.date() <= entry.last_on


def _usual(entry: Entry) -> tuple[int, str, str]:
    return entry.minutes, entry.place, entry.online_url


def _texts(entry: Entry) -> tuple[str, str, str]:
    return entry.title, entry.description, entry.url


def _refuse_unlike(told: Entry, wanted: Entry) -> None:
    if told.uid != wanted.uid or told.is_season != wanted.is_season:
        msg = "two things are told under two UIDs"
        raise ValueError(msg)
    if told.is_season and (told.zone != wanted.zone or (wanted.starts - told.starts) % WEEK):
        msg = "a season at another weekday, hour or zone has a UID of its own"
        raise ValueError(msg)
