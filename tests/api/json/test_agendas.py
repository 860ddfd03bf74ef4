"""Agendas over JSON: items edited, moved, taken off and put back, the freeze with its letters, and what comes late."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import func, select

from meetings import drafting
from models.base import table_of
from models.outbox import Notice
from tests.api.json.test_versions import a_meeting
from tests.api.json.window import Asker
from tests.cast import AT, Cast
from tests.meetings.sitting import seat_everyone

_notice = table_of(Notice)


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    """The coordinator's window, where everyone sits."""
    with cast.session() as session:
        seat_everyone(session, cast)
    return Asker(cast, "coordinator")


@pytest.fixture
def here(coordinator: Asker) -> str:
    """The agenda of a meeting of the Clinical Committee that a rule drew items for."""
    found = f"/meetings/{a_meeting(coordinator)['id']}/agenda"
    coordinator.post(f"{found}/assembly")
    return found


def _member(coordinator: Asker, name: str = "worker_codim") -> Asker:
    return Asker(coordinator.cast, name, app=coordinator.app)


def _asked(asker: Asker, title: str, **more: Any) -> str:
    body = {"title_fr": title, "title_en": f"{title} (en)", **more}
    found: str = asker.post("/committees/clinical/agenda-items", body)["id"]
    return found


def _letters(cast: Cast) -> int:
    with cast.session() as session:
        asked = select(func.count()).select_from(_notice).where(_notice.c.template == "meeting_agenda")
        return session.scalar(asked) or 0


def _titles(asker: Asker, here: str) -> list[str]:
    return [one["title_en"] for one in asker.get(f"{here}/items")["items"]]


@pytest.mark.ci
def test_what_is_not_given_of_an_item_stays_and_a_seat_that_is_null_is_nobody_s(coordinator: Asker, here: str) -> None:
    before = next(one for one in coordinator.get(f"{here}/items")["items"] if one["presenter_seat_id"])
    path = f"{here}/items/{before['id']}"
    longer = coordinator.ask("PUT", path, {"minutes": before["minutes"] + 5}, version=before["version"]).json()
    assert longer == before | {"minutes": before["minutes"] + 5, "version": before["version"] + 1}
    nobodys = coordinator.ask("PUT", path, {"presenter_seat_id": None}, version=longer["version"]).json()
    assert nobodys == longer | {"presenter_seat_id": None, "version": longer["version"] + 1}
    assert coordinator.ask("PUT", path, {"title_fr": "", "title_en": ""}, version="*").json()["code"] == (
        "agenda.no_title"
    )


@pytest.mark.ci
def test_an_item_is_put_in_another_place_taken_off_and_put_on_again_last(coordinator: Asker, here: str) -> None:
    first, second, *_ = _titles(coordinator, here)
    item = coordinator.get(f"{here}/items")["items"][1]
    moved = coordinator.ask("PUT", f"{here}/items/{item['id']}/place", {"place": 1}, version=item["version"])
    assert moved.status_code == 200, moved.text
    assert _titles(coordinator, here)[:2] == [second, first]
    off = coordinator.post(f"{here}/items/{item['id']}/removal", version="*")
    assert second not in _titles(coordinator, here)
    assert [one["id"] for one in coordinator.get(f"{here}/items")["off"]] == [item["id"]]
    coordinator.post(f"{here}/assembly")
    assert second not in _titles(coordinator, here)
    again = coordinator.ask("POST", f"{here}/items/{item['id']}/restoring", version=off["version"])
    assert (again.status_code, again.headers["etag"]) == (200, f'"{again.json()["version"]}"')
    assert again.json()["id"] != item["id"]
    assert _titles(coordinator, here)[-1] == second
    twice = coordinator.ask("POST", f"{here}/items/{item['id']}/restoring", version="*")
    assert (twice.status_code, twice.json()["code"]) == (409, "agenda.not_taken_off")


@pytest.mark.ci
def test_a_freeze_shows_its_letters_first_and_sends_the_same_ones_once(
    cast: Cast, coordinator: Asker, here: str
) -> None:
    path = f"{here}/freezing"
    version = coordinator.get(here.removesuffix("/agenda"))["version"]
    foreseen = coordinator.ask("POST", f"{path}?preview=true", version=version)
    assert foreseen.json()["preview"]
    assert _letters(cast) == 0
    assert {one["number"] for one in coordinator.get(f"{here}/items")["items"]} == {""}
    done = coordinator.ask("POST", path, version=version)
    assert done.json()["letters"] == foreseen.json()["letters"]
    sent = [one for one in done.json()["letters"] if one["is_sent"] and one["has_address"]]
    assert _letters(cast) == len(sent) > 0
    numbers = [one["number"] for one in coordinator.get(f"{here}/items")["items"]]
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    item = coordinator.get(f"{here}/items")["items"][0]
    for method, of_item, body in (
        ("PUT", "", {"minutes": 1}),
        ("PUT", "/place", {"place": 2}),
        ("POST", "/removal", None),
    ):
        refused = coordinator.ask(method, f"{here}/items/{item['id']}{of_item}", body, version="*")
        assert (refused.status_code, refused.json()["code"]) == (409, "agenda.frozen"), of_item
    assert coordinator.ask("POST", path, version="*").json()["code"] == "agenda.frozen"


