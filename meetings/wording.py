"""The words of what is told of a meeting: its day and hour, where it is, and what changed, in each language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from duties.mail.notices import Language
from locales import LANGUAGES, N_, pick, say, say_n, show_clock, show_day, show_length
from meetings.entries import Entry, Occurrence
from meetings.itip import Message

Facts = Callable[[Language], dict[str, Any]]

TEMPLATES: Final = {
    "invitation": "meeting_invitation",
    "update": "meeting_changed",
    "moved": "meeting_changed",
    "restored": "meeting_changed",
    "details": "meeting_changed",
    "cancelled": "meeting_cancelled",
    "removed": "meeting_no_longer",
}

#: A season that goes on with another one's dates, at another hour: the kind of that news, and its template.
CONTINUED: Final = "continued"
_AT_ANOTHER_HOUR: Final = "meeting_hour"
#: The letter that brings several pieces of news.
_SEVERAL: Final = "meeting_several"
#: Of so many dates a subject names each; of more, the first.
_NAMED: Final = 2

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


def each_week(weekday: int) -> dict[str, str]:
    """A weekday as a rhythm, in both languages; Monday is 0: "every Wednesday"."""
    return {language: say(language, _WEEKDAYS[weekday]) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class News:
    """What a person is to hear of one season or meeting.

    `dates` are the originals that are otherwise for them; `following` is the season that goes on with this one's dates
    at another hour, and `begins_anew` says that this one is such a season. The paths are those of the letter's links.
    """

    message: Message
    told: Entry | None
    wanted: Entry | None
    dates: tuple[datetime, ...]
    committee: Mapping[str, Any]
    is_season: bool
    following: Mapping[str, Any] | None = None
    begins_anew: bool = False
    answer_path: str = ""
    path: str = "/meetings"

    @property
    def entry(self) -> Entry:
        """What it is about: what the person is to see, or saw."""
        entry = self.wanted or self.told
        assert entry is not None  # noqa: S101 - news are about one of the two
        return entry

    @property
    def starts(self) -> datetime:
        """The local time of the meeting that it is about, as it is now or was; of a season, the first that changed."""
        if self.message.kind == "invitation" and self.is_season:
            return self.entry.starts
        if self.message.recurrence is not None:
            return self.message.entry.at(self.message.recurrence).starts
        return self.named()[0].starts if self.dates and self.is_season else self.entry.starts

    def title(self, language: Language) -> str:
        """The committee's name."""
        return pick(language, {"fr": self.committee["title_fr"], "en": self.committee["title_en"]})

    def was(self, original: datetime) -> Occurrence | None:
        """A meeting as the person knew it; None where they did not."""
        return _of(self.told, original)

    def now(self, original: datetime) -> Occurrence | None:
        """A meeting as it is for the person now; None where there is none for them."""
        return _of(self.wanted, original)

    def named(self) -> list[Occurrence]:
        """The dates that are otherwise, each under the day and hour by which the person knows it."""
        if not self.is_season:
            return (self.told or self.entry).occurrences()
        found = [self.was(one) or self.now(one) for one in self.dates]
        return [one for one in found if one is not None] or [self.entry.at(self.entry.starts)]

    def days(self, language: Language) -> str:
        """The dates that changed, as a subject names them: one or two by name, more by the first and their number."""
        if self.message.kind == "invitation":
            return when(language, self.entry.occurrences()[0].starts)
        return _named_in(language, [one.starts for one in self.named()])

    @property
    def is_moved(self) -> bool:
        """Whether one meeting alone has another time."""
        return self.message.kind == "moved" or (not self.is_season and self.message.kind == "update")


def letter_of(news: Sequence[News], *, files: int = 1) -> tuple[str, Facts]:
    """The template of the letter that brings all of these to one person, and the facts that it needs.

    `files` is how many files for their calendar go with it.
    """
    if len(news) > 1:
        return _SEVERAL, _several(news, files)
    (one,) = news
    template = _AT_ANOTHER_HOUR if one.begins_anew else TEMPLATES[one.message.kind]

    def facts(language: Language) -> dict[str, Any]:
        starts, lines = _shown(language, one.message, one.entry, one.is_season)
        return {
            "committee": one.title(language),
            "first": when(language, starts),
            "was": when(language, one.named()[0].starts),
            "moved": one.is_moved,
            "subject": _subject(language, one),
            "answer_again": one.is_moved and one.message.bumps,
            "instead": _instead(language, one.told, one.following),
            "several": one.is_season and one.message.recurrence is None and len(one.dates) > 1,
            "changes": [] if one.is_moved else [{"text": line} for line in _changes(language, one)],
            "lines": [{"text": line} for line in lines],
            "files": files,
            "answer_path": one.answer_path,
            "path": one.path,
        }

    return template, facts


def _several(news: Sequence[News], files: int) -> Facts:
    """The facts of a letter with several pieces of news: each under its own heading, with its own link."""

    def facts(language: Language) -> dict[str, Any]:
        return {
            "subject": _subject_of_all(language, news),
            "parts": [
                {
                    "heading": _heading(language, one),
                    "lines": [{"text": line} for line in _part_lines(language, one)],
                    "answer_path": one.answer_path if one.message.kind not in ("cancelled", "removed") else "",
                }
                for one in news
            ],
            "files": files,
            "path": "/meetings",
        }

    return facts


