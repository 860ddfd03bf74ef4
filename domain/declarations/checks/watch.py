"""When a program watches what its partners owe, and what it means that nothing is on record: pure values.

Silence is never "on track". It is "nothing recorded yet", then a risk from a declared day before the last one. In the
first days of an agreement it is neither a risk nor a miss, whichever period ends meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from domain.declarations.checks.windows import Window
from domain.declared import GrammarPart, Wrong, each_once
from domain.kernel import Calendar
from locales import N_


class AtRisk(GrammarPart):
    """When silence about an obligation becomes a risk: a part of its period before its last day, and no fewer days.

    It is never in the first half of the period: by then nothing can be told of a month without a record.
    """

    percent: Annotated[int, Field(ge=0, le=50, strict=True)] = 25
    at_least_days: Annotated[int, Field(ge=0, le=366, strict=True)] = 30

    def from_day(self, first: date, last: date) -> date:
        """The first local day of the risk, of a period from `first` to `last`, both inclusive."""
        days = (last - first).days + 1
        before = max(days * self.percent // 100, self.at_least_days)
        return max(last - timedelta(days=before), first + timedelta(days=days // 2))


#: The recipients of a reminder: the one who owes it, their director, the coordinator.
Hearer = Literal["owner", "director", "coordinator"]


class AskingTime(GrammarPart):
    """A time at which people are asked for what they owe: how many working days before its last day, and the
    recipients.
    """

    working_days: Annotated[int, Field(ge=0, le=250, strict=True)]
    to: Annotated[tuple[Hearer, ...], Field(min_length=1), AfterValidator(each_once)]


class Watch(GrammarPart):
    """How a program watches what its partners owe: when silence is a risk, when people are asked, how long all is new.

    In the first working days of an agreement nothing that is missing is a miss yet. `asked` comes in the order of time;
    the one who owes it is asked first.
    """

    at_risk: AtRisk = AtRisk()
    asked: Annotated[tuple[AskingTime, ...], Field(min_length=1)] = (
        AskingTime(working_days=60, to=("owner",)),
        AskingTime(working_days=20, to=("owner", "director")),
        AskingTime(working_days=5, to=("owner", "director", "coordinator")),
    )
    first_working_days: Annotated[int, Field(ge=0, le=120, strict=True)] = 20

    @model_validator(mode="after")
    def _in_time(self) -> Watch:
        days = [one.working_days for one in self.asked]
        for place, (before, after) in enumerate(pairwise(days), start=1):
            if after >= before:
                raise Wrong(
                    N_("Each time people are asked is nearer to the last day than the one before."),
                    at=("asked", place, "working_days"),
                )
        if "owner" not in self.asked[0].to:
            raise Wrong(N_("Who owes it is asked first."), at=("asked", 0, "to"))
        return self


_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Silence:
    """From which local day missing proof is a risk, and the last of the agreement's first days.

    `risk_from` is None where there is no last day: what is owed once, or at all times, under an agreement without end.
    """

    risk_from: date | None = None
    new_until: date | None = None

    def is_risk(self, on: date) -> bool:
        """Whether what is missing on a local day may come too late."""
        return self.risk_from is not None and on >= self.risk_from and not self.is_new(on)

    def is_new(self, on: date) -> bool:
        """Whether a local day is one of the agreement's first."""
        return self.new_until is not None and on <= self.new_until

    def state(self, on: date) -> str:
        """How an obligation without anything on record stands, before its last day."""
        return "at_risk" if self.is_risk(on) else "nothing_recorded"

    def had_no_time(self, window: Window) -> bool:
        """Whether a window ended within the agreement's first days: who had just signed misses nothing by it."""
        return window.ends_on is not None and self.is_new(window.ends_on)


def silence(window: Window, own: AtRisk | None, watch: Watch, new_until: date | None) -> Silence:
    """What silence says of a window: by the days that its rule has for its own, or else by the program's."""
    at_risk = own or watch.at_risk
    risk_from = None if window.ends_on is None else at_risk.from_day(window.starts_on, window.ends_on)
    return Silence(risk_from, new_until)


def first_days_of(since: date, watch: Watch, calendar: Calendar) -> date | None:
    """The last of the first days of an agreement that began on `since`; None where a program counts none."""
    return calendar.add_working_days(since - _DAY, watch.first_working_days) if watch.first_working_days else None
