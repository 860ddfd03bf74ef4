"""Which dates to propose for a committee: a year of meetings at its rhythm, or a season of weekly ones.

Pure values: the same question has the same answer. Nothing is planned here; a person says yes to it first.
Days and hours are local, in the zone of `Terms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Final, get_args
from uuid import UUID

from domain.declarations import Weekday
from domain.kernel import Calendar, Refusal
from locales import N_
from meetings.local_times import local_of, moment_of
from meetings.proposals import Choice, DateProposal, DayObstacle, Other

WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)
#: How many other days are offered beside a year's date.
OTHERS: Final = 3
#: A season is a year at most: longer ones are two.
LONGEST_SEASON: Final = timedelta(days=370)

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)
_SATURDAY: Final = 5
_JUNE: Final = 6
#: Less than half a week, so that no two neighbours of a season can meet or pass each other.
_AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class BookedMeeting:
    """A meeting that stands: its committee, when it begins and ends (aware), and who is expected at it."""

    committee: str
    title_fr: str
    title_en: str
    starts_at: datetime
    ends_at: datetime
    people: frozenset[UUID] = frozenset()


@dataclass(frozen=True, kw_only=True)
class DateConstraints:
    """What the dates of a committee have to fit into: its usual weekday and hour, the closed days, and who else meets.

    `taken` are the meetings that stand, those of the committee itself included. `apart` gives, by the key of another
    committee, how many days a meeting keeps from that one's meetings where it can: a Joint one from a Steering one.
    """

    committee: str
    calendar: Calendar
    zone: str
    weekday: Weekday
    at: time
    minutes: int
    people: frozenset[UUID] = frozenset()
    taken: tuple[BookedMeeting, ...] = ()
    apart: Mapping[str, int] = field(default_factory=dict)


def propose_year(times: int, first: date, *, terms: DateConstraints) -> tuple[DateProposal, ...]:
    """Dates for the twelve months from `first` (1 January for a year), `times` of them, evenly spread and in order.

    Each lies on a working day outside the weeks of Christmas and New Year's Day, and at least half of the rhythm's
    interval from the one before. One that would fall on a closed day moves to the nearest working day of its week; one
    that meets another committee's moves by whole weeks, then to other weekdays; what cannot be avoided is said. Where
    no day is left it is skipped, with the reason. A meeting that the committee has already stands for the nearest date.

    Raises Refusal: the holidays of a year are not known, or the clocks skip the hour on one of the days.
    """
    # The guard comes before any reckoning of days: beyond the known years there may be no next one.
    terms.calendar.is_working_day(first)
    last = _a_year_after(first) - _DAY
    gap = _DAY * (365 // times // 2)
    against = _Against(replace(terms, apart={**terms.apart, terms.committee: gap.days}))
    wanted = _not_held(_spread(times, first, last, WEEKDAYS.index(terms.weekday)), against.own_days(first, last))
    found: list[tuple[DateProposal, list[date]]] = []
    earliest = first
    for place, target in enumerate(wanted):
        latest = wanted[place + 1] - gap if place + 1 < len(wanted) else last
        proposal, free = _choose(against, target, earliest, latest, gap)
        found.append((proposal, free))
        if proposal.decision != "skip":
            earliest = proposal.starts.date() + gap
    held = [proposal.starts.date() for proposal, _free in found if proposal.decision != "skip"]
    return tuple(
        replace(proposal, alternatives=tuple(_others(against, proposal, free, held, gap))) for proposal, free in found
    )


def propose_season(first: date, last: date, *, terms: DateConstraints) -> tuple[DateProposal, ...]:
    """A meeting each week on the usual weekday, from `first` to `last`, both inclusive.

    A closed day is proposed to be skipped, with its reason. There, and where people are expected elsewhere at that
    hour, the working days around are offered instead, free ones first and the nearest first: within the season, and
    never so far that two neighbours that were both moved could meet. One on which the committee meets already is
    skipped too, and offered for no other.

    Raises Refusal.
    """
    refuse_disorder(first, last)
    against = _Against(terms)
    return tuple(_weekly(against, day, first, last) for day in _weeks(first, last, WEEKDAYS.index(terms.weekday)))


def refuse_disorder(first: date, last: date) -> None:
    """Refuse a season that ends before it begins, or lasts longer than a year."""
    if last < first:
        raise Refusal("season.in_order", N_("A season ends on or after its first day."))
    if last - first > LONGEST_SEASON:
        raise Refusal("season.too_long", N_("A season lasts a year at most."))


# ------------------------------------------------------------------------------------------- what speaks against a day


class _Against:
    """What speaks against each day: why it cannot be at all, or who is expected elsewhere."""

    def __init__(self, terms: DateConstraints) -> None:
        self.terms = terms
        self._weekday = WEEKDAYS.index(terms.weekday)
        self._taken = sorted(
            (
                (local_of(one.starts_at, terms.zone).date(), one)
                for one in terms.taken
                if one.committee in (*terms.apart, terms.committee) or one.people & terms.people
            ),
            key=lambda of_day: (of_day[1].starts_at, of_day[1].committee),
        )

    def own_days(self, first: date, last: date) -> list[date]:
        """The days on which the committee meets already."""
        return [day for day, one in self._taken if one.committee == self.terms.committee and first <= day <= last]

    def held(self, day: date) -> DayObstacle | None:
        """That the committee meets on that day already, be it at another hour."""
        return held_already(day) if self.own_days(day, day) else None

    def closed(self, day: date) -> DayObstacle | None:
        """Why a day is closed. A committee that always meets on a weekend day works on it. Raises UnknownYear."""
        calendar = self.terms.calendar
        if calendar.is_working_day(day):
            return None
        if day.weekday() == self._weekday >= _SATURDAY:
            open_otherwise = not calendar.public_holidays(day, day, "fr")
            if open_otherwise and not any(closure.holds(day) for closure in calendar.closures):
                return None
        return closed_on(calendar, day)

    def refused(self, day: date) -> DayObstacle | None:
        """Why a committee that meets a few times a year cannot meet that day."""
        in_holidays = DayObstacle("holidays", {"day": day.isoformat()}) if _in_holidays(day) else None
        return self.closed(day) or in_holidays

    def elsewhere(self, day: date) -> tuple[DayObstacle, ...]:
        """Who of the committee is expected elsewhere at its hour, and which other committee meets too near that day.

        Raises Refusal where the clocks skip the hour.
        """
        terms = self.terms
        starts_at = moment_of(datetime.combine(day, terms.at), terms.zone)
        ends_at = starts_at + timedelta(minutes=terms.minutes)
        found = []
        for other, one in self._taken:
            both = len(one.people & terms.people)
            if both and one.starts_at < ends_at and starts_at < one.ends_at:
                found.append(self._clash(other, one, both))
            elif abs((day - other).days) < terms.apart.get(one.committee, 0):
                apart = terms.apart[one.committee]
                found.append(DayObstacle("close", {**_named(one), "day": other.isoformat(), "apart": apart}))
        return tuple(found)

    def proposal(
        self,
        decision: Choice,
        original: date,
        day: date,
        reasons: tuple[DayObstacle, ...] = (),
        remaining: tuple[DayObstacle, ...] = (),
    ) -> DateProposal:
        """One at the committee's hour on that day, without alternatives yet."""
        starts = datetime.combine(day, self.terms.at)
        return DateProposal(decision, original, starts, self.terms.minutes, reasons, remaining)

    def _clash(self, day: date, one: BookedMeeting, both: int) -> DayObstacle:
        hours = {
            name: local_of(at, self.terms.zone).time().isoformat(timespec="minutes")
            for name, at in (("starts", one.starts_at), ("ends", one.ends_at))
        }
        return DayObstacle("clash", {**_named(one), "day": day.isoformat(), **hours, "people": both})


