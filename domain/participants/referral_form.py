"""What a referral says, and the check that it is possible and enough."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from sqlmodel import Session

from domain.kernel import Refusal, checked_languages, is_text, local_day, says_something, trimmed
from domain.names import Hides
from domain.participants.ages import years
from domain.participants.area_names import areas
from domain.participants.identity import ParticipantIdentity
from domain.participants.referral_fields import (
    LONGEST_TEXT,
    OLDEST,
    TEXTS,
    InClear,
    Referrer,
    Said,
    ToldField,
    Who,
    as_sealed,
    fields_of,
    to_seal,
    values_of,
)
from locales import N_
from models.participant import Participant
from models.referral import CRITERIA

#: No one alive was born before.
EARLIEST_BIRTH: Final = date(1900, 1, 1)

_EMAIL: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


@dataclass(frozen=True)
class ReadReferral(Referrer, ToldField):
    """What a referral that came says, as it was sealed with it."""

    received_at: datetime = field(kw_only=True)

    def without_the_name(self, hides: Hides) -> ReadReferral:
        """What it tells, with every text as `hides` leaves it; not who referred."""
        told = {**values_of(self, ToldField), "facts": {name: hides(text) for name, text in self.facts.items()}}
        told |= {one.name: hides(told[one.name]) for one in fields_of(ToldField) if one.kind in TEXTS}
        return ReadReferral(**told, received_at=self.received_at)


@dataclass(frozen=True)
class ReferralForm(Referrer, ToldField, InClear, Who):
    """What a referral says. The name and contact of who refers are asked for where they are not of the program."""

    def identity(self, day: date) -> ParticipantIdentity:
        """The identity, with an age as of a day."""
        is_of_a_day = self.birth_date is None and self.age is not None
        return ParticipantIdentity(
            **{**values_of(self, Who), "age": self.age if is_of_a_day else None}, age_on=day if is_of_a_day else None
        )

    def columns(self) -> Said:
        """What of it circulates, by the participant's columns."""
        return {**values_of(self, InClear), "languages": list(self.languages)}

    def told(self) -> Said:
        """What the referral itself says, as it is sealed with it."""
        return to_seal(self, ReadReferral)


def form_of(participant: Participant, who: ParticipantIdentity, told: Said) -> ReferralForm:
    """The form as it was saved: who they are, what of it circulates, and what was sealed with the referral."""
    said = values_of(who, Who) | values_of(participant, InClear) | as_sealed(ReadReferral, told)
    return ReferralForm(**{**said, "languages": tuple(participant.languages)})


def checked_form(
    session: Session, form: ReferralForm, at: datetime, *, whole: bool, outside: bool = False
) -> ReferralForm:
    """The form, trimmed, with everything in it possible; if `whole`, with everything that a referral needs."""
    facts = {name: checked_answer(text, LONGEST_TEXT) for name, text in form.facts.items() if name in CRITERIA}
    checked = replace(form, **_trimmed(form, ReferralForm), facts={name: text for name, text in facts.items() if text})
    _refuse_birth(form.birth_date, form.age, local_day(session, at))
    checked = replace(checked, languages=checked_languages(form.languages))
    _refuse_area(session, checked.area)
    _refuse_unlisted(checked, ReferralForm)
    _refuse_email(checked.email)
    if whole:
        _refuse_missing(checked)
    if whole and outside:
        _refuse_nameless(checked)
    return checked


def checked_identity(identity: ParticipantIdentity, *, today: date) -> ParticipantIdentity:
    """An identity, trimmed, with everything in it possible on a local day. Raises Refusal."""
    checked = replace(identity, **_trimmed(identity, Who))
    _refuse_unlisted(checked, Who)
    _refuse_birth(checked.birth_date, checked.age, today)
    _refuse_email(checked.email)
    return checked


def _trimmed(said: object, declared: type) -> Said:
    """The fields of a class that are typed in letters, each trimmed, and as long as its kind may be. Raises Refusal."""
    return {
        one.name: checked_answer(getattr(said, one.name), one.longest)
        for one in fields_of(declared)
        if one.kind in TEXTS
    }


def _refuse_area(session: Session, key: str) -> None:
    if key and key not in {area.key for area in areas(session)}:
        raise Refusal("referral.area", N_("Area: choose one of those that are offered, or none."))


def _refuse_unlisted(said: object, declared: type) -> None:
    for one in fields_of(declared):
        if one.kind == "choice" and getattr(said, one.name) not in ("", *one.choices):
            raise Refusal(f"referral.{one.name}", N_("Choose from the list."))


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


def _refuse_missing(form: ReferralForm) -> None:
    if not (form.given_name and form.family_name):
        raise Refusal("referral.name", N_("Name: write the given name and the family name."), source="AD-R2")
    if form.birth_date is None and form.age is None:
        raise Refusal(
            "referral.no_age", N_("Age: write the birth date, or the age where you do not know it."), source="AD-R2"
        )
    if not any(getattr(form, one.name) for one in fields_of(Who) if one.reaches):
        raise Refusal("referral.no_contact", N_("Contact: say at least one way to reach the person."), source="AD-R2")
    if not says_something(form.reasons):
        raise Refusal(
            "referral.no_reasons", N_("Reasons: say in a few words why you refer the person."), source="AD-R2"
        )


def _refuse_nameless(form: ReferralForm) -> None:
    """Raises Refusal where who refers by a link does not say who they are."""
    if not (form.referrer_name and form.referrer_contact):
        raise Refusal(
            "referral.no_referrer", N_("You: write your name and how the coordinator can reach you."), source="AD-R1"
        )


def checked_answer(value: str, longest: int) -> str:
    """What is typed about a referral, trimmed. Raises Refusal where it is too long, or is not text."""
    text = trimmed(value)
    if len(text) > longest:
        raise Refusal(
            "referral.too_long", N_("One of the answers is longer than %(max_length)s characters."), max_length=longest
        )
    if not is_text(text):
        raise Refusal("referral.no_text", N_("One of the answers holds characters that are not text. Type it again."))
    return text
