"""The privacy officer is away: who stands in acts beside them, and nobody opens their pages by saying so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from domain.people.absences import record_absence
from models.base import table_of
from models.program import Absence
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.api.pages.test_incidents import enter
from tests.api.pages.test_privacy import read
from tests.cast import AT, TODAY, Cast

_absence = table_of(Absence)
OFFICER, DEPUTY = "privacy_officer", "director_ccsmtl"
PAGES = ("/privacy", "/privacy/refusals", "/privacy/incidents")
ANSWERS = ("/api/v1/privacy/readings", "/api/v1/privacy/unusual-readings", "/api/v1/privacy/incidents")


def client(cast: Cast, name: str) -> TestClient:
    return client_for(cast.database, cast.people[name])


def away(cast: Cast, deputy: str | None = DEPUTY) -> UUID:
    """The officer says that they are away this week."""
    with cast.session() as session:
        return record_absence(
            session,
            person_id=cast.people[OFFICER],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=4),
            deputy_id=cast.people[deputy] if deputy else None,
            by=cast.actor(OFFICER),
            at=AT,
        )


def statuses(asker: TestClient, *paths: str) -> set[int]:
    return {asker.get(path).status_code for path in paths}


@pytest.mark.parametrize("deputy", [DEPUTY, None])
def test_no_absence_shuts_the_privacy_officer_out_of_their_own_pages(cast: Cast, deputy: str | None) -> None:
    officer = client(cast, OFFICER)
    before = enter(officer, cast)
    away(cast, deputy)
    assert statuses(officer, *PAGES, *ANSWERS, before) == {200}
    assert enter(officer, cast) != before
    if deputy:
        assert statuses(client(cast, deputy), *PAGES, *ANSWERS, before) == {200}


def test_they_end_it_themselves_on_their_page_and_over_json(cast: Cast) -> None:
    officer, person = client(cast, OFFICER), cast.people[OFFICER]
    absence = away(cast)
    assert "Cancel this absence" in text_of(officer.get(f"/people/{person}").text)
    assert officer.post(f"/people/{person}/absences/{absence}/cancel").status_code == 303
    assert statuses(client(cast, DEPUTY), *PAGES) == {404}
    assert officer.delete(f"/api/v1/absences/{away(cast)}").status_code == 204


def test_the_coordinator_opens_nothing_by_saying_that_they_are_away(cast: Cast) -> None:
    coordinator, place = client(cast, "coordinator"), f"/people/{cast.people[OFFICER]}"
    days: dict[str, Any] = {"starts_on": TODAY.isoformat(), "ends_on": TODAY.isoformat()}
    said = coordinator.post(f"{place}/absences", data={**days, "kinds": ["tasks"]})
    assert said.status_code == 409
    assert "also looks at what the coordination reads" in text_of(said.text)
    assert "by a manager of their organization who is not the coordinator" in text_of(said.text)
    over_json = coordinator.post(f"/api/v1{place}/absences", json=days)
    assert (over_json.status_code, over_json.json()["code"]) == (409, "absence.watched_over")
    absence = away(cast)
    assert coordinator.post(f"{place}/absences/{absence}/cancel").status_code == 409
    assert coordinator.delete(f"/api/v1/absences/{absence}").json()["code"] == "absence.watched_over"
    assert statuses(coordinator, *PAGES, *ANSWERS) == {404}
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_absence)) == 1


def test_their_page_says_to_the_coordinator_who_records_it_instead_of_a_form_that_is_refused(cast: Cast) -> None:
    place = f"/people/{cast.people[OFFICER]}"
    shown = text_of(client(cast, "coordinator").get(place).text)
    assert "They record their absence themselves, or a manager of their organization does." in shown
    assert "Record an absence" not in shown
    assert 'type="email"' not in client(cast, "coordinator").get(place).text
    assert 'type="email"' in client(cast, "manager_ccsmtl").get(place).text
    for name in (OFFICER, "manager_ccsmtl"):
        assert "Record an absence" in text_of(client(cast, name).get(place).text)
    assert "Record an absence" in text_of(client(cast, "coordinator").get(f"/people/{cast.people[DEPUTY]}").text)


def test_who_stands_in_for_them_is_not_offered_to_the_coordinator_to_be_shut_out_or_sent_away(cast: Cast) -> None:
    coordinator, place = client(cast, "coordinator"), f"/people/{cast.people[DEPUTY]}"
    assert "An administrator ends their access." not in coordinator.get(f"{place}/access").text
    away(cast)
    shown, access = text_of(coordinator.get(place).text), coordinator.get(f"{place}/access").text
    assert "They record their absence themselves, or a manager of their organization does." in shown
    assert "Record an absence" not in shown
    assert "Their role as privacy officer ends" not in shown
    assert "An administrator ends their access." in access
    assert "End all access" not in access
    assert coordinator.post(f"{place}/access/end").status_code == 409


def test_nor_does_their_page_offer_the_coordinator_to_end_their_role_or_to_say_that_they_leave(cast: Cast) -> None:
    place = f"/people/{cast.people[OFFICER]}"
    shown = client(cast, "coordinator").get(place).text
    assert "Their role as privacy officer ends when they say that they leave" in text_of(shown)
    assert f"{place}/roles/" not in shown.replace(f'action="{place}/roles"', "")
    assert f"person={cast.people[OFFICER]}/" not in shown
    assert f"{place}/roles/" in client(cast, "manager_ccsmtl").get(place).text
    assert f"person={cast.people[OFFICER]}/" in client(cast, OFFICER).get(place).text


def test_who_stands_in_does_not_look_at_what_they_read_themselves_and_the_officer_does(cast: Cast) -> None:
    read(cast, DEPUTY, at=AT - timedelta(hours=13))
    read(cast, "coordinator", at=AT - timedelta(hours=13))
    client(cast, DEPUTY).get("/privacy")  # refused, and on record
    away(cast)
    deputy, officer = client(cast, DEPUTY), client(cast, OFFICER)
    name, other = cast.members[DEPUTY].name, cast.members["coordinator"].name
    for path in ("/privacy", f"/privacy?person={cast.people[DEPUTY]}", "/privacy/refusals"):
        to_deputy, to_officer = (text_of(asker.get(path).text) for asker in (deputy, officer))
        assert "your own lines are not shown here" in to_deputy
        assert "your own lines" not in to_officer
        assert (f"· {name}" in to_deputy, f"· {name}" in to_officer) == (False, True), path
    assert f"· {other}" in text_of(deputy.get("/privacy").text)
    for path in ("readings", "refusals", "unusual-readings"):
        said = f"/api/v1/privacy/{path}"
        assert str(cast.people[DEPUTY]) not in deputy.get(said).text
        assert str(cast.people[DEPUTY]) in officer.get(said).text
