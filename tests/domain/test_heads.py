"""The head of the record on its way out: to whom, what the letter says, and that it can be compared afterwards."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from domain.mail.heads import mail_head
from domain.people import people
from domain.record.seal_check import head_of_letter
from models.base import table_of
from models.record import SentHead
from tests.cast import AT, LOADING, TODAY, Cast
from tests.fakes.seal_keys import FakeSealKeys
from tests.flows.support import body, letters
from tests.sealing import codes, head, looked_at, seal_all

_sent = table_of(SentHead)


@pytest.fixture
def sealed(cast: Cast) -> Cast:
    seal_all(cast, FakeSealKeys())
    return cast


def mailed(cast: Cast, **later: int) -> int:
    with cast.session() as session:
        return mail_head(session, at=AT + timedelta(**later))


def test_nothing_goes_out_where_nothing_is_sealed(cast: Cast) -> None:
    assert mailed(cast) == 0
    assert letters(cast, "record_head") == []


def test_the_privacy_officer_gets_the_head_and_can_compare_it_as_it_is_written(sealed: Cast) -> None:
    assert mailed(sealed) == 1
    (letter,) = letters(sealed, "record_head")
    assert letter["person_id"] == sealed.people["privacy_officer"]
    number, signature = head(sealed).number, head(sealed).signature
    said = body(letter)
    typed = re.search(r"Signature : ([0-9a-f-]+)", said)
    assert typed is not None
    assert f"Numéro : {number}" in said
    compared = head_of_letter(f"{number}:{typed[1]}")
    assert compared.signature == signature
    assert codes(looked_at(sealed, FakeSealKeys(), compared)) == []


def test_it_is_noted_what_went_out_once_a_day(sealed: Cast) -> None:
    before = head(sealed)
    assert (mailed(sealed), mailed(sealed, hours=2)) == (1, 0)
    seal_all(sealed, FakeSealKeys())
    assert mailed(sealed, days=1) == 1
    with sealed.session() as session:
        rows = session.execute(select(_sent).order_by(_sent.c.sent_on)).all()
    assert [(row.sent_on, row.recipients) for row in rows] == [(TODAY, 1), (TODAY + timedelta(days=1), 1)]
    assert (rows[0].number, rows[0].signature) == (before.number, before.signature)
    assert rows[1].number > rows[0].number


def test_without_a_privacy_officer_it_is_the_coordinator(sealed: Cast) -> None:
    with sealed.session() as session:
        tenure = session.execute(
            text("select id from tenure where person_id = :who"), {"who": sealed.people["privacy_officer"]}
        ).scalar_one()
        people.end_tenure(session, tenure, ends_on=TODAY - timedelta(days=1), by=LOADING, at=AT)
    assert mailed(sealed) == 1
    assert letters(sealed, "record_head")[0]["person_id"] == sealed.people["coordinator"]


def test_where_nobody_has_an_address_nothing_is_noted_as_sent(sealed: Cast) -> None:
    with sealed.session() as session:
        session.execute(text("update person set email = null"))
    assert mailed(sealed) == 0
    with sealed.session() as session:
        assert session.execute(select(_sent)).all() == []
