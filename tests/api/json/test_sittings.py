"""A meeting held over JSON from its opening to its minutes, with a decision that the partners endorse."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from tests.api.json.window import Asker
from tests.cast import SINCE, Cast
from tests.meetings.sitting import seat_everyone

_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)

#: Later in the morning of the tests' own day.
TODAY_AT = "2026-11-23T10:30"


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    """The coordinator's window, where everyone sits."""
    with cast.session() as session:
        seat_everyone(session, cast)
    return Asker(cast, "coordinator")


def _meeting(coordinator: Asker) -> str:
    coordinator.post("/committees/steering/meetings", {"starts": [TODAY_AT]})
    found: str = coordinator.get("/meetings?committee=steering")["items"][0]["id"]
    return f"/meetings/{found}"


@pytest.mark.ci
def test_a_meeting_is_opened_filled_decides_and_closes_with_minutes(coordinator: Asker) -> None:
    place = _meeting(coordinator)
    drawn = coordinator.post(f"{place}/agenda/assembly")
    assert drawn["added"]
    assert coordinator.ask("GET", f"{place}/minutes").status_code in (404, 409)
    opened = coordinator.ask("POST", f"{place}/opening", version="*")
    assert opened.json()["state"] == "under_way", opened.text
    before = coordinator.get(f"{place}/attendance")
    assert {one["state"] for one in before["seats"]} == {"unrecorded"}
    assert not before["quorum"]["is_met"]
    for seat in before["seats"]:
        body = {"seat_id": seat["seat_id"], "state": "present", "seen": seat["version"]}
        filled = coordinator.ask("PUT", f"{place}/attendance", body)
        assert filled.status_code == 200, filled.text
    stale = {"seat_id": before["seats"][0]["seat_id"], "state": "absent", "seen": before["seats"][0]["version"]}
    assert coordinator.ask("PUT", f"{place}/attendance", stale).status_code == 412
    blind = {name: said for name, said in stale.items() if name != "seen"}
    for any_version in (None, "*"):
        assert coordinator.ask("PUT", f"{place}/attendance", blind, version=any_version).status_code == 428
    hours = stale | {"seen": 2, "state": "excused", "arrived_at": "2026-11-23T14:00:00Z"}
    refused = coordinator.ask("PUT", f"{place}/attendance", hours)
    assert (refused.status_code, refused.json()["code"]) == (409, "attendance.no_hours")
    decision = {
        "text_fr": "Le local est renouvelé.",
        "kind": "management",
        "owner_role": "administrative_officer",
        "due_on": "2026-12-04",
    }
    made = [coordinator.ask("POST", f"{place}/decisions", decision, key="d-1") for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    (shown,) = coordinator.get(f"{place}/decisions")
    assert (shown["text_fr"], shown["state"], shown["task_id"] is not None) == (decision["text_fr"], "open", True)
    assert coordinator.get("/committees/steering/decisions?year=2026")["items"] == [shown]
    assert coordinator.ask("POST", f"{place}/closing", {}, version="*").json()["code"] == "meeting.untreated"
    closed = coordinator.ask("POST", f"{place}/closing", {"carry_rest": True}, version="*")
    assert closed.json()["state"] == "held", closed.text
    minutes = coordinator.get(f"{place}/minutes")
    assert minutes["state"] == "draft"
    assert decision["text_fr"] in str(minutes["content"])


@pytest.mark.ci
def test_only_the_coordinator_runs_a_meeting_and_only_who_sits_reads_it(coordinator: Asker) -> None:
    place = _meeting(coordinator)
    member = Asker(coordinator.cast, "manager_codim", app=coordinator.app)
    stranger = Asker(coordinator.cast, "police", app=coordinator.app)
    tries: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", f"{place}/agenda/assembly", None),
        ("POST", f"{place}/opening", None),
        ("POST", f"{place}/closing", {}),
        ("POST", f"{place}/decisions", {"text_fr": "Non"}),
    ]
    for method, path, body in tries:
        assert member.ask(method, path, body, version="*").status_code == 404, path
    for path in (f"{place}/attendance", f"{place}/decisions", "/committees/steering/decisions"):
        assert member.ask("GET", path).status_code == 200, path
        assert stranger.ask("GET", path).status_code == 404, path


@pytest.mark.ci
def test_a_partner_endorses_or_objects_for_its_own_organization_alone(cast: Cast, coordinator: Asker) -> None:
    place = _meeting(coordinator)
    codim, en_marge = (str(cast.organizations[key]) for key in ("codim", "en-marge"))
    with cast.session() as session:
        session.execute(
            update(_version)
            .where(
                _version.c.program_id == cast.program_id,
                _version.c.agreement_id.in_(
                    select(_agreement.c.id).where(_agreement.c.organization_id.in_([codim, en_marge]))
                ),
            )
            .values(state="in_force", starts_on=SINCE)
        )
    coordinator.ask("POST", f"{place}/opening", version="*")
    body = {"text_fr": "Le budget est adopté.", "kind": "management"}
    decision = coordinator.ask("POST", f"{place}/decisions", body).json()
    assert {one["organization_id"]: one["said"] for one in decision["endorsements"]} == {codim: "", en_marge: ""}
    manager = Asker(cast, "manager_codim", app=coordinator.app)
    ours = {"decision_id": decision["id"], "organization_id": codim}
    assert manager.ask("PUT", "/endorsements", ours | {"said": "objected"}).status_code == 422
    theirs = ours | {"organization_id": en_marge, "said": "endorsed"}
    assert manager.ask("PUT", "/endorsements", theirs).status_code == 404
    assert coordinator.ask("PUT", "/endorsements", ours | {"said": "endorsed"}).status_code == 404
    done = manager.ask("PUT", "/endorsements", ours | {"said": "endorsed", "seen": 0})
    assert {one["organization_id"]: one["said"] for one in done.json()} == {codim: "endorsed", en_marge: ""}
    late = manager.ask("PUT", "/endorsements", ours | {"said": "endorsed", "seen": 0})
    assert (late.status_code, late.json()["code"].endswith("changed")) == (412, True)


