"""Outgoing mail over JSON: who may see it, in parts that miss nothing, and sent once more where it was given up."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.api.json.window import Asker
from tests.api.pages.test_post import give_up, one_letter
from tests.casework import open_onboarding
from tests.cast import Cast


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    """The coordinator's window, after an onboarding was opened and wrote its letters."""
    open_onboarding(cast)
    return Asker(cast, "coordinator")


def test_letters_are_listed_in_parts_that_miss_and_repeat_nothing(coordinator: Asker) -> None:
    whole = coordinator.get("/post")
    assert len(whole["items"]) > 2
    assert whole["older"] is None
    part = coordinator.get("/post?limit=2")
    seen = list(part["items"])
    while part["older"] is not None:
        part = coordinator.get(f"/post?limit=2&before={part['older']}")
        assert 0 < len(part["items"]) <= part["limit"] == 2
        seen += part["items"]
    assert seen == whole["items"]
    assert coordinator.get("/post?state=failed") == {**whole, "items": []}


def test_a_letter_is_read_and_the_reading_is_on_record(coordinator: Asker) -> None:
    letter = one_letter(coordinator.cast)
    shown = coordinator.get(f"/post/{letter}")
    assert shown["text"].startswith("Bonjour Béryl Calcaire")
    assert shown["to_address"] == "officer@ccsmtl.example"
    with coordinator.cast.session() as session:
        told = "select facts->>'what' from event where verb = 'read' and subject_id = :id"
        assert session.scalars(text(told), {"id": letter}).all() == ["letter"]


def test_who_runs_the_installation_sees_what_became_of_letters_and_reads_none(coordinator: Asker) -> None:
    keeper = Asker(coordinator.cast, "administrator", app=coordinator.app)
    assert {(one["subject"], one["to_address"]) for one in keeper.get("/post")["items"]} == {(None, None)}
    assert keeper.ask("GET", f"/post/{one_letter(coordinator.cast)}").status_code == 404
    assert keeper.ask("POST", "/post/retry").status_code == 404


def test_what_was_given_up_is_sent_once_more(coordinator: Asker) -> None:
    cast, letter = coordinator.cast, one_letter(coordinator.cast)
    refused = coordinator.ask("POST", f"/post/{letter}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "notice.not_failed")
    give_up(cast, letter)
    assert coordinator.get(f"/post/{letter}")["code"] == "550 5.1.1"
    assert coordinator.post(f"/post/{letter}/retry")["state"] == "queued"
    give_up(cast, letter)
    assert coordinator.post("/post/retry") == {"letters": 1}
    assert coordinator.post("/post/retry") == {"letters": 0}
