"""The words of what is told of a meeting: its day and hour, where it is, and what changed, in each language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from domain.kernel import Language
from domain.mail import Unreached
from locales import LANGUAGES, N_, Counted, say, say_n, show_day, show_length
from meetings.committees import title_of
from meetings.entries import WEEK, CalendarEntry, Occurrence
from meetings.itip import Message
from models.committee import Committee

Facts = Callable[[Language], dict[str, object]]

#: A season that goes on with another one's dates, at another hour: the kind of that news.
CONTINUED: Final = "continued"
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
    return say(language, N_("%(day)s at %(hour)s"), day=show_day(language, starts.date(), "full"), hour=starts.time())


def when_in_both(starts: datetime) -> dict[str, str]:
    """As `when`, in both languages."""
    return {language: when(language, starts) for language in LANGUAGES}


def each_week(weekday: int) -> dict[str, str]:
    """A weekday as a rhythm, in both languages; Monday is 0: "every Wednesday"."""
    return {language: say(language, _WEEKDAYS[weekday]) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class MeetingNews:
    """What a person is to hear of one season or meeting.

    `dates` are the originals that are otherwise for them; `after` is the local time now: what began before it is no
    news. `begins_anew` says that this season goes on with another's dates at another hour; `may_name`, that they may
    name who comes in their place. The paths are those of the letter's links. `since_restore` says that `told` was told
    after a copy that was put back, and holds no more.
    """

    message: Message
    told: CalendarEntry | None
    wanted: CalendarEntry | None
    dates: tuple[datetime, ...]
    committee: Committee
    is_season: bool
    after: datetime
    begins_anew: bool = False
    may_name: bool = False
    answer_path: str = ""
    path: str = "/meetings"
    since_restore: bool = False

    @property
    def entry(self) -> CalendarEntry:
        """What it is about: what the person is to see, or saw."""
        entry = self.wanted or self.told
        assert entry is not None  # noqa: S101 - news are about one of the two
        return entry

    @property
    def to_come(self) -> list[Occurrence]:
        """The meetings that it tells, as they take place: the dates to come that the file for their calendar has."""
        if self.message.recurrence is not None:
            return [self.message.entry.at(self.message.recurrence)]
        every = self.entry.occurrences()
        return [one for one in every if one.starts > self.after] or every

    @property
    def starts(self) -> datetime:
        """The local time of the meeting that it is about, as it is now or was; of a season, the first that changed."""
        if self.begins_anew:
            at_its_hour = (one.starts for one in self.to_come if one.starts == one.original)
            return next(at_its_hour, self.to_come[0].starts)
        if self.message.kind == "invitation" or self.message.recurrence is not None:
            return self.to_come[0].starts
        return self.named()[0].starts if self.dates and self.is_season else self.entry.starts

    def title(self, language: Language) -> str:
        """The committee's name."""
        return title_of(self.committee, language)

    def was(self, original: datetime) -> Occurrence | None:
        """A meeting as the person knew it; None where they did not."""
        return self.told.held(original) if self.told is not None else None

    def now(self, original: datetime) -> Occurrence | None:
        """A meeting as it is for the person now; None where there is none for them."""
        return self.wanted.held(original) if self.wanted is not None else None

    def named(self) -> list[Occurrence]:
        """The dates that are otherwise, each under the day and hour by which the person knows it."""
        if not self.is_season:
            return (self.told or self.entry).occurrences()
        found = [self.was(one) or self.now(one) for one in self.dates]
        return [one for one in found if one is not None] or [self.entry.at(self.entry.starts)]

    def days(self, language: Language) -> str:
        """The dates that changed, as a subject names them: one or two by name, more by the first and their number."""
        if self.message.kind == "invitation":
            return when(language, self.starts)
        return named_in(language, [one.starts for one in self.named()])

    @property
    def is_moved(self) -> bool:
        """Whether one meeting alone has another time: also one whose hour was past, which takes place after all."""
        if self.message.kind == "restored" and self.message.recurrence is not None:
            was = self.was(self.message.recurrence)
            return was is not None and was.starts != self.to_come[0].starts
        return self.message.kind == "moved" or (not self.is_season and self.message.kind == "update")


