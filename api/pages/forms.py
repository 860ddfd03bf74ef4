"""What the pages' forms have in common: days as people type them, and what was typed while a rule refuses it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form

from api.views.languages import codes_of
from domain.kernel.refusals import Refusal
from locales import N_
from meetings.entries import LONGEST, SHORTEST

Text = Annotated[str, Form()]
"""A field as it was typed; empty where the form did not send it."""


@dataclass(frozen=True)
class Details:
    """What a form says of a person: their names, how they are reached, in which language, and what they speak."""

    given_name: str
    family_name: str
    email: str
    phone: str
    language: str
    spoken: str

    @property
    def fields(self) -> dict[str, str]:
        """The fields by name, as they were typed."""
        return asdict(self)

    @property
    def meant(self) -> dict[str, Any]:
        """What the verbs on people take: the languages that they speak by code."""
        return {**self.fields, "spoken": codes_of(self.spoken)}


def details(
    given_name: Text = "",
    family_name: Text = "",
    email: Text = "",
    phone: Text = "",
    language: Text = "fr",
    spoken: Text = "",
) -> Details:
    """The details of a person as they were typed."""
    return Details(given_name, family_name, email, phone, language, spoken)


Detailed = Annotated[Details, Depends(details)]


@dataclass(frozen=True)
class Typed:
    """What came in with a form that a rule refused: which form, why, and its fields as they were typed.

    A page without such a form has `Typed()`, which holds nothing.
    """

    form: str = ""
    refusal: Refusal | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def get(self, form: str, name: str, otherwise: object = "") -> Any:
        """What stands in a field: what was typed in that form, else `otherwise`."""
        return self.values.get(name, otherwise) if form == self.form else otherwise


def day_of(text: str) -> date:
    """A local day as a date field sends it. Raises Refusal."""
    day = day_or_none(text)
    if day is None:
        raise Refusal("day.missing", N_("Enter a day."))
    return day


def day_or_none(text: str) -> date | None:
    """As `day_of`, None for an empty field. Raises Refusal."""
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal("day.malformed", N_("Write the day as year-month-day, such as 2026-12-07.")) from None
    # A typing slip such as 0206 would hold everything that is counted from it.
    if not 2000 <= day.year <= 2100:  # noqa: PLR2004  # the program began in this century
        raise Refusal("day.malformed", N_("This day is too far away."))
    return day


def hour_of(text: str) -> time:
    """A local hour as a time field sends it. Raises Refusal."""
    text = text.strip()
    if not text:
        raise Refusal("hour.missing", N_("Enter an hour."))
    try:
        hour = time.fromisoformat(text)
    except ValueError:
        raise Refusal("hour.malformed", N_("Write the hour as hours and minutes, such as 13:30.")) from None
    if hour.tzinfo is not None or hour.second or hour.microsecond:
        raise Refusal("hour.malformed", N_("Write the hour as hours and minutes, such as 13:30."))
    return hour


def minutes_or_none(text: str) -> int | None:
    """The length of a meeting in minutes, None for an empty field. Raises Refusal."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and SHORTEST <= int(text[:6]) <= LONGEST):
        raise Refusal(
            "minutes.malformed",
            N_("The length of a meeting, in minutes, is from %(shortest)s to %(longest)s."),
            shortest=SHORTEST,
            longest=LONGEST,
        )
    return int(text)


def number_of(text: str) -> int:
    """The number of an applicant, or a mark, as a form gives it. Raises Refusal."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise Refusal("interview.number", N_("Write the applicant and the marks as whole numbers."))
    return int(text)


_MOST_DIGITS = 3


def id_or_none(text: str) -> UUID | None:
    """An id as a list of choices sends it, None where nothing was chosen. Raises Refusal."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Refusal("choice.malformed", N_("Choose from the list.")) from None
