"""A whole onboarding over JSON: nobody opens a page, and every one of the 26 items is done by whoever owes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.casework import versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from tests.api.application import app_on
from tests.api.json.window import Asker
from tests.casework import carry
from tests.cast import ARRIVAL, AT, LOADING, Cast, onboarding

#: The morning of the arrival, on which the worker holds the role and can sign in.
ON_ARRIVAL = AT + (ARRIVAL - AT.date())

#: The guide's facts of the onboarding: what is provided, and what is done once the worker is there.
FACTS = {f"ON-P{n:02}" for n in range(1, 13)} | {f"ON-D{n:02}" for n in range(1, 15)}


class Office:
    """Everyone of the cast who is asked for, each at their own window, at one moment."""

    def __init__(self, cast: Cast, at: datetime) -> None:
        self.cast = cast
        self.at = at
        self._app = app_on(cast.database, at=at)
        self._askers: dict[str, Asker] = {}
        self._names = {str(person): name for name, person in cast.people.items()}

    def of(self, name: str) -> Asker:
        """The window of one of the cast."""
        if name not in self._askers:
            self._askers[name] = Asker(self.cast, name, at=self.at, app=self._app)
        return self._askers[name]

    def on_whom(self, task: dict[str, Any]) -> Asker:
        """The window of the first on whom a task falls."""
        return self.of(self._names[task["waits_on"][0]["person_id"]])


def add_by_json(cast: Cast, coordinator: Asker) -> dict[str, Any]:
    """Add a person who begins on the day of the arrival."""
    added: dict[str, Any] = coordinator.post(
        "/people",
        {
            "given_name": "Jaspe",
            "family_name": "O'Grès-Étain",
            "email": "jaspe@en-marge.example",
            "organization_id": str(cast.organizations["en-marge"]),
            "role": "second_representative",
            "starts_on": ARRIVAL.isoformat(),
        },
    )
    return added


def open_by_json(cast: Cast, coordinator: Asker, *, starts_on: str = ARRIVAL.isoformat()) -> dict[str, Any]:
    """Add a person and open their onboarding, as another program would."""
    person = add_by_json(cast, coordinator)
    opened: dict[str, Any] = coordinator.post(
        "/cases",
        {
            "protocol": "onboarding",
            "subject_id": person["id"],
            "organization_id": str(cast.organizations["en-marge"]),
            "starts_on": starts_on,
        },
    )
    return opened


def do_what_is_open(installation: Office, case_id: str, *, stages: set[str] | None = None) -> set[str]:
    """Do every open task of a case, each by the one on whom it falls, until none is left; return the steps done."""
    done: set[str] = set()
    coordinator = installation.of("coordinator")
    while True:
        open_now = [
            task
            for task in coordinator.get(f"/cases/{case_id}/tasks")
            if task["state"] == "open" and not task["automatic"] and (stages is None or task["stage"] in stages)
        ]
        if not open_now:
            return done
        for task in open_now:
            moved = installation.on_whom(task).complete(task).json()
            assert moved["task_id"] == task["id"]
            if moved["state"] == "submitted":
                waiting = coordinator.get(f"/tasks/{task['id']}")
                assert waiting["waits_on"], f"nobody approves {task['step']}"
                approver = installation.on_whom(waiting)
                assert approver is not installation.on_whom(task)
                moved = approver.act(task["id"], "approval", {"note": ""}).json()
            assert moved["state"] == "done"
            done.add(task["step"])


@pytest.mark.ci
def test_a_whole_onboarding_is_carried_over_json_from_its_opening_to_its_close(cast: Cast) -> None:
    installation = Office(cast, AT)
    coordinator = installation.of("coordinator")
    case = coordinator.post(
        "/cases",
        {
            "protocol": "onboarding",
            "subject_id": str(cast.people["worker_em"]),
            "organization_id": str(cast.organizations["en-marge"]),
        },
    )
    assert (case["state"], case["settled"], case["anchors"]) == ("open", 0, {"arrival": ARRIVAL.isoformat()})

    before = do_what_is_open(installation, case["id"], stages={"before_arrival"})
    later = Office(cast, ON_ARRIVAL)
    after = do_what_is_open(later, case["id"])
    from_cast = {str(person): name for name, person in cast.people.items()}
    while (shown := coordinator.get(f"/cases/{case['id']}"))["state"] == "open":
        assert carry(cast, UUID(case["id"]), at=ON_ARRIVAL), "nothing is open, nothing is the engine's, and it is open"
        after |= do_what_is_open(later, case["id"])

    assert shown["state"] == "closed"
    assert shown["settled"] == shown["required"] > 20
    tasks = coordinator.get(f"/cases/{case['id']}/tasks")
    assert {task["state"] for task in tasks} == {"done"}
    assert {fact for task in tasks for fact in task["sources"]} >= FACTS
    assert before | after == {task["step"] for task in tasks if not task["automatic"]}
    # Each did their own: the record names the worker, the managers and the contacts, and not the coordinator alone.
    events = coordinator.get(f"/cases/{case['id']}/events?limit=200")
    assert events["total"] == len(events["items"])
    doers = {from_cast[line["actor_id"]] for line in events["items"] if line["actor_id"]}
    assert doers >= {
        "coordinator",
        "officer",
        "it_contact",
        "worker_em",
        "manager_em",
        "manager_la",
        "petty_cash_holder",
    }
    assert {line["actor_as"] for line in events["items"] if not line["actor_id"]} == {"engine", "post"}
    verbs = [line["verb"] for line in reversed(events["items"])]
    assert (verbs[0], verbs[-1]) == ("case.opened", "case.closed")


@pytest.mark.ci
def test_what_an_act_opened_is_what_was_waiting_before_and_is_open_now(cast: Cast) -> None:
    installation = Office(cast, AT)
    coordinator = installation.of("coordinator")
    case = open_by_json(cast, coordinator)
    before = {task["id"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    first = next(task for task in before.values() if task["step"] == "prepare_notebook_and_guide")
    moved = installation.on_whom(first).complete(first).json()
    now = {task["id"]: task["state"] for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    assert moved["opened"]
    assert {one for one, state in now.items() if state == "open" and before[one]["state"] == "planned"} == set(
        moved["opened"]
    )


@pytest.mark.ci
def test_a_case_is_opened_with_the_first_appointment_or_not_at_all(cast: Cast) -> None:
    """`starts_on` appoints first; where the case is refused, nobody was appointed either."""
    coordinator = Asker(cast, "coordinator")
    opened = open_by_json(cast, coordinator)
    person = coordinator.get(f"/people/{opened['subject_id']}")
    assert person["roles"] == []  # nothing before the arrival
    at_arrival = Asker(cast, "coordinator", at=ON_ARRIVAL)
    held = at_arrival.get(f"/people/{opened['subject_id']}")["roles"]
    assert {role["role"] for role in held} == {"second_representative", "youth_worker"}

    refused = coordinator.ask(
        "POST",
        "/cases",
        {
            "protocol": "no_such_protocol",
            "subject_id": str(cast.people["deputy"]),
            "organization_id": str(cast.organizations["en-marge"]),
            "starts_on": ARRIVAL.isoformat(),
        },
    )
    assert (refused.status_code, refused.json()["code"]) == (404, "protocol.unknown")
    assert [role["role"] for role in at_arrival.get(f"/people/{cast.people['deputy']}")["roles"]] == [
        "second_representative"
    ]


@pytest.mark.ci
def test_one_s_work_is_what_falls_to_oneself_the_most_pressing_first(cast: Cast) -> None:
    coordinator = Asker(cast, "coordinator")
    case = open_by_json(cast, coordinator)
    officer = Asker(cast, "officer")
    work = officer.get("/work")
    assert work["total"] == len(work["items"]) > 0
    officer_id = str(cast.people["officer"])
    assert all(officer_id in [holder["person_id"] for holder in task["waits_on"]] for task in work["items"])
    days = [task["due_on"] for task in work["items"]]
    assert days == sorted(days)
    # What falls to others is not there, and the whole of the case is no more than everyone's work together.
    tasks = coordinator.get(f"/cases/{case['id']}/tasks")
    mine = {task["id"] for task in tasks if task["state"] == "open" and officer_id in str(task["waits_on"])}
    assert {task["id"] for task in work["items"]} == mine


@pytest.mark.ci
def test_a_case_is_cancelled_and_reopened_over_json_and_keeps_what_was_done(cast: Cast) -> None:
    installation = Office(cast, AT)
    coordinator = installation.of("coordinator")
    case = open_by_json(cast, coordinator)
    do_what_is_open(installation, case["id"], stages={"before_arrival"})
    version = coordinator.get(f"/cases/{case['id']}")["version"]
    done = coordinator.get(f"/cases/{case['id']}")["settled"]
    cancelled = coordinator.post(f"/cases/{case['id']}/cancellation", {"reason": "No longer coming."}, version=version)
    assert cancelled["state"] == "cancelled"
    again = coordinator.post(
        f"/cases/{case['id']}/reopening", {"reason": "Coming after all."}, version=cancelled["version"]
    )
    assert (again["state"], again["settled"]) == ("open", done)
    left = coordinator.ask("POST", f"/cases/{case['id']}/closing", version=again["version"])
    assert (left.status_code, left.json()["code"]) == (409, "case.work_left")
    assert "Introduce the program" in left.json()["detail"], "the steps are named in words"
    (gate,) = coordinator.get(f"/cases/{case['id']}")["gates"]
    assert (gate["key"], gate["title"], gate["is_open"]) == (
        "may_follow_participants",
        "May follow participants",
        False,
    )
    assert "introduce_program" in gate["waits_for"]
    assert "request_secure_access" not in gate["waits_for"]


@pytest.mark.ci
def test_a_newer_version_is_offered_in_plain_words_and_followed_over_json(cast: Cast) -> None:
    coordinator = Asker(cast, "coordinator")
    case = open_by_json(cast, coordinator)
    here = f"/cases/{case['id']}"
    assert (case["follows"], case["offer"]) == (2, None)
    done = next(one for one in coordinator.get(f"{here}/tasks") if one["step"] == "plan_coaching")
    assert coordinator.complete(done).json()["state"] == "done"
    newer = onboarding().text.replace("\nversion: 2\n", "\nversion: 3\n", 1)
    newer = newer.replace("en: Plan the training to attend\n", "en: Plan the courses\n", 1)
    with cast.session() as session:
        before = versions.record_protocol(session, onboarding(), by=LOADING, at=AT).id
        declared = load_declared_text(newer, "newer.yaml", Protocol)
        recorded = str(versions.record_protocol(session, declared, by=LOADING, at=AT).id)
    shown = coordinator.get(here)
    said = ["“Plan the training to attend” is now called “Plan the courses”."]
    assert shown["offer"] == {"version_id": recorded, "number": 3, "changes": said}
    taken = coordinator.ask("PUT", f"{here}/version", {"version_id": recorded}, version=shown["version"])
    assert taken.status_code == 200
    assert (taken.json()["follows"], taken.json()["offer"]) == (3, None)
    tasks = {one["step"]: one for one in coordinator.get(f"{here}/tasks")}
    assert (tasks["plan_coaching"]["state"], tasks["plan_training"]["title"]) == ("done", "Plan the courses")
    back = coordinator.ask("PUT", f"{here}/version", {"version_id": str(before)}, version="*")
    assert (back.status_code, back.json()["code"]) == (409, "protocol.older")
    assert coordinator.get(here)["follows"] == 3


@pytest.mark.ci
def test_moving_the_arrival_moves_the_days_of_this_case_and_of_no_other(cast: Cast) -> None:
    coordinator = Asker(cast, "coordinator")
    case, other = open_by_json(cast, coordinator), open_by_json(cast, coordinator)
    days = {task["step"]: task["due_on"] for task in coordinator.get(f"/cases/{other['id']}/tasks")}
    moved = coordinator.ask(
        "PUT",
        f"/cases/{case['id']}/days/arrival",
        {"day": (ARRIVAL + timedelta(days=7)).isoformat()},
        version=case["version"],
    )
    assert moved.json()["anchors"] == {"arrival": (ARRIVAL + timedelta(days=7)).isoformat()}
    now = {task["step"]: task["due_on"] for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    assert now["introduce_program"] == (ARRIVAL + timedelta(days=7)).isoformat()
    assert {task["step"]: task["due_on"] for task in coordinator.get(f"/cases/{other['id']}/tasks")} == days


def test_who_is_to_come_is_not_without_a_role_until_their_appointment_is_taken_back(cast: Cast) -> None:
    coordinator = Asker(cast, "coordinator")
    person = add_by_json(cast, coordinator)
    (coming,) = person["roles_to_come"]
    assert (person["roles"], coming["starts_on"]) == ([], ARRIVAL.isoformat())
    place, never = f"/tenures/{coming['tenure_id']}/ending", {"ends_on": AT.date().isoformat()}
    foreseen = coordinator.post(f"{place}/preview", never)
    assert (foreseen["never_begins"], foreseen["loses_access"], foreseen["departure_opens"]) == (True, True, False)
    after = coordinator.post(place, never, version=coming["version"])
    assert (after["roles"], after["roles_to_come"]) == ([], [])
    again = coordinator.ask("POST", place, never, version="*")
    assert (again.status_code, again.json()["code"]) == (409, "tenure.taken_back")


@pytest.mark.ci
def test_an_absence_and_its_deputy_are_recorded_and_called_off_over_json(cast: Cast) -> None:
    coordinator = Asker(cast, "coordinator")
    case = open_by_json(cast, coordinator)
    task = next(one for one in coordinator.get(f"/cases/{case['id']}/tasks") if one["step"] == "request_secure_access")
    manager, deputy = cast.people["manager_em"], cast.people["deputy"]
    away = coordinator.post(
        f"/people/{manager}/absences",
        {
            "starts_on": AT.date().isoformat(),
            "ends_on": ARRIVAL.isoformat(),
            "deputy_id": str(deputy),
            "kinds": ["approvals"],
        },
    )
    assert away["away"]
    assert coordinator.complete(task).json()["state"] == "submitted"
    (waits,) = coordinator.get(f"/tasks/{task['id']}")["waits_on"]
    assert waits["person_id"] == str(deputy)
    assert waits["acting_for"]
    assert Asker(cast, "deputy").get("/me")["acting_for"] == [str(manager)]
    (shown,) = away["absences"]
    assert (shown["ends_on"], shown["deputy_id"], shown["kinds"]) == (ARRIVAL.isoformat(), str(deputy), ["approvals"])
    listed = coordinator.get("/people?limit=200")["items"]
    assert [one["absences"] for one in listed if one["away"]] == [[shown]]
    after = Asker(cast, "coordinator", at=ON_ARRIVAL + timedelta(days=1)).get(f"/people/{manager}")
    assert (after["away"], after["absences"]) == (False, []), "it ends by itself"
    absence = shown["id"]
    assert Asker(cast, "deputy").ask("DELETE", f"/absences/{absence}").status_code == 404
    assert Asker(cast, "manager_em").ask("DELETE", f"/absences/{absence}").status_code == 204
    assert coordinator.get(f"/people/{manager}")["absences"] == []
    (waits,) = coordinator.get(f"/tasks/{task['id']}")["waits_on"]
    assert waits["person_id"] == str(manager)
