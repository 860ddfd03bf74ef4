"""An admission over JSON, from a draft to a number; what is nominative comes by one act, and each act by the table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import text

from domain.accompaniment import states, workers
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Cast
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, row_of
from tests.referring import ROMARIN, declare_admission, participant_of, refer, triaged

HERE = "/api/v1"
SAID: dict[str, Any] = {
    "given_name": "Ondine",
    "family_name": "Fougère-Lys",
    "birth_date": "2010-05-04",
    "phone": "514 555-0144",
    "languages": ["fr"],
    "area": "laval",
    "reasons": "Elle demande de l’aide.",
    "facts": {"AD-C0": "Elle le dit."},
}


@pytest.fixture
def there(cast: Cast) -> Cast:
    """Admissions carried, agreements in force."""
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    return cast


class _Asker:
    """Somebody at the window, who sends the version that they saw last."""

    def __init__(self, cast: Cast, name: str, at: datetime = AT) -> None:
        self.client: TestClient = client_for(cast.database, cast.people[name], at=at)

    def get(self, path: str) -> Response:
        return self.client.get(HERE + path)

    def send(self, method: str, path: str, body: Any = None, *, seen: object = None, key: str = "") -> Response:
        headers = {"If-Match": f'"{seen}"'} if seen is not None else {}
        if key:
            headers["Idempotency-Key"] = key
        return self.client.request(method, HERE + path, json=body, headers=headers)


@pytest.mark.ci
def test_a_draft_is_one_s_own_and_sending_it_answers_alike_whoever_it_is_about(there: Cast) -> None:
    worker, other = _Asker(there, WORKER), _Asker(there, SECOND)
    first = worker.send("POST", "/referrals", {"given_name": "Ondine"}, key="one")
    again = worker.send("POST", "/referrals", {"given_name": "Ondine"}, key="one")
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert "Ondine" not in first.text
    draft = f"/referrals/{first.json()['id']}"
    assert worker.get(draft).json()["given_name"] == "Ondine"
    assert other.get(draft).status_code == 404
    assert other.send("DELETE", draft).status_code == 404
    assert worker.send("PUT", draft, SAID).status_code == 428, "what was seen is said"
    saved = worker.send("PUT", draft, SAID, seen=1)
    assert worker.send("PUT", draft, SAID, seen=1).status_code in (409, 412)
    sent = worker.send("POST", f"{draft}/sending", SAID, seen=saved.json()["version"])
    assert (sent.status_code, sent.json()["state"]) == (200, "received")
    assert worker.get(draft).status_code == 404, "its author reads it no more"
    second = worker.send("POST", "/referrals", SAID)
    twin = worker.send("POST", f"/referrals/{second.json()['id']}/sending", SAID, seen=1)
    assert set(twin.json()) == set(sent.json())
    assert twin.json()["state"] == "received", "that the person is known already shows nowhere"
    board = worker.get("/referrals").json()
    assert (board["received"], len(board["mine"])) == ([], 2)
    assert len(_Asker(there, "coordinator").get("/referrals").json()["received"]) == 2


@pytest.mark.ci
def test_a_whole_admission_is_carried_at_the_window(there: Cast) -> None:
    coordinator, worker, other = (_Asker(there, name) for name in ("coordinator", SECOND, WORKER))
    referral_id = refer(there)
    with there.session() as session:
        here = f"/participants/{participant_of(session, referral_id)}"
    version = coordinator.get(here).json()["referrals"][0]["version"]
    findings = {criterion: {"finding": "met", "fact": "Dit."} for criterion in ("AD-C0", "AD-C2", "AD-C3", "AD-C5")}
    found = coordinator.send(
        "PUT", f"{here}/findings", {"referral_id": str(referral_id), "findings": findings}, seen=version
    )
    assert found.status_code == 200, found.text
    proposed = coordinator.get(f"{here}/proposals").json()
    assert {"reasons", "bars", "is_overloaded"} <= set(proposed[0])
    assert worker.get(here).status_code == 404
    version = coordinator.get(here).json()["referrals"][0]["version"]
    goes = {"referral_id": str(referral_id), "result": "forwarded", "reason": "Danger"}
    assert coordinator.send("POST", f"{here}/triage", goes, seen=version).json()["code"] == "admission.whom.missing"
    goes["worker_id"] = str(there.people[SECOND])
    stale = coordinator.send("POST", f"{here}/triage", goes, seen=version - 1)
    assert (stale.status_code, stale.json()["code"]) == (412, "referral.changed")
    assert coordinator.send("POST", f"{here}/triage", goes, seen=version).status_code == 200
    shown = worker.get(here)
    assert shown.json()["worker_id"] == str(there.people[SECOND])
    assert "Ondine" not in shown.text
    who = worker.send("POST", f"{here}/identity", {})
    assert who.json()["given_name"] == "Ondine"
    assert other.send("POST", f"{here}/identity", {"purpose": "urgent_help"}).status_code == 404
    met = {"met_on": TODAY.isoformat(), "way": "in_person", "outcome": "commits"}
    assert worker.send("POST", f"{here}/meetings", met, key="met").status_code == 201
    assert worker.send("POST", f"{here}/meetings", met, key="met").headers["idempotency-replayed"] == "true"
    days = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on", "copy_given_on"), TODAY.isoformat())
    drawn = {"way": "drawn", "content": signing.IN_JSON}
    signed = {**days, "signed_by": "self", "language": "fr", "limits_stated": True, "signature": drawn}
    seen = worker.get(here).json()["version"]
    silent = worker.send("POST", f"{here}/consents", {**signed, "limits_stated": False}, seen=seen)
    assert silent.json()["code"] == "consent.limits"
    assert worker.send("POST", f"{here}/consents", signed, seen=seen).status_code == 201
    assert worker.send("POST", f"{here}/risks", {"level": "yellow", "why": "Réseau."}).status_code == 201
    ready = coordinator.get(here).json()
    form = ready["consent_forms"][0]["id"]
    assert coordinator.send("POST", f"{here}/consent-forms/{form}/storing", {}).status_code == 200
    assert worker.send("POST", f"{here}/number", seen=ready["version"]).status_code == 404
    assert coordinator.send("POST", f"{here}/number", seen=ready["version"] - 1).status_code == 412
    numbered = coordinator.send("POST", f"{here}/number", seen=ready["version"])
    assert (numbered.status_code, numbered.json()["number"]) == (200, "#2026-01")
    with there.session() as session:
        read = session.scalars(text("select facts->>'what' from event where verb = 'read' order by n")).all()
    assert "identity" in read
    assert "referral" in read


@pytest.mark.ci
def test_what_is_to_be_confirmed_of_a_candidate_is_owed_once_they_went_straight_to_a_worker(there: Cast) -> None:
    referral_id, coordinator = refer(there), _Asker(there, "coordinator")
    with there.session() as session:
        here = f"/participants/{participant_of(session, referral_id)}"
    findings = {one: {"finding": "unknown" if one == "AD-C2" else "met", "fact": "Dit."} for one in ("AD-C0", "AD-C2")}
    said = {"referral_id": str(referral_id), "findings": findings}

    def find(said: dict[str, Any]) -> Any:
        version = coordinator.get(here).json()["referrals"][0]["version"]
        return coordinator.send("PUT", f"{here}/findings", said, seen=version)

    assert find(said).status_code == 200
    goes = {"referral_id": str(referral_id), "result": "forwarded", "reason": "Danger"}
    goes["worker_id"] = str(there.people[SECOND])
    version = coordinator.get(here).json()["referrals"][0]["version"]
    assert coordinator.send("POST", f"{here}/triage", goes, seen=version).status_code == 200
    rest = {one: {"finding": "met", "fact": "Dit."} for one in ("AD-C2", "AD-C3", "AD-C5")}
    assert find({**said, "findings": rest}).status_code == 200
    again = find({**said, "findings": rest})
    assert again.json()["code"] == "referral.dealt_with", "all is found, and nothing more is owed"


@pytest.mark.ci
def test_an_admission_and_a_follow_up_name_the_file_to_who_may_open_it(there: Cast) -> None:
    participant_id = triaged(there, refer(there), "forwarded")
    with there.session() as session:
        workers.forward(session, participant_id, there.people[WORKER], by=there.actor("coordinator"), at=AT)
    worker, coordinator = _Asker(there, WORKER), _Asker(there, "coordinator")
    mine = [one for one in worker.get("/work").json()["items"] if one["step"] == "make_contact"]
    case = f"/cases/{mine[0]['case_id']}"
    assert worker.get(case).json()["participant_id"] == str(participant_id)
    with there.session() as session:
        follow_up_id = followed(session, there)
        file = row_of(session, follow_up_id)["participant_id"]
    assert coordinator.get(f"/follow-ups/{follow_up_id}").json()["participant_id"] == str(file)
    kept_from = {"person_id": str(there.people[WORKER])}
    assert coordinator.send("POST", f"/participants/{participant_id}/barred", kept_from).status_code == 204
    assert worker.get(case).status_code == 404


@pytest.mark.ci
def test_another_worker_is_named_at_the_window_where_one_is_barred(there: Cast) -> None:
    participant_id = triaged(there, refer(there), "forwarded")
    coordinator, here = _Asker(there, "coordinator"), f"/participants/{participant_id}"
    with there.session() as session:
        workers.forward(session, participant_id, there.people[WORKER], by=there.actor("coordinator"), at=AT)
    worker = _Asker(there, WORKER)
    assert worker.get(here).status_code == 200
    assert worker.send("POST", f"{here}/barred", {"person_id": str(there.people[WORKER])}).status_code == 204
    assert worker.get(here).status_code == 404
    version = coordinator.get(here).json()["version"]
    again = {"worker_id": str(there.people[WORKER])}
    assert coordinator.send("PUT", f"{here}/worker", again, seen=version).json()["code"] == "assignment.barred"
    named = coordinator.send("PUT", f"{here}/worker", {"worker_id": str(there.people[SECOND])}, seen=version)
    assert named.json()["worker_id"] == str(there.people[SECOND])
    assert coordinator.send("DELETE", f"{here}/barred/{there.people[WORKER]}").status_code == 204
    assert coordinator.send("POST", f"{here}/declining").status_code == 204
    assert coordinator.get(here).json()["state"] == "declined"


#: What is said of the risk to others.
WEIGHED: Final = ("profile", "involvement", "benefits", "risks")


@pytest.fixture
def two(cast: Cast) -> tuple[UUID, UUID]:
    """Two follow-ups of one worker: the second participant also recruits others."""
    with cast.session() as session:
        agreed(session, cast)
        return followed(session, cast), followed(session, cast, "#2026-02", recruiter=True)


@pytest.mark.ci
def test_disclosures_activities_and_research_are_kept_apart_at_the_window(cast: Cast, two: tuple[UUID, UUID]) -> None:
    worker, other, keeper = (_Asker(cast, name) for name in (WORKER, SECOND, "research_coordinator"))
    with cast.session() as session:
        here = f"/participants/{row_of(session, two[0])['participant_id']}"
    said = {"ground": "ypa_38d", "to_whom": "La protection", "what": "Le nécessaire", "disclosed_on": TODAY.isoformat()}
    assert worker.send("POST", f"{here}/disclosures", {**said, "only_necessary": False}).status_code == 409
    kept = worker.send("POST", f"{here}/disclosures", {**said, "only_necessary": True})
    assert kept.status_code == 201
    assert "Le nécessaire" not in kept.text
    reading = f"{here}/disclosures/{kept.json()['disclosures'][0]['id']}/reading"
    assert worker.send("POST", reading).json() == {"to_whom": "La protection", "what": "Le nécessaire"}
    assert other.send("POST", reading).status_code == 404
    plan = {"held_on": TODAY.isoformat(), "begins": "14:00", "minutes": 60, "place": "Parc", "kind": "meal"}
    together = worker.send("POST", "/activities", {**plan, "follow_up_ids": [str(one) for one in two]})
    assert (together.json()["code"], together.json()["source"]) == ("activity.never_together", "AD-C4")
    alone = worker.send("POST", "/activities", {**plan, "follow_up_ids": [str(two[1])]})
    assert (alone.status_code, alone.json()["numbers"], alone.json()["alone"]) == (201, ["#2026-02"], True)
    assert other.send("DELETE", f"/activities/{alone.json()['id']}").status_code == 404
    assert worker.send("DELETE", f"/activities/{alone.json()['id']}").status_code == 204
    weighed = {"kind": "recruiter", "level": "benefits_exceed", **dict.fromkeys(WEIGHED, "Dit.")}
    assert worker.send("POST", f"{here}/risks", weighed).status_code == 404
    keeps = _Asker(cast, "coordinator").send("POST", f"{here}/risks", weighed)
    assert (keeps.status_code, keeps.json()["code"], keeps.json()["source"]) == (409, "risk.committee", "AD-C4")
    signed = {"number": "#2026-01", "signed_on": TODAY.isoformat()}
    assert worker.send("POST", "/research-consents", signed).status_code == 404
    assert [one["number"] for one in keeper.send("POST", "/research-consents", signed).json()] == ["#2026-01"]
    assert keeper.get(here).status_code == 404
    assert "INFORMATION" in worker.get("/consent-form?language=en").json()["text"]
    assert worker.get("/consent-form").json()["validated"] is False


@pytest.mark.ci
def test_a_file_is_held_at_the_window_and_its_day_is_set_with_a_reason(cast: Cast, two: tuple[UUID, UUID]) -> None:
    worker, coordinator = _Asker(cast, WORKER), _Asker(cast, "coordinator")
    with cast.session() as session:
        here = f"/participants/{row_of(session, two[0])['participant_id']}"
    why = {"reason": "Un juge le demande"}
    assert worker.send("PUT", f"{here}/hold", why).status_code == 404
    unsaid = coordinator.send("PUT", f"{here}/hold", {"reason": " "})
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "retention.reason.missing")
    assert coordinator.send("PUT", f"{here}/hold", why).json()["held"] is True
    calendar = {"ground": "calendar"}
    assert coordinator.send("POST", f"{here}/destruction", calendar).json()["code"] == "retention.hold"
    unsaid = coordinator.send("POST", f"{here}/hold/release", {"reason": ""})
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "retention.reason.missing")
    assert coordinator.send("POST", f"{here}/hold/release", why).status_code == 204
    day = TODAY.replace(year=TODAY.year + 6).isoformat()
    followed = coordinator.send("PUT", f"{here}/retention", {"day": day, "reason": "Un juge"})
    assert (followed.status_code, followed.json()["code"]) == (409, "retention.followed")
    with cast.session() as session:
        states.deactivate(session, two[0], "withdrew", by=cast.actor("coordinator"), at=AT)
    early = coordinator.send("PUT", f"{here}/retention", {"day": TODAY.isoformat(), "reason": "Un juge"})
    assert (early.status_code, early.json()["code"]) == (409, "retention.shorter")
    unsaid = coordinator.send("PUT", f"{here}/retention", {"day": day, "reason": " "})
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "retention.reason.missing")
    kept = coordinator.send("PUT", f"{here}/retention", {"day": day, **why})
    assert kept.json()["retain_until"] == day
    unsaid = coordinator.send("POST", f"{here}/destruction", calendar)
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "destruction.reason.missing"), "set by hand"
    early = coordinator.send("POST", f"{here}/destruction", {**calendar, **why})
    assert early.json()["code"] == "retention.not_yet"


@pytest.mark.ci
def test_a_file_is_destroyed_at_the_window_by_two(cast: Cast, two: tuple[UUID, UUID]) -> None:
    with cast.session() as session:
        file = row_of(session, two[0])["participant_id"]
        known_as_somebody(session, file)
        states.deactivate(session, two[0], "withdrew", by=cast.actor("coordinator"), at=AT)
    here, later = f"/participants/{file}", AT + timedelta(days=1)
    coordinator, officer = _Asker(cast, "coordinator", later), _Asker(cast, "privacy_officer", later)
    unsaid = coordinator.send("POST", f"{here}/destruction", {"ground": "person_asks"})
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "destruction.reason.missing")
    why = {"ground": "person_asks", "reason": "Ondine le demande"}
    assert coordinator.send("POST", f"{here}/destruction", why).status_code == 204
    (listed,) = officer.get("/destructions").json()
    assert (listed["participant_id"], listed["ground"]) == (str(file), "person_asks")
    asked = officer.get(f"{here}/destruction-request").json()
    assert (asked["reason"], asked["waiting_for"]) == (
        "[…] le demande",
        sorted(str(cast.people[name]) for name in ("privacy_officer", "manager_ccsmtl")),
    )
    assert [one["key"] for one in asked["cautions"]] == ["early"]
    seen = {"seen": asked["id"], "knowing": ["early"]}
    assert coordinator.send("POST", f"{here}/destruction/confirmation", seen).status_code == 404
    assert _Asker(cast, WORKER, later).get(f"{here}/destruction-request").status_code == 404
    early = officer.send("POST", f"{here}/destruction/confirmation", seen)
    assert (early.status_code, early.json()["code"]) == (409, "destruction.not_yet")
    officer = _Asker(cast, "privacy_officer", later + timedelta(days=7))
    unread = officer.send("POST", f"{here}/destruction/confirmation", {"seen": asked["id"]})
    assert (unread.status_code, unread.json()["code"]) == (409, "destruction.cautions")
    done = officer.send("POST", f"{here}/destruction/confirmation", seen).json()
    assert (done["state"], done["file_state"], done["reason"]) == ("confirmed", "destroyed", "")
    again = officer.send("POST", f"{here}/destruction/refusal", {"seen": asked["id"], "reason": "Trop tard"})
    assert (again.status_code, again.json()["code"]) == (409, "destruction.over")
    proof = _Asker(cast, "coordinator", later).get(f"{here}/destruction").json()
    assert (proof["asked_by_id"], proof["by_id"], proof["before_two"]) == (
        *(str(cast.people["coordinator"]), str(cast.people["privacy_officer"])),
        False,
    )


@pytest.mark.ci
def test_the_way_in_is_counted_for_the_coordinator_and_for_nobody_else(there: Cast) -> None:
    refer(there)
    triaged(there, refer(there, ROMARIN, at=AT), at=AT + timedelta(days=3))
    counted = _Asker(there, "coordinator").get("/referrals/funnel").json()
    assert (counted["received"], counted["triaged"], counted["admitted"]) == (2, 1, 0)
    assert (counted["days_to_triage"], counted["days_to_number"]) == (3.0, None)
    for name in (WORKER, "researcher", "privacy_officer", "director_ccsmtl"):
        answer = _Asker(there, name).get("/referrals/funnel")
        assert answer.status_code == 404, name
        assert "received" not in answer.text
