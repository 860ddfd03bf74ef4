"""Bad input: it is refused in the reader's language, by a problem that says where and why, and never says it back."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from locales import say
from tests.api.json.gathered import received
from tests.api.json.test_onboarding import open_by_json
from tests.api.json.test_versions import ACTS, INCIDENT, REFERRAL, SOMEONE, a_follow_up, a_meeting, an_agreement
from tests.api.json.window import PREFIX, Asker, operations, problem_of
from tests.cast import ARRIVAL, TODAY, Cast
from tests.referring import participant_of, refer
from tests.signing import IN_JSON

CANARY = "zq7canary"
#: As it would do harm in a page, and as plain words.
WRITTEN = f"<script>{CANARY}</script>'\"--"

#: A referral, with all that it may say.
REFERRED = REFERRAL | {
    "age": 16,
    "email": "ondine@courriel.example",
    "address": "12, rue des Épinettes",
    "contact_note": "Pas après 21 h",
    "setting": "Foyer de groupe",
    "legal_care": "Placement volontaire",
    "first_contact": "Par la personne qui réfère",
    "recruiter": False,
}

#: What is filled in where petty cash is asked for.
PETTY_CASH: dict[str, Any] = {"amount": "300", "reason": "Trajets vers Laval", "receipts": "monthly"}

#: Everything that takes a body, with one that fits in shape.
#: How somebody was answered about their own data.
ANSWERED: dict[str, Any] = {"answered_on": TODAY.isoformat(), "handed_over": "in_person", "words": "Done."}
BODIES: dict[str, dict[str, Any]] = {name: body for name, body in ACTS.items() if body} | {
    "POST /restored/{matter_id}/undone": {"reason": "No longer so."},
    "POST /engine/retry": {"code": "seat.none"},
    "POST /cases": {
        "protocol": "onboarding",
        "subject_id": SOMEONE,
        "organization_id": SOMEONE,
        "starts_on": ARRIVAL.isoformat(),
    },
    "POST /tasks/{task_id}/completion": {
        "note": "",
        "evidence": [{"kind": "document", "label": "proof.txt", "content": base64.b64encode(b"shown").decode()}],
        "given": PETTY_CASH,
    },
    "POST /tasks/{task_id}/hiring": {
        "applicant": 1,
        "new": {
            "given_name": "Jaspe",
            "family_name": "Onyx",
            "email": "jaspe@example.org",
            "phone": "",
            "language": "fr",
        },
        "role": "youth_worker",
        "starts_on": ARRIVAL.isoformat(),
    },
    "PUT /tasks/{task_id}/summary": {"situation": "Elle va bien.", "steps": "Elle a appelé l’école."},
    "POST /tasks/{task_id}/summary/completion": {"situation": "Elle va bien.", "steps": "Elle a appelé l’école."},
    "POST /tasks/{task_id}/summary/taking-back": {"reason": "A mistake."},
    "POST /departures": {"person_id": SOMEONE, "organization_id": SOMEONE, "last_day": ARRIVAL.isoformat()},
    "POST /departures/{case_id}/offers": {"dry_run": True},
    "POST /hand-overs/{hand_over_id}/refusal": {"reason": "Too many already."},
    "POST /cases/{case_id}/interviews": {"applicant": 1, "leadership": 80, "clinical": 70, "note": "Said."},
    "POST /people": {
        "given_name": "Jaspe",
        "family_name": "Onyx",
        "email": "jaspe@example.org",
        "phone": "514 555-0100",
        "language": "fr",
        "organization_id": SOMEONE,
        "role": "youth_worker",
        "starts_on": ARRIVAL.isoformat(),
    },
    "POST /people/{person_id}/tenures": {
        "role": "youth_worker",
        "organization_id": SOMEONE,
        "starts_on": ARRIVAL.isoformat(),
        "ends_on": ARRIVAL.isoformat(),
    },
    "PUT /people/{person_id}": {
        "given_name": "Jaspe",
        "family_name": "Onyx",
        "email": "jaspe@example.org",
        "phone": "514 555-0100",
        "language": "fr",
    },
    "POST /tenures/{tenure_id}/ending": {"ends_on": ARRIVAL.isoformat()},
    "POST /people/{person_id}/absences": {
        "starts_on": ARRIVAL.isoformat(),
        "ends_on": ARRIVAL.isoformat(),
        "deputy_id": SOMEONE,
        "kinds": ["tasks"],
    },
    "PUT /follow-ups/{follow_up_id}/notes/{week}": {
        "met": 1,
        "minutes": 60,
        "communications": ["telephone"],
        "why_none": None,
        "why_other": "",
        "need": "stability",
        "main_activity": "Une visite.",
        "worker_satisfaction": "satisfied",
        "participant_satisfaction": None,
        "activity_type": "social",
        "summary": "Elle va bien.",
        "other_information": "",
        "other_workers": "",
        "complete": True,
        "confirmed": False,
        "seen": 0,
    },
    "PUT /follow-ups/{follow_up_id}/issue": {"words": "Her housing.", "urgent": True, "version": 1},
    "POST /follow-ups/{follow_up_id}/issue/taking-back": {"version": 1},
    "PUT /follow-ups/{follow_up_id}/processes": {"week": TODAY.isoformat(), "processes": ["focus"], "version": 0},
    "PUT /meetings/{meeting_id}/cases/{follow_up_id}": {"outcome": "goes_on", "note": "Said.", "follows": "Done."},
    "POST /privacy/rights": {
        "kind": "correction",
        "file": "#2026-01",
        "received_on": TODAY.isoformat(),
        "asked_by": "self",
        "verified_by": "card_shown",
        "verified_on": TODAY.isoformat(),
        "language": "fr",
        "asked": "Her address.",
    },
    "POST /privacy/rights/{rights_request_id}/extension": {"notice_on": TODAY.isoformat()},
    "POST /privacy/rights/{rights_request_id}/masks": {"others": "Romarin"},
    "POST /privacy/rights/{rights_request_id}/package": {"digest": "0" * 64},
    "POST /privacy/rights/{rights_request_id}/answer": ANSWERED,
    "POST /privacy/rights/{rights_request_id}/refusal": {**ANSWERED, "ground": "outside", "in_part": False},
    "PUT /privacy/rights/{rights_request_id}/statement": {"part": "referral", "words": "It was otherwise."},
    "POST /follow-ups/{follow_up_id}/attempts": {"means": "call", "reached": False, "tried_on": TODAY.isoformat()},
    "POST /follow-ups/{follow_up_id}/missed-meetings": {
        "expected_at": "2026-11-23T08:00:00-05:00",
        "waited_minutes": 15,
    },
    "PUT /follow-ups/{follow_up_id}/self-reports/{n}": {"done_on": TODAY.isoformat(), "risk": "green", "seen": 0},
    "PUT /follow-ups/{follow_up_id}/missed-meetings/{no_show_id}": {"strategy": "new_meeting"},
    "POST /privacy/incidents": INCIDENT | {"organization_id": SOMEONE},
    "POST /committees/{key}/seasons": {
        "first": "2027-02-03",
        "last": "2027-03-03",
        "hour": "09:30",
        "minutes": 120,
        "place": "Salle A",
        "online_url": "https://visio.example/a",
        "without": [{"day": "2027-02-10", "reason": "Relâche"}],
        "instead": [{"day": "2027-02-17", "starts": "2027-02-18T09:30"}],
        "draft_id": SOMEONE,
    },
    "POST /committees/{key}/meetings": {
        "starts": ["2027-04-07T13:30"],
        "minutes": 120,
        "place": "Salle A",
        "online_url": "https://visio.example/a",
        "draft_id": SOMEONE,
    },
    "POST /committees/{key}/agenda-items": {
        "title_fr": "Un point",
        "title_en": "An item",
        "minutes": 10,
        "purpose": "information",
        "meeting_id": SOMEONE,
        "late_reason": "Urgent",
    },
    "POST /meetings/{meeting_id}/guests": {"person_id": SOMEONE},
    "POST /committees/{key}/seats/{seat_id}/holders": {
        "person_id": SOMEONE,
        "kind": "principal",
        "starts_on": TODAY.isoformat(),
    },
    "POST /committees/{key}/seats/{seat_id}/ending": {"person_id": SOMEONE, "last_day": TODAY.isoformat()},
    "POST /strays/{stray_id}/answer": {"person_id": SOMEONE, "answer": "accepted", "meeting_id": SOMEONE},
    "PUT /meetings/{meeting_id}/attendance": {
        "seat_id": SOMEONE,
        "state": "present",
        "person_id": SOMEONE,
        "is_remote": False,
        "arrived_at": "2027-01-06T15:00:00Z",
        "left_at": "2027-01-06T16:00:00Z",
        "version": 1,
    },
    "POST /meetings/{meeting_id}/additions": {
        "title_fr": "Un point",
        "title_en": "An item",
        "minutes": 5,
        "reason": "This morning.",
    },
    "POST /meetings/{meeting_id}/decisions": {
        "text_fr": "On continue.",
        "text_en": "We go on.",
        "kind": "management",
        "item_id": SOMEONE,
        "owner_role": "coordinator",
        "owner_organization_id": SOMEONE,
        "due_on": "2027-01-20",
        "decided_at": "2027-01-06T15:00:00Z",
        "seen": 1,
    },
    "POST /obligations/{period_id}/attestation": {"said": "held", "note": "In each week."},
    "POST /obligations/{period_id}/documents": {
        "name": "proof.txt",
        "content": base64.b64encode(b"shown").decode(),
        "effective_on": "2026-11-02",
    },
    "POST /obligations/{period_id}/documents/{document_id}/withdrawal": {"reason": "Another one."},
    "POST /obligations/{period_id}/acceptance": {"proof_id": SOMEONE},
    "POST /obligations/{period_id}/return": {"proof_id": SOMEONE, "reason": "The day is missing."},
    "POST /obligations/{period_id}/waiver-proposals": {
        "starts_on": "2026-11-02",
        "ends_on": "2026-11-30",
        "reason": "No place free.",
    },
    "POST /obligations/{period_id}/waivers": {
        "starts_on": "2026-11-02",
        "ends_on": "2026-11-30",
        "decision_id": SOMEONE,
        "reason": "No place free.",
    },
    "PUT /endorsements": {
        "decision_id": SOMEONE,
        "organization_id": SOMEONE,
        "said": "objected",
        "reason": "Too dear.",
        "version": 0,
    },
    "PUT /meetings/{meeting_id}/answer": {"answer": "accepted", "alternate_id": SOMEONE},
    "POST /statements/{period}/release": {"digest": "0" * 64},
    "POST /referrals": REFERRED,
    "PUT /referrals/{referral_id}": REFERRED,
    "POST /referrals/{referral_id}/sending": REFERRED,
    "POST /participants/{participant_id}/identity": {"purpose": "urgent_help"},
    "PUT /participants/{participant_id}/identity": {"phone": "514-555-0144", "birth_date": "2010-05-04"},
    "POST /participants/{participant_id}/joining": {"referral_id": SOMEONE, "to": SOMEONE},
    "POST /participants/{participant_id}/questions": {"referral_id": SOMEONE, "missing": ["setting"]},
    "POST /referrals/{referral_id}/hearing": {"hears": "not_admitted", "worker_id": SOMEONE, "offers": ["health"]},
    "POST /referrals/{referral_id}/answer": {"setting": "Foyer", "facts": {"AD-C0": "Dit."}, "age": 15},
    "PUT /participants/{participant_id}/findings": {
        "referral_id": SOMEONE,
        "findings": {
            "AD-C0": {"finding": "met", "fact": "Dit à la rencontre.", "admit_all_the_same": False, "why": ""}
        },
    },
    "POST /participants/{participant_id}/triage": {
        "referral_id": SOMEONE,
        "result": "forwarded",
        "reason": "Danger",
        "offered": "Autre chose",
        "worker_id": SOMEONE,
        "second_id": SOMEONE,
    },
    "POST /participants/{participant_id}/decision": {
        "item_id": SOMEONE,
        "outcome": "assign",
        "worker_id": SOMEONE,
        "second_id": SOMEONE,
        "reason": "Danger",
        "offered": "Autre chose",
    },
    "PUT /participants/{participant_id}/worker": {"worker_id": SOMEONE, "second_id": SOMEONE},
    "POST /participants/{participant_id}/meetings": {
        "met_on": TODAY.isoformat(),
        "way": "in_person",
        "outcome": "thinks",
        "with_second": False,
        "back_on": TODAY.isoformat(),
    },
    "POST /participants/{participant_id}/consents": {
        "partners": [{"organization_id": SOMEONE, "purpose": "sharing", "ends_on": ARRIVAL.isoformat()}],
        "signature": {"way": "paper", "file_name": "scan.png", "content": IN_JSON},
        "explained_on": TODAY.isoformat(),
        "signed_on": TODAY.isoformat(),
        "signed_by": "self",
        "worker_signed_on": TODAY.isoformat(),
        "language": "fr",
        "limits_stated": True,
        "copy_given_on": TODAY.isoformat(),
        "ends_on": ARRIVAL.isoformat(),
    },
    "POST /participants/{participant_id}/consent-forms/{form_id}/storing": {"copy_given_on": TODAY.isoformat()},
    "POST /participants/{participant_id}/consent-forms/{form_id}/copy": {"copy_given_on": TODAY.isoformat()},
    "POST /participants/{participant_id}/risks": {
        "kind": "recruiter",
        "level": "risks_exceed",
        "why": "Réseau.",
        "profile": "Dit.",
        "involvement": "Dit.",
        "benefits": "Dit.",
        "risks": "Dit.",
        "item_id": SOMEONE,
    },
    "POST /participants/{participant_id}/barred": {"person_id": SOMEONE},
    "POST /participants/{participant_id}/disclosures": {
        "ground": "ypa_38d",
        "to_whom": "La protection",
        "what": "Le nécessaire",
        "disclosed_on": TODAY.isoformat(),
        "only_necessary": True,
    },
    "PUT /participants/{participant_id}/hold": {"reason": "Un juge"},
    "POST /participants/{participant_id}/hold/release": {"reason": "Un juge"},
    "PUT /participants/{participant_id}/retention": {"day": ARRIVAL.isoformat(), "reason": "Un juge"},
    "POST /participants/{participant_id}/destruction": {"ground": "calendar"},
    "POST /participants/{participant_id}/destruction/confirmation": {"seen": SOMEONE},
    "POST /participants/{participant_id}/destruction/refusal": {"seen": SOMEONE, "reason": "On en a besoin"},
    "POST /research-consents": {"number": "#2026-01", "signed_on": TODAY.isoformat()},
    "POST /staff-research-consents": {"person_id": SOMEONE, "signed_on": TODAY.isoformat()},
    "POST /studies": {
        "title_fr": "Étude",
        "title_en": "Study",
        "purpose_fr": "Décrire.",
        "purpose_en": "Describe.",
        "ethics_body": "CER",
        "ethics_reference": "CER-1",
        "ethics_ends_on": ARRIVAL.isoformat(),
        "first_month": TODAY.isoformat(),
        "last_month": ARRIVAL.isoformat(),
        "fields": ["age"],
    },
    "PUT /studies/{study_id}/ethics": {"ethics_reference": "CER-2", "ethics_ends_on": ARRIVAL.isoformat()},
    "POST /studies/{study_id}/recipients": {"person_id": SOMEONE},
    "POST /caseload/imports": {"content": base64.b64encode(b"shown").decode()},
    "POST /caseload/imports/{note_import_id}/saving": {"confirmed": True, "as_written": True},
    "POST /activities": {
        "held_on": TODAY.isoformat(),
        "begins": "13:30",
        "minutes": 60,
        "place": "Au parc",
        "kind": "meal",
        "follow_up_ids": [SOMEONE],
    },
    "PUT /activities/{activity_id}": {
        "held_on": TODAY.isoformat(),
        "begins": "13:30",
        "minutes": 60,
        "place": "Au parc",
    },
    "POST /equipment": {"kind": "laptop", "serial": "SN-9", "label": "Portable"},
    "POST /decisions/{decision_id}/wanted-endorsement": {
        "organization_id": SOMEONE,
        "reason": "It is about money.",
        "seen": 1,
    },
    "POST /decisions/{decision_id}/translation": {"language": "en", "text": "It stays."},
    "POST /decisions/{decision_id}/settlement": {
        "meeting_id": SOMEONE,
        "settled_as": "kept",
        "text_fr": "On la garde.",
        "text_en": "It stays.",
        "seen": 1,
    },
    "POST /tenures/{tenure_id}/ending/preview": {"ends_on": ARRIVAL.isoformat()},
    "POST /participants/{participant_id}/facts": {"purpose": "urgent_help"},
    "POST /participants/{participant_id}/consents/narrowing": {
        "kept": [{"consent_id": SOMEONE, "ends_on": ARRIVAL.isoformat()}],
        "no_research": True,
    },
    "POST /agreements/{agreement_id}/versions/{n}/signatures/taking-back": {
        "director_id": SOMEONE,
        "reason": "Another day.",
    },
    "POST /agreements/{agreement_id}/versions/{n}/files": {
        "name": "signed.txt",
        "content": base64.b64encode(b"shown").decode(),
        "sha256": hashlib.sha256(b"shown").hexdigest(),
    },
}
#: Who asks, where the coordinator may not.
WHO = {
    "/engine/": "administrator",
    "/privacy/": "privacy_officer",
    **dict.fromkeys(("/research-consents", "/staff-research-consents", "/studies"), "research_coordinator"),
}


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    return Asker(cast, "coordinator")


@pytest.fixture
def of_case(cast: Cast, coordinator: Asker) -> dict[str, str]:
    """A case, and a task of it that is open."""
    case = open_by_json(cast, coordinator)
    tasks = {task["step"]: task["id"] for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    return {"case_id": case["id"], "task_id": tasks["request_petty_cash"]}


@pytest.fixture
def places(cast: Cast, coordinator: Asker, of_case: dict[str, str]) -> dict[str, str]:
    """What stands in the braces of the paths: things that are there and may be acted on."""
    with cast.session() as session:
        tenure = session.execute(
            text("select id from tenure where person_id = :id"), {"id": cast.people["worker_codim"]}
        ).scalar_one()
    entry = INCIDENT | {"organization_id": str(cast.organizations["codim"])}
    incident = Asker(cast, "privacy_officer", app=coordinator.app).post("/privacy/incidents", entry)
    referred = refer(cast)
    with cast.session() as session:
        participant_id = participant_of(session, referred)
    return of_case | {
        "participant_id": str(participant_id),
        "referral_id": coordinator.post("/referrals", REFERRAL)["id"],
        "consent_id": SOMEONE,
        "criterion": "AD-C0",
        "incident_id": incident["id"],
        "person_id": str(cast.people["worker_codim"]),
        "tenure_id": str(tenure),
        "absence_id": SOMEONE,
        "anchor": "arrival",
        "key": "clinical",
        "period": "2026-Q3",
        "meeting_id": a_meeting(coordinator)["id"],
        "follow_up_id": a_follow_up(coordinator)["id"],
        "no_show_id": SOMEONE,
        "week": TODAY.isoformat(),
        "agreement_id": an_agreement(coordinator).split("/")[2],
        "n": "1",
        "period_id": SOMEONE,
        "document_id": SOMEONE,
        "item_id": SOMEONE,
        "decision_id": SOMEONE,
        "number": "1",
        "seat_id": SOMEONE,
        "stray_id": SOMEONE,
        "activity_id": SOMEONE,
        "equipment_id": SOMEONE,
        "matter_id": SOMEONE,
        "study_id": SOMEONE,
    }


def _at(name: str, places: dict[str, str], cast: Cast) -> tuple[str, str, dict[str, Any]]:
    """One operation, its path and its body filled in with what is there."""
    method, _, path = name.partition(" ")
    for place, value in places.items():
        path = path.replace("{" + place + "}", value)
    body = dict(BODIES[name])
    real = {"organization_id": cast.organizations["codim"], "subject_id": cast.people["worker_codim"]}
    body |= {key: str(value) for key, value in real.items() if key in body}
    if "referral_id" in body:
        body["referral_id"] = received(Asker(cast, "coordinator"))
    if "deputy_id" in body:
        body["deputy_id"] = str(cast.people["manager_codim"])
    return method, path, body


def _spoiled(body: Any) -> Iterator[Any]:
    """The body with the canary in each of its places, in every form in which something can be wrong there."""
    if isinstance(body, dict):
        yield body | {WRITTEN: WRITTEN}
        for key, value in body.items():
            for worse in _spoiled(value):
                yield body | {key: worse}
            yield {name: held for name, held in body.items() if name != key} | {f"{key}{CANARY}": value}
    elif isinstance(body, list):
        for worse in _spoiled(body[0]):
            yield [worse]
        yield [*body, WRITTEN] * 21
    else:
        yield WRITTEN
        yield f"{CANARY}\x00"
        yield f"{CANARY}\ud800"
        yield CANARY * 12_000
        yield f"{CANARY}@{CANARY}"
        yield f"2026-12-07T00:00:00{CANARY}"
    yield {WRITTEN: CANARY}
    yield [[WRITTEN]]
    yield None
    yield 7


def test_every_operation_with_a_body_is_tried() -> None:
    assert {str(one) for one in operations() if one.takes_body} == set(BODIES)


@pytest.mark.ci
@pytest.mark.wide(48)
@pytest.mark.parametrize("name", sorted(BODIES))
def test_no_refusal_says_back_what_was_sent(cast: Cast, coordinator: Asker, places: dict[str, str], name: str) -> None:
    """A refusal goes to logs, tickets and screens: what is nominative in the request must not travel with it."""
    method, path, body = _at(name, places, cast)
    who = next((one for part, one in WHO.items() if part in name), "coordinator")
    asker = Asker(cast, who, app=coordinator.app)
    refused = 0
    for worse in _spoiled(body):
        answer = asker.client.request(
            method,
            PREFIX + path,
            content=json.dumps(worse),
            headers={"If-Match": "*", "Content-Type": "application/json"},
        )
        assert answer.status_code < 500, (name, str(worse)[:200], answer.text)
        if answer.status_code >= 400:
            refused += 1
            said = answer.text + str(dict(answer.headers))
            assert CANARY not in said.lower(), (name, str(worse)[:200], answer.text)
            problem_of(answer)
    assert refused >= 5 * len(body)


@pytest.mark.parametrize(
    "path",
    [
        f"/cases?state={CANARY}",
        f"/cases?limit={CANARY}",
        f"/cases?after={CANARY}",
        f"/people?on={CANARY}",
        f"/people?on=2026-12-07T00%3A00{CANARY}",
        f"/events?before={CANARY}",
        f"/work?limit=-{CANARY}",
        f"/cases/{CANARY}",
        f"/tasks/{CANARY}",
        f"/people/{CANARY}",
        f"/{CANARY}",
        f"/cases/{SOMEONE}/{CANARY}",
    ],
)
def test_no_address_is_said_back(coordinator: Asker, path: str) -> None:
    answer = coordinator.client.get(PREFIX + path)
    assert answer.status_code in (404, 422)
    assert CANARY not in answer.text + str(dict(answer.headers))
    problem_of(answer)


def test_a_problem_says_where_and_why_by_the_window_s_own_words(coordinator: Asker) -> None:
    body = {"given_name": 7, "role": "youth_worker", "starts_on": "soon", "organization_id": "there", "shoe": 43}
    problem = problem_of(coordinator.ask("POST", "/people", body))
    where = {error["where"]: error["kind"] for error in problem["errors"]}
    assert where == {
        "body.given_name": "string_type",
        "body.family_name": "missing",
        "body.starts_on": "value_error",
        "body.organization_id": "uuid_parsing",
        "body": "extra_forbidden",
    }
    assert problem["title"] == HTTPStatus(422).phrase


def test_a_key_of_the_asker_s_own_is_not_said_back(coordinator: Asker) -> None:
    body = {"facts": {CANARY: "Dit.", "AD-C0": 7}, "languages": [7]}
    answer = coordinator.ask("POST", "/referrals", body)
    assert CANARY not in answer.text
    assert {error["where"]: error["kind"] for error in problem_of(answer)["errors"]} == {
        "body.facts": "string_type",
        "body.languages.0": "string_type",
    }


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_problem_speaks_the_reader_s_language(cast: Cast, language: str) -> None:
    answer = Asker(cast, "coordinator", language=language).ask("GET", f"/cases/{SOMEONE}")
    assert answer.headers["content-language"] == f"{language}-CA"
    english = "There is nothing here, or nothing that you may see."
    assert answer.json()["detail"] == say(language, english)
    assert (answer.json()["detail"] == english) == (language == "en")


def test_a_rule_s_refusal_carries_its_code_and_the_guide_s_ground_in_both_languages(cast: Cast) -> None:
    """The code is for machines and does not change with the language; the sentence is for people and does."""
    body = {
        "role": "petty_cash_holder",
        "organization_id": str(cast.organizations["codim"]),
        "starts_on": ARRIVAL.isoformat(),
    }
    path = f"/people/{cast.people['worker_codim']}/tenures"
    said = {}
    for language in ("fr", "en"):
        problem = problem_of(Asker(cast, "coordinator", language=language).ask("POST", path, body))
        assert (problem["status"], problem["code"], problem["source"]) == (409, "role.not_in_agreement", "AG-X2")
        said[language] = problem["detail"]
    assert said["en"] == "No agreement of this organization creates this role."
    assert said["fr"] not in ("", said["en"])


@pytest.mark.ci
def test_a_name_with_markup_and_emoji_is_kept_as_it_is_and_harms_no_page(cast: Cast, coordinator: Asker) -> None:
    name = "<script>alert('d’Étain')</script> 🪨"
    person = coordinator.post(
        "/people",
        {
            "given_name": name,
            "family_name": "O'Grès",
            "organization_id": str(cast.organizations["en-marge"]),
            "role": "youth_worker",
            "starts_on": "2026-11-23",
        },
    )
    assert person["name"] == f"{name} O'Grès"
    assert coordinator.get(f"/people/{person['id']}")["name"] == f"{name} O'Grès"
    page = coordinator.client.get(f"/people/{person['id']}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    case = coordinator.post(
        "/cases",
        {"protocol": "onboarding", "subject_id": person["id"], "organization_id": str(cast.organizations["en-marge"])},
    )
    assert "<script>alert" not in coordinator.client.get(f"/cases/{case['id']}").text
    with cast.session() as session:
        letters = session.execute(text("select message from notice where case_id = :id"), {"id": case["id"]}).scalars()
        pages = [
            part.get_content()
            for letter in letters
            for part in message_from_bytes(letter, policy=policy.default).walk()
            if part.get_content_type() == "text/html"
        ]
    assert any("&lt;script&gt;alert" in page for page in pages)
    assert all("<script>alert" not in page for page in pages)


@pytest.mark.parametrize(
    ("length", "status", "code"), [(4_000, 200, None), (4_001, 422, "note.too_long"), (1_048_576, 422, None)]
)
def test_a_note_is_kept_up_to_its_length_and_refused_beyond(
    coordinator: Asker, of_case: dict[str, str], length: int, status: int, code: str | None
) -> None:
    note = "é" * length
    answer = coordinator.act(of_case["task_id"], "completion", {"note": note, "given": PETTY_CASH})
    assert answer.status_code == status
    shown = coordinator.get(f"/tasks/{of_case['task_id']}")
    if status == 200:
        assert shown["note"] == note
    else:
        assert answer.json().get("code") == code
        assert "ééé" not in answer.text
        assert (shown["state"], shown["note"]) == ("open", "")


@pytest.mark.parametrize("stated", [True, False])
def test_a_body_that_is_larger_than_any_form_is_refused_before_it_is_read_through(
    coordinator: Asker, of_case: dict[str, str], stated: bool
) -> None:
    """With its length stated, and in pieces without one."""
    path = f"{PREFIX}/tasks/{of_case['task_id']}/completion"
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    piece = b" " * (1 << 20)
    content: Any = piece * 12 if stated else (piece for _ in range(12))
    answer = coordinator.client.post(path, content=content, headers=headers)
    assert answer.status_code == 413
    problem_of(answer)
    assert coordinator.get(f"/tasks/{of_case['task_id']}")["state"] == "open"


@pytest.mark.wide(3)
@pytest.mark.parametrize(
    ("label", "content", "status", "code"),
    [
        ("proof.pdf", b"MZ\x90\x00 not a document", 422, "document.not_what_it_says"),
        ("proof.txt", b"\xff\xfe\x00", 422, "document.not_what_it_says"),
        ("proof.docx", b"PK\x03\x04 but nothing in it", 422, "document.not_what_it_says"),
        ("proof.exe", b"MZ", 422, "document.unknown_kind"),
        ("proof", b"text", 422, "document.unknown_kind"),
        ("proof.txt", b"", 422, "document.empty"),
        ("../../etc/.txt", b"text", 422, "document.unknown_kind"),
        ("\u202egpj.txt", b"text", 422, "evidence.no_label"),
        ("a" * 140 + ".txt", b"text", 422, "evidence.long_label"),
    ],
)
def test_evidence_that_is_not_what_it_says_is_refused_and_nothing_kept(
    cast: Cast, coordinator: Asker, of_case: dict[str, str], label: str, content: bytes, status: int, code: str
) -> None:
    proof = {"kind": "document", "label": label, "content": base64.b64encode(content).decode()}
    said = {"note": "", "evidence": [proof], "given": PETTY_CASH}
    answer = coordinator.act(of_case["task_id"], "completion", said)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    with cast.session() as session:
        assert session.execute(text("select count(*) from evidence")).scalar_one() == 0
        assert session.execute(text("select count(*) from evidence_file")).scalar_one() == 0
    assert coordinator.get(f"/tasks/{of_case['task_id']}")["state"] == "open"


def test_bytes_that_are_no_base64_are_refused(coordinator: Asker, of_case: dict[str, str]) -> None:
    proof = {"kind": "document", "label": "proof.txt", "content": "%%%"}
    answer = coordinator.act(of_case["task_id"], "completion", {"evidence": [proof]})
    assert (answer.status_code, answer.json()["code"]) == (422, "document.malformed")


@pytest.mark.wide(3)
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/x-www-form-urlencoded", b"reason=No+longer+coming."),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="reason"\r\n\r\nNo\r\n--x--\r\n',
        ),
        ("text/plain", b'{"reason": "No longer coming."}'),
        ("application/json", b'{"reason": "No longer coming."'),
        ("application/json", b"\xff\xfe\x00"),
        ("application/json", b'{"reason": NaN}'),
        ("application/json", b"[" * 100_000),
        ("application/json", b""),
        ("application/json", b"null"),
        ("application/json", b'"No longer coming."'),
    ],
)
def test_what_is_not_the_json_that_is_asked_for_is_refused(
    coordinator: Asker, of_case: dict[str, str], kind: str, content: bytes
) -> None:
    """A form that another site makes a browser send is not taken for JSON, whatever it says."""
    answer = coordinator.client.post(
        f"{PREFIX}/cases/{of_case['case_id']}/cancellation",
        content=content,
        headers={"If-Match": "*", "Content-Type": kind},
    )
    assert answer.status_code in (400, 422), answer.text
    problem_of(answer)
    assert coordinator.get(f"/cases/{of_case['case_id']}")["state"] == "open"


def test_json_where_a_page_s_form_is_expected_is_refused_and_changes_nothing(
    coordinator: Asker, of_case: dict[str, str]
) -> None:
    before = coordinator.get(f"/cases/{of_case['case_id']}")
    for path in (f"/tasks/{of_case['task_id']}/completion", f"/cases/{of_case['case_id']}/cancellation", "/people"):
        answer = coordinator.client.post(path, json={"reason": WRITTEN, "note": WRITTEN, "given_name": WRITTEN})
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert CANARY not in answer.text
    assert coordinator.get(f"/cases/{of_case['case_id']}") == before


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_no_header_turns_one_method_into_another(coordinator: Asker, of_case: dict[str, str], header: str) -> None:
    """Else a link that is only to be looked at would act, past the guard of unsafe methods."""
    path = f"{PREFIX}/cases/{of_case['case_id']}"
    assert coordinator.client.get(path, headers={header: "DELETE"}).status_code == 200
    for override in ("GET", "DELETE", "PUT"):
        refused = coordinator.client.post(f"{path}?_method={override}", json={}, headers={header: override})
        assert refused.status_code == 400
        problem_of(refused)
        assert coordinator.client.post(f"{path}?_method={override}", json={}).status_code == 405
    assert coordinator.get(f"/cases/{of_case['case_id']}")["state"] == "open"


@pytest.mark.wide(8)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": f"http://testserver.{CANARY}.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
def test_what_another_site_sends_is_refused_before_anything_is_looked_at(
    coordinator: Asker, of_case: dict[str, str], headers: dict[str, str]
) -> None:
    answer = coordinator.client.post(
        f"{PREFIX}/cases/{of_case['case_id']}/cancellation",
        json={"reason": "No longer coming."},
        headers={"If-Match": "*", **headers},
    )
    assert answer.status_code == 403
    assert CANARY not in answer.text
    problem_of(answer)
    assert coordinator.get(f"/cases/{of_case['case_id']}")["state"] == "open"


@pytest.mark.wide(8)
@pytest.mark.parametrize("day", ["0001-01-01", "1600-01-01", "2200-01-01", "9999-12-31"])
def test_a_day_that_no_calendar_reaches_is_refused_and_is_no_fault(
    cast: Cast, coordinator: Asker, of_case: dict[str, str], day: str
) -> None:
    opening = coordinator.ask(
        "POST",
        "/cases",
        {
            "protocol": "onboarding",
            "subject_id": str(cast.people["deputy"]),
            "organization_id": str(cast.organizations["en-marge"]),
            "starts_on": day,
        },
    )
    moving = coordinator.ask("PUT", f"/cases/{of_case['case_id']}/days/arrival", {"day": day}, version="*")
    for answer in (opening, moving):
        assert (answer.status_code, answer.json()["code"]) == (422, "day.out_of_reach")
    assert coordinator.get(f"/cases/{of_case['case_id']}")["anchors"] == {"arrival": ARRIVAL.isoformat()}


@pytest.mark.parametrize("written", ["2026-02-30", "20261207", "2026-W50-1", "07/12/2026", "0", 0, 1796601600, True])
def test_a_day_is_written_in_one_way(cast: Cast, coordinator: Asker, written: object) -> None:
    body = {"role": "youth_worker", "organization_id": str(cast.organizations["codim"]), "starts_on": written}
    answer = coordinator.ask("POST", f"/people/{cast.people['deputy']}/tenures", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.starts_on"


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("path", "limits"),
    [
        ("/cases/{case_id}/events", (3, 1, 200)),
        ("/people", (7, 1, 200)),
        ("/cases", (1, 2, 200)),
        ("/work", (1, 3, 200)),
    ],
)
def test_a_list_is_read_in_parts_that_miss_and_repeat_nothing(
    cast: Cast, coordinator: Asker, path: str, limits: tuple[int, ...]
) -> None:
    for _ in range(2):
        path = path.replace("{case_id}", open_by_json(cast, coordinator)["id"])
    whole = coordinator.get(f"{path}?limit=200")
    assert len(whole["items"]) > 1
    assert whole["total"] == (None if path in ("/people", "/cases") else len(whole["items"])), (
        "what grows is not counted"
    )
    for limit in limits:
        read: list[Any] = []
        part = coordinator.get(f"{path}?limit={limit}")
        while True:
            assert (part["total"], part["limit"]) == (whole["total"], limit)
            assert 0 < len(part["items"]) <= limit
            read += part["items"]
            if part["next"] is None:
                break
            part = coordinator.get(f"{path}?limit={limit}&after={part['next']}")
        assert read == whole["items"]


@pytest.mark.parametrize("asked", ["limit=0", "limit=201", "limit=-1", "limit=1.5", "after=1", "after="])
def test_a_part_that_is_none_is_refused(coordinator: Asker, asked: str) -> None:
    for path in ("/people", "/cases", "/work"):
        answer = coordinator.ask("GET", f"{path}?{asked}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["where"] == f"query.{asked.partition('=')[0]}"


@pytest.mark.ci
def test_the_record_is_read_back_to_its_beginning_while_it_grows(cast: Cast, coordinator: Asker) -> None:
    """Lines that are added meanwhile stand before what was read, and so shift nothing."""
    open_by_json(cast, coordinator)
    part = coordinator.get("/events?limit=5")
    read = part["items"]
    while part["items"]:
        coordinator.post("/people", BODIES["POST /people"] | {"organization_id": str(cast.organizations["codim"])})
        part = coordinator.get(f"/events?limit=200&before={read[-1]['n']}")
        read += part["items"]
    numbers = [line["n"] for line in read]
    assert numbers == sorted(set(numbers), reverse=True)
    with cast.session() as session:
        count = text("select count(*) from event where n <= :n")
        assert len(read) == session.execute(count, {"n": numbers[0]}).scalar_one()


@pytest.mark.ci
def test_a_request_by_nobody_is_told_to_sign_in(cast: Cast) -> None:
    nobody = Asker(cast, None)
    for operation in operations():
        path = operation.path.removeprefix(PREFIX).replace("{anchor}", "arrival")
        for name in ("case_id", "task_id", "person_id", "tenure_id", "absence_id"):
            path = path.replace("{" + name + "}", str(uuid4()))
        answer = nobody.ask(operation.method.upper(), path, BODIES.get(str(operation)), version="*")
        assert answer.status_code == 401, operation
        assert answer.headers["cache-control"] == "no-store"
