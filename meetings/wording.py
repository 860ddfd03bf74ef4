"""The words of what is told of a meeting: its day and hour, where it is, and what changed, in each language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from duties.mail.notices import Language
from locales import N_, pick, say, show_clock, show_day, show_length
from meetings.entries import Entry
from meetings.itip import Message

Facts = Callable[[Language], dict[str, Any]]

TEMPLATES: Final = {
    "invitation": "meeting_invitation",
    "update": "meeting_changed",
    "moved": "meeting_changed",
    "restored": "meeting_changed",
    "details": "meeting_changed",
    "cancelled": "meeting_cancelled",
    "continued": "meeting_goes_on",
    "removed": "meeting_no_longer",
}

_WEEKDAYS: Final = (
    N_("every Monday"),
    N_("every Tuesday"),
    N_("every Wednesday"),
    N_("every Thursday"),
    N_("every Friday"),
    N_("every Saturday"),
    N_("every Sunday"),
)


def when(language: str, starts: datetime) -> str:
    """A local time in words: "Wednesday, December 2, 2026 at 9:30 a.m."."""
    return say(
        language,
        N_("%(day)s at %(hour)s"),
        day=show_day(language, starts.date(), "full"),
        hour=show_clock(language, starts.time()),
    )


def letter_for(
    message: Message,
    told: Entry | None,
    wanted: Entry | None,
    committee: Mapping[str, Any],
    *,
    is_season: bool,
    following: Mapping[str, Any] | None = None,
    goes_on_as: Entry | None = None,
) -> tuple[str, Facts]:
    """The template of a letter about one message, and the facts that it needs.

    `following` is the season that goes on with this one's dates at another hour, and `goes_on_as` what the person is
    to see of it.
    """
    entry = wanted or told
    assert entry is not None  # noqa: S101 - a message is about one of the two

    def facts(language: Language) -> dict[str, Any]:
        was = message.recurrence or entry.starts
        # Of a season told anew the dates that stayed as they were keep their answers.
        is_moved = message.kind == "moved" or (not is_season and message.kind == "update")
        starts, lines = _shown(language, message, entry, is_season)
        if told is not None and message.kind in ("moved", "update", "details", "cancelled", "continued"):
            was = _start(told, message.recurrence)
        return {
            "committee": pick(language, {"fr": committee["title_fr"], "en": committee["title_en"]}),
            "first": when(language, was if message.kind in ("cancelled", "continued", "removed") else starts),
            "was": when(language, was),
            "now": _now(language, message, goes_on_as) if message.kind == "continued" else "",
            "moved": is_moved,
            "answer_again": is_moved and message.bumps,
            "instead": _instead(language, told, following) if message.recurrence is None else "",
            "several": is_season and message.recurrence is None,
            "lines": [{"text": line} for line in lines],
        }

    return TEMPLATES[message.kind], facts


def _instead(language: Language, told: Entry | None, following: Mapping[str, Any] | None) -> str:
    """From when on and at which hour the dates are held that a season no longer has; "" where it still has them all."""
    if told is None or told.last_on is None or following is None or told.last_on < following["starts_on"]:
        return ""
    return when(language, datetime.combine(following["starts_on"], following["at"]))


def _now(language: Language, message: Message, goes_on_as: Entry | None) -> str:
    """When the one date that a message is about is held in the season that goes on; "" for a whole season."""
    if message.recurrence is None or goes_on_as is None:
        return ""
    day = message.recurrence.date()
    return when(language, next(one.starts for one in goes_on_as.occurrences() if one.original.date() == day))


def _shown(language: Language, message: Message, entry: Entry, is_season: bool) -> tuple[datetime, list[str]]:
    if message.recurrence is not None and message.recurrence in entry.moved:
        one = entry.moved[message.recurrence]
        return one.starts, _place_lines(language, when(language, one.starts), one.minutes, one.place, one.online_url)
    if message.recurrence is not None or not is_season:
        starts = _start(entry, message.recurrence)
        return starts, _place_lines(language, when(language, starts), entry.minutes, entry.place, entry.online_url)
    first = _dates(language, entry)
    lines = _place_lines(language, first, entry.minutes, entry.place, entry.online_url)
    if entry.cancelled:
        lines.append(
            say(language, N_("Not on: %(days)s"), days=_days(language, sorted(one.date() for one in entry.cancelled)))
        )
    lines += [
        say(
            language,
            N_("Instead of %(was)s: %(now)s"),
            was=show_day(language, was.date()),
            now=when(language, one.starts),
        )
        for was, one in sorted(entry.moved.items())
        if one.starts != was
    ]
    return entry.starts, lines


def _dates(language: Language, entry: Entry) -> str:
    """The dates of a season in one line; of one that is cut down to a single date, that date."""
    if entry.last_on in (None, entry.starts.date()):
        return when(language, entry.starts)
    return say(
        language,
        N_("%(weekday)s at %(hour)s, from %(first)s to %(last)s"),
        weekday=say(language, _WEEKDAYS[entry.starts.weekday()]),
        hour=show_clock(language, entry.starts.time()),
        first=show_day(language, entry.starts.date()),
        last=show_day(language, entry.last_on),
    )


def _place_lines(language: Language, first: str, minutes: int, place: str, online_url: str) -> list[str]:
    lines = [first, say(language, N_("Length: %(length)s"), length=show_length(language, minutes))]
    if place:
        lines.append(say(language, N_("Place: %(place)s"), place=place))
    if online_url:
        lines.append(say(language, N_("Online: %(address)s"), address=online_url))
    return lines


def _start(entry: Entry, recurrence: datetime | None) -> datetime:
    if recurrence is None:
        return entry.starts
    return entry.moved[recurrence].starts if recurrence in entry.moved else recurrence


def _days(language: Language, days: list[date]) -> str:
    return "; ".join(show_day(language, day) for day in days)