def held_already(day: date) -> DayObstacle:
    """That a committee meets on a day already."""
    return DayObstacle("own", {"day": day.isoformat()})


def closed_on(calendar: Calendar, day: date) -> DayObstacle | None:
    """Why a day is closed; None for a working day. Raises Refusal where no holidays are known."""
    why = {language: calendar.why_closed(day, language) for language in ("fr", "en")}
    return DayObstacle("closed", {"day": day.isoformat(), "why": why}) if all(why.values()) else None


def _named(one: BookedMeeting) -> dict[str, object]:
    return {"committee": {"fr": one.title_fr, "en": one.title_en}}


def _in_holidays(day: date) -> bool:
    """Whether it is in the week of Christmas or the one after it, which has New Year's Day."""
    christmas = date(day.year if day.month > _JUNE else day.year - 1, 12, 25)
    monday = christmas - _DAY * christmas.weekday()
    return monday <= day < monday + 2 * _WEEK


# ---------------------------------------------------------------------------------------------------- a year's dates


def _a_year_after(first: date) -> date:
    try:
        return first.replace(year=first.year + 1)
    except ValueError:  # 29 February
        return date(first.year + 1, 3, 1)


def _spread(times: int, first: date, last: date, weekday: int) -> list[date]:
    """The middle of each of so many equal parts, moved to the nearest such weekday: never outside, never two on one."""
    days = (last - first).days + 1
    middles = (first + _DAY * ((2 * n + 1) * days // (2 * times)) for n in range(times))
    return [middle + _DAY * ((weekday - middle.weekday() + 3) % 7 - 3) for middle in middles]


def _not_held(wanted: list[date], held: Iterable[date]) -> list[date]:
    """What is left to propose where the committee meets on some days already: each stands for the nearest date."""
    left = list(wanted)
    for day in held:
        if left:
            left.remove(min(left, key=lambda target: abs(target - day)))
    return left


def _choose(
    against: _Against, target: date, earliest: date, latest: date, gap: timedelta
) -> tuple[DateProposal, list[date]]:
    """The day for one of a year's dates, and further days against which nothing speaks, in the order of preference."""
    refused = against.refused(target)
    free: list[date] = []
    burdened: list[tuple[bool, int, date, tuple[DayObstacle, ...]]] = []
    for place, day in enumerate(_candidates(target, earliest, latest, gap, in_its_week=refused is not None)):
        if against.refused(day):
            continue
        elsewhere = against.elsewhere(day)
        if elsewhere:
            burdened.append((any(reason.code == "clash" for reason in elsewhere), place, day, elsewhere))
        else:
            free.append(day)
    against_target = (refused,) if refused else against.elsewhere(target)
    if not free and not burdened:
        ends = max(earliest, target - gap), min(latest, target + gap)
        none_left = DayObstacle("no_day", {"first": ends[0].isoformat(), "last": ends[1].isoformat()})
        return against.proposal("skip", target, target, (*against_target, none_left)), []
    remaining: tuple[DayObstacle, ...] = ()
    if free:
        day = free.pop(0)
    else:
        _clashes, _place, day, remaining = min(burdened, key=lambda one: one[:2])
    if day == target:
        return against.proposal("meet", target, day, (), remaining), free
    return against.proposal("shifted", target, day, against_target, remaining), free


def _candidates(target: date, earliest: date, latest: date, gap: timedelta, *, in_its_week: bool) -> Iterator[date]:
    """Days around `target`, the best first: itself, its own week where asked, whole weeks away, any other day.

    None is further away than `gap`, and those within half of it come first.
    """
    monday = target - _DAY * target.weekday()
    its_week = (day for day in _around(target, 6) if in_its_week and monday <= day < monday + _WEEK)
    weeks = (target + step * n for n in range(1, gap // _WEEK + 1) for step in (_WEEK, -_WEEK))
    ordered = dict.fromkeys(chain([target], its_week, weeks, _around(target, gap.days)))
    possible = (day for day in ordered if earliest <= day <= latest)
    return iter(sorted(possible, key=lambda day: abs(day - target) > gap // 2))


def _others(
    against: _Against, proposal: DateProposal, free: Sequence[date], held: Sequence[date], gap: timedelta
) -> Iterator[Other]:
    """The first of the free days that keep their distance from the dates that are proposed beside this one."""
    beside = [day for day in held if day != proposal.starts.date()]
    apart = (day for day in free if all(abs(day - other) >= gap for other in beside))
    for day, _nth in zip(apart, range(OTHERS), strict=False):
        yield Other(datetime.combine(day, against.terms.at))


# ------------------------------------------------------------------------------------------------------- a season


def _weeks(first: date, last: date, weekday: int) -> Iterator[date]:
    day = first + _DAY * ((weekday - first.weekday()) % 7)
    while day <= last:
        yield day
        day += _WEEK


def _weekly(against: _Against, day: date, first: date, last: date) -> DateProposal:
    """One week of a season. The hour has to exist on a skipped day too: calendars know the meeting by it."""
    held = against.held(day)
    if held:
        return against.proposal("skip", day, day, (held,))
    elsewhere = against.elsewhere(day)
    closed = against.closed(day)
    if not closed and not elsewhere:
        return against.proposal("meet", day, day)
    others = [
        Other(datetime.combine(other, against.terms.at), against.elsewhere(other))
        for other in _around(day, _AROUND)
        if first <= other <= last and not against.closed(other) and not against.held(other)
    ]
    proposal = (
        against.proposal("skip", day, day, (closed,)) if closed else against.proposal("meet", day, day, (), elsewhere)
    )
    return replace(proposal, alternatives=tuple(sorted(others, key=lambda one: bool(one.remaining))))


def _around(day: date, reach: int) -> Iterator[date]:
    """The days around `day`, itself not among them: the nearest first, of two as near the later."""
    return (day + step * n for n in range(1, reach + 1) for step in (_DAY, -_DAY))
