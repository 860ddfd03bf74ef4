"""Agreements over JSON: a draft rewritten, a signed file brought and given out by its digest, a role handed on."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from domain.agreements.succession import renew
from tests.agreeing import PDF, agreement_of, in_force, last_version, signed_on
from tests.api.json.window import Asker
from tests.cast import AT, TODAY, Cast
from tests.sealing import tamper

FILE: dict[str, Any] = {"name": "entente.pdf", "content": base64.b64encode(PDF).decode()}


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    """The coordinator of a program in which one partner's agreement is in force."""
    with cast.session() as session:
        in_force(session, cast)
    return Asker(cast, "coordinator")


def at(cast: Cast, n: int = 1) -> str:
    with cast.session() as session:
        return f"/agreements/{agreement_of(session, cast)}/versions/{n}"


def as_given(version: dict[str, Any]) -> dict[str, Any]:
    """What a version says, as it is sent to rewrite a draft."""
    terms = version["terms"]
    sharing = terms["information_sharing"]
    return {
        "notice_days": version["notice_days"],
        "roles": version["roles"],
        "obligations": {one["key"]: {"fr": one["text_fr"], "en": one["text_en"]} for one in version["obligations"]},
        "clauses": [{name: one[name] for name in ("key", "title", "text")} for one in terms["clauses"]],
        "resources": [{name: one[name] for name in ("kind", "text")} for one in terms["resources"]],
        "sharing": {
            **{part: [one["key"] for one in sharing[part]] for part in ("purposes", "information", "bodies")},
            "starts_on": sharing["starts_on"],
            "ends_on": sharing["ends_on"],
        },
    }


@pytest.mark.ci
def test_a_draft_is_rewritten_whole_and_the_same_text_is_the_same_digest(cast: Cast, coordinator: Asker) -> None:
    with cast.session() as session:
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    place = at(cast, 2)
    before = coordinator.ask("GET", place)
    body = as_given(before.json())
    same = coordinator.ask("PUT", f"{place}/text", body, version=before.headers["ETag"])
    assert (same.status_code, same.json()["digest"]) == (200, before.json()["digest"])
    stale = coordinator.ask("PUT", f"{place}/text", body, version=before.headers["ETag"])
    assert stale.status_code == 412
    body["sharing"]["bodies"] = ["steering"]
    other = coordinator.ask("PUT", f"{place}/text", body, version=same.headers["ETag"]).json()
    assert [(one["part"], one["how"]) for one in other["changes"]] == [("sharing", "left_out"), ("sharing", "added")]
    signed = coordinator.ask("PUT", f"{at(cast)}/text", body, version=coordinator.ask("GET", at(cast)).headers["ETag"])
    assert (signed.status_code, signed.json()["code"]) == (409, "agreement.text_stands")
    unknown = body | {"roles": [{"role": "wizard", "headcount": 1}]}
    answer = coordinator.ask("PUT", f"{place}/text", unknown, version='"3"')
    assert (answer.status_code, answer.json()["code"]) == (422, "role.malformed")


def test_a_signed_file_comes_and_goes_by_its_digest_and_not_once_it_was_swapped(cast: Cast, coordinator: Asker) -> None:
    place = at(cast)
    other = coordinator.ask("POST", f"{place}/files", FILE | {"sha256": "0" * 64})
    assert (other.status_code, other.json()["code"]) == (422, "signed_file.malformed")
    right = FILE | {"sha256": hashlib.sha256(PDF).hexdigest()}
    added = coordinator.ask("POST", f"{place}/files", right, key="once")
    again = coordinator.ask("POST", f"{place}/files", right, key="once")
    assert (added.status_code, again.status_code) == (201, 201)
    (file,) = coordinator.get(place)["files"]
    director = Asker(cast, "director_em", app=coordinator.app)
    given = director.get(f"/signed-files/{file['id']}")
    assert hashlib.sha256(base64.b64decode(given["content"])).hexdigest() == given["sha256"] == file["sha256"]
    assert Asker(cast, "worker_codim", app=coordinator.app).ask("GET", f"/signed-files/{file['id']}").status_code == 404
    tamper(cast.database, "update signed_file set content = 'x'::bytea, size = 1")
    swapped = director.ask("GET", f"/signed-files/{file['id']}")
    assert (swapped.status_code, swapped.json()["code"]) == (409, "signed_file.altered")


def test_a_file_is_kept_only_with_what_somebody_signed(cast: Cast, coordinator: Asker) -> None:
    with cast.session() as session:
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    early = coordinator.ask("POST", f"{at(cast, 2)}/files", FILE)
    assert (early.status_code, early.json()["code"]) == (409, "agreement.not_signed")


