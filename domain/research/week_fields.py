"""The fields that come from the choices of the weekly row: why not met, communications, need, satisfactions, activity.

Each is a measure: told of each person, as the word chosen most often or in the middle, or as a share of weeks, rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from domain.follow_ups import CHOICE_WORDS, WHY_NONE
from domain.research.known import Known, ResearchField
from locales import N_

NOTES: Final = "FU-6: weekly_note"


def _most_often(column: str, counted: Mapping[str, int]) -> str | None:
    """The word that was chosen most often, and of two the one that is declared first; None where none was."""
    said = {word: counted.get(word, 0) for word in CHOICE_WORDS[column]}
    return max(said, key=said.__getitem__) if any(said.values()) else None


def _middle(column: str, counted: Mapping[str, int]) -> str | None:
    """The degree in the middle of those that were chosen, the lower one of two; None where none was."""
    every = [degree for degree in CHOICE_WORDS[column] for _ in range(counted.get(degree, 0))]
    return every[(len(every) - 1) // 2] if every else None


def _mostly(column: str, title: str, meaning: str) -> ResearchField:
    return _chosen(column, title, meaning, _most_often)


def _degree(column: str, title: str, meaning: str) -> ResearchField:
    return _chosen(column, title, meaning, _middle)


def _chosen(
    column: str, title: str, meaning: str, one_of: Callable[[str, Mapping[str, int]], str | None]
) -> ResearchField:
    """A field of one word of a column, which `one_of` picks by how often each was chosen."""
    return ResearchField(
        key=column,
        kind="word",
        title=title,
        meaning=meaning,
        source=NOTES,
        of=lambda known: one_of(column, known.said.get(column, {})),
        words=CHOICE_WORDS[column],
    )


def _share(kind: str, title: str) -> ResearchField:
    """The share of weeks in which a worker communicated in one way."""

    def percent(known: Known) -> int | None:
        weeks = known.said.get("communications", {}).get(kind, 0)
        return round(100 * weeks / known.weeks) if known.weeks else None

    return ResearchField(
        key=f"by_{kind}",
        kind="number",
        title=title,
        meaning=N_("Of the weeks on record, those with a communication of this kind, in percent."),
        source=NOTES,
        of=percent,
        step=10,
    )


OF_WEEKS: Final = (
    ResearchField(
        key="why_none",
        kind="word",
        title=N_("Why there was mostly no meeting"),
        meaning=N_("Of the weeks without a meeting in person, the reason that was given most often."),
        source=NOTES,
        of=lambda known: _most_often("why_none", known.why_none),
        words=WHY_NONE,
    ),
    _share("telephone", N_("Weeks by telephone, in percent")),
    _share("text_message", N_("Weeks by text message, in percent")),
    _share("messenger", N_("Weeks by Messenger, in percent")),
    _share("email", N_("Weeks by e-mail, in percent")),
    _share("other", N_("Weeks by other communications, in percent")),
    _mostly(
        "need",
        N_("Need mostly targeted"),
        N_("Of the weeks in which one was chosen, the need that was targeted most often."),
    ),
    _mostly(
        "activity_type",
        N_("Mostly which type of activity"),
        N_("Of the weeks in which one was chosen, the type of activity that was chosen most often."),
    ),
    _degree(
        "worker_satisfaction",
        N_("The worker’s satisfaction"),
        N_("The middle of the four degrees that were chosen, of the worker’s satisfaction with a week."),
    ),
    _degree(
        "participant_satisfaction",
        N_("The participant’s satisfaction"),
        N_("The middle of the four degrees that were chosen, of the participant’s, as the worker perceives it."),
    ),
)
