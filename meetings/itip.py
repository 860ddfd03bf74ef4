"""What has to be said so that a person's calendar goes from what they were told to what is so.

The forms are those that calendars were seen to read rightly (notes on iTIP). No message form for one date of a season
is safe everywhere, so a person's calendar has a dialect: "merge" takes an exception by itself, as RFC 5546 says, and
"replace" takes each message for the whole, so that it gets the whole each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from meetings.entries import Entry

Kind = Literal["invitation", "update", "details", "moved", "restored", "cancelled", "removed"]

REQUEST: Final = "REQUEST"
CANCEL: Final = "CANCEL"


@dataclass(frozen=True, slots=True)
class Message:
    """One message about `entry`, or about its date `recurrence` alone.

    `bumps`: SEQUENCE rises, and answers given before are asked for anew. `whole`: the entry with every exception is in
    it; else the rule with its cancelled dates, or the one date. `is_off`: a CANCEL of a meeting that nobody has, and
    not of one person's part in it.
    """

    method: str
    kind: Kind
    entry: Entry
    recurrence: datetime | None = None
    bumps: bool = True
    whole: bool = True
    is_off: bool = False


def differences(
    told: Entry | None, wanted: Entry | None, *, dialect: str, after: datetime, is_off: bool = False
) -> tuple[Message, ...]:
    """The messages, in their order, from what was told to what is wanted. None where nothing to come differs.

    `after` is the local time now: what is past is left as it is. `is_off` says that nobody has the meeting any more.
    """
    ahead = wanted is not None and _is_ahead(wanted, after)
    if told is None or not _is_ahead(told, after):
        # Whoever has nothing to come any more, and is told of something that comes, is invited.
        if wanted is None or not ahead or (told is not None and _same_ahead(told, wanted, after)):
            return ()
        return (Message(REQUEST, "invitation", wanted),)
    if wanted is None or not ahead:
        return (Message(CANCEL, "cancelled" if is_off else "removed", told, is_off=is_off),)
    if wanted.last_on is None or told.last_on is None:
        return tuple(_of_one(told, wanted))
    return tuple(_of_season(told, wanted, is_whole=dialect == "replace", after=after))


def sequences(before: int, messages: Sequence[Message]) -> list[int]:
    """The SEQUENCE of each message, after the last one that the person was sent; -1 where there was none."""
    found, at = [], before
    for message in messages:
        at = max(at + 1 if message.bumps else at, 0)
        found.append(at)
    return found


def _of_one(told: Entry, wanted: Entry) -> Iterator[Message]:
    if (told.starts, told.minutes, told.zone, told.last_on) != (
        wanted.starts,
        wanted.minutes,
        wanted.zone,
        wanted.last_on,
    ):
        yield Message(REQUEST, "update", wanted)
    elif told != wanted:
        yield Message(REQUEST, "details", wanted, bumps=False)


def _of_season(told: Entry, wanted: Entry, *, is_whole: bool, after: datetime) -> Iterator[Message]:
    if _rule(told) != _rule(wanted) or _is_longer_or_shorter(told, wanted, after):
        yield from _everything(wanted, "update", is_whole=is_whole, after=after)
        return
    changes = list(_exceptions(told, wanted, after))
    restored = [change for change in changes if change.kind == "restored"]
    if restored or (is_whole and changes):
        # Calendars disagree about a date that was taken out and comes back: the whole says it.
        one = changes[0]
        kind: Kind = one.kind if len(changes) == 1 else "update"
        yield Message(REQUEST, kind, wanted, one.recurrence if len(changes) == 1 and kind == "moved" else None)
        return
    if _words(told) != _words(wanted):
        yield Message(REQUEST, "details", wanted, bumps=False, whole=is_whole)
    yield from changes


def _everything(wanted: Entry, kind: Kind, *, is_whole: bool, after: datetime) -> Iterator[Message]:
    """The season anew, then, where one message takes one thing, each date that is moved: the order of Outlook."""
    yield Message(REQUEST, kind, wanted, whole=is_whole)
    if is_whole:
        return
    for at, one in sorted(wanted.moved.items()):
        if one.starts > after:
            yield Message(REQUEST, "moved", wanted, at, whole=False)


def _exceptions(told: Entry, wanted: Entry, after: datetime) -> Iterator[Message]:
    """Each date to come that takes place otherwise than was told: moved ones first, then cancelled ones."""
    later: list[Message] = []
    for at in wanted.originals:
        before = None if at in told.cancelled else told.at(at)
        now = None if at in wanted.cancelled else wanted.at(at)
        if not any(one is not None and one.starts > after for one in (before, now)):
            continue
        if before is None and now is not None:
            yield Message(REQUEST, "restored", wanted, at)
        elif before is not None and now is None:
            later.append(Message(CANCEL, "cancelled", told, at, whole=False, is_off=True))
        elif before is not None and now is not None and before != now:
            yield Message(REQUEST, "moved", wanted, at, bumps=before[:3] != now[:3], whole=False)
    yield from later


def _is_longer_or_shorter(told: Entry, wanted: Entry, after: datetime) -> bool:
    """Whether dates to come were added before or behind, or taken away there."""
    was, is_now = set(told.originals), set(wanted.originals)
    return any(at > after for at in was ^ is_now)


def _rule(entry: Entry) -> tuple[object, ...]:
    return entry.zone, entry.starts.weekday(), entry.starts.time(), entry.minutes


def _words(entry: Entry) -> tuple[str, ...]:
    return entry.title, entry.description, entry.place, entry.online_url, entry.url


def _is_ahead(entry: Entry, after: datetime) -> bool:
    return any(one.starts > after for one in entry.occurrences())


def _same_ahead(told: Entry, wanted: Entry, after: datetime) -> bool:
    return {one for one in told.occurrences() if one.starts > after} == {
        one for one in wanted.occurrences() if one.starts > after
    }


def alone(entry: Entry, recurrence: datetime) -> Entry:
    """One date of a season as a meeting of its own, as an exception by itself says it."""
    one = entry.at(recurrence)
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
