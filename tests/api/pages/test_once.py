"""A form that is sent twice, by a second click or because no answer came, adds what it adds once."""

from __future__ import annotations

import threading

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.api.pages.looking import fields_of, signed_in, text_of
from tests.cast import ARRIVAL, TODAY, Cast

NEW = {"given_name": "Jaspe", "family_name": "Onyx", "email": "jaspe@codim.example", "language": "fr"}


def shown(page: str, action: str, **typed: str) -> dict[str, str]:
    """A form as its page shows it, filled in."""
    return {name: values[0] for name, values in fields_of(page, action).items()} | typed


def new_person(client: TestClient) -> dict[str, str]:
    return shown(client.get("/people/new").text, "/people", **NEW)


def count(cast: Cast, table: str) -> int:
    with cast.session() as session:
        found: int = session.execute(text(f'select count(*) from "{table}"')).scalar_one()  # noqa: S608
        return found


@pytest.mark.ci
def test_a_form_for_someone_new_that_is_sent_twice_adds_them_once_and_leads_to_them_again(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    before = count(cast, "person")
    form = new_person(client)
    first, second = (client.post("/people", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert client.get(second.headers["location"]).status_code == 200
    assert count(cast, "person") == before + 1
    # The form that is shown anew is another one: two people may well have one name.
    assert client.post("/people", data=new_person(client)).headers["location"] != first.headers["location"]
    assert count(cast, "person") == before + 2


def test_two_clicks_at_one_instant_add_one_person(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    before = count(cast, "person")
    form = new_person(client)
    places: list[str] = []
    ready = threading.Barrier(2)

    def click() -> None:
        ready.wait()
        places.append(client.post("/people", data=form).headers["location"])

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert len(places) == 2
    assert len(set(places)) == 1
    assert count(cast, "person") == before + 1


def test_a_form_sent_before_that_says_something_else_is_refused_once_and_then_may_be_sent(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    before = count(cast, "person")
    form = new_person(client)
    client.post("/people", data=form)
    refused = client.post("/people", data={**form, "given_name": "Agate"})
    assert refused.status_code == 409
    assert "This form was already sent with other content." in text_of(refused.text)
    assert count(cast, "person") == before + 1
    again = shown(refused.text, "/people")
    assert again["given_name"] == "Agate"
    assert client.post("/people", data=again).status_code == 303
    assert count(cast, "person") == before + 2


def test_a_form_that_a_rule_refused_was_not_sent(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    form = new_person(client)
    assert client.post("/people", data={**form, "email": "no@@where"}).status_code == 422
    assert client.post("/people", data=form).status_code == 303


def test_the_key_of_one_person_opens_nothing_for_another(cast: Cast) -> None:
    coordinator = signed_in(cast, "coordinator")
    form = new_person(coordinator) | {
        "place": f"second_representative:{cast.organizations['codim']}",
        "starts_on": ARRIVAL.isoformat(),
    }
    first = coordinator.post("/people", data=form)
    second = signed_in(cast, "manager_codim").post("/people", data=form)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] != second.headers["location"]


@pytest.mark.ci
@pytest.mark.parametrize("sent_again", ["the plan's form", "the form, from its plan on"])
def test_a_case_for_someone_new_is_opened_once_however_the_form_is_sent_again(cast: Cast, sent_again: str) -> None:
    """No answer came; the browser sends the plan's form again, or is asked to show the plan again first."""
    client = signed_in(cast, "coordinator")
    before = count(cast, "person")
    new = NEW | {"form": "new", "organization": str(cast.organizations["codim"]), "starts_on": ARRIVAL.isoformat()}
    form = shown(client.get("/cases/new").text, "/cases/new", **new)
    plan = shown(client.post("/cases/new", data=form).text, "/cases")
    first = client.post("/cases", data=plan)
    if sent_again != "the plan's form":
        plan = shown(client.post("/cases/new", data=form).text, "/cases")
    second = client.post("/cases", data=plan)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert (count(cast, "person"), count(cast, "case")) == (before + 1, 1)


def test_an_incident_is_entered_once(cast: Cast) -> None:
    officer = signed_in(cast, "privacy_officer")
    entry = shown(
        officer.get("/privacy/incidents/new").text,
        "/privacy/incidents",
        organization=str(cast.organizations["ccsmtl"]),
        information="Work notes, with first names",
        circumstances="A laptop was left on a train.",
        known_on=TODAY.isoformat(),
    )
    places = {officer.post("/privacy/incidents", data=entry).headers["location"] for _ in range(2)}
    assert len(places) == count(cast, "incident") == 1
