"""The fields of a referral's form, as people type them on a page or by a link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Form

from api.pages.forms import Text
from api.views.languages import codes_of
from api.web.readers import age_or_none
from domain.kernel.refusals import Refusal
from domain.participants.referral_form import ReferralForm
from locales import N_
from models.referral import CRITERIA

_TEXTS = (
    *("given_name", "family_name", "phone", "email", "address", "contact_note", "area", "setting", "legal_care"),
    *("reasons", "referrer_name", "referrer_organization", "referrer_contact"),
)


class ReferralTyped:
    """A referral as it was typed: languages ticked, any other by its name, with commas between.

    `fact` is the facts behind the criteria, in their order.
    """

    def __init__(
        self,
        given_name: Text = "",
        family_name: Text = "",
        birth_date: Text = "",
        age: Text = "",
        phone: Text = "",
        email: Text = "",
        address: Text = "",
        contact_note: Text = "",
        language: Annotated[list[str] | None, Form()] = None,
        languages: Text = "",
        area: Text = "",
        setting: Text = "",
        legal_care: Text = "",
        reasons: Text = "",
        fact: Annotated[list[str] | None, Form()] = None,
        recruiter: Text = "",
        referrer_name: Text = "",
        referrer_organization: Text = "",
        referrer_contact: Text = "",
    ) -> None:
        given = dict(locals())
        self.values: dict[str, Any] = {name: given[name] for name in _TEXTS}
        others = codes_of(languages)
        spoken = list(dict.fromkeys([*(language or []), *others]))
        self.values |= {"birth_date": birth_date, "age": age, "languages": spoken, "recruiter": recruiter}
        self.values["fact"] = [*(fact or []), *[""] * len(CRITERIA)][: len(CRITERIA)]

    def form(self) -> ReferralForm:
        """The referral. Raises Refusal."""
        typed = self.values
        return ReferralForm(
            **{name: typed[name] for name in _TEXTS},
            birth_date=_birth(typed["birth_date"]),
            age=age_or_none(typed["age"]),
            languages=tuple(typed["languages"]),
            facts=dict(zip(CRITERIA, typed["fact"], strict=True)),
            recruiter=typed["recruiter"] == "yes",
        )


TypedReferral = Annotated[ReferralTyped, Depends()]


def typed_of(form: ReferralForm) -> Mapping[str, Any]:
    """A saved draft as the fields show it."""
    return {
        **{name: getattr(form, name) for name in _TEXTS},
        "birth_date": form.birth_date.isoformat() if form.birth_date else "",
        "age": str(form.age) if form.age is not None else "",
        "languages": list(form.languages),
        "recruiter": "yes" if form.recruiter else "",
        "fact": [form.facts.get(criterion, "") for criterion in CRITERIA],
    }


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
