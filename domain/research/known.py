"""What the program knows of a participant as far as research may ask, and how one field of it is declared.

Pure: months are counted, words are codes. `domain.research.fields` is the registry of all fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from locales import N_

Value = int | str | None
"""A number, a month by its count (`month_of`), or a word; None where it is not known."""

Kind = Literal["number", "month", "word"]

_MONTHS: Final = 12


class SelfReported(NamedTuple):
    """A self-report that was done: its month, counted, and the risk then."""

    month: int
    risk: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the program knows of one participant, as far as a field may ask, over the months of an export.

    Weeks are those whose note is complete. Months are counted (`month_of`). Activities are by their kind. `said`
    has, by column of a week's row, in how many weeks each of its words was chosen. `times` has the self-reports.
    """

    age: int | None = None
    gender: str = ""
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
    said: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    activities: Mapping[str, int] = field(default_factory=dict)
    days_to_first_meeting: int | None = None
    times: Mapping[int, SelfReported] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ResearchField:
    """One field, as it is declared. `title`, `meaning` and `how` are texts of the catalogues.

    `step` is to what a measure is rounded. `wide` is what counts as far apart, of a knowable number. One `of_all` is
    told where it is known of everyone in a group: others may know of whom it is, as of those who filled in a
    questionnaire. `words` are those that it may be, of a field of words; of the program's own, none.
    """

    key: str
    kind: Kind
    title: str
    meaning: str
    source: str
    of: Callable[[Known], Value]
    knowable: bool = False
    of_all: bool = False
    step: int = 1
    wide: int = 1
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def how(self) -> str:
        """How it is blurred, as a text of the catalogues."""
        if self.of_all:
            return _OF_ALL
        if not self.knowable:
            return _ROUNDED if self.kind == "number" else _AS_IT_IS
        return _SAME_WORD if self.kind == "word" else _SPAN

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it takes: two of a span, the least and the most."""
        is_span = self.knowable and self.kind != "word"
        return (f"{self.key}_from", f"{self.key}_to") if is_span else (self.key,)


RISKS: Final = {
    "red": N_("Red: dangerous"),
    "yellow": N_("Yellow: worrisome"),
    "green": N_("Green: safe"),
    "none": N_("None: no commodification at admission, which is not “no risk”"),
}

_SPAN: Final = N_("As a span, from the least to the most in the group, the same for all of it.")
_SAME_WORD: Final = N_("Told where it holds of all in the group, and otherwise of none.")
_OF_ALL: Final = N_("As it is, where it is known of all in the group, and otherwise of none.")
_ROUNDED: Final = N_("Rounded to the nearest %(step)s.")
_AS_IT_IS: Final = N_("As it is.")


def month_of(year: int, month: int) -> int:
    """A month as a count, so that months can be subtracted."""
    return year * _MONTHS + month - 1


def shown_month(count: int) -> str:
    """A month as it stands in a file: 2026-03."""
    return f"{count // _MONTHS:04}-{count % _MONTHS + 1:02}"


def a_quarter(counted: int, weeks: int) -> int | None:
    """So many in twelve weeks, at the pace of those that are on record; None where none is."""
    return round(12 * counted / weeks) if weeks else None


def rounded(value: int | None, by: int) -> int | None:
    """A number in so large steps, the nearest one; None where it is not known."""
    return None if value is None else (value + by // 2) // by
