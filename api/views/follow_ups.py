"""What pages and answers say of follow-ups: each code of the tables in words. States are in `api.views.states`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.follow_ups import (
    ACTIVITY_TYPES,
    COMMUNICATIONS,
    NEEDS,
    ONBOARDING,
    SATISFACTIONS,
    WHY_NONE,
    Load,
    gate,
    strip_weeks,
    strips,
)
from locales import N_, gettext, ngettext, say
from models.follow_up import WeeklyNote

REASONS: Final[Mapping[str, str]] = {
    "withdrew": N_("The participant withdraws"),
    "no_longer_benefits": N_("The team believes: no longer benefits"),
    "needs_beyond_program": N_("The team believes: needs that the program cannot meet"),
    "other_purposes": N_("The team believes: takes part for other purposes"),
    "lost_contact": N_("Contact is lost"),
}
INTENSITIES: Final[Mapping[str, str]] = {"light": N_("light"), "regular": N_("regular"), "intense": N_("intense")}
KINDS: Final[Mapping[str, str]] = {"primary": N_("Primary worker"), "second": N_("Second worker of the pair")}
MEANS: Final[Mapping[str, str]] = {
    "call": N_("call"),
    "message": N_("message"),
    "visit": N_("visit"),
    "through_someone": N_("through someone"),
}
#: What is written of a week, by its fields, in their order.
WEEK_WORDS: Final[Mapping[str, str]] = {
    "why_other": N_("Which other reason"),
    "main_activity": N_("Main activity"),
    "summary": N_("Summary of the week"),
    "other_information": N_("Other information"),
    "other_workers": N_("Other workers in the case"),
}
#: The choices of a week's note, by its fields: what each asks, and its answers.
WEEK_CHOICES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "why_none": (N_("If you did not meet, why"), WHY_NONE),
    "need": (N_("Need targeted"), NEEDS),
    "worker_satisfaction": (N_("Your satisfaction"), SATISFACTIONS),
    "participant_satisfaction": (N_("Theirs, as you see it"), SATISFACTIONS),
    "activity_type": (N_("Type of activity"), ACTIVITY_TYPES),
}
#: The shape of each kind of week in a strip.
WEEK_SHAPES: Final[Mapping[strip_weeks.WeekKind, str]] = {
    "met": "full",
    "reached": "half",
    "none": "stop",
    "missing": "empty",
    "now": "wait",
    "break": "skip",
    "apart": "skip",
    "before": "",
}
#: What a strip of weeks is drawn with.
STRIP: Final[Mapping[str, object]] = {"kinds": strips.KINDS, "shapes": WEEK_SHAPES}


def in_short(note: WeeklyNote) -> str:
    """What a week's note says in numbers and choices, in one line in the current language."""
    said = []
    if note.met:
        said.append(
            ngettext("%(n)s meeting, %(minutes)s min", "%(n)s meetings, %(minutes)s min", note.met)
            % {"n": note.met, "minutes": note.minutes}
        )
    said += [gettext(COMMUNICATIONS[one]) for one in note.communications]
    said += [gettext(answers[code]) for name, (_, answers) in WEEK_CHOICES.items() if (code := getattr(note, name))]
    return ", ".join(said) or gettext(N_("nothing"))


#: What the form of a week's note is drawn with.
NOTE_FORM: Final[Mapping[str, object]] = {
    "communications": COMMUNICATIONS,
    "choices": WEEK_CHOICES,
    "words": WEEK_WORDS,
    "in_short": in_short,
}
STRATEGIES: Final[Mapping[str, str]] = {
    "new_meeting": N_("a new meeting"),
    "another_place": N_("another place or way"),
    "reminder_before": N_("a reminder before"),
    "less_often": N_("to meet less often"),
    "break": N_("a break"),
    "attempts": N_("no answer: to try again"),
}
#: What became of a case before the Clinical Committee.
CASE_OUTCOMES: Final[Mapping[str, str]] = {
    "goes_on": N_("goes on as planned"),
    "changes": N_("the plan changes"),
    "comes_back": N_("comes back at the next meeting"),
}
#: The processes of motivational interviewing (CM-C), and the degree of risk at admission (AD-R10).
PROCESSES: Final[Mapping[str, str]] = {
    "relationship": N_("Relationship"),
    "focus": N_("Focus"),
    "evocation": N_("Evocation"),
    "planning": N_("Planning"),
}
#: What waits in a case before the committee, with its day.
AWAITED: Final[Mapping[str, str]] = {
    "contact_lost": N_("contact lost since %(day)s"),
    "consent_ends": N_("consent ends %(day)s"),
    "summary_due": N_("summary due %(day)s"),
    "break_ends": N_("break ends %(day)s"),
}
#: Why a worker cannot be given a follow-up now.
BARS: Final[Mapping[str, str]] = {
    "away": N_("absent"),
    "leaving": N_("leaving"),
    "barred": N_("barred by the participant"),
    "onboarding": N_("onboarding not far enough"),
    "no_agreement": N_("no agreement in force"),
    "not_shared": N_("not in the terms of sharing"),
    "not_agreed": N_("the participant has not agreed to share with this organization"),
}
#: What a person may do to a follow-up's state, by the name of the move.
MOVES: Final[Mapping[str, str]] = {
    "pause": N_("Agree on a break"),
    "resume": N_("Come back from the break"),
    "deactivate": N_("Make inactive"),
    "complete": N_("Complete"),
    "reactivate": N_("Resume"),
}
#: Why a worker is proposed, or comes later.
WHY_PROPOSED: Final[Mapping[str, str]] = {
    "met": N_("has met the person"),
    "knew": N_("knows the person"),
    "language": N_("speaks the language"),
    "area": N_("follows others in this area"),
    "no_room": N_("has no room for it"),
}


def bars_of(load: Load, language: str) -> list[str]:
    """Why a worker cannot be given a follow-up now, in words; of an onboarding what it waits for, and its doer."""
    return [
        say(language, _WAITS_FOR, steps=gate.listed(load.waits_for, language))
        if bar == ONBOARDING
        else say(language, BARS[bar])
        for bar in load.bars
    ]


_WAITS_FOR: Final = N_("onboarding not far enough; still to be done first: %(steps)s")
