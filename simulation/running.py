"""A run: so many days of a program from one seed, what it came to, and the shortest beginning of it that fails."""

from __future__ import annotations

import math
import shlex
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from domain.declarations import ProgramFile, read_program
from domain.declared import Declared
from domain.kernel import surely
from simulation.cast import found
from simulation.chance import Chance, drawn_from
from simulation.faults import KINDS, Faults
from simulation.life import DayLived, Life, Looks
from simulation.promises import Broken, promises
from simulation.visits import Act
from simulation.world import Server, world_of

PROGRAM: Final = Path(__file__).resolve().parents[1] / "programs" / "greater-montreal.yaml"
#: A year begins on one of these as often as on any other day: a leap day, a Saturday, the last day of a year.
_ODD_DAYS: Final = (date(2028, 2, 29), date(2032, 2, 29), date(2027, 1, 2), date(2029, 12, 31), date(2026, 11, 1))
_ODD: Final = 0.4
_SPAN_DAYS: Final = 365 * 8
_FIRST: Final = date(2026, 1, 5)
_FRIDAY: Final = 4
A_YEAR: Final = 365


@dataclass(frozen=True)
class Asked:
    """What is to be lived through: from which seed, for how many days, by how many people, with which faults."""

    seed: int
    days: int
    program: Path = PROGRAM
    kinds: tuple[str, ...] = ()
    workers: int = 12
    participants_a_year: int = 60
    alone: bool = False
    begins: date | None = None

    @property
    def first_day(self) -> date:
        """The local day on which it begins: as it is asked for, else drawn from the seed."""
        if self.begins is not None:
            return self.begins
        chance = Chance(self.seed).stream("begins")
        if chance.random() < _ODD:
            return chance.choice(_ODD_DAYS)
        return _FIRST + timedelta(days=chance.randrange(_SPAN_DAYS))

    def first_moment(self, program: ProgramFile) -> datetime:
        """When it begins, in UTC: a little after the local midnight."""
        first, zone = self.first_day, ZoneInfo(program.program.time_zone)
        return datetime(first.year, first.month, first.day, 0, 5, tzinfo=zone).astimezone(UTC)

    def command(self) -> str:
        """The one command that lives through the same again."""
        words = ["python3", "run.py", "simulate", "--seed", str(self.seed), "--days", str(self.days)]
        if self.program != PROGRAM:
            words += ["--program", str(self.program)]
        if self.kinds:
            words += ["--faults", *self.kinds]
        plain = Asked(self.seed, self.days)
        for name in ("workers", "participants_a_year", "begins"):
            if getattr(self, name) != getattr(plain, name):
                words += [f"--{name.replace('_', '-')}", str(getattr(self, name))]
        return shlex.join(words + (["--alone"] if self.alone else []))


@dataclass
class Lived:
    """What a run came to: its digest, how far it came, and what went wrong on its last day. `zone`: its program's."""

    asked: Asked
    days: int = 0
    digest: str = ""
    day: date | None = None
    broken: list[Broken] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    acts_in_all: int = 0
    zone: str = "UTC"
    #: What went wrong on the last day that was asked for let nobody look: one more was lived, on which nothing did.
    has_quiet_day: bool = False

    @property
    def repeated(self) -> Asked:
        """What is to be asked to live through the same again, up to the same day."""
        return replace(self.asked, days=self.days - self.has_quiet_day)

    @property
    def fails(self) -> bool:
        """Whether something went wrong."""
        return bool(self.broken or self.faults)


#: Called after each day that was lived: with the life, the day, and which one it is.
AfterDay = Callable[[Life, DayLived, int], None]


def live(
    server: Server,
    asked: Asked,
    *,
    after: AfterDay | None = None,
    looks_at: Callable[[date], Looks] | None = None,
    watch: Callable[[Life], None] | None = None,
    seconds: float = math.inf,
) -> Lived:
    """Live through what is asked, up to the first day after which something does not hold.

    `looks_at` says what is looked at after which day: by default what may pass by each day, and the rest on Fridays. On
    the last day everything is. `watch` is given the life before its first day. The first day that begins after so many
    `seconds` is the last. Raises DeclaredErrors for a file that is none.
    """
    file: Declared[ProgramFile] = read_program(asked.program)
    chance, first = Chance(asked.seed), asked.first_day
    lived, ends = Lived(asked, zone=file.value.program.time_zone), time.monotonic() + seconds
    with (
        drawn_from(chance.stream("entropy")),
        world_of(server, asked.seed, file, asked.first_moment(file.value)) as world,
    ):
        members = found(world, workers=asked.workers, alone=asked.alone)
        faults = Faults(asked.kinds, chance.stream("faults"))
        life = Life(world, members, faults, looks_at or _looks, participants_a_year=asked.participants_a_year)
        if watch is not None:
            watch(life)
        crashing = faults.crashing
        if crashing is not None:
            crashing.listen()
        try:
            for n in count():
                is_last = n + 1 >= asked.days or time.monotonic() > ends
                lived.days, lived.day = n + 1, first + timedelta(days=n)
                one = _day(life, lived, is_last=is_last)
                if one is not None and after is not None:
                    after(life, one, n)
                if lived.fails or (is_last and (lived.has_quiet_day or not faults.is_unsettled)):
                    break
                lived.has_quiet_day = is_last
        finally:
            if crashing is not None:
                crashing.end()
    return lived


def _day(life: Life, lived: Lived, *, is_last: bool) -> DayLived | None:
    """Live through the day of `lived`, and keep in it what came of that; None where the run itself ended in it."""
    day = surely(lived.day)
    try:
        one = life.live(day, is_last=is_last, is_quiet=lived.has_quiet_day)
    except Exception as error:  # noqa: BLE001 - told as a fault, with the command that repeats it
        lived.acts, lived.acts_in_all = life.told.today, life.told.acts
        lived.faults = [*life.told.faults, f"the run ended in {type(error).__name__}"]
        lived.traces = [*life.told.traces, "".join(traceback.format_exception(error))]
        return None
    lived.digest, lived.broken, lived.acts, lived.acts_in_all = one.digest, one.broken, one.acts, life.told.acts
    lived.faults, lived.traces = list(life.told.faults), list(life.told.traces)
    return one


def was_found_late(lived: Lived) -> bool:
    """Whether what was found broken may have been so before: it stays, and is looked at once a week."""
    stay = {one.sentence for one in promises() if one.stays}
    return bool(lived.broken) and all(one.sentence in stay for one in lived.broken)


def shortest(server: Server, lived: Lived, *, since: int) -> Lived:
    """The same run up to the first day after which it fails, with everything looked at each day from a day on.

    What stays broken is looked at once a week: of it, this says on which day of that week it came.
    """
    again = lived.repeated
    first = again.first_day + timedelta(days=since)
    found_again = live(server, again, looks_at=lambda day: "all" if day >= first else "nothing")
    return found_again if found_again.fails else lived


def _looks(day: date) -> Looks:
    return "all" if day.weekday() == _FRIDAY else "passing"


def known_kinds(kinds: Collection[str]) -> tuple[str, ...]:
    """The kinds of faults by these names; "all" is every one. Raises ValueError at a name that is none."""
    wrong = sorted(set(kinds) - {*KINDS, "all"})
    if wrong:
        msg = f"no such fault: {', '.join(wrong)}. There are: {', '.join(KINDS)}, all"
        raise ValueError(msg)
    return KINDS if "all" in kinds else tuple(kind for kind in KINDS if kind in kinds)
