"""The fields that a study may ask for, each declared here once: what it means, where it comes from, how it is blurred.

A field that another person may know of a person is `knowable`: their age, when they entered, where they live. All who
go together in a group are told alike in it, as a span or as the one word that holds of all. Any other field is a
measure: it is told of each, rounded. There is no field of words that people wrote, no day, no name and no number.

A new field is one entry of `FIELDS`, and what it reads is a line of `Known`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from locales import N_
from models.follow_up import INTENSITIES, WHY_NONE
from models.lifecycles import FOLLOW_UP
from models.participant import RISK_LEVELS

Value = int | str | None
"""A number, a month by its count (`month_of`), or a word; None where it is not known."""

Kind = Literal["number", "month", "word"]

#: The words that the program's own file has, and not this one.
OF_PROGRAM: Final = ("area", "organization")

_MONTHS: Final = 12


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the program knows of one participant, as far as a field may ask, over the months of an export.

    Weeks are those whose note is complete. Months are counted (`month_of`). Activities are by their kind.
    """

    age: int | None = None
    area: str = ""
    organization: str = ""
    entered: int | None = None
    risk: str = ""
    state: str = ""
    months_followed: int | None = None
    days_to_admission: int | None = None
    intensity: str = ""
    weeks: int = 0
    met: int = 0
    minutes: int = 0
    weeks_met: int = 0
    weeks_in_touch: int = 0
    why_none: Mapping[str, int] = field(default_factory=dict)
    activities: Mapping[str, int] = field(default_factory=dict)
    days_to_first_meeting: int | None = None


