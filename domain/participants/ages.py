"""How old a person is on a day, and what the law and the program make of it.

A person born on 29 February is a year older on 1 March where the year has no 29 February. Where only an age is known,
said on some day, the age on a later day is one of two. Where it cannot be told, the answer is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

#: AD-C1: from the 12th birthday until the day before the 25th.
YOUNGEST: Final = 12
OLDEST: Final = 24
#: From this age on, a person consents alone; before, the holder of parental authority does.
CONSENTS_ALONE: Final = 14
#: From this age on, no one has parental authority.
OF_AGE: Final = 18


@dataclass(frozen=True)
class Age:
    """A person's age in years on a day: `least` and `most` are equal where the birth date is known."""

    least: int
    most: int

    @property
    def exact(self) -> int | None:
        """The age, where it can be told."""
        return self.least if self.least == self.most else None

    def within_program(self) -> Literal["met", "not_met", "unknown"]:
        """Whether AD-C1 is met. Turning 25 later ends nothing: only the day of admission counts."""
        if self.least >= YOUNGEST and self.most <= OLDEST:
            return "met"
        if self.most < YOUNGEST or self.least > OLDEST:
            return "not_met"
        return "unknown"


def years(born: date, day: date) -> int:
    """The whole years from a birth to a day; negative before the birth."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def age_on(day: date, *, born: date | None, age: int | None, said_on: date | None) -> Age | None:
    """The age on a day, from a birth date, or from an age said on some day; None where neither is known."""
    if born is not None:
        exact = years(born, day)
        return Age(exact, exact)
    if age is None or said_on is None:
        return None
    if day < said_on:
        before = years(day, said_on)
        return Age(max(age - before - 1, 0), max(age - before, 0))
    whole = years(said_on, day)
    return Age(age + whole, age + whole + (1 if day > said_on else 0))


def signers(age: Age | None) -> frozenset[str]:
    """Those who may sign a consent: from 14 on themselves; under 14 who holds parental authority; an adult's tutor.

    No one, where the age cannot be told around one of these days: the birth date has to be known first.
    """
    if age is None:
        return frozenset()
    least, most = _signers(age.least), _signers(age.most)
    return least & most


def _signers(exact: int) -> frozenset[str]:
    if exact < CONSENTS_ALONE:
        return frozenset({"parental_authority", "tutor"})
    if exact < OF_AGE:
        return frozenset({"self"})
    return frozenset({"self", "tutor"})