@pytest.mark.ci
@pytest.mark.parametrize("said", ["endorsed", "objected", ""])
def test_a_decision_that_one_may_not_read_is_endorsed_as_one_that_is_not_there(
    cast: Cast, coordinator: Asker, said: str
) -> None:
    """Else a director would learn by trying which ids are decisions, and of which kind."""
    place = _meeting(coordinator)
    coordinator.ask("POST", f"{place}/opening", version="*")
    decision = coordinator.ask("POST", f"{place}/decisions", {"text_fr": "On en reparle en janvier."}).json()["id"]
    director = Asker(cast, "director_codim", app=coordinator.app)
    assert director.ask("GET", f"/decisions/{decision}").status_code == 404
    told = []
    for one in (decision, str(uuid4())):
        body = {"decision_id": one, "organization_id": str(cast.organizations["codim"]), "said": said, "seen": 1}
        answer = director.ask("PUT", "/endorsements", body | {"reason": "Non."})
        told.append((answer.status_code, answer.text.replace(one, "")))
    assert told[0] == told[1]
    assert told[0][0] == 404


def test_a_meeting_is_not_opened_long_before_its_hour_over_json_either(coordinator: Asker) -> None:
    coordinator.post("/committees/steering/meetings", {"starts": ["2026-11-23T13:30"]})
    found = coordinator.get("/meetings?committee=steering")["items"][0]["id"]
    refused = coordinator.ask("POST", f"/meetings/{found}/opening", version="*")
    assert (refused.status_code, refused.json()["code"]) == (409, "meeting.too_early")
    assert "from Monday, November 23, 2026 at 11:30 a.m. on" in refused.json()["detail"]
    closed = coordinator.ask("POST", f"/meetings/{found}/closing", {"carry_rest": True}, version="*")
    assert closed.status_code == 409


def test_an_arrival_over_json_is_within_the_meeting(coordinator: Asker) -> None:
    place = _meeting(coordinator)
    coordinator.ask("POST", f"{place}/opening", version="*")
    seat = next(one for one in coordinator.get(f"{place}/attendance")["seats"])
    body = {"seat_id": seat["seat_id"], "state": "present", "seen": seat["version"]}
    for name in ("arrived_at", "left_at"):
        for wrong in ("2031-01-01T12:00:00Z", "2026-11-23T14:01:00Z", "2026-11-23T05:00:00Z"):
            refused = coordinator.ask("PUT", f"{place}/attendance", body | {name: wrong})
            assert (refused.status_code, refused.json()["code"]) == (409, "attendance.when")
    assert coordinator.ask("PUT", f"{place}/attendance", body | {"arrived_at": "2026-11-23T13:59:00Z"}).is_success


def test_over_json_a_decision_on_an_item_names_the_version_that_was_read_of_it(coordinator: Asker) -> None:
    place = _meeting(coordinator)
    coordinator.post(f"{place}/agenda/assembly")
    coordinator.ask("POST", f"{place}/opening", version="*")
    item = coordinator.get(f"{place}/outcomes")[0]
    body = {"text_fr": "On continue.", "item_id": item["id"]}
    assert coordinator.ask("POST", f"{place}/decisions", body).status_code == 428
    coordinator.ask(
        "PUT", f"{place}/outcomes/{item['id']}", {"outcome": "", "note_fr": "Oui."}, version=item["version"]
    )
    for stale in ({"body": body | {"seen": item["version"]}}, {"body": body, "version": item["version"]}):
        refused = coordinator.ask("POST", f"{place}/decisions", **stale)
        assert (refused.status_code, refused.json()["code"]) == (412, "agenda_item.changed")
    assert coordinator.get(f"{place}/decisions") == []
    now = coordinator.get(f"{place}/outcomes")[0]["version"]
    assert coordinator.ask("POST", f"{place}/decisions", body, version=now, key="d-1").status_code == 201
    assert coordinator.ask("POST", f"{place}/decisions", body, version=now, key="d-1").status_code == 201
    assert coordinator.ask("POST", f"{place}/decisions", body, version=now).status_code == 412
    (shown,) = coordinator.get(f"{place}/decisions")
    assert (shown["has_quorum"], shown["state"], shown["counts"]) == (False, "no_quorum", False), "nobody sat"
