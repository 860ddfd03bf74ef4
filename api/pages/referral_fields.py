"""The fields of a referral's form, as people type them on a page or by a link: each by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Depends, Form
from sqlmodel import Session

from api.pages.forms import Text
from api.views.criteria import AGE, ASKED
from api.views.languages import codes_of, name_of, offered
from api.web.readers import age_or_none
from domain.kernel import Refusal
from domain.participants import SECTIONS, Kind, ReferralField, ReferralForm, Section, areas, fields_of
from locales import N_, gettext
from models.referral import CRITERIA

_FIELDS: Final = fields_of(ReferralForm)
_Several = Annotated[list[str] | None, Form()]


@dataclass(frozen=True)
class ReferralTyped:
    """A referral as it was typed: languages ticked, any other by its name, with commas between.

    `fact` is the facts behind the criteria, in their order.
    """

    values: Mapping[str, object]

    def form(self) -> ReferralForm:
        """The referral. Raises Refusal."""
        return ReferralForm(**{one.name: _READ.get(one.kind, _as_typed)(self.values[one.name]) for one in _FIELDS})


def _typed(language: _Several = None, fact: _Several = None, **typed: str) -> ReferralTyped:
    spoken = [*(language or []), *codes_of(typed["languages"])]
    facts = [*(fact or []), *[""] * len(CRITERIA)][: len(CRITERIA)]
    return ReferralTyped({**typed, "languages": list(dict.fromkeys(spoken)), "facts": facts})


#: What a form of the page sends, for the framework that reads it: each field in a text, but what is ticked or repeated.
_typed.__signature__ = Signature(  # type: ignore[attr-defined]
    [
        *(Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=_Several) for name in ("language", "fact")),
        *(
            Parameter(one.name, Parameter.KEYWORD_ONLY, default="", annotation=Text)
            for one in _FIELDS
            if one.kind != "facts"
        ),
    ]
)
TypedReferral = Annotated[ReferralTyped, Depends(_typed)]


def typed_of(form: ReferralForm) -> Mapping[str, object]:
    """A saved draft as the fields show it."""
    return {one.name: _WRITTEN.get(one.kind, _as_typed)(getattr(form, one.name)) for one in _FIELDS}


def _as_typed(text: Any) -> Any:
    return text


def _birth(text: str) -> date | None:
    text = text.strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(
            "day.malformed", N_("Write the day as year-month-day, such as 2026-12-07; it must exist.")
        ) from None


#: How what was typed in a field of a kind is read, and how what was saved is written there.
_READ: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "day": _birth,
    "age": age_or_none,
    "languages": tuple,
    "facts": lambda facts: dict(zip(CRITERIA, facts, strict=True)),
    "yes": lambda text: text == "yes",
}
_WRITTEN: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "day": lambda day: day.isoformat() if day else "",
    "age": lambda age: str(age) if age is not None else "",
    "languages": list,
    "facts": lambda facts: [facts.get(criterion, "") for criterion in CRITERIA],
    "yes": lambda is_so: "yes" if is_so else "",
}


# ----------------------------------------------------------------------------------------------------- what it shows


@dataclass(frozen=True)
class SectionShown:
    """A part of the form: its title, its hint, and its fields."""

    title: str
    hint: str
    fields: list[ReferralField]


@dataclass(frozen=True)
class FormShown:
    """A referral's form: its parts, what one chooses of, and what it asks behind each criterion ("" of the age)."""

    sections: list[SectionShown]
    areas: list[tuple[str, str]]
    questions: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    language: str

    def others_of(self, codes: list[str]) -> str:
        """The languages that are spoken and not offered, by their names."""
        known = dict(self.languages)
        return ", ".join(name_of(code, self.language) for code in codes if code not in known)


def form_shown(session: Session, language: str, *, outside: bool = False) -> FormShown:
    """A referral's form in a language; `outside` for those who refer by a link, who are asked who they are."""
    return FormShown(
        sections=[_shown(section) for section in SECTIONS if outside or not section.outside],
        areas=[(area.key, area.fr if language == "fr" else area.en) for area in areas(session)],
        questions=[(one, gettext(ASKED[one]) if one != AGE else "") for one in CRITERIA],
        languages=offered(language),
        language=language,
    )


def _shown(section: Section) -> SectionShown:
    by_name = {one.name: one for one in _FIELDS}
    hint = gettext(section.hint) if section.hint else ""
    return SectionShown(gettext(section.title), hint, [by_name[name] for name in section.fields])


@dataclass(frozen=True)
class AskedShown:
    """What is asked of who referred: fields of the form, and criteria with what is asked behind each."""

    fields: list[ReferralField]
    criteria: list[tuple[str, str]]


def asked_shown(asked: Sequence[str]) -> AskedShown:
    """What is asked, in the order of the form."""
    return AskedShown(
        fields=[one for one in _FIELDS if one.name in asked],
        criteria=[(one, gettext(ASKED[one])) for one in CRITERIA if one in asked],
    )