@dataclass(frozen=True, kw_only=True)
class ResearchField:
    """One field, as it is declared. `title`, `meaning` and `how` are texts of the catalogues.

    `step` is to what a measure is rounded. `wide` is what counts as far apart, of a knowable number. `words` are those
    that it may be, of a field of words; of the program's own, none.
    """

    key: str
    kind: Kind
    title: str
    meaning: str
    source: str
    of: Callable[[Known], Value]
    knowable: bool = False
    step: int = 1
    wide: int = 1
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def how(self) -> str:
        """How it is blurred, as a text of the catalogues."""
        if not self.knowable:
            return _ROUNDED if self.kind == "number" else _AS_IT_IS
        return _SAME_WORD if self.kind == "word" else _SPAN

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it takes: two of a span, the least and the most."""
        is_span = self.knowable and self.kind != "word"
        return (f"{self.key}_from", f"{self.key}_to") if is_span else (self.key,)


_SPAN: Final = N_("As a span, from the least to the most in the group, the same for all of it.")
_SAME_WORD: Final = N_("Told where it holds of all in the group, and otherwise of none.")
_ROUNDED: Final = N_("Rounded to the nearest %(step)s.")
_AS_IT_IS: Final = N_("As it is.")

_RISKS: Final = {
    "red": N_("Red: dangerous"),
    "yellow": N_("Yellow: worrisome"),
    "green": N_("Green: safe"),
    "none": N_("None: no commodification at admission, which is not “no risk”"),
}
FOLLOW_UP_STATES: Final = {
    "active": N_("Active"),
    "on_break": N_("On a break"),
    "inactive": N_("Inactive"),
    "completed": N_("Completed"),
}
_INTENSITIES: Final = {"light": N_("light"), "regular": N_("regular"), "intense": N_("intense")}
WHY_NO_MEETING: Final = {
    "not_scheduled": N_("not scheduled"),
    "no_news": N_("no news"),
    "impossible": N_("impossible"),
    "withdrew": N_("withdrew"),
    "other": N_("other"),
}


def month_of(year: int, month: int) -> int:
    """A month as a count, so that months can be subtracted."""
    return year * _MONTHS + month - 1


def shown_month(count: int) -> str:
    """A month as it stands in a file: 2026-03."""
    return f"{count // _MONTHS:04}-{count % _MONTHS + 1:02}"


def a_quarter(counted: int, weeks: int) -> int | None:
    """So many in twelve weeks, at the pace of those that are on record; None where none is."""
    return round(12 * counted / weeks) if weeks else None


def _most_often(counted: Mapping[str, int]) -> str | None:
    """The word that was said most often, and of two the one that is declared first; None where none was."""
    said = {word: counted.get(word, 0) for word in WHY_NONE}
    return max(said, key=said.__getitem__) if any(said.values()) else None


_NOTES: Final = "FU-6: weekly_note"
_knowable = partial(ResearchField, knowable=True)

FIELDS: Final[Mapping[str, ResearchField]] = {
    one.key: one
    for one in (
        _knowable(
            key="age",
            kind="number",
            title=N_("Age at admission"),
            meaning=N_("Age in whole years on the day of admission."),
            source="AD-C1: participant, admitted_on",
            of=lambda known: known.age,
            wide=4,
        ),
        _knowable(
            key="area",
            kind="word",
            title=N_("Part of the region"),
            meaning=N_("The part of the region in which the person lived when they were referred."),
            source="AD-R2: participant.area",
            of=lambda known: known.area or None,
        ),
        _knowable(
            key="organization",
            kind="word",
            title=N_("Organization"),
            meaning=N_("The organization of the first youth worker of the follow-up."),
            source="FU-1: assignment",
            of=lambda known: known.organization or None,
        ),
        _knowable(
            key="entered",
            kind="month",
            title=N_("Month of entry"),
            meaning=N_("The month of the admission."),
            source="AD-R9: participant.admitted_on",
            of=lambda known: known.entered,
            wide=6,
        ),
        _knowable(
            key="risk",
            kind="word",
            title=N_("Risk at admission"),
            meaning=N_("The level of risk that was assessed at admission."),
            source="AD-R10: risk_assessment",
            of=lambda known: known.risk or None,
            words={level: _RISKS[level] for level in RISK_LEVELS},
        ),
        _knowable(
            key="state",
            kind="word",
            title=N_("State of the follow-up"),
            meaning=N_("How the follow-up stood when the export was made."),
            source="FU-3: follow_up.state",
            of=lambda known: known.state or None,
            words={state: FOLLOW_UP_STATES[state] for state in FOLLOW_UP.states},
        ),
        _knowable(
            key="months_followed",
            kind="number",
            title=N_("Months followed"),
            meaning=N_("Months from the admission to the end of the follow-up, or to the last month of the export."),
            source="FU-3: follow_up",
            of=lambda known: known.months_followed,
            wide=6,
        ),
        ResearchField(
            key="weeks_to_admission",
            kind="number",
            title=N_("Weeks from referral to admission"),
            meaning=N_("Weeks from the day on which the referral was received to the admission."),
            source="AD-R1: referral.received_at",
            of=lambda known: _rounded(known.days_to_admission, 7),
            step=2,
        ),
        ResearchField(
            key="intensity",
            kind="word",
            title=N_("Intensity of the follow-up"),
            meaning=N_("How much the follow-up asks of its worker, as the team says it."),
            source="FU-1: follow_up.intensity",
            of=lambda known: known.intensity or None,
            words={word: _INTENSITIES[word] for word in INTENSITIES},
        ),
        ResearchField(
            key="meetings",
            kind="number",
            title=N_("Meetings in twelve weeks"),
            meaning=N_("Meetings in person in twelve weeks, at the pace of the weeks that are on record."),
            source=_NOTES,
            of=lambda known: a_quarter(known.met, known.weeks),
            step=2,
        ),
        ResearchField(
            key="minutes",
            kind="number",
            title=N_("Minutes of a meeting"),
            meaning=N_("Minutes of one meeting in person, on average."),
            source=_NOTES,
            of=lambda known: round(known.minutes / known.met) if known.met else None,
            step=15,
        ),
        ResearchField(
            key="in_touch",
            kind="number",
            title=N_("Weeks in touch, in percent"),
            meaning=N_("Of the weeks on record, those with a meeting or with another contact, in percent."),
            source=_NOTES,
            of=lambda known: round(100 * known.weeks_in_touch / known.weeks) if known.weeks else None,
            step=10,
        ),
        ResearchField(
            key="why_none",
            kind="word",
            title=N_("Why there was mostly no meeting"),
            meaning=N_("Of the weeks without a meeting in person, the reason that was given most often."),
            source=_NOTES,
            of=lambda known: _most_often(known.why_none),
            words={why: WHY_NO_MEETING[why] for why in WHY_NONE},
        ),
        ResearchField(
            key="activities",
            kind="number",
            title=N_("Activities in twelve weeks"),
            meaning=N_(
                "Planned activities that were not called off, in twelve weeks, at the pace of the weeks on record."
            ),
            source="FU-4: activity",
            of=lambda known: a_quarter(sum(known.activities.values()), known.weeks),
            step=2,
        ),
    )
}

#: Those by which groups are made, whichever of them a study asks for: so a second study finds the same groups.
KNOWABLE: Final = tuple(one for one in FIELDS.values() if one.knowable)


def _rounded(value: int | None, by: int) -> int | None:
    """A number in so large steps, the nearest one; None where it is not known."""
    return None if value is None else (value + by // 2) // by


def measured(one: ResearchField, known: Known) -> Value:
    """What a measure says of a participant, rounded as it is declared."""
    value = one.of(known)
    steps = _rounded(value, one.step) if isinstance(value, int) else None
    return value if steps is None else steps * one.step


def alike(one: ResearchField, group: Sequence[Known]) -> tuple[Value, ...]:
    """What a knowable field says of everyone in a group, as its columns have it: a span, or the word of all."""
    values = [one.of(known) for known in group]
    if one.kind == "word":
        return (values[0] if len(set(values)) == 1 else None,)
    numbers = [value for value in values if isinstance(value, int)]
    ends = (min(numbers), max(numbers)) if numbers else (None, None)
    if one.kind == "month":
        return tuple(None if end is None else shown_month(end) for end in ends)
    return ends


def told(fields: Sequence[ResearchField], group: Sequence[Known], known: Known) -> dict[str, Value]:
    """What an export says of one participant of a group: a value for each column of each field."""
    found: dict[str, Value] = {}
    for one in fields:
        values = alike(one, group) if one.knowable else (measured(one, known),)
        found |= dict(zip(one.columns, values, strict=True))
    return found
