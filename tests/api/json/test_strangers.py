"""What is not the asker's, and what is not there: one answer for both, to the last header."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import select, text

from domain.people.people import appoint
from models.base import table_of
from models.program import Absence, Tenure
from tests.api.json.test_onboarding import open_by_json
from tests.api.json.test_problems import BODIES
from tests.api.json.window import Asker, operations
from tests.cast import ARRIVAL, AT, LOADING, Cast
from tests.following import admitted

#: Ids that stand in a path.
IN_PATHS = ("case_id", "task_id", "person_id", "tenure_id", "absence_id", "notice_id", "organization_id")
#: Ids that stand in a body.
IN_BODIES = {"subject_id", "organization_id", "deputy_id", "version_id"}

#: Every operation on something that has an id, and every body that names one.
ON_SOMETHING = sorted(str(one) for one in operations() if any("{" + name + "}" in one.path for name in IN_PATHS))
NAMING = sorted((name, key) for name, body in BODIES.items() for key in body if key in IN_BODIES)


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    return Asker(cast, "coordinator")


def _ids(cast: Cast, asker: Asker) -> dict[str, str]:
    """One of each thing in a program, each of which its coordinator may see or act on."""
    case = open_by_json(cast, asker)
    tasks = asker.get(f"/cases/{case['id']}/tasks")
    person = cast.people["worker_em"]
    asker.post(f"/people/{person}/absences", {"starts_on": ARRIVAL.isoformat(), "ends_on": ARRIVAL.isoformat()})
    tenure, absence = table_of(Tenure), table_of(Absence)
    with cast.session() as session:
        held = session.scalar(select(tenure.c.id).where(tenure.c.person_id == person))
        away = session.scalar(select(absence.c.id).where(absence.c.person_id == person))
        version = session.execute(text("select id from protocol_version limit 1")).scalar_one()
        letter = session.execute(text("select id from notice limit 1")).scalar_one()
        participant_id = admitted(session, cast)
    return {
        "case_id": case["id"],
        "task_id": next(task["id"] for task in tasks if task["step"] == "request_petty_cash"),
        "person_id": str(person),
        "tenure_id": str(held),
        "absence_id": str(away),
        "subject_id": str(person),
        "organization_id": str(cast.organizations["en-marge"]),
        "deputy_id": str(cast.people["manager_em"]),
        "version_id": str(version),
        "notice_id": str(letter),
        "participant_id": str(participant_id),
    }


def _ask(asker: Asker, name: str, ids: dict[str, str], body: dict[str, Any] | None = None) -> Response:
    method, _, path = name.partition(" ")
    path = path.replace("{anchor}", "arrival").replace("{year}", "2026")
    for place, value in ids.items():
        path = path.replace("{" + place + "}", value)
    filled = dict(body if body is not None else BODIES.get(name, {}))
    filled |= {key: value for key, value in ids.items() if key in filled}
    return asker.ask(method, path, filled or None, version="*")


def _seen(answer: Response) -> tuple[int, str, dict[str, str]]:
    """All of an answer that an asker could tell another by."""
    return answer.status_code, answer.text, dict(answer.headers)


def test_the_tries_below_are_of_everything_that_has_an_id() -> None:
    no_ids = {"anchor", "year", "period", "language", "form"}
    named = {name for one in operations() for name in re.findall(r"{(\w+)}", one.path)} - no_ids
    # The privacy officer's, those of meetings, of follow-ups and of hand-overs: tests/matrix and their own tests ask.
    named -= {"incident_id", "key", "meeting_id", "item_id", "guest_id", "feed_id", "number", "decision_id", "draft_id"}
    named -= {"follow_up_id", "no_show_id", "week", "hand_over_id", "stray_id", "seat_id"}
    # Of partners and what they owe: tests/matrix too, and test_partners.
    named -= {"agreement_id", "n", "period_id", "document_id", "file_id"}
    # Of candidates and participants: tests/matrix, its test_alike, and test_admissions.
    named -= {"referral_id", "link_id", "participant_id", "consent_id", "disclosure_id", "criterion", "activity_id"}
    named -= {"form_id"}
    # Of waivers and of what is lent: tests/matrix, test_waivers and test_equipment.
    named -= {"proposal_id", "equipment_id"}
    # Of the research: tests/matrix too, and test_studies.
    named -= {"study_id", "export_id", "removal_id", "file", "quarter"}
    # Of workbooks, and of what people ask about their own data: there too, and test_workbooks and test_rights.
    named -= {"note_import_id", "rights_request_id"}
    # Of what a restore left: tests/matrix too, and test_restored.
    named -= {"matter_id"}
    assert named == set(IN_PATHS)
    assert len(ON_SOMETHING) > 15
    assert len(NAMING) >= 5


@pytest.mark.ci
@pytest.mark.wide
@pytest.mark.parametrize("name", ON_SOMETHING)
def test_a_thing_of_another_program_is_as_absent_as_one_that_never_was(
    cast: Cast, coordinator: Asker, name: str
) -> None:
    """The asker may do everything in their own program, and learns nothing of the other."""
    own = _ids(cast, coordinator)
    theirs = _ids(cast.other, Asker(cast.other, "coordinator", app=coordinator.app))
    nowhere = {key: str(uuid4()) for key in own}
    place = next(key for key in IN_PATHS if "{" + key + "}" in name)
    # Whoever may do this to the thing of their own: the petty cash is approved by another than the coordinator.
    approves = name.endswith(("approval", "rejection"))
    who = "manager_la" if approves else "administrator" if "/engine/" in name else ""
    asker = Asker(cast, who, app=coordinator.app) if who else coordinator
    if approves:
        coordinator.complete(coordinator.get(f"/tasks/{own['task_id']}"))
    there, absent = (_ask(asker, name, own | {place: other[place]}) for other in (theirs, nowhere))
    assert there.status_code == 404
    assert _seen(there) == _seen(absent)
    # The same request on one's own thing is answered otherwise, so that it is the id that was refused. But a task of an
    # onboarding asks for no summary.
    assert "/summar" in name or _ask(asker, name, own).status_code != 404


@pytest.mark.ci
@pytest.mark.wide
@pytest.mark.parametrize(("name", "key"), NAMING)
def test_a_body_that_names_the_other_program_s_is_refused_as_one_that_names_nothing(
    cast: Cast, coordinator: Asker, name: str, key: str
) -> None:
    own = _ids(cast, coordinator)
    theirs = _ids(cast.other, Asker(cast.other, "coordinator", app=coordinator.app))
    there = _ask(coordinator, name, own | {key: theirs[key]})
    absent = _ask(coordinator, name, own | {key: str(uuid4())})
    assert 400 <= there.status_code < 500
    assert _seen(there) == _seen(absent)


@pytest.mark.ci
@pytest.mark.wide(5)
@pytest.mark.parametrize("who", ["worker_codim", "researcher", "manager_codim", "police", "it_contact"])
def test_a_case_in_which_one_has_no_part_looks_as_if_it_were_not_there(
    cast: Cast, coordinator: Asker, who: str
) -> None:
    """Of a cancelled case, in which nothing waits for anyone any more: not even the IT contact has a part in it."""
    ids = _ids(cast, coordinator)
    coordinator.post(f"/cases/{ids['case_id']}/cancellation", {"reason": "No longer coming."}, version="*")
    stranger = Asker(cast, who, app=coordinator.app)
    nowhere = {"case_id": str(uuid4()), "task_id": str(uuid4())}
    for name in ON_SOMETHING:
        if "{case_id}" in name or "{task_id}" in name:
            hidden, absent = (_ask(stranger, name, ids | place) for place in ({}, nowhere))
            assert hidden.status_code == 404, name
            assert _seen(hidden) == _seen(absent)
    assert stranger.get("/cases")["items"] == []


@pytest.mark.ci
def test_no_list_shows_anything_of_the_other_program(cast: Cast, coordinator: Asker) -> None:
    other = Asker(cast.other, "coordinator", app=coordinator.app)
    theirs = _ids(cast.other, other)
    for path in ("/cases", "/people", "/work", "/vacancies", "/events", "/protocols", "/me"):
        shown = coordinator.ask("GET", path).text
        for value in (*theirs.values(), str(cast.other.program_id), "Malachite", "Pyrite"):
            assert value not in shown, (path, value)
    assert "Pyrite" in other.ask("GET", "/people?limit=200").text


def test_someone_who_left_is_out_at_the_next_request(cast: Cast, coordinator: Asker) -> None:
    """Their cookie is as it was; what they hold is not."""
    leaving = Asker(cast, "worker_codim", app=coordinator.app)
    assert leaving.ask("GET", "/me").status_code == 200
    tenure = table_of(Tenure)
    with cast.session() as session:
        held = session.scalar(select(tenure.c.id).where(tenure.c.person_id == cast.people["worker_codim"]))
    coordinator.post(f"/tenures/{held}/ending", {"ends_on": "2026-11-22"}, version="*")
    for path in ("/me", "/cases", "/people"):
        assert leaving.ask("GET", path).status_code == 401


@pytest.mark.ci
def test_a_sign_in_of_another_program_does_not_open_this_one(cast: Cast, coordinator: Asker) -> None:
    other = Asker(cast.other, "coordinator", app=coordinator.app)
    assert other.get("/me")["program"] != coordinator.get("/me")["program"]
    ids = _ids(cast, coordinator)
    assert other.ask("GET", f"/cases/{ids['case_id']}").status_code == 404


# Each role: what it may and may not do.

#: What each may do to an onboarding at En Marge as it stands below: a status for each act, in the order of ACTS.
#: 404 where it is not theirs to see or do; 409 where they may ask, and a rule refuses.
ACTS = ("see", "complete", "approve", "reject", "waive", "move_day", "cancel", "close", "people", "appoint", "board")
MATRIX = {
    #                       see comp appr rej  waiv move canc clos peop appt board
    "coordinator":         (200, 200, 404, 404, 200, 200, 200, 409, 201, 201, 200),
    "officer":             (200, 200, 404, 404, 404, 404, 404, 404, 404, 404, 200),
    "manager_em":          (200, 404, 200, 200, 404, 200, 404, 404, 201, 201, 404),
    "director_em":         (200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "it_contact":          (200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "petty_cash_holder":   (200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    # The petty cash is theirs to approve, once it is asked for.
    "manager_la":          (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "manager_codim":       (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "worker_codim":        (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "researcher":          (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "research_coordinator": (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "police":              (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "specialist":          (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "deputy":              (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
}  # fmt: skip


def _do(cast: Cast, asker: Asker, act: str, case: dict[str, Any], tasks: dict[str, str]) -> Response:
    """One act of the matrix, as far as the asker gets with it."""
    place = str(cast.organizations["en-marge"])
    added = {"given_name": "Jaspe", "family_name": "Onyx", "organization_id": place, "role": "second_representative"}
    held = {"role": "youth_worker", "organization_id": place, "starts_on": ARRIVAL.isoformat()}
    on_case, asked = f"/cases/{case['id']}", f"/tasks/{tasks['request_secure_access']}"
    wanted: dict[str, tuple[str, str, dict[str, Any] | None]] = {
        "see": ("GET", on_case, None),
        "complete": ("POST", f"/tasks/{tasks['prepare_notebook_and_guide']}/completion", {}),
        "approve": ("POST", f"{asked}/approval", {}),
        "reject": ("POST", f"{asked}/rejection", {"reason": "Not yet."}),
        "waive": ("POST", f"/tasks/{tasks['request_petty_cash']}/waiver", {"reason": "Not needed."}),
        "move_day": ("PUT", f"{on_case}/days/arrival", {"day": "2026-12-08"}),
        "cancel": ("POST", f"{on_case}/cancellation", {"reason": "No longer coming."}),
        "close": ("POST", f"{on_case}/closing", None),
        "people": ("POST", "/people", added | {"starts_on": ARRIVAL.isoformat()}),
        "appoint": ("POST", f"/people/{cast.people['deputy']}/tenures", held),
        "board": ("GET", "/vacancies", None),
    }
    method, path, body = wanted[act]
    return asker.ask(method, path, body, version="*")


@pytest.mark.ci
@pytest.mark.wide(4)
@pytest.mark.parametrize("who", sorted(MATRIX))
def test_each_may_do_what_is_theirs_and_nothing_else(cast: Cast, coordinator: Asker, who: str) -> None:
    asker = Asker(cast, who, app=coordinator.app)
    case = open_by_json(cast, coordinator)
    tasks = {task["step"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    ids = {step: task["id"] for step, task in tasks.items()}
    asked = tasks["request_secure_access"]
    answered = {}
    # In this order none stands in the way of the next; what is to be judged is handed in first.
    for act in (
        "see",
        "complete",
        "waive",
        "move_day",
        "close",
        "reject",
        "approve",
        "people",
        "appoint",
        "board",
        "cancel",
    ):
        if coordinator.get(f"/tasks/{asked['id']}")["state"] == "open":
            coordinator.complete(asked)
        answered[act] = _do(cast, asker, act, case, ids).status_code
    assert answered == dict(zip(ACTS, MATRIX[who], strict=True))


# Nobody approves their own request.


def _submitted(coordinator: Asker, cast: Cast) -> dict[str, Any]:
    case = open_by_json(cast, coordinator)
    tasks: dict[str, dict[str, Any]] = {task["step"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    assert coordinator.complete(tasks["request_secure_access"]).json()["state"] == "submitted"
    return tasks["request_secure_access"]


@pytest.mark.ci
@pytest.mark.parametrize("act", ["approval", "rejection"])
def test_nobody_approves_their_own_request_as_the_deputy_of_the_one_who_would(
    cast: Cast, coordinator: Asker, act: str
) -> None:
    task = _submitted(coordinator, cast)
    path = f"/people/{cast.people['manager_em']}/absences"
    away = {
        "starts_on": AT.date().isoformat(),
        "ends_on": ARRIVAL.isoformat(),
        "deputy_id": str(cast.people["coordinator"]),
    }
    assert coordinator.ask("POST", path, away).json()["code"] == "absence.names_coordinator"
    Asker(cast, "manager_em", app=coordinator.app).post(path, away)
    answer = coordinator.act(task["id"], act, {"note": ""} if act == "approval" else {"reason": "No."})
    assert (answer.status_code, answer.json()["code"]) == (409, "task.own_request")
    assert coordinator.get(f"/tasks/{task['id']}")["state"] == "submitted"


@pytest.mark.ci
def test_nobody_approves_their_own_request_under_another_hat(cast: Cast, coordinator: Asker) -> None:
    """The coordinator becomes the worker's manager too, and is still the one who asked: it waits for the next one."""
    tenure = table_of(Tenure)
    with cast.session() as session:
        held = session.scalar(select(tenure.c.id).where(tenure.c.person_id == cast.people["manager_em"]))
    coordinator.post(f"/tenures/{held}/ending", {"ends_on": "2026-11-22"}, version="*")
    path, place = f"/people/{cast.people['coordinator']}/tenures", cast.organizations["en-marge"]
    given = {"role": "manager", "organization_id": str(place), "starts_on": "2026-11-23"}
    assert coordinator.ask("POST", path, given).json()["code"] == "tenure.own_signature"
    with cast.session() as session:
        me = cast.people["coordinator"]
        appoint(session, person_id=me, role="manager", organization_id=place, starts_on=AT.date(), by=LOADING, at=AT)
    task = _submitted(coordinator, cast)
    (waits,) = coordinator.get(f"/tasks/{task['id']}")["waits_on"]
    assert (waits["person_id"], waits["role"]) == (str(cast.people["director_em"]), "director")
    answer = coordinator.act(task["id"], "approval", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "task.own_request")


