"""What goes wrong around a simulated program, each kind by its name, drawn from the seed.

A fault never changes what people may: it takes away a process, the mail, the database or the time, and gives it back.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from models.ports import Later, Outcome, Refused, Unknown
from simulation.crashing import Crashing
from simulation.racing import Races

if TYPE_CHECKING:
    from simulation.life import Life

#: How often each kind comes, a day.
A_DAY: Final[Mapping[str, float]] = {
    "crash": 1.0,
    "engine": 0.02,
    "mail": 0.15,
    "database": 0.04,
    "clock": 0.03,
    "restore": 0.008,
    "workers": 1.0,
    "webs": 1.0,
    "races": 1.0,
}
KINDS: Final = tuple(A_DAY)
#: How often two people act on one thing in the same moment, where that is asked for.
RACES: Final = 0.08


@dataclass
class Faults:
    """The faults of one life: which `kinds` there are, and how often each came."""

    kinds: Collection[str]
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    #: The engine does nothing today.
    engine_is_away: bool = False
    #: What happened today may leave things that only tomorrow's rounds see to.
    is_unsettled: bool = False

    def __post_init__(self) -> None:
        self.crashing = Crashing(self.chance) if "crash" in self.kinds else None
        self.races = Races(self.chance) if "races" in self.kinds else None

    def begin_day(self, life: Life, day: date, *, is_quiet: bool = False) -> None:
        """Draw what goes wrong today, if it is not a quiet one. What went wrong yesterday is over."""
        self.engine_is_away = self.is_unsettled = False
        life.world.post.answers = _takes_all
        if is_quiet:
            return
        for kind in KINDS:
            if kind in self.kinds and kind in _COMES and self.chance.random() < A_DAY[kind]:
                self.counts[kind] += 1
                _COMES[kind](self, life, day)

    @property
    def breaks_connections(self) -> bool:
        """Whether connections are broken now and then: what failed by that, people and the worker try again."""
        return "database" in self.kinds

    def races_now(self) -> bool:
        """Whether somebody else acts on the same thing in the same moment."""
        return self.races is not None and self.chance.random() < RACES

    def is_two(self, kind: str) -> bool:
        """Whether the second one of two processes has it this time."""
        return kind in self.kinds and self.chance.random() < 0.5


def _takes_all() -> tuple[Outcome, bool] | None:
    return None


def _engine_goes(faults: Faults, _life: Life, _day: date) -> None:
    faults.engine_is_away = faults.is_unsettled = True


def _mail_errs(faults: Faults, life: Life, _day: date) -> None:
    """The mail server refuses, is slow, or lies: it takes a letter and says that it did not, or that nobody knows."""
    chance = faults.chance
    rate = chance.choice((0.1, 0.5, 1.0))
    answers: tuple[tuple[Outcome, bool], ...] = (
        (Later("451 4.7.1"), False),
        (Later("connect"), False),
        (Unknown(), True),
        (Unknown(), False),
        (Refused(permanent=True, code="550 5.1.1"), False),
    )

    def answer() -> tuple[Outcome, bool] | None:
        if chance.random() >= rate:
            return None
        faults.counts["mail.answers"] += 1
        return chance.choices(answers, weights=(4, 4, 3, 3, 1))[0]

    life.world.post.answers = answer


def _database_restarts(_faults: Faults, life: Life, _day: date) -> None:
    """Every connection breaks, those that lie in a pool and know nothing of it too."""
    life.world.break_connections()


def _clock_jumps(faults: Faults, life: Life, _day: date) -> None:
    """The clock was some hours ahead, and is put right."""
    hours = faults.chance.choice((1, 2, 3))
    life.world.clock.now += timedelta(hours=hours)
    life.worker.tick()
    life.world.clock.now -= timedelta(hours=hours)
    faults.is_unsettled = True


def _is_restored(faults: Faults, life: Life, _day: date) -> None:
    """The database is put back as it was when this came last; the first time there is nothing to put back yet."""
    faults.counts["restore"] -= not life.restore()
    faults.is_unsettled = True


_COMES: Final[Mapping[str, Callable[[Faults, Life, date], None]]] = {
    "engine": _engine_goes,
    "mail": _mail_errs,
    "database": _database_restarts,
    "clock": _clock_jumps,
    "restore": _is_restored,
}
