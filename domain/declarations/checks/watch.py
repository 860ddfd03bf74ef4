"""When a program watches what its partners owe: from which day silence is a risk, and when people are asked."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from domain.declared.problems import Wrong
from domain.declared.reading import Part, each_once
from locales import N_


class AtRisk(Part):
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


class Asked(Part):
    """A time at which people are asked for what they owe: how many working days before its last day, and the
    recipients.
    """

    working_days: Annotated[int, Field(ge=0, le=250, strict=True)]
    to: Annotated[tuple[Hearer, ...], Field(min_length=1), AfterValidator(each_once)]


class Watch(Part):
    """How a program watches what its partners owe: when silence is a risk, when people are asked, how long all is new.

    In the first working days of an agreement nothing that is missing is a miss yet. `asked` comes in the order of time;
    the one who owes it is asked first.
    """

    at_risk: AtRisk = AtRisk()
    asked: Annotated[tuple[Asked, ...], Field(min_length=1)] = (
        Asked(working_days=60, to=("owner",)),
        Asked(working_days=20, to=("owner", "director")),
        Asked(working_days=5, to=("owner", "director", "coordinator")),
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
