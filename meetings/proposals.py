"""A date that is proposed for a meeting: the day, what speaks against it or another one, and what else could be.

Kept as JSON with a drafted year until a person says yes, and said in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, Literal, cast

from locales import N_, Counted, say
from models.written import as_json, from_json

Choice = Literal["meet", "skip", "shifted"]

_SENTENCES: Final = {
    "closed": N_("%(day)s is a closed day: %(why)s."),
    "own": N_("This committee meets on %(day)s already."),
    "holidays": N_("%(day)s falls in the weeks of Christmas and New Year’s Day."),
    "clash": N_("%(committee)s: meeting on %(day)s from %(starts)s to %(ends)s, %(people)s."),
    "close": N_("%(committee)s: meeting on %(day)s, less than %(apart)s away."),
    "no_day": N_("No day from %(first)s to %(last)s can be proposed."),
}


@dataclass(frozen=True, slots=True)
class DayObstacle:
    """A fact that speaks against a day: a code, and facts that are days, hours, counts, or texts in both languages."""

    code: str
    facts: Mapping[str, Any]

    def in_words(self, language: str) -> str:
        """The sentence for people, in "fr" or "en"."""
        facts = dict(self.facts)
        for name in facts.keys() & {"starts", "ends"}:
            facts[name] = time.fromisoformat(facts[name])
        if "people" in facts:
            facts["people"] = Counted("%(n)s person expected at both", "%(n)s people expected at both", facts["people"])
        if "apart" in facts:
            facts["apart"] = Counted("%(n)s day", "%(n)s days", facts["apart"])
        return say(language, _SENTENCES[self.code], **facts)


@dataclass(frozen=True, slots=True)
class Other:
    """Another local time at which the meeting could be, and what speaks against that one."""

    starts: datetime
    remaining: tuple[DayObstacle, ...] = ()


@dataclass(frozen=True, slots=True)
class DateProposal:
    """One date: to meet on the day that the rhythm falls on, to skip it, or to meet on another day instead.

    `starts` is the local time to meet at, or that is skipped. `reasons` say why it is not simply the `original` day;
    `remaining`, what still speaks against the proposed one. Each of the `alternatives` alone may be taken instead.
    """

    decision: Choice
    original: date
    starts: datetime
    minutes: int
    reasons: tuple[DayObstacle, ...] = ()
    remaining: tuple[DayObstacle, ...] = ()
    alternatives: tuple[Other, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As a drafted year keeps it."""
        return cast("dict[str, Any]", as_json(self))

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> DateProposal:
        """What `to_json` wrote."""
        return from_json(cls, kept)
