"""The grammar of a committee: how often it meets, and which seats it has."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from domain.declarations.role_keys import RoleKey
from domain.declared import Bilingual, GrammarPart, GuideId, Key, Wrong, each_once
from locales import N_

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _of_committees(value: str) -> str:
    if not value.startswith("CM-"):
        raise Wrong(N_("A committee's source is its fact of the guide, such as CM-S."))
    return value


def _capitals(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,4}", value):
        raise Wrong(N_("Two to four capital letters are expected here, such as CD."))
    return value


class Rhythm(GrammarPart):
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


class DeclaredSeat(GrammarPart):
    """A place on a committee: it belongs to an organization, and the holder of the role there sits on it."""

    organization: Key
    role: RoleKey
    title: Bilingual
    voting: bool = True
    source: GuideId | None = None  # the committee's own where none is given


class Alternates(GrammarPart):
    """The role whose holders sit when a principal cannot."""

    role: RoleKey
    source: GuideId


class Quorum(GrammarPart):
    """How many must sit for a decision to bind: voting seats, organizations, and seats that must be among them."""

    seats: Annotated[int, Field(ge=1, le=100)]
    organizations: Annotated[int, Field(ge=0, le=100)] = 0
    must: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()


class AgendaRule(GrammarPart):
    """One rule that draws items for every agenda of a committee from what is on record.

    - `standing` puts its title on each agenda; `points` are what is gone through under it, and what it `lists` stands
      there in the sitting: the participants who are inactive, and what changed since the last one.
    - `turn`: its title once for each seat of `role`. With `minutes_a_case`, it takes so many minutes more for each case
      of the seat's organization, and `minutes_an_urgent_case` for each that cannot wait.
    - `minutes`: the minutes that wait to be approved.
    - `onboarding`, `vacancies` and `decisions`: one item for each that is open.
    - `obligations`: one for each partner that has any at risk.
    - `agreement_years`: one for each agreement without a last day of which a year is over, until the committee has
      discussed it.
    - `endorsements`: one for each decision to which a partner objects or on which one is silent still. The committee
      that settles objections has them also where its file has no such rule.
    - `asked`: what was requested under the `kinds`.
    """

    source: Literal[
        "standing",
        "turn",
        "minutes",
        "onboarding",
        "vacancies",
        "decisions",
        "obligations",
        "agreement_years",
        "endorsements",
        "asked",
    ]
    section: Bilingual
    title: Bilingual | None = None
    points: tuple[Bilingual, ...] = ()
    lists: Literal["inactive"] | None = None  # what a sitting shows under it
    role: RoleKey | None = None
    kinds: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    presenter: Key | None = None  # a seat; for `turn` each seat presents its own
    minutes: Annotated[int, Field(ge=1, le=240)]
    minutes_a_case: Annotated[int, Field(ge=1, le=60)] | None = None  # for `turn`: besides `minutes`, by the caseload
    minutes_an_urgent_case: Annotated[int, Field(ge=1, le=60)] | None = None
    purpose: Literal["information", "discussion", "decision"] = "discussion"
    audience: Literal["invited", "seats", "partners"] = "invited"
    sources: Annotated[tuple[GuideId, ...], AfterValidator(each_once)] = ()

    @model_validator(mode="after")
    def _complete(self) -> AgendaRule:
        for name, wanted_by in (("title", ("standing", "turn")), ("role", ("turn",)), ("kinds", ("asked",))):
            is_given = bool(getattr(self, name))
            if is_given != (self.source in wanted_by):
                raise Wrong(
                    N_("This rule has “%(name)s” where its source needs none, or lacks it."), at=(name,), name=name
                )
        for name, source in (("minutes_a_case", "turn"), ("lists", "standing")):
            if getattr(self, name) is not None and self.source != source:
                raise Wrong(
                    N_("This rule has “%(name)s” where its source needs none, or lacks it."), at=(name,), name=name
                )
        if (self.minutes_a_case is None) != (self.minutes_an_urgent_case is None):
            raise Wrong(N_("Say both the minutes of a case and those of an urgent one."), at=("minutes_a_case",))
        return self

    def minutes_for(self, cases: int, urgent: int) -> int:
        """The minutes of a turn with so many cases, of which some are urgent: at most four hours."""
        if self.minutes_a_case is None or self.minutes_an_urgent_case is None:
            return self.minutes
        return min(240, self.minutes + (cases - urgent) * self.minutes_a_case + urgent * self.minutes_an_urgent_case)


class AgendaRules(GrammarPart):
    """When an agenda goes out and when it is frozen, in hours before the meeting, and the rules that fill it."""

    circulate_hours: Annotated[int, Field(ge=1, le=720)]
    freeze_hours: Annotated[int, Field(ge=0, le=720)]
    rules: Annotated[dict[Key, AgendaRule], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> AgendaRules:
        if self.freeze_hours > self.circulate_hours:
            raise Wrong(N_("An agenda goes out before it is frozen."), at=("freeze_hours",))
        return self


class DeclaredCommittee(GrammarPart):
    """A committee of the program. One that is only recommended is not established: it has no rhythm yet."""

    title: Bilingual
    purpose: Bilingual
    source: Annotated[GuideId, AfterValidator(_of_committees)]
    established: bool = True
    rhythm: Rhythm | None = None
    minutes: Annotated[int, Field(ge=15, le=600)] | None = None
    seats: dict[Key, DeclaredSeat] = Field(default_factory=dict)
    alternates: Alternates | None = None
    derived_from: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    guests: tuple[Bilingual, ...] = ()
    place: Annotated[str, Field(max_length=200)] = ""
    letters: Annotated[str, AfterValidator(_capitals)] | None = None  # its decisions' numbers begin with them
    quorum: Quorum | None = None
    agenda: AgendaRules | None = None

    @model_validator(mode="after")
    def _complete(self) -> DeclaredCommittee:
        if self.established and self.rhythm is None:
            raise Wrong(N_("An established committee has its rhythm."))
        if self.established and self.minutes is None:
            raise Wrong(N_("An established committee has the length of its meetings, in minutes."))
        if self.established and self.letters is None:
            raise Wrong(N_("An established committee has the letters that its decisions are numbered with."))
        if self.established and not (self.seats or self.derived_from):
            raise Wrong(N_("An established committee has seats, or takes them from another."))
        return self
