"""How the text of a field is read: days, hours, numbers and ids, each as people type or choose them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Final
from uuid import UUID

from api.access.session import RequestContext
from domain.kernel import Refusal
from locales import N_
from meetings.entries import LONGEST, SHORTEST
from meetings.local_times import moment_of
from meetings.locking import read_meeting
from models.invitation import ANSWERS as KNOWN

_LONGEST_VERSION: Final = 9


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
        raise Refusal(
            "day.malformed", N_("Write the day as year-month-day, such as 2026-12-07; it must exist.")
        ) from None
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


def hour_there(context: RequestContext, meeting_id: UUID, hour: str) -> datetime | None:
    """A local hour of the meeting's day, as a field sends it; None for an empty one. Raises Refusal."""
    if not hour.strip():
        return None
    meeting = read_meeting(context.session, meeting_id)
    return moment_of(datetime.combine(meeting.starts.date(), hour_of(hour)), meeting.time_zone)


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


def age_or_none(text: str) -> int | None:
    """An age in whole years as it was typed; None where nothing was. Raises Refusal."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 3):  # noqa: PLR2004 - nobody is a thousand
        raise Refusal("referral.age", N_("Age: write it in whole years, such as 15."))
    return int(text)


def checked_answer(said: str) -> str:
    """An answer as a form sends it. Raises Refusal."""
    if said not in KNOWN:
        raise Refusal("answer.missing", N_("Choose one of the three answers."))
    return said


def number_of(text: str) -> int:
    """The number of an applicant, or a mark, as a form gives it. Raises Refusal."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise Refusal("interview.number", N_("Write the applicant and the marks as whole numbers."))
    return int(text)


_MOST_DIGITS = 3


def chosen(code: str, sentence: str, *, source: str = "") -> Callable[[str], UUID]:
    """Reads an id as a list of choices sends it. Where nothing was chosen, raises the Refusal of this code."""

    def read(text: str) -> UUID:
        found = id_or_none(text)
        if found is None:
            raise Refusal(code, sentence, source=source)
        return found

    return read


def role_and_organization(text: str) -> tuple[str, UUID | None]:
    """A role and its organization as the list of choices sends them."""
    role, _, organization = text.partition(":")
    return role, id_or_none(organization)


def id_or_none(text: str) -> UUID | None:
    """An id as a list of choices sends it, None where nothing was chosen. Raises Refusal."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Refusal("choice.malformed", N_("Choose from the list.")) from None


def picked_number(text: str, *, figures: int = _LONGEST_VERSION) -> int:
    """A number that the page itself sends, of at most so many figures. Raises Refusal."""
    if not (text.isascii() and text.isdecimal() and len(text) <= figures):
        raise Refusal("choice.malformed", N_("Choose from the list."))
    return int(text)


def version_or_none(text: str) -> int | None:
    """The version that a form saw of a part of its page, None where it says none. Raises Refusal."""
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_VERSION):
        raise Refusal("version.malformed", N_("This form is out of date. Nothing was saved; look again."))
    return int(text) if text else None
