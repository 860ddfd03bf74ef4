"""What is counted while a program is lived through, as plain rows: its weeks, its promises, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Final

from simulation.cast import posts_of
from simulation.hands import FAULT
from simulation.tallies import Asked, Tally, by_which, only, tallies
from simulation.visits import OVER_THE_WEB, Act, Told
from simulation.world import World

A_WEEK: Final = timedelta(days=7)
#: Months that are told anew at each reading, before the one of its day.
_STILL_OPEN: Final = timedelta(days=40)
#: How many places of one thing that went wrong are kept, and how many acts of its day.
MOST_PLACES: Final = 5
MOST_ACTS: Final = 150


@dataclass(frozen=True)
class Week:
    """How a program stood at the end of a day, and what happened since the reading before."""

    day: date
    people: int = 0
    came: int = 0
    left: int = 0
    away: int = 0
    staff: Counter[str] = field(default_factory=Counter)
    vacant_roles: Counter[str] = field(default_factory=Counter)
    vacant_seats: Counter[str] = field(default_factory=Counter)
    follow_ups: Counter[str] = field(default_factory=Counter)
    vacant_follow_ups: int = 0
    participants: Counter[str] = field(default_factory=Counter)
    held: int = 0
    waiting_days: float | None = None
    tasks: Counter[str] = field(default_factory=Counter)
    days_late: float | None = None
    obligations: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    verbs: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    unsent: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    in_process: int = 0
    over_the_web: int = 0
    refused: int = 0
    failed: int = 0
    reads: int = 0
    rounds: int = 0
    keys: int = 0


@dataclass
class Kept:
    """How a promise was kept. `rows` are what its statements gave; none where each counts in the database alone."""

    looks: int = 0
    rows: int = 0
    seconds: float = 0.0
    broke: list[date] = field(default_factory=list)


@dataclass
class Wrong:
    """Something that went wrong, once or on several days: a promise that was broken, or a fault of the program."""

    kind: str
    sentence: str
    seed: int
    first: date
    acts: tuple[Act, ...]
    command: str
    last: date = date.min
    times: int = 0
    places: list[str] = field(default_factory=list)


@dataclass
class Years:
    """The years of one simulated program, as rows for a page."""

    weeks: list[Week] = field(default_factory=list)
    #: By (month, committee or "", state or what): sittings, decisions, seats filled, periods that ended.
    months: dict[str, Counter[tuple[str, str, str]]] = field(default_factory=dict)
    promises: dict[str, Kept] = field(default_factory=dict)
    wrongs: dict[tuple[str, str], Wrong] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    asked: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    days: int = 0
    last_day: date | None = None
    #: What each reading took.
    seconds: list[float] = field(default_factory=list)
    _since: Counter[str] = field(default_factory=Counter)
    _line: int = 0
    _at: datetime | None = None
    _people: frozenset[str] | None = None
    _before: Counter[str] = field(default_factory=Counter)

    def begin(self, world: World, first: date) -> None:
        """Begin to count, before the first day: what is there already did not happen in these years."""
        self._read(world, first, Counter())
        self.weeks.clear()

    def sample(self, world: World, day: date, told: Told, *, rounds: int = 0, last: bool = False) -> None:
        """Count the acts of a day that was lived, and read how the program stands where a week is over.

        `rounds`: how many the engine did up to now. `last`: the program is read whichever day it is.
        """
        self.days, self.last_day = self.days + 1, day
        for act in told.today:
            self._since["over_the_web" if act.way == OVER_THE_WEB else "in_process"] += 1
            self._since["refused"] += 400 <= act.status < FAULT
            self._since["failed"] += act.status >= FAULT
        self.asked, self.codes = Counter(told.counts), Counter(told.codes)
        if last or not self.weeks or day - self.weeks[-1].day >= A_WEEK:
            self._read(world, day, Counter({"reads": told.reads, "rounds": rounds}))

    def promise_looked(self, sentence: str, seconds: float, found: int, *, day: date, rows: int = 0) -> None:
        """Keep that a promise was looked at: what that took, and how much was found that breaks it."""
        kept = self.promises.setdefault(sentence, Kept())
        kept.looks += 1
        kept.rows += rows
        kept.seconds += seconds
        if found and (not kept.broke or kept.broke[-1] != day):
            kept.broke.append(day)

    def went_wrong(
        self,
        sentence: str,
        where: str,
        *,
        day: date,
        seed: int,
        acts: Sequence[Act],
        command: str,
        kind: str = "promise",
    ) -> None:
        """Keep what went wrong on a day. `kind`: `promise`, or `fault` of the program itself.

        The same on a later day, or elsewhere, is counted with the first: that is what is repeated.
        """
        wrong = self.wrongs.get((kind, sentence))
        if wrong is None:
            wrong = Wrong(kind, sentence, seed, day, tuple(acts[-MOST_ACTS:]), command)
            self.wrongs[kind, sentence] = wrong
        wrong.last = max(wrong.last, day)
        wrong.times += 1
        if where and where not in wrong.places and len(wrong.places) < MOST_PLACES:
            wrong.places.append(where)

    # ---------------------------------------------------------------------------------------------------- a reading

    def _read(self, world: World, day: date, counts: Counter[str]) -> None:
        began = perf_counter()
        asked = Asked(
            program=world.program_id,
            zone=world.zone.key,
            day=day,
            at=world.clock(),
            since=self._at or world.clock(),
            line=self._line,
            months_from=(day - _STILL_OPEN).replace(day=1),
        )
        rows = list(tallies(world.superuser(), asked))
        self._line, self._at = int(only(rows, "line") or 0), asked.at
        holds = [row.which.split("/") for row in rows if row.of == "hold"]
        people = frozenset(person for _, _, person in holds)
        before = people if self._people is None else self._people
        self._people = people
        self._keep_months(rows)
        new = counts - self._before
        self._before = counts
        self.weeks.append(
            Week(
                day=day,
                people=len(people),
                came=len(people - before),
                left=len(before - people),
                away=int(only(rows, "away") or 0),
                staff=Counter(role for role, _ in {(role, person) for _, role, person in holds}),
                vacant_roles=vacant_roles(_posts_of(world), {(place, role) for place, role, _ in holds}),
                vacant_seats=by_which(rows, "seat"),
                follow_ups=by_which(rows, "follow_up"),
                vacant_follow_ups=int(only(rows, "vacancy") or 0),
                participants=by_which(rows, "participant"),
                held=int(only(rows, "held") or 0),
                waiting_days=only(rows, "waiting"),
                tasks=by_which(rows, "task"),
                days_late=only(rows, "days late"),
                obligations=by_which(rows, "obligation"),
                cases=by_which(rows, "case"),
                verbs=by_which(rows, "verb"),
                letters=by_which(rows, "letter"),
                unsent=by_which(rows, "unsent"),
                runs=by_which(rows, "run"),
                in_process=self._since["in_process"],
                over_the_web=self._since["over_the_web"],
                refused=self._since["refused"],
                failed=self._since["failed"],
                reads=new["reads"],
                rounds=new["rounds"],
                keys=len(world.keys.keys),
            )
        )
        self._since.clear()
        self.seconds.append(perf_counter() - began)

    def _keep_months(self, rows: Iterable[Tally]) -> None:
        """Keep what is told by month: a month that is told again takes the place of what was told before."""
        told: dict[tuple[str, str], Counter[tuple[str, str, str]]] = {}
        for row in rows:
            if row.month:
                told.setdefault((row.of, row.month), Counter())[row.month, row.which, row.state] += int(row.n)
        for (of, month), counts in told.items():
            kept = self.months.setdefault(of, Counter())
            for key in [key for key in kept if key[0] == month]:
                del kept[key]
            kept.update(counts)


def _posts_of(world: World) -> set[tuple[str, str]]:
    """The roles that the program's file has, by organization: with so many workers each that employs some has one."""
    return {(post.organization, post.role) for post in posts_of(world, workers=len(world.file.value.organizations))}


def vacant_roles(posts: Iterable[tuple[str, str]], held: set[tuple[str, str]]) -> Counter[str]:
    """At how many organizations each role is vacant, of those at which the program's file has it."""
    return Counter(role for _, role in sorted(set(posts) - held))