_HEADINGS: Final[Mapping[str, str]] = {
    "invitation": N_("Invitation: %(committee)s, %(days)s"),
    "update": N_("Changed: %(committee)s, %(days)s"),
    "moved": N_("Changed: %(committee)s, %(days)s"),
    "restored": N_("On after all: %(committee)s, %(days)s"),
    "details": N_("Changed: %(committee)s, %(days)s"),
    "cancelled": N_("Cancelled: %(committee)s, %(days)s"),
    "removed": N_("You are no longer expected: %(committee)s, %(days)s"),
    CONTINUED: N_("Another hour: %(committee)s, from %(days)s on"),
}


def _heading(language: Language, one: News) -> str:
    kind = CONTINUED if one.begins_anew else one.message.kind
    days = _moved_days(language, one) if one.is_moved else one.days(language)
    return say(language, _HEADINGS[kind], committee=one.title(language), days=days)


def _subject(language: Language, one: News) -> str:
    """The dates that changed, as a subject names them behind the committee's name."""
    return _moved_days(language, one) if one.is_moved else one.days(language)


def _moved_days(language: Language, one: News) -> str:
    """Of one meeting that has another time: its day and the new one, or its day and the new hour."""
    was, now = _was_and_now(one)
    if was is None or was.starts.date() == now.starts.date():
        return when(language, now.starts)
    return say(
        language,
        N_("from %(was)s to %(now)s"),
        was=show_day(language, was.starts.date()),
        now=when(language, now.starts),
    )


def _was_and_now(one: News) -> tuple[Occurrence | None, Occurrence]:
    original = one.message.recurrence
    if original is not None:
        return one.was(original), one.message.entry.at(original)
    had = one.told.occurrences()[0] if one.told is not None else None
    return had, one.entry.occurrences()[0]


def _subject_of_all(language: Language, news: Sequence[News]) -> str:
    titles = list(dict.fromkeys(one.title(language) for one in news))
    committee = titles[0] if len(titles) == 1 else say_n(language, "%(n)s committee", "%(n)s committees", len(titles))
    kinds = {CONTINUED if one.begins_anew else one.message.kind for one in news}
    days = [one.starts if one.message.kind == "invitation" else known.starts for one in news for known in one.named()]
    named = _named_in(language, sorted(set(days)) if kinds != {"invitation"} else sorted({one.starts for one in news}))
    kind = next(iter(kinds)) if len(kinds) == 1 else "update"
    return say(language, _HEADINGS[kind], committee=committee, days=named)


def _named_in(language: Language, starts: Sequence[datetime]) -> str:
    days = list(dict.fromkeys(starts))
    if len(days) == 1:
        return when(language, days[0])
    shown = show_day(language, days[0].date())
    if len(days) <= _NAMED:
        return say(language, N_("%(one)s and %(other)s"), one=shown, other=show_day(language, days[1].date()))
    return say_n(
        language, "%(first)s and %(n)s other date", "%(first)s and %(n)s other dates", len(days) - 1, first=shown
    )


def _part_lines(language: Language, one: News) -> list[str]:
    """What one piece of news says among several, under its heading."""
    if one.message.kind in ("cancelled", "removed"):
        return []
    _, lines = _shown(language, one.message, one.entry, one.is_season)
    changes = [] if one.is_moved or one.message.recurrence is not None else _changes(language, one)
    return [*changes, *lines]


def _changes(language: Language, one: News) -> list[str]:
    """What became of each date, of those that changed: to which time, that it is off, or on after all."""
    if one.message.kind == "invitation":
        return []
    found, elsewhere = [], 0
    for original in one.dates:
        was, now = one.was(original), one.now(original)
        if was is not None and now is None:
            found.append(say(language, N_("No longer: %(was)s"), was=when(language, was.starts)))
        elif was is None and now is not None:
            found.append(say(language, N_("Now too: %(now)s"), now=when(language, now.starts)))
        elif was is not None and now is not None and (was.starts, was.minutes) != (now.starts, now.minutes):
            found.append(
                say(
                    language,
                    N_("Instead of %(was)s: %(now)s"),
                    was=when(language, was.starts),
                    now=when(language, now.starts),
                )
            )
        else:
            elsewhere += 1
    if elsewhere:
        found.append(say_n(language, "Another place: %(n)s meeting", "Another place: %(n)s meetings", elsewhere))
    return found


def _of(entry: Entry | None, original: datetime) -> Occurrence | None:
    """A meeting of an entry, where it takes place."""
    if entry is None:
        return None
    return next((one for one in entry.occurrences() if one.original == original), None)


def _instead(language: Language, told: Entry | None, following: Mapping[str, Any] | None) -> str:
    """From when on and at which hour the dates are held that a season no longer has; "" where it still has them all."""
    if told is None or told.last_on is None or following is None or told.last_on < following["starts_on"]:
        return ""
    return when(language, datetime.combine(following["starts_on"], following["at"]))


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
