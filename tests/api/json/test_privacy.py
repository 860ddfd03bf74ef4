"""The privacy officer over JSON: the register with its versions and keys, and who read what."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from domain.record import reads
from tests.api.json.window import Asker, problem_of
from tests.cast import AT, TODAY, Cast


@pytest.fixture
def officer(cast: Cast) -> Asker:
    return Asker(cast, "privacy_officer")


def known(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "organization_id": str(cast.organizations["ccsmtl"]),
        "information": "Work notes, with first names",
        "circumstances": "A laptop was left on a train.",
        "known_on": TODAY.isoformat(),
        **more,
    }


def test_an_incident_from_entering_to_closing(cast: Cast, officer: Asker) -> None:
    entered = officer.post("/privacy/incidents", known(cast))
    place = f"/privacy/incidents/{entered['id']}"
    assert (entered["number"], entered["version"], entered["serious_risk"]) == (1, 1, None)
    steps: list[tuple[str, str, Any]] = [
        ("PUT", "", known(cast, people_concerned=3, measures="Wiped.")),
        ("PUT", "/assessment", {"serious_risk": True, "risk_reasons": "First names of minors."}),
        ("PUT", "/telling", {"commission_told_on": TODAY.isoformat(), "people_told_on": TODAY.isoformat()}),
        ("POST", "/closing", None),
    ]
    for version, (method, part, body) in enumerate(steps, start=1):
        assert officer.ask(method, place + part, body).status_code == 428
        answer = officer.ask(method, place + part, body, version=version)
        assert (answer.status_code, answer.headers["etag"]) == (200, f'"{version + 1}"')
    assert officer.ask("PUT", place, known(cast), version=5).status_code == 409
    assert officer.get(place)["closed_at"] is not None
    assert officer.ask("POST", f"{place}/reopening", version=5).json()["closed_at"] is None
    assert [one["number"] for one in officer.get("/privacy/incidents")["items"]] == [1]


def test_what_a_telling_leaves_out_stays_and_a_day_is_never_wiped(cast: Cast, officer: Asker) -> None:
    entered = officer.post("/privacy/incidents", known(cast, known_on="2026-11-20"))
    place = f"/privacy/incidents/{entered['id']}"
    told = {"commission_told_on": "2026-11-23", "public_notice": "None: each was written to."}
    assert officer.ask("PUT", f"{place}/telling", told, version=1).status_code == 200
    assert officer.ask("PUT", f"{place}/telling", {}, version=2).status_code == 200
    for body, code in (
        ({"commission_told_on": None}, "incident.told_on.missing"),
        ({"commission_told_on": "2026-11-21"}, "incident.told_on_reason.missing"),
        ({"commission_told_on": "2026-11-21", "told_on_reason": " . "}, "incident.told_on_reason.missing"),
    ):
        answer = officer.ask("PUT", f"{place}/telling", body, version=2)
        assert (answer.status_code, problem_of(answer)["code"]) == (422, code)
    kept = officer.get(place)
    assert (kept["version"], {name: kept[name] for name in told}) == (2, told)
    more = {"people_told_on": "2026-11-22"}
    assert officer.ask("PUT", f"{place}/telling", more, version=2).json()["commission_told_on"] == "2026-11-23"
    moved = {"commission_told_on": "2026-11-21", "told_on_reason": "The receipt says so."}
    assert officer.ask("PUT", f"{place}/telling", moved, version=3).json()["commission_told_on"] == "2026-11-21"


def test_the_second_of_two_is_told(cast: Cast, officer: Asker) -> None:
    place = f"/privacy/incidents/{officer.post('/privacy/incidents', known(cast))['id']}"
    assert officer.ask("PUT", place, known(cast, measures="First."), version=1).status_code == 200
    assert officer.ask("PUT", place, known(cast, measures="Second."), version=1).status_code == 412
    assert officer.get(place)["measures"] == "First."


def test_one_key_enters_one_incident(cast: Cast, officer: Asker) -> None:
    key = "k-1"
    first = officer.ask("POST", "/privacy/incidents", known(cast), key=key)
    again = officer.ask("POST", "/privacy/incidents", known(cast), key=key)
    assert (first.headers["location"], again.headers["idempotency-replayed"]) == (again.headers["location"], "true")
    assert len(officer.get("/privacy/incidents")["items"]) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"number": 7},
        {"version": 9},
        {"program_id": str(uuid4())},
        {"closed_at": "2026-11-23T14:00:00Z"},
        {"people_concerned": True},
        {"people_concerned": "3"},
        {"people_concerned": 10**30},
        {"known_on": 0},
        {"known_on": "9999-12-31"},
    ],
)
def test_what_does_not_fit_is_refused_without_being_repeated(cast: Cast, officer: Asker, more: dict[str, Any]) -> None:
    answer = officer.ask("POST", "/privacy/incidents", known(cast, **more))
    assert answer.status_code == 422
    problem_of(answer)
    assert officer.get("/privacy/incidents")["items"] == []


def test_half_a_letter_is_refused(cast: Cast, officer: Asker) -> None:
    sent = json.dumps(known(cast, information="a\ud800b"))
    answer = officer.ask(
        "POST", "/privacy/incidents", content=sent.encode("ascii"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert officer.get("/privacy/incidents")["items"] == []


def test_who_read_what_is_found_and_what_stands_out_says_why(cast: Cast, officer: Asker) -> None:
    thing = uuid4()
    with cast.session() as session:
        reads.record_read(
            session,
            "evidence",
            thing,
            what="document",
            ground="purpose",
            purpose=reads.Purpose.URGENT_HELP,
            by=cast.actor("worker_codim"),
            at=AT,
        )
    (line,) = officer.get(f"/privacy/readings?thing={thing}&by={cast.people['worker_codim']}&on=2026-11-23")["items"]
    assert line["facts"] == {"what": "document", "purpose": "urgent_help", "ground": "purpose"}
    assert officer.get("/privacy/readings?on=9999-12-31")["items"] == []
    assert officer.get("/privacy/readings?on=0001-01-01")["items"] == []
    (unusual,) = officer.get("/privacy/unusual-readings")
    assert (unusual["line"]["n"], unusual["reasons"]) == (line["n"], ["outside"])


def test_who_was_turned_away_is_found(cast: Cast, officer: Asker) -> None:
    Asker(cast, "coordinator").ask("GET", "/privacy/incidents")
    (line,) = officer.get("/privacy/refusals")["items"]
    assert (line["actor_id"], line["facts"]["action"]) == (str(cast.people["coordinator"]), "see_incidents")
