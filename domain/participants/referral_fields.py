"""The fields of a referral (AD-R2), each declared here once; the checks, forms, pages, shapes and seals follow from it.

The class that a field stands in says where it is kept, who reads it, and how it is destroyed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cache
from typing import Any, Final, Literal

from locales import N_

#: What is typed in a field. `facts` are by criterion ("AD-C0"); `languages` are codes; `area` is one of the program's.
Kind = Literal["line", "email", "telephone", "text", "day", "age", "languages", "area", "facts", "yes", "choice"]

#: What is said in some fields, by their names: of as many types as there are kinds of field.
Said = dict[str, Any]

#: In years: the oldest that a person can be.
OLDEST: Final = 120
LONGEST_LINE: Final = 200
LONGEST_TEXT: Final = 4_000
#: The kinds that people type in letters.
TEXTS: Final[frozenset[Kind]] = frozenset({"line", "email", "telephone", "area", "text"})

_EMPTY: Final[Mapping[Kind, Any]] = {"day": None, "age": None, "languages": (), "yes": False}


@dataclass(frozen=True)
class ReferralField:
    """One field of a referral, as it is declared. `label` and `hint` are texts of the catalogues."""

    name: str
    kind: Kind
    label: str
    hint: str = ""
    rows: int = 2  # of a text, as its form shows it
    needed: bool = False  # a referral is not sent without it
    reaches: bool = False  # a way to reach the person: one of these is needed
    choices: Mapping[str, str] = field(default_factory=dict)  # of a choice: each code, and its text of the catalogues
    autocomplete: str = "off"  # what a browser may fill in, of who refers

    @property
    def longest(self) -> int:
        """How many letters may be typed in it."""
        return LONGEST_TEXT if self.kind in ("text", "facts") else LONGEST_LINE


def said(kind: Kind, label: str, **more: Any) -> Any:
    """Declare a field of a referral; `more` are those of `ReferralField`."""
    metadata = {"kind": kind, "label": label, **more}
    if kind == "facts":
        return field(default_factory=dict, metadata=metadata)
    return field(default=_EMPTY.get(kind, ""), metadata=metadata)


def emptied() -> Said:
    """What circulates, as columns of a participant whose file is destroyed: what is ticked stays."""
    return {one.name: [] if one.kind == "languages" else "" for one in fields_of(InClear) if one.kind != "yes"}


@cache
def fields_of(declared: type) -> tuple[ReferralField, ...]:
    """The fields of a referral that a class declares or takes over, in their order."""
    found = [ReferralField(one.name, **one.metadata) for one in fields(declared) if one.metadata]
    return tuple(sorted(found, key=lambda one: one.kind == "yes"))  # what is ticked stands last


def values_of(said: object, declared: type) -> Said:
    """What something says in the fields of a class, by their names."""
    return {one.name: getattr(said, one.name) for one in fields_of(declared)}


def to_seal(said: object, declared: type) -> Said:
    """The same, as it is sealed."""
    values = values_of(said, declared).items()
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values}


def as_sealed(declared: type, kept: Said) -> Said:
    """The fields of a class as they were sealed; what was not asked then is left out, as is what is asked no more."""
    found = {one.name: (one.kind, kept[one.name]) for one in fields_of(declared) if one.name in kept}
    return {name: date.fromisoformat(said) if kind == "day" and said else said for name, (kind, said) in found.items()}


#: The gender with which a person identifies, in the guide's range (FU-6), which asks it of nobody who would not say.
GENDERS: Final[Mapping[str, str]] = {
    "woman": N_("woman"),
    "man": N_("man"),
    "other": N_("other (neutral, androgynous, transgender…)"),
    "not_said": N_("prefers not to say"),
}


@dataclass(frozen=True)
class Who:
    """Who the person is, and how to reach them. Sealed with the person, and opened with the identity alone.

    It is corrected when more is known, and hidden in every text that is read without the name.
    """

    given_name: str = said("line", N_("Given name"), needed=True)
    family_name: str = said("line", N_("Family name"), needed=True)
    birth_date: date | None = said(  # noqa: RUF009 - it gives a field
        "day", N_("Birth date"), hint=N_("Or the age below: one of the two is required.")
    )
    age: int | None = said("age", N_("Age, if you do not know the birth date"))
    gender: str = said("choice", N_("Gender with which they identify"), choices=GENDERS)
    phone: str = said("telephone", N_("Telephone"), reaches=True)
    email: str = said("email", N_("E-mail"), reaches=True)
    address: str = said("text", N_("Where they live"), reaches=True)
    contact_note: str = said("text", N_("How and when to reach them safely"), reaches=True)


@dataclass(frozen=True)
class InClear:
    """What circulates by number, as assignment needs it and it names nobody: columns of the participant.

    Languages and the area are emptied when the file is destroyed; whether they recruit others stays, for the counts.
    """

    languages: Sequence[str] = said("languages", N_("Languages"))
    area: str = said("area", N_("Area"))
    recruiter: bool = said("yes", N_("They also recruit others"))


@dataclass(frozen=True)
class ToldField:
    """What is told of the person and why. Sealed with the referral, and destroyed with the person's key.

    Who sits on the candidate reads it before any consent, without the name (AD-R3).
    """

    setting: str = said("text", N_("Care setting, if any"), hint=N_("Rehabilitation unit, group home, halfway house…"))
    legal_care: str = said("text", N_("Nature of legal care, if any"))
    first_contact: str = said("text", N_("First contact: do they call, or the worker, and through whom?"))  # AD-R5
    reasons: str = said("text", N_("Reasons for the referral"), rows=4, needed=True)
    facts: Mapping[str, str] = said("facts", "")  # each is asked for by its criterion


@dataclass(frozen=True)
class Referrer:
    """Who refers, where they have no account. Sealed with the referral, and read with the identity alone.

    A parent or a carer tells whose child it is.
    """

    referrer_name: str = said("line", N_("Your name"), needed=True, autocomplete="name")
    referrer_organization: str = said("line", N_("Your organization"), autocomplete="")
    referrer_contact: str = said("line", N_("How the coordinator can reach you"), needed=True, autocomplete="")


@dataclass(frozen=True)
class Section:
    """A part of the form, with the fields that stand there, in their order."""

    title: str
    fields: tuple[str, ...]
    hint: str = ""
    outside: bool = False  # only for those who refer by a link


SECTIONS: Final = (
    Section(N_("You"), ("referrer_name", "referrer_organization", "referrer_contact"), outside=True),
    Section(N_("The person"), ("given_name", "family_name", "birth_date", "age", "gender", "languages")),
    Section(
        N_("How to reach them"),
        ("phone", "email", "contact_note", "first_contact", "area", "address", "setting", "legal_care"),
        hint=N_("At least one is required: telephone, e-mail, address, or how."),
    ),
    Section(N_("Why"), ("reasons", "facts", "recruiter")),
)