@pytest.mark.ci
def test_a_translation_that_is_missing_holds_the_freeze_up_and_is_listed(coordinator: Asker, here: str) -> None:
    item_id = coordinator.post("/committees/clinical/agenda-items", {"title_fr": "Sans anglais"})["id"]
    coordinator.post(f"{here}/items/{item_id}/scheduling", version="*")
    kept = coordinator.get(f"{here}/items")
    assert item_id in kept["missing"]["en"]
    refused = coordinator.ask("POST", f"{here}/freezing", version="*")
    assert (refused.status_code, refused.json()["code"]) == (409, "agenda.untranslated")
    coordinator.ask("PUT", f"{here}/items/{item_id}", {"title_en": "In English"}, version="*")
    assert item_id not in coordinator.get(f"{here}/items")["missing"].get("en", [])


@pytest.mark.ci
def test_what_comes_late_is_added_with_its_reason_or_left_to_a_later_meeting(
    cast: Cast, coordinator: Asker, here: str
) -> None:
    coordinator.post(f"{here}/freezing", version="*")
    meeting_id = here.split("/")[2]
    late = _asked(_member(coordinator), "Local fermé", meeting_id=meeting_id, late_reason="Cette nuit.")
    other = _asked(_member(coordinator), "Autre", meeting_id=meeting_id, late_reason="Hier.")
    waiting = _asked(coordinator, "Plus tard")
    assert {one["id"] for one in coordinator.get(f"{here}/items")["late"]} == {late, other}
    unsaid = coordinator.ask("POST", f"{here}/items/{waiting}/late", {}, version="*")
    assert unsaid.json()["code"] == "agenda.late_without_reason"
    before = _letters(cast)
    foreseen = coordinator.ask("POST", f"{here}/items/{late}/late?preview=true", {}, version=1)
    assert _letters(cast) == before
    done = coordinator.ask("POST", f"{here}/items/{late}/late", {}, version=1)
    assert done.json()["letters"] == foreseen.json()["letters"]
    sent = [one for one in done.json()["letters"] if one["is_sent"] and one["has_address"]]
    assert _letters(cast) - before == len(sent) > 0
    (added,) = coordinator.get(f"{here}?addendum=1")["items"]
    assert (added["late"], added["late_reason"], "." in added["number"]) == (True, "Cette nuit.", True)
    declined = coordinator.ask("POST", f"{here}/items/{other}/late-refusal", version=1)
    assert (declined.json()["state"], declined.json()["late_reason"]) == ("pool", "")
    kept = coordinator.get(f"{here}/items")
    assert (kept["late"], {one["id"] for one in kept["pool"]} >= {other, waiting}) == ([], True)


@pytest.mark.ci
def test_every_version_that_went_out_is_listed_and_read_as_a_file_in_both_languages(
    coordinator: Asker, here: str
) -> None:
    assert coordinator.get(f"{here}/versions") == []
    coordinator.post(f"{here}/freezing", version="*")
    (version,) = coordinator.get(f"{here}/versions")
    assert (version["n"], version["kind"], version["addendum"], version["is_replaced"]) == (1, "agenda", 0, False)
    member = _member(coordinator)
    for language, form, begins in (("fr", "pdf", b"%PDF-"), ("en", "pdf", b"%PDF-"), ("fr", "docx", b"PK\x03\x04")):
        file = member.get(f"{here}/versions/1/{language}/{form}")
        assert file["name"].endswith(f".{form}")
        assert base64.b64decode(file["content"], validate=True).startswith(begins)
    assert coordinator.ask("GET", f"{here}/versions/2/fr/pdf").status_code == 404
    assert _member(coordinator, "manager_codim").ask("GET", f"{here}/versions").status_code == 404


