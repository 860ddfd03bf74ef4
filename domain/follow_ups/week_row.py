"""The row of one week, as the guide's workbook has it: what a worker says of a week, and what cannot have been (FU-6).

Numbers and choices stand in columns, and name no one. All words of a week are one sealed text, opened together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups.words import NOTE
from domain.kernel import Refusal, checked, says_something, seal, unseal
from domain.participants import LONGEST_LINE, Said
from locales import N_
from models.follow_up import ACTIVITY_TYPES, COMMUNICATIONS, NEEDS, SATISFACTIONS, WHY_NONE, WeeklyNote

MOST_MEETINGS: Final = 21
MOST_MINUTES: Final = 6_000
_MINUTES_OF_A_DAY: Final = 1_440
#: From so many minutes a meeting on, it is asked whether they are right: a day at court lasts longer, a slip as well.
LONG_MEETING: Final = 300

#: The fields that people write in, as they are sealed; the first two are a few words.
WORDS: Final = ("why_other", "main_activity", "summary", "other_information", "other_workers")
_SHORT: Final = WORDS[:2]
#: The choices of a week, each with the codes that it has.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "why_none": WHY_NONE,
    "need": NEEDS,
    "worker_satisfaction": SATISFACTIONS,
    "participant_satisfaction": SATISFACTIONS,
    "activity_type": ACTIVITY_TYPES,
}


#: Every field of a week, by its name in `Week`.
FIELDS: Final = ("met", "minutes", "communications", *CHOICES, *WORDS)


@dataclass(frozen=True)
class Week:
    """What a worker says of one week of a follow-up: every column of its row but the week itself.

    - `met` is how many times in person, and `minutes` how long in all. `communications` are the other ones, by kind.
    - `why_none` is why they did not meet; of "other", `why_other` says which.
    - `need` is what the week's work was for, and `main_activity` what was done, in a few words.
    - `participant_satisfaction` is the participant's as the worker perceives it.
    - `activity_type` is what the `summary` begins with; `other_workers` is about the other workers in the case.
    """

    met: int = 0
    minutes: int = 0
    communications: tuple[str, ...] = ()
    why_none: str | None = None
    why_other: str = ""
    need: str | None = None
    main_activity: str = ""
    worker_satisfaction: str | None = None
    participant_satisfaction: str | None = None
    activity_type: str | None = None
    summary: str = ""
    other_information: str = ""
    other_workers: str = ""

    @classmethod
    def of(cls, row: WeeklyNote, said: dict[str, str]) -> Self:
        """A week as it is stored, with its words as they were opened."""
        stored: Said = {name: getattr(row, name) for name in ("met", "minutes", *CHOICES)}
        return cls(**stored | said, communications=tuple(row.communications))

    @property
    def says_enough(self) -> bool:
        """Whether it says that there was contact, or why there was none."""
        return self.met > 0 or bool(self.communications) or self.why_none is not None

    @property
    def words(self) -> dict[str, str]:
        """What was written of it, by the fields in which something was."""
        return {name: said for name in WORDS if (said := getattr(self, name))}

    @property
    def has_a_long_meeting(self) -> bool:
        """Whether its meetings were so long that it may be a slip."""
        return self.met > 0 and self.minutes >= self.met * LONG_MEETING

    def columns(self) -> Said:
        """What of it stands in columns, unsealed."""
        plain = {name: getattr(self, name) for name in ("met", "minutes", *CHOICES)}
        return {**plain, "communications": list(self.communications)}


def checked_week(said: Week) -> Week:
    """A week with its words trimmed and its communications in the guide's order, each once.

    Raises Refusal where it cannot have been so, or says what is in no list.
    """
    words: Said = {name: checked(getattr(said, name)) for name in WORDS}
    if any(len(words[name]) > LONGEST_LINE for name in _SHORT):
        raise Refusal("words.too_long", N_("This is longer than %(most)s characters. Shorten it."), most=LONGEST_LINE)
    _refuse_impossible(said)
    ordered = tuple(one for one in COMMUNICATIONS if one in said.communications)
    return replace(said, **words, communications=ordered)


def refuse_unfinished(said: Week) -> None:
    """Raises Refusal where a week is to be complete and does not say enough."""
    if not said.says_enough:
        raise Refusal(
            "note.missing",
            N_("Say that you met, that there was another contact, or why not. Or save the note as unfinished."),
            source="FU-6",
        )
    if said.why_none == "other" and not says_something(said.why_other):
        raise Refusal("why_other.missing", N_("Say in a few words which other reason it was."), source="FU-6")


def refuse_long(said: Week) -> None:
    """Raises Refusal where it has to be asked whether a meeting was really so long."""
    if said.has_a_long_meeting:
        raise Refusal(
            "minutes.long",
            N_("Meetings: %(met)s, minutes in all: %(minutes)s. Is this right? Correct it, or confirm that it is."),
            minutes=said.minutes,
            met=said.met,
        )


def of_both(one: str, other: str, name: str) -> str:
    """What two people wrote in one field: one below the other, or beside it in a line; once, if one has the other's."""
    if one.strip() in other or other.strip() in one:
        return max(one, other, key=len)
    return (" / " if name in _SHORT else "\n\n").join((one, other))


def sealed_week(session: Session, participant_id: UUID, note_id: UUID, said: Week) -> bytes | None:
    """The words of a week, sealed for its note; None where nothing was written. Raises Refusal."""
    return seal(session, participant_id, f"{NOTE}/{note_id}", said.words) if said.words else None


def opened_week(session: Session, participant_id: UUID, note_id: UUID, sealed: bytes | None) -> dict[str, str]:
    """The words of a week by their fields. It writes no record: the one who shows them does. Raises Refusal."""
    return {} if sealed is None else unseal(session, participant_id, f"{NOTE}/{note_id}", sealed)


def _refuse_impossible(said: Week) -> None:
    if not 0 <= said.met <= MOST_MEETINGS:
        raise Refusal(
            "met.malformed", N_("Say how many times you met in person, at most %(most)s."), most=MOST_MEETINGS
        )
    if not 0 <= said.minutes <= MOST_MINUTES or (said.minutes and not said.met):
        raise Refusal("minutes.malformed", N_("Say how many minutes the meetings in person lasted in all."))
    if said.minutes > said.met * _MINUTES_OF_A_DAY:
        raise Refusal("minutes.malformed", N_("A meeting lasts no longer than a day. Check the minutes."))
    _refuse_unlisted("communications", said.communications, COMMUNICATIONS)
    for name, codes in CHOICES.items():
        chosen = getattr(said, name)
        _refuse_unlisted(name, () if chosen is None else (chosen,), codes)
    if said.why_none is not None and said.met:
        raise Refusal("why_none.malformed", N_("You met, so no reason is needed: leave it empty."))


def _refuse_unlisted(name: str, chosen: Iterable[str], codes: tuple[str, ...]) -> None:
    if not set(chosen) <= set(codes):
        raise Refusal(f"{name}.malformed", N_("Choose from the list."))