@dataclass(frozen=True, slots=True)
class Papers:
    """A meeting of which an unexpected reader got the agenda: when it was, and is; None where it is off.

    `is_void` says that this agenda no longer counts: the meeting is off, or gets another one.
    """

    meeting_id: UUID
    was: datetime
    now: datetime | None
    is_void: bool

    @property
    def starts(self) -> datetime:
        """Its local time, as it was moved."""
        return self.now or self.was

    def in_words(self, language: Language) -> str:
        """What became of it, as a line of a letter."""
        was = when(language, self.was)
        if self.now is None:
            return say(language, N_("Cancelled: %(was)s"), was=was)
        return say(language, N_("Instead of %(was)s: %(now)s"), was=was, now=when(language, self.now))


def letter_of(
    news: Sequence[MeetingNews], *, files: int = 1, unreached: Sequence[Unreached] = (), papers: Sequence[Papers] = ()
) -> tuple[str, Facts]:
    """The template of the letter that brings all of these to one person, and the facts that it needs.

    `files` is how many files for their calendar go with it; `unreached` are those without an address, and what they
    did not get; `papers`, what changed of meetings whose agenda they have beside.
    """
    if len(news) > 1:
        return _SEVERAL, _several(news, files, unreached, papers)
    (one,) = news
    template, _ = _KINDS[CONTINUED if one.begins_anew else one.message.kind]

    def facts(language: Language) -> dict[str, object]:
        return {
            "committee": one.title(language),
            "was": when(language, one.named()[0].starts),
            "moved": one.is_moved,
            "subject": _subject(language, one),
            "answer_again": one.is_moved and one.message.bumps,
            "may_name": one.may_name,
            "several": one.is_season and one.message.recurrence is None and len(one.dates) > 1,
            "changes": [] if one.is_moved else [{"text": line} for line in _changes(language, one)],
            "lines": [{"text": line} for line in _planned(language, one)],
            "files": files,
            **_beside_the_news(language, news, unreached, papers),
            "answer_path": one.answer_path,
            "path": one.path,
        }

    return template, facts


def _beside_the_news(
    language: Language, news: Sequence[MeetingNews], unreached: Sequence[Unreached], papers: Sequence[Papers]
) -> dict[str, object]:
    named = {known.starts for one in news for known in one.named()}
    others = [one.was for one in papers if one.was not in named]
    return {
        "unreached": _missed(language, unreached),
        "papers": [{"text": one.in_words(language)} for one in papers],
        "agenda_of": named_in(language, others) if others else "",
        "is_void": any(one.is_void for one in papers),
        "since_restore": any(one.since_restore for one in news),
    }


def _missed(language: Language, unreached: Sequence[Unreached]) -> list[dict[str, str]]:
    """Who has no address, and the subject of what each did not get."""
    return [
        {"name": one.person.name, "subject": one.subject(language), "path": f"/people/{one.person.id}"}
        for one in sorted(unreached, key=lambda one: (one.person.name, str(one.person.id)))
    ]


def _several(
    news: Sequence[MeetingNews], files: int, unreached: Sequence[Unreached], papers: Sequence[Papers]
) -> Facts:
    """The facts of a letter with several pieces of news: each under its own heading, with its own link."""

    def facts(language: Language) -> dict[str, object]:
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
            **_beside_the_news(language, news, unreached, papers),
            "path": "/meetings",
        }

    return facts