@pytest.mark.ci
def test_one_who_asked_as_a_deputy_does_not_approve_it_as_oneself(cast: Cast, coordinator: Asker) -> None:
    """The coordinator is away and the worker's manager asks in their place: the approval is then not theirs to give."""
    case = open_by_json(cast, coordinator)
    tasks = {task["step"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    today = AT.date().isoformat()
    coordinator.post(
        f"/people/{cast.people['coordinator']}/absences",
        {"starts_on": today, "ends_on": today, "deputy_id": str(cast.people["manager_em"]), "kinds": ["tasks"]},
    )
    manager = Asker(cast, "manager_em", app=coordinator.app)
    moved = manager.complete(tasks["request_secure_access"])
    assert moved.json()["state"] == "submitted"
    own = manager.act(tasks["request_secure_access"]["id"], "approval", {})
    assert (own.status_code, own.json()["code"]) == (409, "task.own_request")


def test_a_manager_of_two_organizations_acts_at_each_and_at_no_third(cast: Cast, coordinator: Asker) -> None:
    both = Asker(cast, "manager_two", app=coordinator.app)
    answered = {}
    for place, role in (
        ("spvm", "police_representative"),
        ("marie-vincent", "specialized_resource"),
        ("codim", "second_representative"),
    ):
        person = {"given_name": "Jaspe", "family_name": "Onyx", "role": role, "starts_on": ARRIVAL.isoformat()}
        asked = both.ask("POST", "/people", person | {"organization_id": str(cast.organizations[place])})
        answered[place] = asked.status_code
    assert answered == {"spvm": 201, "marie-vincent": 201, "codim": 404}
    # The record names the organization under whose hat each was added.
    lines = [
        line for line in coordinator.get("/events")["items"] if line["verb"] == "person.added" and line["actor_id"]
    ]
    assert [line["actor_as"] for line in lines if line["actor_id"]] == ["manager", "manager"]
