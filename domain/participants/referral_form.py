"""What a referral says, and the check that it is possible and enough."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from sqlmodel import Session

from domain.kernel.languages import checked_languages
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day
from domain.kernel.typed_words import says_something, trimmed
from domain.participants.ages import years
from domain.participants.areas import areas
from domain.participants.identity import Identity
from locales import N_
from models.referral import CRITERIA

#: No one alive was born before.
EARLIEST_BIRTH: Final = date(1900, 1, 1)
OLDEST: Final = 120
LONGEST_LINE: Final = 200
LONGEST_TEXT: Final = 4_000

_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_EMAIL: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


@dataclass(frozen=True)
class ReferralForm:
    """What a referral says: who, how to reach them, what AD-R2 collects, and the facts behind the criteria.

    `facts` are by criterion ("AD-C0"). The referrer's own name and contact are asked for where they are not of the
    program. Languages are codes; `area` is one of the program's own areas, or "".
    """

    given_name: str = ""
    family_name: str = ""
    birth_date: date | None = None
    age: int | None = None
    phone: str = ""
    email: str = ""
    address: str = ""
    contact_note: str = ""
    languages: Sequence[str] = ()
    area: str = ""
    setting: str = ""  # care setting: rehabilitation unit, group home, halfway house ...
    legal_care: str = ""  # the nature of legal care
    reasons: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    recruiter: bool = False
    referrer_name: str = ""
    referrer_organization: str = ""
    referrer_contact: str = ""

    def identity(self, day: date) -> Identity:
        """The identity, with an age as of a day."""
        return Identity(
            given_name=self.given_name,
            family_name=self.family_name,
            birth_date=self.birth_date,
            age=self.age if self.birth_date is None else None,
            age_on=day if self.birth_date is None and self.age is not None else None,
            phone=self.phone,
            email=self.email,
            address=self.address,
            contact_note=self.contact_note,
        )

    def told(self) -> dict[str, Any]:
        """The referral's own facts, as they are sealed."""
        return {
            "setting": self.setting,
            "legal_care": self.legal_care,
            "reasons": self.reasons,
            "facts": {name: text for name, text in self.facts.items() if text},
            "referrer_name": self.referrer_name,
            "referrer_organization": self.referrer_organization,
            "referrer_contact": self.referrer_contact,
        }


def checked_form(
    session: Session, form: ReferralForm, at: datetime, *, whole: bool, outside: bool = False
) -> ReferralForm:
    """The form, trimmed, with everything in it possible; if `whole`, with everything that a referral needs."""
    lines = {
        name: _text(getattr(form, name), LONGEST_LINE)
        for name in ("given_name", "family_name", "phone", "email", "area", "referrer_name", "referrer_organization")
    }
    texts = {
        name: _text(getattr(form, name), LONGEST_TEXT)
        for name in ("address", "contact_note", "setting", "legal_care", "reasons", "referrer_contact")
    }
    facts = {name: _text(text, LONGEST_TEXT) for name, text in form.facts.items() if name in CRITERIA}
    today = local_day(session, at)
    _refuse_birth(form.birth_date, form.age, today)
    languages = checked_languages(form.languages)
    checked = ReferralForm(
        **lines,
        **texts,
        facts=facts,
        languages=languages,
        birth_date=form.birth_date,
        age=form.age,
        recruiter=form.recruiter,
    )
    if checked.area and checked.area not in {area.key for area in areas(session)}:
        raise Refusal("referral.area", N_("Area: choose one of those that are offered, or none."))
    _refuse_email(checked.email)
    if whole:
        _refuse_missing(checked, outside=outside)
    return checked


def checked_identity(identity: Identity, *, today: date) -> Identity:
    """An identity, trimmed, with everything in it possible on a local day. Raises Refusal."""
    lines: dict[str, Any] = {
        name: _text(getattr(identity, name), LONGEST_LINE) for name in ("given_name", "family_name", "phone", "email")
    }
    texts: dict[str, Any] = {name: _text(getattr(identity, name), LONGEST_TEXT) for name in ("address", "contact_note")}
    _refuse_birth(identity.birth_date, identity.age, today)
    _refuse_email(lines["email"])
    return replace(identity, **lines, **texts)


def _refuse_email(email: str) -> None:
    if email and not _EMAIL.fullmatch(email):
        raise Refusal("referral.email", N_("E-mail: write one address, such as name@example.org, or leave it empty."))


def _refuse_birth(born: date | None, age: int | None, today: date) -> None:
    if born is not None and born > today:
        raise Refusal("referral.born_later", N_("Birth date: it is in the future. Check the year."))
    if born is not None and (born < EARLIEST_BIRTH or years(born, today) > OLDEST):
        raise Refusal("referral.born_before", N_("Birth date: it is too long ago. Check the year."))
    if age is not None and not 0 <= age <= OLDEST:
        raise Refusal("referral.age", N_("Age: write it in whole years, such as 15."))


def _refuse_missing(form: ReferralForm, *, outside: bool) -> None:
    if not (form.given_name and form.family_name):
        raise Refusal("referral.name", N_("Name: write the given name and the family name."), source="AD-R2")
    if form.birth_date is None and form.age is None:
        raise Refusal(
            "referral.no_age", N_("Age: write the birth date, or the age where you do not know it."), source="AD-R2"
        )
    if not (form.phone or form.email or form.address or form.contact_note):
        raise Refusal("referral.no_contact", N_("Contact: say at least one way to reach the person."), source="AD-R2")
    if not says_something(form.reasons):
        raise Refusal(
            "referral.no_reasons", N_("Reasons: say in a few words why you refer the person."), source="AD-R2"
        )
    if outside and not (form.referrer_name and form.referrer_contact):
        raise Refusal(
            "referral.no_referrer", N_("You: write your name and how the coordinator can reach you."), source="AD-R1"
        )


def _text(value: str, longest: int) -> str:
    text = trimmed(value)
    if len(text) > longest:
        raise Refusal(
            "referral.too_long", N_("One of the answers is longer than %(max_length)s characters."), max_length=longest
        )
    if _NO_TEXT.search(text):
        raise Refusal("referral.no_text", N_("One of the answers holds characters that are not text. Type it again."))
    return text