#: By the kind of news, the template of a letter that brings it alone, and its heading among several.
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "invitation": ("meeting_invitation", N_("Invitation: %(committee)s, %(days)s")),
    "update": ("meeting_changed", N_("Changed: %(committee)s, %(days)s")),
    "moved": ("meeting_changed", N_("Changed: %(committee)s, %(days)s")),
    "restored": ("meeting_changed", N_("On after all: %(committee)s, %(days)s")),
    "details": ("meeting_changed", N_("Changed: %(committee)s, %(days)s")),
    "cancelled": ("meeting_cancelled", N_("Cancelled: %(committee)s, %(days)s")),
    "removed": ("meeting_no_longer", N_("You are no longer expected: %(committee)s, %(days)s")),
    CONTINUED: ("meeting_hour", N_("Another hour: %(committee)s, from %(days)s on")),
}


def _heading(language: Language, one: MeetingNews) -> str:
    _, words = _KINDS[_kind_of(one)]
    if one.begins_anew and len(one.dates) == 1:
        words = N_("Another hour: %(committee)s, %(days)s")
    return say(language, words, committee=one.title(language), days=_subject(language, one))


def _kind_of(one: MeetingNews) -> str:
    """What kind of news it is said to be: what is on again at another time is moved."""
    if one.begins_anew:
        return CONTINUED
    return "moved" if one.is_moved and one.message.kind == "restored" else one.message.kind


def _subject(language: Language, one: MeetingNews) -> str:
    """The dates that changed, as a subject names them behind the committee's name."""
    return _moved_days(language, one) if one.is_moved else one.days(language)


def _moved_days(language: Language, one: MeetingNews) -> str:
    """Of one meeting that has another time: its day and the new one, or its day and the new hour."""
    was, now = _was_and_now(one)
    return when(language, now.starts) if was is None else _from_to(language, was.starts, now.starts)


def _from_to(language: Language, was: datetime, now: datetime) -> str:
    if was.date() == now.date():
        return when(language, now)
    return say(language, N_("%(now)s instead of %(was)s"), now=when(language, now), was=show_day(language, was.date()))


def _was_and_now(one: MeetingNews) -> tuple[Occurrence | None, Occurrence]:
    (now,) = one.to_come
    if one.message.recurrence is not None:
        return one.was(one.message.recurrence), now
    return one.told.occurrences()[0] if one.told is not None else None, now


def _subject_of_all(language: Language, news: Sequence[MeetingNews]) -> str:
    titles = list(dict.fromkeys(one.title(language) for one in news))
    committee = titles[0] if len(titles) == 1 else say_n(language, "%(n)s committee", "%(n)s committees", len(titles))
    kinds = {_kind_of(one) for one in news}
    days = [one.starts if one.message.kind == "invitation" else known.starts for one in news for known in one.named()]
    named = named_in(language, sorted(set(days)) if kinds != {"invitation"} else sorted({one.starts for one in news}))
    kind = next(iter(kinds)) if len(kinds) == 1 else "update"
    return say(language, _KINDS[kind][1], committee=committee, days=named)


def named_in(language: str, starts: Sequence[datetime]) -> str:
    """Several dates, as a subject names them."""
    days = list(dict.fromkeys(starts))
    if len(days) == 1:
        return when(language, days[0])
    shown = show_day(language, days[0].date())
    if len(days) <= _NAMED:
        return say(language, N_("%(one)s and %(other)s"), one=shown, other=show_day(language, days[1].date()))
    return say_n(
        language, "%(first)s and %(n)s other date", "%(first)s and %(n)s other dates", len(days) - 1, first=shown
    )


def papers_facts(committee: Committee, papers: Sequence[Papers], unreached: Sequence[Unreached] = ()) -> Facts:
    """The facts of a letter to a person who has the agenda of meetings, and no other news, in the words of those.

    `unreached` as for `letter_of`.
    """

    def facts(language: Language) -> dict[str, object]:
        title = title_of(committee, language)
        days = named_in(language, [one.was for one in papers])
        if len(papers) == 1 and papers[0].now is not None:
            days = _from_to(language, papers[0].was, papers[0].now)
        return {
            "committee": title,
            "subject": say(language, _KINDS[kind_of_papers(papers)][1], committee=title, days=days),
            "changes": [{"text": one.in_words(language)} for one in papers],
            "is_void": any(one.is_void for one in papers),
            "unreached": _missed(language, unreached),
            "path": "/meetings",
        }

    return facts


