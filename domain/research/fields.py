"""The fields that a study may ask for, each declared here once: what it means, where it comes from, how it is blurred.

A field that another person may know of a person is `knowable`: their age, when they entered, where they live. All who
go together in a group are told alike in it, as a span or as the one word that holds of all. Any other field is a
measure: it is told of each, rounded. There is no field of words that people wrote, no day, no name and no number.

A new field is one entry of `FIELDS`, and what it reads is a line of `Known`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from domain.participants import GENDERS
from domain.research.known import RISKS, Known, ResearchField, Value, a_quarter, rounded, shown_month
from domain.research.week_fields import NOTES, OF_WEEKS
from locales import N_
from models.follow_up import INTENSITIES
from models.lifecycles import FOLLOW_UP
from models.participant import RISK_LEVELS

#: The words that the program's own file has, and not this one.
OF_PROGRAM: Final = ("area", "organization")

FOLLOW_UP_STATES: Final = {
    "active": N_("Active"),
    "on_break": N_("On a break"),
    "inactive": N_("Inactive"),
    "completed": N_("Completed"),
}
_INTENSITIES: Final = {"light": N_("light"), "regular": N_("regular"), "intense": N_("intense")}
_knowable = partial(ResearchField, knowable=True)


def _of_time(n: int) -> tuple[ResearchField, ResearchField]:
    """The fields of a self-report: its month, which others may know, and the risk then."""
    month_title, risk_title = _TIMES[n]
    return (
        _knowable(
            key=f"time_{n}",
            kind="month",
            title=month_title,
            meaning=N_("The month in which the self-report questionnaire was filled in."),
            source=_SELF_REPORT,
            of=lambda known: known.times[n].month if n in known.times else None,
            wide=6,
        ),
        ResearchField(
            key=f"time_{n}_risk",
            kind="word",
            title=risk_title,
            meaning=N_("The level of risk, assessed again when the self-report questionnaire was filled in."),
            source=_SELF_REPORT,
            of=lambda known: known.times[n].risk if n in known.times else None,
            words={level: RISKS[level] for level in RISK_LEVELS},
            of_all=True,
        ),
    )


_SELF_REPORT: Final = "FU-6: self_report"
_TIMES: Final = {
    1: (N_("Self-report, time 1: month"), N_("Self-report, time 1: risk")),
    2: (N_("Self-report, time 2: month"), N_("Self-report, time 2: risk")),
}

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
            key="gender",
            kind="word",
            title=N_("Gender"),
            meaning=N_("The gender with which the person identified when they were referred."),
            source="FU-6: referral, who",
            of=lambda known: known.gender or None,
            words=GENDERS,
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
            words={level: RISKS[level] for level in RISK_LEVELS},
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
            of=lambda known: rounded(known.days_to_admission, 7),
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
            source=NOTES,
            of=lambda known: a_quarter(known.met, known.weeks),
            step=2,
        ),
        ResearchField(
            key="minutes",
            kind="number",
            title=N_("Minutes of a meeting"),
            meaning=N_("Minutes of one meeting in person, on average."),
            source=NOTES,
            of=lambda known: round(known.minutes / known.met) if known.met else None,
            step=15,
        ),
        ResearchField(
            key="in_touch",
            kind="number",
            title=N_("Weeks in touch, in percent"),
            meaning=N_("Of the weeks on record, those with a meeting or with another contact, in percent."),
            source=NOTES,
            of=lambda known: round(100 * known.weeks_in_touch / known.weeks) if known.weeks else None,
            step=10,
        ),
        *OF_WEEKS,
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
        *(one for n in (1, 2) for one in _of_time(n)),
    )
}

#: Those by which groups are made, whichever of them a study asks for: so a second study finds the same groups.
KNOWABLE: Final = tuple(one for one in FIELDS.values() if one.knowable)


def measured(one: ResearchField, known: Known) -> Value:
    """What a measure says of a participant, rounded as it is declared."""
    value = one.of(known)
    steps = rounded(value, one.step) if isinstance(value, int) else None
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


def _is_told(one: ResearchField, group: Sequence[Known]) -> bool:
    return not one.of_all or all(one.of(known) is not None for known in group)


def told(fields: Sequence[ResearchField], group: Sequence[Known], known: Known) -> dict[str, Value]:
    """What an export says of one participant of a group: a value for each column of each field."""
    found: dict[str, Value] = {}
    for one in fields:
        values = alike(one, group) if one.knowable else (measured(one, known) if _is_told(one, group) else None,)
        found |= dict(zip(one.columns, values, strict=True))
    return found
