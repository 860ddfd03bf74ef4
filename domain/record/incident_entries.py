"""What is entered in the register of confidentiality incidents, and what an entry must hold to be taken."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Refusal, local_day, only, says_something, scalar, trimmed
from locales import N_, show_number
from models.program import LANGUAGES, Organization

#: As long as any of its texts may be, in characters.
LONGEST_TEXT: Final = 10_000
MOST_PEOPLE: Final = 10_000_000


@dataclass(frozen=True)
class IncidentEntry:
    """What is known of an incident. Days are local; `happened_to` is the last day of a span, `None` what is not known.

    `information` says what kinds of personal information, or why that cannot be said; `people_concerned` how many.
    """

    organization_id: UUID
    information: str
    circumstances: str
    known_on: date
    happened_from: date | None = None
    happened_to: date | None = None
    people_concerned: int | None = None
    measures: str = ""


@dataclass(frozen=True)
class Telling:
    """Who was told of an incident that may do serious harm, and on which day.

    `public_notice` says whether, and why, people were told by public notice.
    """

    commission_told_on: date | None = None
    people_told_on: date | None = None
    public_notice: str = ""


def checked_entry(session: Session, entry: IncidentEntry, at: datetime) -> dict[str, Any]:
    """An entry's values, or Refusal."""
    organization = scalar(session, only(Organization.id).where(Organization.id == entry.organization_id))
    if organization is None:
        raise Refusal("organization.unknown", N_("The program has no such organization."))
    _check_days(entry, local_day(session, at))
    if entry.people_concerned is not None and not 0 <= entry.people_concerned <= MOST_PEOPLE:
        raise malformed_count()
    return {
        **asdict(entry),
        "information": needed("information", entry.information),
        "circumstances": needed("circumstances", entry.circumstances),
        "measures": checked("measures", entry.measures),
    }


def checked_telling(telling: Telling, known_on: date, today: date) -> Telling:
    """Who was told, as it is kept. Raises Refusal for a day that is still to come, or before the incident was known."""
    for day in _told_on(telling):
        if day > today:
            raise Refusal("incident.day.malformed", STILL_TO_COME)
        if day < known_on:
            raise Refusal("incident.day.malformed", TOLD_BEFORE)
    return replace(telling, public_notice=checked("public_notice", telling.public_notice))


def moves_a_day(telling: Telling, commission_told_on: date | None, people_told_on: date | None) -> bool:
    """Whether another day replaces one that stands. Raises Refusal where one would be removed."""
    stands = (commission_told_on, telling.commission_told_on), (people_told_on, telling.people_told_on)
    moved = [day for before, day in stands if before is not None and before != day]
    if None in moved:
        raise Refusal("incident.told_on.missing", NOT_REMOVED)
    return bool(moved)


def _told_on(telling: Telling) -> list[date]:
    return [day for day in (telling.commission_told_on, telling.people_told_on) if day is not None]


def malformed_count() -> Refusal:
    """The refusal of what is no number of people, or more than may be entered."""
    said = N_("Enter a number of people, at most %(most)s, or leave it empty.")
    return Refusal("incident.people_concerned.malformed", said, most=_in_both(MOST_PEOPLE))


def _in_both(number: int) -> dict[str, str]:
    """A number as each language writes it."""
    return {language: show_number(language, number) for language in LANGUAGES}


def _check_days(entry: IncidentEntry, today: date) -> None:
    first, last = entry.happened_from, entry.happened_to
    if max(day for day in (first, last, entry.known_on) if day is not None) > today:
        raise Refusal("incident.day.malformed", STILL_TO_COME)
    if first is None:
        if last is not None:
            raise Refusal("incident.happened_from.missing", N_("Give the first day as well as the last."))
        return
    if last is not None and last < first:
        raise Refusal("incident.ends_first", N_("The last day comes before the first."))
    if first > entry.known_on:
        raise Refusal("incident.day.malformed", N_("An incident cannot be known before it happens."))


STILL_TO_COME: Final = N_("This day is still to come.")
TOLD_BEFORE: Final = N_("No one can be told of an incident before it is known.")
NOT_REMOVED: Final = N_("A day on which someone was told is not removed. Enter another day, and say why it changes.")
_MISSING: Final = {
    "information": N_("Say what kinds of personal information, or why that cannot be said."),
    "circumstances": N_("Say in a few words what happened."),
    "known_on_reason": N_("The legal time limits run from the day on which it became known: say why this day changes."),
    "told_on_reason": N_("That they were told in time is judged by this day: say why it changes."),
    "risk_reasons": N_("Say what leads to this: how sensitive it is, how it may be used, how likely harm is."),
}


def needed(field: str, words: str) -> str:
    """A text that has to say something, as it is kept. Raises Refusal."""
    text = checked(field, words)
    if not says_something(text):
        why = _MISSING[field]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal(f"incident.{field}.missing", why)
    return text


def checked(field: str, words: str) -> str:
    """A text as it is stored: without blanks around it, with plain line breaks, and nothing that is no text."""
    text = trimmed(words.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > LONGEST_TEXT:
        raise Refusal(
            f"incident.{field}.too_long", N_("At most %(most)s characters may stand here."), most=_in_both(LONGEST_TEXT)
        )
    if any(not letter.isprintable() and letter not in "\n\t" and not letter.isspace() for letter in text):
        raise Refusal(f"incident.{field}.not_text", N_("There are characters here that are not text."))
    return text
