"""All of an onboarding through a running installation, by its pages: each step by whoever has it; managers approve."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx2
import pytest

from tests.journeys.demonstrated import Running, until

pytestmark = pytest.mark.nightly

NAME: Final = "Mercure Galet"
#: The items of the guide's protocol, before the arrival and from it on.
ITEMS: Final = {f"ON-P{n:02}" for n in range(1, 13)} | {f"ON-D{n:02}" for n in range(1, 15)}


def test_all_of_the_protocol_is_done_by_page_and_managers_approve(running: Running) -> None:
    """Someone arrives today at CCSMTL. The engine does what is automatic, meanwhile and by itself."""
    people = People(running)
    coordinator = people.of("Solène Grand’Ourse")
    case_id = opened(coordinator)
    approved: dict[str, str] = {}
    did: dict[str, set[str]] = {}

    def goes_on() -> bool:
        for task in tasks_of(coordinator, case_id):
            if task["automatic"] or task["state"] not in {"open", "submitted"}:
                continue
            who = task["waits_on"][0]["name"]
            act = "completion" if task["state"] == "open" else "approval"
            press(people.of(who), case_id, task, act)
            did.setdefault(task["step"], set()).add(who)
            if act == "approval":
                approved[task["step"]] = who
        return state_of(coordinator, case_id) == "closed"

    until(goes_on, seconds=300)
    tasks = tasks_of(coordinator, case_id)
    assert {task["state"] for task in tasks} == {"done"}
    assert {item for task in tasks for item in task["sources"]} >= ITEMS
    # The worker's own manager, and the manager where the petty cash is kept; never who asked.
    assert approved == {"request_secure_access": "Céleste D’Étoile", "request_petty_cash": "Nour Alizé"}
    assert did["confirm_notebook_and_guide"] == {NAME}, "the worker says what they received and read"
    assert did["open_secure_account"] == {"Tristan O'Nimbus"}
    assert {task["step"] for task in tasks if task["automatic"]} == {
        "enrol_on_clinical_committee",
        "send_contact_lists",
    }
    page = coordinator.get(f"/cases/{case_id}?history=all").text
    assert NAME in page
    assert "Required tasks settled: 28 of 28" in page


class People:
    """Whoever has something to do, each in a browser of their own."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._in: dict[str, httpx2.Client] = {}

    def of(self, name: str) -> httpx2.Client:
        """The browser of someone, who comes in with the first thing that they have to do."""
        if name not in self._in:
            self._in[name] = self._running.client(name)
        return self._in[name]


def opened(coordinator: httpx2.Client) -> str:
    """Add, appoint and onboard someone in one act: the plan first, then its button."""
    page = coordinator.get("/cases/new").text
    place = re.search(r'<option value="([^"]+)">CCSMTL –', page)
    assert place is not None
    given, family = NAME.split(" ")
    fields = {
        "form": "new",
        "given_name": given,
        "family_name": family,
        "email": "mercure@ccsmtl.example",
        "language": "fr",
        "organization": place[1],
        "starts_on": str(datetime.now(UTC).astimezone(ZoneInfo("America/Toronto")).date()),
    }
    plan = coordinator.post("/cases/new", data=fields)
    assert plan.status_code == 200, plan.text
    action, hidden = form_in(plan.text, "Open the case")
    case = coordinator.post(action, data=hidden)
    assert case.status_code == 200, case.text
    return str(case.url).rpartition("/")[2].partition("?")[0]


def press(client: httpx2.Client, case_id: str, task: dict[str, Any], act: str) -> None:
    """Do what the page of the case offers this person for a step, with what it asks for."""
    page = client.get(f"/cases/{case_id}").text
    action, fields = form_in(page, f'action="/tasks/{task["id"]}/{act}"')
    files = None
    if act == "completion":
        if task["evidence"] == "serial":
            fields["label"] = a_free_one(page, task)
        elif task["evidence"] == "account":
            fields["label"] = "mgalet"
        elif task["evidence"] == "document":
            files = {"document": ("preuve.txt", b"Remis.", "text/plain")}
        elif task["evidence"] == "note":
            fields["words"] = "Fait."
        for part in task["asks"]:
            first = part["choices"][0]["id"] if part["choices"] else "50"
            fields[f"given-{part['id']}"] = first
    answer = client.post(action, data=fields, files=files)
    assert answer.status_code == 200, (task["step"], answer.status_code, answer.text)


def a_free_one(page: str, task: dict[str, Any]) -> str:
    """The serial number of a thing that the page offers to hand over; whoever keeps the inventory added it before."""
    form = next(
        one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if f"/tasks/{task['id']}/completion" in one
    )
    offered: list[str] = re.findall(r'<option value="([^"]+)"', form)
    return offered[0]


def form_in(page: str, holding: str) -> tuple[str, dict[str, str]]:
    """Where a page's form is sent, and what it holds already; the first one with these words."""
    form = next((one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if holding in one), None)
    assert form is not None, f"the page offers no form with {holding}"
    action = re.search(r'action="([^"]*)"', form)
    assert action is not None
    fields = {}
    for found in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', found), re.search(r'value="([^"]*)"', found)
        if name and value and 'type="hidden"' in found:
            fields[name[1]] = value[1]
    return action[1], fields


def tasks_of(client: httpx2.Client, case_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/v1/cases/{case_id}/tasks").json()
    return found


def state_of(client: httpx2.Client, case_id: str) -> str:
    return str(client.get(f"/api/v1/cases/{case_id}").json()["state"])
