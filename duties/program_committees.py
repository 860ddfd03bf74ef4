"""The grammar of a committee: how often it meets, and whose seats it has."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from duties.declared import Bilingual, GuideId, Key, Part, each_once
from duties.declared_problems import Wrong
from duties.program_agreements import RoleKey
from locales import N_

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _of_committees(value: str) -> str:
    if not value.startswith("CM-"):
        raise Wrong(N_("A committee's source is its fact of the guide, such as CM-S."))
    return value


class Rhythm(Part):
    """How often a committee meets. A weekly one has its weekday and local time, in the program's zone."""

    times: Annotated[int, Field(ge=1, le=52)]
    per: Literal["week", "year"]
    weekday: Weekday | None = None
    at: time | None = None

    @model_validator(mode="after")
    def _complete(self) -> Rhythm:
        weekly = self.per == "week"
        if weekly and self.times != 1:
            raise Wrong(N_("A weekly committee meets once a week."), at=("times",))
        for name in ("weekday", "at"):
            if (getattr(self, name) is not None) != weekly:
                raise Wrong(N_("A weekly committee has its weekday and time, and only a weekly one."), at=(name,))
        return self


class Seat(Part):
    """A place on a committee: it belongs to an organization, and whoever holds the role there sits on it."""

    organization: Key
    role: RoleKey
    title: Bilingual
    voting: bool = True
    source: GuideId | None = None  # the committee's own where none is given


class Alternates(Part):
    """The role whose holders sit when a principal cannot."""

    role: RoleKey
    source: GuideId


class Committee(Part):
    """A committee of the program. One that is only recommended is not established: it has no rhythm yet."""

    title: Bilingual
    purpose: Bilingual
    source: Annotated[GuideId, AfterValidator(_of_committees)]
    established: bool = True
    rhythm: Rhythm | None = None
    minutes: Annotated[int, Field(ge=15, le=600)] | None = None
    seats: dict[Key, Seat] = Field(default_factory=dict)
    alternates: Alternates | None = None
    derived_from: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    guests: tuple[Bilingual, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Committee:
        if self.established and self.rhythm is None:
            raise Wrong(N_("An established committee has its rhythm."))
        if self.established and self.minutes is None:
            raise Wrong(N_("An established committee has the length of its meetings, in minutes."))
        if self.established and not (self.seats or self.derived_from):
            raise Wrong(N_("An established committee has seats, or takes them from another."))
        return self
