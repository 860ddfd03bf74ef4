"""The whole of it, as its command starts it: steps by page and API, with the engine killed."""

from __future__ import annotations

import signal
import time
from typing import Any

import httpx2
import pytest

from tests.journeys.demonstrated import Running, case_of, task_of, until


@pytest.mark.nightly
def test_three_steps_by_page_and_api_with_prefect_killed_and_brought_back(running: Running) -> None:
    coordinator = running.client("Solène")
    case = case_of(coordinator, "Naïma")

    # A step that is approved: by the page, and no further than the approval.
    asked = task_of(coordinator, case, "request_secure_access")
    assert asked["state"] == "open"
    form = {"seen": str(asked["version"]), "given-folders": "participants", "given-reason": "Les trois dossiers."}
    assert coordinator.post(f"/tasks/{asked['id']}/completion", data=form).status_code == 200
    own = task_of(coordinator, case, "request_secure_access")
    assert own["state"] == "submitted"
    # The manager's role is vacant there: the coordinator has it, and may not approve what they asked for.
    seen = {"If-Match": f'"{own["version"]}"'}
    refused = coordinator.post(f"/api/v1/tasks/{own['id']}/approval", json={}, headers=seen)
    assert (refused.status_code, refused.json()["code"]) == (409, "task.own_request")

    # A step by a person: by the API.
    act(coordinator, task_of(coordinator, case, "plan_coaching"), "completion", note="Le mardi.")
    assert task_of(coordinator, case, "plan_coaching")["state"] == "done"

    # Prefect dies, and people go on: a step by the API, after which the program does two by itself.
    running.child("engine_server").send_signal(signal.SIGKILL)
    introduced = task_of(coordinator, case, "introduce_program")
    headers = {"If-Match": f'"{introduced["version"]}"', "Idempotency-Key": "first-light"}
    for _ in range(2):  # the answer was lost, and the client asks again: the act is done once
        done = coordinator.post(f"/api/v1/tasks/{introduced['id']}/completion", json={"note": ""}, headers=headers)
        assert done.status_code == 200
    until(lambda: task_of(coordinator, case, "send_contact_lists")["state"] == "done", seconds=60)
    assert task_of(coordinator, case, "enrol_on_clinical_committee")["state"] == "done"
    until(lambda: running.contact_lists() == 1, seconds=60)

    # The supervisor brings it back; the worker, which asks now and then, finds it, and the next carry is a run there.
    until(lambda: running.carries_in_prefect() >= 0, seconds=120)
    before = running.carries_in_prefect()

    def another_carry_is_a_run() -> bool:
        training = task_of(coordinator, case, "plan_training")
        if training["state"] == "open":
            act(coordinator, training, "completion", note="Oui.")
        else:
            act(coordinator, training, "undoing", reason="Oui.")
        time.sleep(1)
        return running.carries_in_prefect() > before

    until(another_carry_is_a_run, seconds=90)
    assert running.contact_lists() == 1, "sent once, whatever died"

    # What Prefect was given is opaque.
    kept = running.from_prefect("flow_runs/filter") + running.from_prefect("task_runs/filter")
    assert "onboarding" in running.from_prefect("flows/filter")
    for name in ("Naïma", "Na\\u00efma", "Sirocco", "Sol", "Les trois dossiers", "Le mardi"):
        assert name not in kept


@pytest.mark.nightly
def test_the_worker_killed_in_the_middle_loses_nothing(running: Running) -> None:
    coordinator = running.client("Solène")
    case = case_of(coordinator, "Naïma")
    running.child("flows.worker").send_signal(signal.SIGSTOP)
    introduced = task_of(coordinator, case, "introduce_program")
    done = coordinator.post(
        f"/api/v1/tasks/{introduced['id']}/completion",
        json={"note": ""},
        headers={"If-Match": f'"{introduced["version"]}"'},
    )
    assert done.status_code == 200
    running.child("flows.worker").send_signal(signal.SIGKILL)
    until(lambda: task_of(coordinator, case, "send_contact_lists")["state"] == "done", seconds=180)
    until(lambda: running.contact_lists() == 1, seconds=60)


def act(client: httpx2.Client, task: dict[str, Any], verb: str, **said: str) -> None:
    """An act on a task as it was just read, by the API."""
    headers = {"If-Match": f'"{task["version"]}"'}
    done = client.post(f"/api/v1/tasks/{task['id']}/{verb}", json=said, headers=headers)
    assert done.status_code == 200, done.text
