"""A consent is to a line of a text: for a purpose, with a partner, until a day, and to nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.accompaniment import consents
from domain.accompaniment.consent_forms import SignedForm
from domain.participants.consent_text import BLANK, CURRENT, TEXTS, text_of
from models.base import table_of
from models.record import Event
from tests import signing
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, row_of
from tests.refusing import refused

_event = table_of(Event)

SIGNED: Final = SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True, copy_given_on=TODAY)
SPRING: Final = TODAY + timedelta(days=160)


@pytest.fixture
def followed_one(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """A participant of 16 who is accompanied by the worker, every agreement in force."""
    return arranged(cast, _followed_one)


def _followed_one(cast: Cast) -> UUID:
    with cast.session() as session:
        agreed(session, cast)
        participant_id: UUID = row_of(session, followed(session, cast))["participant_id"]
        known_as_somebody(session, participant_id)
        return participant_id


def sign(
    session: Session,
    cast: Cast,
    participant_id: UUID,
    purpose: str,
    signed: SignedForm,
    partner: str = "",
    *,
    recorder: str = WORKER,
) -> Any:
    """What is kept of a consent that somebody records, the worker unless said, and what the record says of it."""
    consent_id = signing.sign(
        session,
        participant_id,
        purpose,
        signed,
        organization_id=cast.organizations[partner] if partner else None,
        by=cast.actor(recorder),
        at=AT,
    )
    (row,) = [one for one in consents.consents_of(session, participant_id) if one.id == consent_id]
    told = session.execute(
        select(_event).where(_event.c.verb == "consent.signed").order_by(_event.c.n.desc()).limit(1)
    ).one()
    return row, told


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Que le programme partage avec CODIM ce qui est utile à mon suivi, jusqu’au 2 mai 2027."),
        ("en", "That the program shares with CODIM what is useful for my follow-up, until May 2, 2027."),
    ],
)
def test_a_signature_is_kept_with_the_very_words_of_purpose_partner_and_last_day(
    cast: Cast, followed_one: UUID, language: str, said: str
) -> None:
    until = replace(SIGNED, language=language, ends_on=SPRING)
    with cast.session() as session:
        row, told = sign(session, cast, followed_one, "sharing", until, "codim")
        file = hashlib.sha256((TEXTS / f"consent.{CURRENT}.{language}.txt").read_bytes()).hexdigest()
        assert told.facts["agreed_to"] == said
        assert row.text_digest == hashlib.sha256(f"{file}\n{said}".encode()).hexdigest()
        others = [
            sign(session, cast, followed_one, "sharing", replace(until, ends_on=None), "codim"),
            sign(session, cast, followed_one, "referral", until, "codim"),
            sign(session, cast, followed_one, "sharing", until, "spvm"),
            sign(session, cast, followed_one, "program", until),
        ]
        assert len({row.text_digest, *(other.text_digest for other, _ in others)}) == 5


def test_the_first_version_stays_what_was_signed_and_is_signed_for_no_partner(cast: Cast, followed_one: UUID) -> None:
    first = {
        "fr": "b8ac8e0620c2cbaf39f64f8b1bfa765850d72a19d99d8234887e8fa867b3c13d",
        "en": "ee22593ccb6e44c8f515a3dc97bcbcd87c05ba8534221f96b14134b63dcaa9d2",
    }
    with cast.session() as session:
        for language, digest in first.items():
            row, _ = sign(session, cast, followed_one, "program", replace(SIGNED, language=language, text_version=1))
            assert (row.text_version, row.text_digest) == (1, digest)
        with refused("consent.text_of_no_partner"):
            sign(session, cast, followed_one, "sharing", replace(SIGNED, text_version=1), "codim")
        with refused("consent.no_text"):
            sign(session, cast, followed_one, "program", replace(SIGNED, text_version=CURRENT + 1))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_text_has_a_line_for_every_purpose_and_shows_none_of_its_marks(language: str) -> None:
    text = text_of(CURRENT, language)
    assert text.purposes == ("program", "sharing", "referral")
    assert not set("{}") & set(text.text)
    assert text.text.count(BLANK) == 5, "a last day for each, and a partner for two"
    assert not text.validated


def test_the_worker_who_signed_is_kept_apart_from_the_coordinator_who_enters_the_paper(
    cast: Cast, followed_one: UUID
) -> None:
    with cast.session() as session:
        with refused("consent.worker"):
            sign(session, cast, followed_one, "program", SIGNED, recorder="coordinator")
        for somebody in ("coordinator", "police"):
            with refused("consent.not_a_worker"):
                signed = replace(SIGNED, worker_id=cast.people[somebody])
                sign(
                    session,
                    cast,
                    followed_one,
                    "program",
                    signed,
                    recorder="coordinator" if somebody == "police" else WORKER,
                )
        chosen = replace(SIGNED, worker_id=cast.people[WORKER])
        row, told = sign(session, cast, followed_one, "program", chosen, recorder="coordinator")
        assert row.worker_id == cast.people[WORKER]
        assert (told.actor_id, told.facts["worker"]) == (cast.people["coordinator"], str(cast.people[WORKER]))


def test_a_worker_who_records_signs_themselves_unless_they_say_who_did(cast: Cast, followed_one: UUID) -> None:
    with cast.session() as session:
        row, _ = sign(session, cast, followed_one, "program", SIGNED)
        assert row.worker_id == cast.people[WORKER]
        row, told = sign(session, cast, followed_one, "program", replace(SIGNED, worker_id=cast.people[SECOND]))
        assert row.worker_id == cast.people[SECOND]
        assert told.actor_id == cast.people[WORKER]


def test_those_who_were_named_or_accompany_the_person_come_first_where_somebody_chooses_who_signed(
    cast: Cast, followed_one: UUID
) -> None:
    with cast.session() as session:
        offered = consents.workers_of(session, followed_one, TODAY)
        assert offered[0] == cast.people[WORKER]
        assert cast.people[SECOND] in offered
        assert cast.people["coordinator"] not in offered