def kind_of_papers(papers: Sequence[Papers]) -> str:
    """The kind of news for a person with the agenda of these meetings."""
    return "cancelled" if all(one.now is None for one in papers) else "moved"


def _part_lines(language: Language, one: MeetingNews) -> list[str]:
    """What one piece of news says among several, under its heading."""
    if one.message.kind in ("cancelled", "removed"):
        return []
    lines = _planned(language, one)
    changes = [] if one.is_moved or one.message.recurrence is not None else _changes(language, one)
    return [*changes, *lines]


def _changes(language: Language, one: MeetingNews) -> list[str]:
    """What became of each date, of those that changed: to which time, that it is off, or on after all."""
    if one.message.kind == "invitation":
        return []
    pairs = [(one.was(original), one.now(original)) for original in one.dates]
    found = [_change(language, was, now, was_off=one.since_restore) for was, now in pairs]
    elsewhere = Counter(how for was, now in pairs for how in _elsewhere(was, now))
    so_many = [(_IN_SO_MANY[how], n) for how, n in sorted(elsewhere.items(), reverse=True)]
    return [*filter(None, found), *(say_n(language, said.singular, said.plural, n) for said, n in so_many)]


def _change(language: Language, was: Occurrence | None, now: Occurrence | None, *, was_off: bool) -> str:
    """What became of the time of one date; blank where it has the same one. `was_off`: a new one was told as off."""
    if now is None:
        return "" if was is None else say(language, N_("No longer: %(was)s"), was=when(language, was.starts))
    if was is None:
        return say(
            language, N_("On after all: %(now)s") if was_off else N_("Now too: %(now)s"), now=when(language, now.starts)
        )
    return "" if was.hours == now.hours else _instead(language, was, now)


def _instead(language: Language, was: Occurrence, now: Occurrence) -> str:
    """What became of a date that is at another time, or lasts otherwise."""
    said = when(language, now.starts)
    if was.starts == now.starts:
        said = say(language, N_("Another length: %(day)s"), day=said)
    else:
        said = say(language, N_("Instead of %(was)s: %(now)s"), was=when(language, was.starts), now=said)
    return " – ".join((said, *_otherwise(language, now, usual=was)))


def _elsewhere(was: Occurrence | None, now: Occurrence | None) -> Iterator[str]:
    """What is otherwise of where a date is held that kept its time, by the keys of `_IN_SO_MANY`."""
    if was is None or now is None or was.hours != now.hours:
        return
    for what, before, after in (("place", was.place, now.place), ("link", was.online_url, now.online_url)):
        if before != after:
            yield f"{what}.{'other' if before and after else 'come' if after else 'gone'}"


#: In how many meetings the place or the link is another, is now there, or is no more.
_IN_SO_MANY: Final[Mapping[str, Counted]] = {
    "place.other": Counted("Another place: %(n)s meeting", "Another place: %(n)s meetings", 0),
    "place.come": Counted("Now at a place: %(n)s meeting", "Now at a place: %(n)s meetings", 0),
    "place.gone": Counted("No longer at a place: %(n)s meeting", "No longer at a place: %(n)s meetings", 0),
    "link.other": Counted("Another link: %(n)s meeting", "Another link: %(n)s meetings", 0),
    "link.come": Counted("Now online: %(n)s meeting", "Now online: %(n)s meetings", 0),
    "link.gone": Counted("No longer online: %(n)s meeting", "No longer online: %(n)s meetings", 0),
}


