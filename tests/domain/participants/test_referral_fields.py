"""Each field of a referral is declared once: what is made of the declaration has it, whatever it is."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import pytest

from api.json.participant_shapes import ReferralWords, ReferralWordsShown, SaidOfThem
from api.json.referrals import DraftWhole, ReferralGiven
from domain.participants import referring
from domain.participants.identity import ParticipantIdentity
from domain.participants.referral_fields import (
    SECTIONS,
    TEXTS,
    InClear,
    Kind,
    Referrer,
    ToldField,
    Who,
    as_sealed,
    fields_of,
    values_of,
)
from domain.participants.referral_form import ReadReferral, ReferralForm
from tests.api.application import client_for
from tests.cast import AT, Cast
from tests.referring import declare_admission, participant_of, refer

FIELDS: Final = fields_of(ReferralForm)
#: Something for each kind that is no text.
SOMETHING: Final[dict[Kind, Any]] = {
    "day": date(2010, 5, 4),
    "age": None,  # as the birth date is known
    "email": "mot.email@courriel.example",
    "telephone": "514 555-0144",
    "area": "laval",
    "languages": ("fr",),
    "facts": {"AD-C0": "Mot des faits"},
    "yes": True,
    "choice": "other",
}
WHOLE: Final = ReferralForm(**{one.name: SOMETHING.get(one.kind, f"Mot {one.name}") for one in FIELDS})


def test_each_field_stands_in_one_part_of_the_form() -> None:
    assert Counter(name for section in SECTIONS for name in section.fields) == Counter(one.name for one in FIELDS)


@pytest.mark.parametrize(
    ("shape", "declared"),
    [
        (ReferralGiven, (Who, InClear, ToldField)),
        (DraftWhole, (Who, InClear, ToldField)),
        (SaidOfThem, (Who,)),
        (ReferralWordsShown, (ToldField,)),
        (ReferralWords, (ToldField, Referrer)),
    ],
)
def test_each_shape_of_the_api_has_the_fields_that_it_is_for(shape: Any, declared: tuple[type, ...]) -> None:
    assert {one.name for each in declared for one in fields_of(each)} <= set(shape.model_fields)


def test_what_was_sealed_is_read_back_as_it_was() -> None:
    who = WHOLE.identity(date(2026, 11, 20))
    assert ParticipantIdentity.of_json(who.to_json()) == who
    told = as_sealed(ReadReferral, WHOLE.told())
    assert told == values_of(WHOLE, ReadReferral)


def test_what_a_referral_says_without_the_name_says_nothing_of_who_refers() -> None:
    said = ReadReferral(**as_sealed(ReadReferral, WHOLE.told()), received_at=AT).without_the_name(str.upper)
    for one in fields_of(ToldField):
        if one.kind in TEXTS:
            assert getattr(said, one.name) == f"MOT {one.name.upper()}"
    assert said.facts == {"AD-C0": "MOT DES FAITS"}
    assert not any(values_of(said, Referrer).values())


def test_a_draft_shows_each_field_again_on_its_page_and_over_json(cast: Cast) -> None:
    declare_admission(cast)
    with cast.session() as session:
        referral_id = referring.begin_referral(session, WHOLE, by=cast.actor("worker_ccsmtl"), at=AT)
    client = client_for(cast.database, cast.people["worker_ccsmtl"])
    page, answer = client.get(f"/referrals/{referral_id}").text, client.get(f"/api/v1/referrals/{referral_id}").json()
    for one in (*fields_of(Who), *fields_of(InClear), *fields_of(ToldField)):
        said = getattr(WHOLE, one.name)
        assert answer[one.name] == _OVER_JSON.get(one.kind, lambda said: said)(said)
        if one.kind in TEXTS - {"area"}:
            assert said in page, one.name
    for one in fields_of(Referrer):
        assert getattr(WHOLE, one.name) not in page, "they have an account, and are not asked who they are"
    assert 'value="laval" selected' in page
    assert re.search(r'name="recruiter"[^>]* checked', page)


_OVER_JSON: Final[dict[Kind, Callable[[Any], Any]]] = {"day": date.isoformat, "languages": list}


def test_who_opens_a_file_reads_each_field(cast: Cast) -> None:
    declare_admission(cast)
    with cast.session() as session:
        participant_id = participant_of(session, refer(cast, WHOLE))
    client, address = client_for(cast.database, cast.people["coordinator"]), f"/participants/{participant_id}/identity"
    page, answer = html.unescape(client.post(address).text), client.post(f"/api/v1{address}", json={}).text
    for one in (*fields_of(Who), *fields_of(ToldField), *fields_of(Referrer)):
        if one.kind in TEXTS:
            assert getattr(WHOLE, one.name) in page, one.name
            assert getattr(WHOLE, one.name) in answer, one.name