@pytest.mark.ci
def test_a_role_that_the_next_version_drops_becomes_another(cast: Cast, coordinator: Asker) -> None:
    with cast.session() as session:
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    place = at(cast, 2)
    draft = coordinator.ask("GET", place)
    body = as_given(draft.json())
    body["roles"] = [one for one in body["roles"] if one["role"] != "second_representative"]
    body["roles"].append({"role": "petty_cash_holder", "headcount": 1})
    coordinator.ask("PUT", f"{place}/text", body, version=draft.headers["ETag"])
    with cast.session() as session:
        signed_on(session, cast, last_version(session, cast), day=TODAY, filed=True)
    seen = coordinator.ask("GET", place).headers["ETag"]
    held = coordinator.ask("POST", f"{place}/start", {"starts_on": TODAY.isoformat()}, version=seen)
    assert (held.status_code, held.json()["code"]) == (409, "agreement.role_held")
    given = {"starts_on": TODAY.isoformat(), "becomes": {"second_representative": "petty_cash_holder"}}
    assert coordinator.ask("POST", f"{place}/start", given, version=seen).json()["state"] == "in_force"


def test_a_signature_names_the_text_that_was_read_and_not_just_any(cast: Cast, coordinator: Asker) -> None:
    with cast.session() as session:
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    place, director = at(cast, 2), Asker(cast, "director_em", app=coordinator.app)
    draft = coordinator.get(place)
    read = coordinator.ask("POST", f"{place}/sending", version=draft["version"]).json()["version"]
    back = coordinator.ask("POST", f"{place}/taking-back", version=read).json()["version"]
    other = as_given(draft) | {"notice_days": 7}
    rewritten = coordinator.ask("PUT", f"{place}/text", other, version=back).json()["version"]
    now = coordinator.ask("POST", f"{place}/sending", version=rewritten).json()["version"]
    by_hand = {"has_read": True}
    on_paper = {"director_id": str(cast.people["director_em"]), "signed_on": TODAY.isoformat()}
    for version, status in (("*", 428), ("", 428), (read, 412)):
        assert director.ask("POST", f"{place}/signature", by_hand, version=version).status_code == status
        assert coordinator.ask("POST", f"{place}/signatures", on_paper, version=version).status_code == status
    assert coordinator.get(place)["signatures"] == []
    assert director.ask("POST", f"{place}/signature", by_hand, version=now).json()["state"] == "signed"


def test_a_signature_from_paper_is_taken_back_over_json_and_its_file_with_it(cast: Cast, coordinator: Asker) -> None:
    with cast.session() as session:
        renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
        signed_on(session, cast, last_version(session, cast), day=TODAY, filed=True)
    place = at(cast, 2)
    before = coordinator.get(place)
    assert [(one["on_paper"], one["person_id"]) for one in before["signatures"]] == [
        (True, str(cast.people["director_em"]))
    ]
    body = {"director_id": str(cast.people["director_em"]), "reason": "Mauvais jour."}
    for any_version in ("*", ""):
        unread = coordinator.ask("POST", f"{place}/signatures/taking-back", body, version=any_version)
        assert unread.status_code == 428, "it is taken from the version that was read, as a signature is given"
    assert len(coordinator.get(place)["signatures"]) == 1
    after = coordinator.ask("POST", f"{place}/signatures/taking-back", body, version=before["version"]).json()
    assert (after["state"], after["signatures"]) == ("sent", [])
    assert [one["is_withdrawn"] for one in after["files"]] == [True]
    (back,) = after["signatures_taken_back"]
    assert back["id"] == after["files"][0]["signature_id"] == before["signatures"][0]["id"]
    assert (back["taken_back_reason"], back["taken_back_by"]) == ("Mauvais jour.", str(cast.people["coordinator"]))
    assert back["taken_back_at"]
    (other,) = Asker(cast, "worker_codim", app=coordinator.app).get(place)["signatures_taken_back"]
    assert (other["id"], other["taken_back_reason"]) == (back["id"], "")
    again = coordinator.ask("POST", f"{place}/signatures/taking-back", body, version=after["version"])
    assert (again.status_code, again.json()["code"]) == (409, "agreement.not_now")
    assert "no signature of this director to take back" in again.json()["detail"]


def test_a_notice_from_before_the_agreement_ends_nothing_over_json(cast: Cast, coordinator: Asker) -> None:
    place = at(cast)
    body = {"ends_on": (TODAY + timedelta(days=1)).isoformat(), "notice_on": "1999-01-01", "given_by": "partner"}
    version = coordinator.get(place)["version"]
    refused = coordinator.ask("POST", f"{place}/ending", body, version=version)
    assert (refused.status_code, refused.json()["code"]) == (409, "agreement.notice_too_early")
    other = coordinator.ask("POST", f"{place}/ending", body | {"given_by": "nobody"}, version=version)
    assert other.status_code == 422
    assert coordinator.get(place)["ends_on"] is None