def _planned(language: Language, one: MeetingNews) -> list[str]:
    """What takes place, from the same occurrences as the file for their calendar: days and hours, length, places.

    Weekly dates are one line, with those on which there is none; few dates among many weeks are a line each. What a
    date has otherwise than most is said of it.
    """
    shown, entry = one.to_come, one.entry
    usual = _usual(entry, shown)
    regular = [each for each in shown if each.starts == each.original]
    by_rule = _rule(language, regular, shown) if entry.is_season else []
    within = (regular[0].original, regular[-1].original) if by_rule else None
    dates = list(_dates(language, shown, usual, within))
    where = _where(language, usual)
    return [by_rule[0], *where, *by_rule[1:], *dates] if by_rule else [*dates, *where]


def _rule(language: Language, regular: Sequence[Occurrence], shown: Sequence[Occurrence]) -> list[str]:
    """Every week, from which day to which, but for which days; none where most weeks have no date."""
    if len(regular) < 2:  # noqa: PLR2004 - of one date there is no every
        return []
    first, last = regular[0].original, regular[-1].original
    weeks = [first + WEEK * n for n in range((last - first) // WEEK + 1)]
    if len(weeks) > 2 * len(regular):
        return []
    rule, weekday = N_("%(weekday)s at %(hour)s, from %(first)s to %(last)s"), say(language, _WEEKDAYS[first.weekday()])
    lines = [say(language, rule, weekday=weekday, hour=first.time(), first=first.date(), last=last.date())]
    off = sorted(set(weeks) - {each.original for each in shown})
    if off:
        lines.append(say(language, N_("Not on: %(days)s"), days=days_in(language, [each.date() for each in off])))
    return lines


def _dates(
    language: Language, shown: Sequence[Occurrence], usual: Occurrence, within: tuple[datetime, datetime] | None
) -> Iterator[str]:
    """A line for each date that no rule says, and for those that the rule `within` these days says otherwise.

    Dates of the rule that differ from most in the same way are one line.
    """
    alike: dict[tuple[str, ...], list[date]] = {}
    for one in shown:
        said, otherwise = when(language, one.starts), _otherwise(language, one, usual=usual)
        if within is not None and one.starts == one.original:
            if otherwise:
                alike.setdefault(tuple(otherwise), []).append(one.starts.date())
            continue
        if within is not None and within[0] < one.original < within[1]:
            was = show_day(language, one.original.date())
            said = say(language, N_("Instead of %(was)s: %(now)s"), was=was, now=said)
        yield " – ".join((said, *otherwise))
    yield from (" – ".join((days_in(language, days), *how)) for how, days in alike.items())


def _usual(entry: CalendarEntry, shown: Sequence[Occurrence]) -> Occurrence:
    """A date that is where most are, and as long; of as many, where the season is."""
    alike = Counter(one.usual for one in shown)
    most = max(alike, key=lambda how: (alike[how], how == entry.usual, how))
    return next(one for one in shown if one.usual == most)


def _where(language: Language, one: Occurrence) -> list[str]:
    lines = [say(language, _LENGTH, length=show_length(language, one.minutes))]
    if one.place:
        lines.append(say(language, _PLACE, place=one.place))
    if one.online_url:
        lines.append(say(language, _ONLINE, address=one.online_url))
    return lines


def _otherwise(language: Language, one: Occurrence, *, usual: Occurrence) -> list[str]:
    """How long a date is and where, in as far as that is otherwise than usual."""
    found = []
    if one.minutes != usual.minutes:
        found.append(say(language, _LENGTH, length=show_length(language, one.minutes)))
    if one.place != usual.place:
        found.append(say(language, _PLACE, place=one.place) if one.place else say(language, N_("No place")))
    if one.online_url != usual.online_url:
        online = say(language, _ONLINE, address=one.online_url) if one.online_url else say(language, N_("Not online"))
        found.append(online)
    return found


_LENGTH: Final = N_("Length: %(length)s")
_PLACE: Final = N_("Place: %(place)s")
_ONLINE: Final = N_("Online: %(address)s")


def days_in(language: str, days: Sequence[date]) -> str:
    """Each of several days."""
    return "; ".join(show_day(language, day) for day in days)
