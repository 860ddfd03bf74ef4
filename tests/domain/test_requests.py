"""What is asked for and approved: it is filled in, seen before it is approved, and stays what was approved."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from domain.casework import requests, tasks
from domain.kernel.refusals import Refusal
from models.base import table_of
from models.casework import Request
from models.outbox import Notice
from models.record import Event
from tests.casework import approve, complete, filled_in, open_onboarding, step
from tests.cast import AT, Cast, onboarding
from tests.models.conftest import as_superuser
from tests.refusing import refused

_request, _event, _notice = table_of(Request), table_of(Event), table_of(Notice)

AMOUNT: dict[str, Any] = {"id": "amount", "title": {"fr": "Montant", "en": "Amount"}, "kind": "amount", "at_most": 1000}
FOLDERS: dict[str, Any] = {
    "id": "folders",
    "title": {"fr": "Dossiers", "en": "Folders"},
    "kind": "several",
    "choices": [
        {"id": "notes", "title": {"fr": "notes", "en": "notes"}},
        {"id": "forms", "title": {"fr": "formulaires", "en": "forms"}},
    ],
}
WORDS: dict[str, Any] = {"id": "reason", "title": {"fr": "Raison", "en": "Reason"}, "kind": "words"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("200", "200.00"),
        ("120,5", "120.50"),
        ("0.01", "0.01"),
        ("1000", "1000.00"),
        ("1 000,00 $", "1000.00"),
        ("$ 12.34", "12.34"),
        ("1\u00a0000", "1000.00"),
    ],
)
def test_an_amount_is_kept_as_it_is_meant(typed: str, kept: str) -> None:
    assert requests.checked([AMOUNT], {"amount": typed}) == {"amount": kept}


@pytest.mark.parametrize(
    "typed", ["0", "0,00", "-5", "1000.01", "1000000000", "1e9", "NaN", "inf", "12.345", "deux cents", "١٢", "1,00,1"]
)
def test_an_amount_of_nothing_or_of_too_much_is_refused(typed: str) -> None:
    with refused("request.amount.malformed"):
        requests.checked([AMOUNT], {"amount": typed})


@given(st.text(max_size=12))
def test_whatever_is_typed_as_an_amount_is_refused_or_between_a_cent_and_the_most(typed: str) -> None:
    try:
        kept = requests.checked([AMOUNT], {"amount": typed})
    except Refusal:
        return
    assert 0 < float(str(kept["amount"])) <= 1000


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({}, "request.missing"),
        ({"folders": []}, "request.missing"),
        ({"folders": "keys"}, "request.choice.malformed"),
        ({"folders": ["notes", "everything"]}, "request.choice.malformed"),
        ({"folders": ["notes"], "colour": "red"}, "request.not_asked"),
    ],
)
def test_what_is_chosen_is_of_the_list(given_: dict[str, Any], code: str) -> None:
    with refused(code):
        requests.checked([FOLDERS], given_)


def test_what_is_not_required_may_be_left_out_and_words_have_an_end() -> None:
    assert requests.checked([FOLDERS, {**WORDS, "required": False}], {"folders": "forms"}) == {"folders": ["forms"]}
    with refused("request.too_long"):
        requests.checked([WORDS], {"reason": "x" * 2001})
    with refused("request.missing"):
        requests.checked([WORDS], {"reason": "  \n "})


def test_the_steps_that_somebody_approves_in_the_onboarding_have_contents() -> None:
    approved = [one for one in onboarding().value.steps if one.approved_by is not None]
    assert [(one.id, [part.id for part in one.asks]) for one in approved] == [
        ("request_secure_access", ["folders", "reason"]),
        ("request_petty_cash", ["amount", "reason", "receipts"]),
    ]


def ask_for(cast: Cast, case_id: Any, **given_: Any) -> None:
    with cast.session() as session:
        task = step(session, case_id, "request_petty_cash")
        given_ = {**filled_in(task["asks"]), **given_}
        tasks.complete_task(session, task["id"], by=cast.actor("coordinator"), at=AT, given=given_)


def test_what_is_not_filled_in_is_not_handed_in(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        task = step(session, case_id, "request_petty_cash")
        with refused("request.missing"):
            tasks.complete_task(session, task["id"], by=cast.actor("coordinator"), at=AT)
        with refused("request.not_asked"):
            plain = step(session, case_id, "plan_coaching")["id"]
            tasks.complete_task(session, plain, by=cast.actor("coordinator"), at=AT, given={"amount": "5"})
        assert step(session, case_id, "request_petty_cash")["state"] == "open"


def test_the_letter_says_how_much_and_no_word_that_somebody_typed(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    ask_for(cast, case_id, amount="250,50", reason="Pour rejoindre Ondine chez sa tante")
    with cast.session() as session:
        bodies = session.scalars(select(_notice.c.message).where(_notice.c.template == "task_to_approve")).all()
    texts = [_text_of(bytes(body)) for body in bodies]
    assert any("250" in one for one in texts)
    assert not any("Ondine" in one or "tante" in one for one in texts)


def _text_of(message: bytes) -> str:
    body = message_from_bytes(message, _class=EmailMessage, policy=SMTP).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_what_is_approved_is_what_was_handed_in_and_the_record_says_so(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    ask_for(cast, case_id, amount="250")
    approve(cast, case_id, "request_petty_cash", by=cast.actor("manager_la"))
    with cast.session() as session:
        kept = session.execute(select(_request.c.given, _request.c.digest)).one()
        facts = session.execute(
            select(_event.c.verb, _event.c.facts)
            .where(_event.c.verb.in_(["task.submitted", "task.approved"]))
            .order_by(_event.c.n)
        ).all()
    assert kept.given["amount"] == "250.00"
    assert [(row.verb, row.facts["request"]) for row in facts] == [
        ("task.submitted", kept.digest),
        ("task.approved", kept.digest),
    ]
    assert "Pour le travail" not in str([row.facts for row in facts])


def test_a_request_is_not_changed_after_its_approval_but_taken_back_and_approved_anew(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    ask_for(cast, case_id, amount="250")
    approve(cast, case_id, "request_petty_cash", by=cast.actor("manager_la"))
    with refused("task.not_open"):
        ask_for(cast, case_id, amount="900")
    with cast.session() as session:
        task = step(session, case_id, "request_petty_cash")
        tasks.undo_task(session, task["id"], by=cast.actor("coordinator"), at=AT)
    ask_for(cast, case_id, amount="900")
    with cast.session() as session:
        assert step(session, case_id, "request_petty_cash")["state"] == "submitted", "it waits for its approval again"
        assert [row.given["amount"] for row in session.execute(select(_request.c.given).order_by(_request.c.n))] == [
            "250.00",
            "900.00",
        ]


def test_the_database_lets_nobody_write_a_request_anew(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    ask_for(cast, case_id)
    for statement in ("update request set given = '{}'", "delete from request"):
        with cast.session() as session, pytest.raises(Exception, match="permission denied"):
            session.connection().exec_driver_sql(statement)
    with as_superuser(cast.database) as connection:
        assert connection.execute(text("select count(*) from request")).scalar_one() == 1


@pytest.mark.parametrize("who", ["coordinator", "worker_em"])
def test_nobody_approves_what_they_ask_for_nor_what_is_asked_for_them(cast: Cast, who: str) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    with pytest.raises(Refusal):
        approve(cast, case_id, "request_secure_access", by=cast.actor(who))


def test_who_approves_an_older_state_of_it_is_told(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    ask_for(cast, case_id, amount="250")
    with cast.session() as session:
        task = step(session, case_id, "request_petty_cash")
        tasks.undo_task(session, task["id"], by=cast.actor("coordinator"), at=AT)
    ask_for(cast, case_id, amount="900")
    with cast.session() as session, refused("task.changed"):
        tasks.approve_task(session, task["id"], by=cast.actor("manager_la"), at=AT, seen=task["version"])