@pytest.mark.ci
def test_a_member_sees_and_takes_back_what_they_asked_for_and_nothing_else(coordinator: Asker, here: str) -> None:
    member, another = _member(coordinator), _member(coordinator, "police")
    mine = _asked(member, "Le mien")
    theirs = _asked(coordinator, "Pas le mien")
    kept = member.get(f"{here}/items")
    assert ([one["id"] for one in kept["pool"]], kept["items"], kept["missing"]) == ([mine], [], {})
    assert another.get(f"{here}/items")["pool"] == []
    for item_id in (theirs, coordinator.get(f"{here}/items")["items"][0]["id"]):
        assert member.ask("GET", f"{here}/items/{item_id}").status_code == 404
        assert member.ask("POST", f"{here}/items/{item_id}/withdrawal", version="*").status_code == 404
    assert another.ask("POST", f"{here}/items/{mine}/withdrawal", version="*").status_code == 404
    assert member.get(f"{here}/items/{mine}")["version"] == 1
    assert member.post(f"{here}/items/{mine}/withdrawal", version=1)["state"] == "withdrawn"


@pytest.mark.ci
def test_only_whoever_keeps_the_agenda_changes_it(coordinator: Asker, here: str) -> None:
    member = _member(coordinator)
    before = coordinator.get(f"{here}/items")
    item = f"{here}/items/{before['items'][0]['id']}"
    tries: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PUT", item, {"minutes": 1}),
        ("PUT", f"{item}/place", {"place": 2}),
        ("POST", f"{item}/removal", None),
        ("POST", f"{item}/restoring", None),
        ("POST", f"{item}/scheduling", None),
        ("POST", f"{item}/late", {"reason": "Non"}),
        ("POST", f"{item}/late-refusal", None),
        ("POST", f"{here}/freezing?preview=true", None),
        ("POST", f"{here}/freezing", None),
        ("POST", f"{here}/assembly", None),
    ]
    for method, path, body in tries:
        assert member.ask(method, path, body, version="*").status_code == 404, path
    assert coordinator.get(f"{here}/items") == before
    outside = _member(coordinator, "manager_codim")
    assert outside.ask("GET", f"{here}/items").status_code == 404


def test_an_item_of_another_committee_is_not_on_this_agenda(coordinator: Asker, here: str) -> None:
    other = coordinator.post("/committees/steering/agenda-items", {"title_fr": "Budget"})["id"]
    for path in ("", "/withdrawal", "/scheduling"):
        method = "POST" if path else "GET"
        assert coordinator.ask(method, f"{here}/items/{other}{path}", version="*").status_code == 404, path


@pytest.mark.ci
def test_the_agenda_of_a_meeting_that_is_over_is_changed_by_nothing(coordinator: Asker, here: str) -> None:
    item = coordinator.get(f"{here}/items")["items"][0]
    coordinator.ask("POST", f"{here.removesuffix('/agenda')}/cancellation", {"reason": "Tempête"}, version="*")
    for method, path, body in (
        ("PUT", f"{here}/items/{item['id']}", {"minutes": 1}),
        ("POST", f"{here}/assembly", None),
        ("POST", f"{here}/freezing", None),
    ):
        refused = coordinator.ask(method, path, body, version="*")
        # An item of a cancelled meeting went back to the pool, or is not drawn any more.
        assert refused.status_code in (404, 409), path


@pytest.mark.ci
def test_a_year_that_was_drafted_is_listed_planned_from_once_and_another_dismissed(
    cast: Cast, coordinator: Asker
) -> None:
    for committee, starts in (("steering", "2026-12-15T13:30"), ("joint", "2026-12-16T13:30")):
        coordinator.post(f"/committees/{committee}/meetings", {"starts": [starts]})
    with cast.session() as session:
        drafting.draft_due(session, by=cast.actor("coordinator"), at=AT)
    (steering,) = coordinator.get("/committees/steering/drafts")
    assert len(steering["dates"]) == 4
    kept = [one["starts"][:16] for one in steering["dates"] if one["decision"] != "skip"]
    body = {"starts": kept, "draft_id": steering["id"]}
    assert coordinator.ask("POST", "/committees/steering/meetings?preview=true", body).status_code == 200
    assert coordinator.get("/committees/steering/drafts") == [steering]
    assert coordinator.ask("POST", "/committees/steering/meetings", body, key="d-1").status_code == 201
    assert coordinator.get("/committees/steering/drafts") == []
    assert coordinator.ask("POST", "/committees/steering/meetings", body, key="d-2").json()["code"] == "draft.unknown"
    (joint,) = coordinator.get("/committees/joint/drafts")
    path = f"/committees/joint/drafts/{joint['id']}/dismissal"
    assert _member(coordinator).ask("POST", path).status_code == 404
    assert coordinator.ask("POST", path).status_code == 204
    assert coordinator.get("/committees/joint/drafts") == []
    assert coordinator.ask("POST", path).json()["code"] == "draft.unknown"
