"""Partners, what they owe, and agreements over JSON: as on the pages, by the same verbs and the same table."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.json.window import Asker
from tests.cast import TODAY, Cast
from tests.duties.obligations.signed import kept, period, put_in_force

PAPER = {"name": "bilan.txt", "content": base64.b64encode(b"Fait.").decode(), "effective_on": TODAY.isoformat()}


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    """The coordinator of a program whose agreements are in force."""
    with cast.session() as session:
        put_in_force(session, cast)
        kept(session)
    return Asker(cast, "coordinator")


def of(cast: Cast, place: str, key: str) -> str:
    with cast.session() as session:
        return str(period(session, cast, place, key)["id"])


def test_the_coordinator_lists_every_partner_and_a_manager_their_own(cast: Cast, coordinator: Asker) -> None:
    every = coordinator.get("/partners")
    assert len(every) == len(coordinator.get("/agreements")) > 4
    assert all(sum(one["states"].values()) > 10 for one in every)
    mine = Asker(cast, "manager_em", app=coordinator.app)
    assert [one["organization_id"] for one in mine.get("/partners")] == [str(cast.organizations["en-marge"])]
    assert mine.ask("GET", f"/partners/{cast.organizations['codim']}").status_code == 404
    owed = mine.get(f"/partners/{cast.organizations['en-marge']}")["obligations"]
    assert {one["key"] for one in owed} >= {"AG-M1", "AG-P2", "AG-X2"}


@pytest.mark.ci
def test_a_statement_in_writing_meets_its_period_and_both_are_kept(cast: Cast, coordinator: Asker) -> None:
    manager = Asker(cast, "manager_em", app=coordinator.app)
    place = f"/obligations/{of(cast, 'en-marge', 'AG-P2')}"
    assert coordinator.ask("POST", f"{place}/attestation", {"said": "held"}).status_code == 404
    without = manager.ask("POST", f"{place}/attestation", {"said": "not_held"})
    assert without.status_code == 422
    manager.post(f"{place}/attestation", {"said": "not_held", "note": "No place free."})
    shown: dict[str, Any] = manager.post(f"{place}/attestation", {"said": "held"})
    assert [one["said"] for one in shown["attestations"]] == ["held", "not_held"]
    assert len(shown["findings"]) >= 2
    worker = Asker(cast, "deputy", app=coordinator.app).get(place)
    assert {one["note"] for one in worker["attestations"]} == {""}  # a note is for those who answer for the partner


@pytest.mark.ci
def test_a_document_counts_at_once_and_no_more_once_it_is_taken_back(cast: Cast, coordinator: Asker) -> None:
    place = f"/obligations/{of(cast, 'codim', 'AG-P4')}"
    manager = Asker(cast, "manager_codim", app=coordinator.app)
    given = manager.post(f"{place}/documents", PAPER)
    assert given["state"] == "met"
    later = manager.ask("POST", f"{place}/documents", PAPER | {"effective_on": "2031-01-01"})
    assert (later.status_code, later.json()["code"]) == (409, "document.day_to_come")
    (paper,) = given["documents"]
    back = manager.post(f"{place}/documents/{paper['id']}/withdrawal", {"reason": "Another one."})
    assert back["state"] != "met"
    assert back["documents"][0]["withdrawn_at"]


@pytest.mark.ci
def test_a_waiver_is_by_a_decision_that_stands(cast: Cast, coordinator: Asker) -> None:
    place = f"/obligations/{of(cast, 'codim', 'AG-P4')}"
    body = {
        "starts_on": TODAY.isoformat(),
        "ends_on": TODAY.isoformat(),
        "decision_id": str(cast.program_id),
        "reason": "No place free.",
    }
    refused = coordinator.ask("POST", f"{place}/waivers", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "decision.does_not_stand")


@pytest.mark.ci
def test_a_renewal_over_json_is_drafted_once_for_its_key_and_says_what_changed(cast: Cast, coordinator: Asker) -> None:
    agreement = next(
        one for one in coordinator.get("/agreements") if one["organization_id"] == str(cast.organizations["codim"])
    )
    place = f"/agreements/{agreement['id']}/versions"
    second = coordinator.post(place)
    assert (second["n"], second["state"], second["changes"]) == (2, "draft", [])
    assert second["text_stands"]
    refused = coordinator.ask("POST", place)
    assert (refused.status_code, refused.json()["code"]) == (409, "agreement.on_its_way")
    assert coordinator.get(f"{place}/1")["signatures"][0]["person_id"] == str(cast.people["director_codim"])
    assert coordinator.ask("GET", f"{place}/9").status_code == 404
