"""Notice of an agreement: of a day on which there was an agreement to end, and told to those whom it concerns."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.agreements.agreements import signatures_of
from domain.agreements.succession import begin, renew
from domain.agreements.terminations import end_version, notice_given
from domain.kernel.refusals import Refusal
from domain.mail import person_of
from locales import say
from tests.agreeing import agreement_of, code_of, in_force, last_version, signed_on
from tests.cast import AT, SINCE, TODAY, Cast
from tests.domain.test_paper_signatures import told

DAY = timedelta(days=1)
NEW_YEAR = date(2027, 1, 1)


def ended(session: Session, cast: Cast, version_id: UUID, last: date, notice_on: date, **more: Any) -> None:
    end_version(session, version_id, ends_on=last, notice_on=notice_on, by=cast.actor("coordinator"), at=AT, **more)


def followed(session: Session, cast: Cast, first_day: date = NEW_YEAR) -> tuple[UUID, UUID]:
    """A version in force, and the next one, signed today and set to begin."""
    by = cast.actor("coordinator")
    first = in_force(session, cast)
    second = renew(session, agreement_of(session, cast), by=by, at=AT)
    signed_on(session, cast, second, filed=True)
    begin(session, second, starts_on=first_day, by=by, at=AT)
    return first, second


def test_no_notice_is_from_before_the_agreement_was_in_force(cast: Cast) -> None:
    """So none ends a partnership tomorrow, despite the days of notice that both signed."""
    with cast.session() as session:
        version_id = in_force(session, cast)
        for day in (date(1999, 1, 1), SINCE - DAY):
            for shorter in (False, True):
                again = partial(ended, session, cast, version_id, TODAY + DAY, day, shorter_agreed=shorter)
                assert code_of(again) == "agreement.notice_too_early"
        with pytest.raises(Refusal) as refused:
            ended(session, cast, version_id, TODAY + DAY, SINCE - DAY)
        assert refused.value.facts == {"day": SINCE.isoformat()}
        assert "January 6, 2025" in say("en", refused.value.sentence, **refused.value.facts)
        assert "6 janvier 2025" in say("fr", refused.value.sentence, **refused.value.facts)
        assert notice_given(session, version_id) is None
        ended(session, cast, version_id, max(TODAY, SINCE + 90 * DAY), SINCE)
        assert notice_given(session, version_id) == (SINCE, "")


def test_who_signs_the_next_version_stays_and_no_notice_is_from_before_that(cast: Cast) -> None:
    with cast.session() as session:
        _, second = followed(session, cast, TODAY)
        early = partial(ended, session, cast, second, TODAY + DAY, TODAY - DAY)
        assert code_of(early) == "agreement.notice_too_early"
        ended(session, cast, second, TODAY + 90 * DAY, TODAY)


def test_a_first_version_that_has_not_begun_is_given_notice_of_since_its_signature(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version_id = last_version(session, cast)
        signed_on(session, cast, version_id, day=TODAY, filed=True)
        begin(session, version_id, starts_on=NEW_YEAR, by=by, at=AT)
        early = partial(ended, session, cast, version_id, TODAY, TODAY - DAY)
        assert code_of(early) == "agreement.notice_too_early"
        ended(session, cast, version_id, TODAY, TODAY)


def test_the_letter_of_an_end_says_when_and_by_which_side_notice_was_given_and_whom_to_tell(cast: Cast) -> None:
    with cast.session() as session:
        version_id = in_force(session, cast)
        ended(session, cast, version_id, TODAY + DAY, TODAY, given_by="partner", shorter_agreed=True)
        letters = told(session, "agreement_to_end")
        assert {reader for reader, _ in letters} >= {cast.people["director_em"], cast.people["manager_em"]}
        for reader, message in letters:
            assert "le partenaire a donné un préavis" in message
            assert "ont convenu d’un préavis plus court" in message
            assert "dites-le sans tarder à" in message
            other = message.partition("dites-le sans tarder à")[2].splitlines()[0]
            assert _name(session, cast.people["coordinator"]) not in other, "who recorded it is not told of it"
            assert _name(session, reader) not in other
        assert notice_given(session, version_id) == (TODAY, "partner")


def test_the_letter_of_an_end_says_that_the_version_that_was_set_to_begin_does_not(cast: Cast) -> None:
    """Those who were told from which day on it would be in force are told."""
    with cast.session() as session:
        first, second = followed(session, cast)
        ended(session, cast, first, TODAY + DAY, TODAY, shorter_agreed=True)
        signer = cast.people["director_em"]
        assert {one.person_id for one in signatures_of(session, second)} == {signer}
        letters = dict(told(session, "agreement_to_end"))
        assert signer in letters
        assert all(
            "n’entre pas en vigueur : version 2 (1er janvier 2027)." in " ".join(one.split())
            for one in letters.values()
        )


def _name(session: Session, person_id: UUID) -> str:
    return person_of(session, person_id).name
