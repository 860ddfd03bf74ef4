"""Partners, what they owe, and agreements over JSON: as on the pages, by the same verbs and the same table."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest

from domain.people import absences
from tests import waiving
from tests.api.json.window import Asker
from tests.api.pages.looking import signed_in
from tests.cast import AT, TODAY, Cast
from tests.domain.obligations.files import UNREADABLE
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.meetings.sitting import seat_everyone

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
    stands = shown["attestations"][0]
    assert (shown["state"], stands["to_be_accepted"], stands["looked_at_as"]) == ("given", True, "")
    own = manager.ask("POST", f"{place}/acceptance", {"proof_id": stands["id"]})
    assert own.status_code == 404, "nobody who owes it is asked"
    met = coordinator.post(f"{place}/acceptance", {"proof_id": stands["id"]})
    stands = met["attestations"][0]
    assert (met["state"], stands["looked_at_as"]) == ("met", "accepted")
    assert stands["looked_at_by"] == str(cast.people["coordinator"])
    worker = Asker(cast, "deputy", app=coordinator.app).get(place)
    assert {one["note"] for one in worker["attestations"]} == {""}  # a note is for those who answer for the partner


@pytest.mark.ci
def test_a_document_counts_once_it_is_accepted_and_no_more_once_it_is_taken_back(
    cast: Cast, coordinator: Asker
) -> None:
    place = f"/obligations/{of(cast, 'codim', 'AG-P4')}"
    manager = Asker(cast, "manager_codim", app=coordinator.app)
    given = manager.post(f"{place}/documents", PAPER)
    assert given["state"] == "given"
    proof = {"proof_id": given["documents"][0]["id"]}
    returned = coordinator.post(f"{place}/return", proof | {"reason": "The day is missing."})
    assert (returned["state"], returned["documents"][0]["looked_at_reason"]) == ("at_risk", "The day is missing.")
    assert Asker(cast, "worker_codim", app=coordinator.app).get(place)["documents"][0]["looked_at_reason"] == ""
    accepted = coordinator.post(f"{place}/acceptance", proof)
    assert (accepted["state"], accepted["documents"][0]["added_as"]) == ("met", "manager")
    again = coordinator.ask("POST", f"{place}/acceptance", proof)
    assert (again.status_code, again.json()["code"]) == (409, "proof.not_waiting")
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
def test_whose_part_was_to_look_at_it_is_answered_though_they_see_it_no_more(cast: Cast, coordinator: Asker) -> None:
    """The coordinator gave it for a partner: the manager of another one is asked, by page or by JSON."""
    place = f"/obligations/{of(cast, 'en-marge', 'AG-P4')}"
    given = coordinator.post(f"{place}/documents", PAPER)
    other = Asker(cast, "manager_codim", app=coordinator.app)
    accepted = other.post(f"{place}/acceptance", {"proof_id": given["documents"][0]["id"]})
    assert (accepted["state"], other.ask("GET", place).status_code) == ("met", 404)
    again = coordinator.post(f"{place}/documents", PAPER)
    proof = next(one["id"] for one in again["documents"] if not one["looked_at_as"])
    page = signed_in(cast, "manager_codim")
    done = page.post(f"{place}/return", data={"proof": proof, "reason": "La date manque."}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert coordinator.get(place)["documents"][0]["looked_at_as"] in ("returned", "accepted")


@pytest.mark.ci
def test_empty_short_and_locked_files_are_no_proof(cast: Cast, coordinator: Asker) -> None:
    place = f"/obligations/{of(cast, 'codim', 'AG-P4')}"
    manager = Asker(cast, "manager_codim", app=coordinator.app)
    for name, content, code in UNREADABLE:
        body = PAPER | {"name": name, "content": base64.b64encode(content).decode()}
        refused = manager.ask("POST", f"{place}/documents", body)
        assert (refused.status_code, refused.json()["code"]) in ((409, f"document.{code}"), (422, f"document.{code}"))


@pytest.mark.ci
def test_the_coordination_is_freed_by_another_partners_manager_alone_and_nobody_by_the_deputy_of_who_owes(
    cast: Cast, coordinator: Asker
) -> None:
    """Proposed, decided while the committee sits, endorsed, recorded: and refused at each step to who owes it."""
    own = f"/obligations/{of(cast, 'ccsmtl', 'GV-6.report')}"
    days = {"starts_on": "2026-11-01", "ends_on": "2026-12-31", "reason": "No place free."}
    with cast.session() as session:
        absences.record_absence(
            session,
            person_id=cast.people["coordinator"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people["manager_codim"],
            by=cast.actor("coordinator"),
            at=AT,
        )
        seat_everyone(session, cast)
    deputy = Asker(cast, "manager_codim", app=coordinator.app)
    manager = Asker(cast, "manager_em", app=coordinator.app)
    refused = deputy.ask("POST", f"{own}/waiver-proposals", days)
    assert (refused.status_code, refused.json()["code"]) == (409, "waiver.own")
    shown = manager.post(f"{own}/waiver-proposals", days)
    (proposal,) = shown["proposals"]
    assert (proposal["committee"], proposal["decision"], proposal["counts"]) == ("steering", None, False)
    with cast.session() as session:
        waiving.sat_on(session, cast, UUID(proposal["id"]))
    decide = f"{own}/waiver-proposals/{proposal['id']}/decision"
    refused = deputy.ask("POST", decide)
    assert (refused.status_code, refused.json()["code"]) == (409, "waiver.own")
    (proposal,) = manager.post(decide)["proposals"]
    with cast.session() as session:
        waiving.endorsed(session, UUID(proposal["decision_id"]))
    body = days | {"decision_id": proposal["decision_id"]}
    refused = deputy.ask("POST", f"{own}/waivers", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "waiver.own")
    freed = manager.post(f"{own}/waivers", body)
    assert (freed["state"], freed["waivers"][0]["recorded_by"]) == ("waived", str(cast.people["manager_em"]))


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
