"""Coming in and going out: whom one may be in a demonstration, that nobody gets in elsewhere, what ends a stay."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from api.access.session import IDLE, LONGEST
from domain.people.people import end_tenure
from models.access import BrowserSession
from models.base import table_of
from models.program import Program, Tenure
from tests.api.application import client_for, nobody, token_for
from tests.cast import AT, TODAY, Cast
from tests.matters import left

_session = table_of(BrowserSession)
_program = table_of(Program)
_tenure = table_of(Tenure)


@pytest.fixture
def demonstration(cast: Cast) -> Cast:
    """The cast, as the people of a demonstration."""
    with cast.session() as session:
        session.execute(update(_program).where(_program.c.id == cast.program_id).values(is_demonstration=True))
    return cast


def test_without_the_demonstration_nobody_gets_in(cast: Cast) -> None:
    client = nobody(cast.database)
    page = client.get("/sign-in")
    assert page.status_code == 200
    assert "Access is given by invitation" in page.text
    assert "Améthyste" not in page.text
    asked = client.post("/sign-in", data={"program": str(cast.program_id), "person": str(cast.people["coordinator"])})
    assert asked.status_code == 404
    assert "set-cookie" not in asked.headers


def test_the_demonstration_offers_its_people_by_role_and_lets_one_in(demonstration: Cast) -> None:
    client = nobody(demonstration.database, demonstration=True)
    page = client.get("/sign-in").text
    assert page.index("Agate Améthyste") < page.index("Jade Lapis") < page.index("Granit D’Or")
    assert "Émeraude Quartz" not in page  # who begins on a later day holds nothing today
    asked = client.post(
        "/sign-in", data={"program": str(demonstration.program_id), "person": str(demonstration.people["manager_em"])}
    )
    assert (asked.status_code, asked.headers["location"]) == (303, "/")
    cookie = asked.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Perle Obsidienne" in client.get("/people").text


def test_the_demonstration_does_not_offer_who_is_kept_out_since_a_restore(demonstration: Cast) -> None:
    whose = demonstration.people["manager_em"]
    with demonstration.session() as session:
        left(session, "access", "access.ended", whose, 1, person_id=whose)
    client = nobody(demonstration.database, demonstration=True)
    page = client.get("/sign-in").text
    assert f'value="{whose}"' not in page
    assert f'value="{demonstration.people["coordinator"]}"' in page
    asked = client.post("/sign-in", data={"program": str(demonstration.program_id), "person": str(whose)})
    assert "ask the coordination" in asked.text


def test_a_demonstration_that_could_not_be_written_says_so_on_its_first_page(cast: Cast) -> None:
    page = nobody(cast.database, demonstration=True).get("/sign-in").text  # beside a real program, which is none
    assert "The demonstration could not be written" in page
    assert "http-equiv" not in page, "it would look again for ever"


def test_people_whose_year_could_not_be_written_say_so_on_each_page_and_can_be_tried_all_the_same(
    demonstration: Cast,
) -> None:
    client = client_for(demonstration.database, demonstration.people["coordinator"], demonstration=True)
    for address in ("/sign-in", "/people"):
        assert "Their past year could not be written" in client.get(address).text
    assert client.post("/sign-out").status_code == 303


def test_one_person_of_two_organizations_is_offered_once(demonstration: Cast) -> None:
    page = nobody(demonstration.database, demonstration=True).get("/sign-in").text
    assert page.count("Topaze Turquoise") == 1
    assert "Marie-Vincent, SPVM" in page


def test_a_demonstration_process_lets_nobody_into_a_real_program(cast: Cast) -> None:
    client = nobody(cast.database, demonstration=True)
    assert "Améthyste" not in client.get("/sign-in").text
    asked = client.post("/sign-in", data={"program": str(cast.program_id), "person": str(cast.people["coordinator"])})
    assert asked.status_code == 404


def test_a_demonstration_that_is_served_as_a_real_installation_lets_nobody_choose_whom_to_be(
    demonstration: Cast,
) -> None:
    """Its data are those of a demonstration, and it was started without one: whoever reaches it signs in."""
    client = nobody(demonstration.database)
    assert "Améthyste" not in client.get("/sign-in").text
    person = {"program": str(demonstration.program_id), "person": str(demonstration.people["coordinator"])}
    asked = client.post("/sign-in", data=person)
    assert asked.status_code == 404
    assert "set-cookie" not in asked.headers
    with demonstration.session() as session:
        assert session.execute(select(_session)).all() == []


def test_nobody_is_let_in_as_someone_without_a_role_or_of_another_program(demonstration: Cast) -> None:
    client = nobody(demonstration.database, demonstration=True)
    here = str(demonstration.program_id)
    for person in (demonstration.people["worker_em"], demonstration.other.people["coordinator"], uuid4()):
        assert client.post("/sign-in", data={"program": here, "person": str(person)}).status_code == 404
    assert client.post("/sign-in", data={"program": "no id", "person": "no id"}).status_code == 422


def test_being_someone_else_ends_the_first_stay(demonstration: Cast) -> None:
    client = client_for(demonstration.database, demonstration.people["coordinator"], demonstration=True)
    first = client.cookies["spheres"]
    client.post(
        "/sign-in", data={"program": str(demonstration.program_id), "person": str(demonstration.people["officer"])}
    )
    again = nobody(demonstration.database, demonstration=True)
    again.cookies.set("spheres", first)
    assert again.get("/people").status_code == 303


def test_signing_out_ends_the_stay_for_every_copy_of_its_cookie(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    copy = client_for(cast.database, cast.people["coordinator"])
    copy.cookies.clear()
    copy.cookies.set("spheres", client.cookies["spheres"])
    assert copy.get("/people").status_code == 200
    left = client.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert copy.get("/people").headers["location"] == "/sign-in"


def test_another_site_can_neither_sign_in_nor_out(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        assert client.post("/sign-out", headers=headers).status_code == 403
    assert client.get("/people").status_code == 200


def test_a_stay_ends_when_idle_and_when_old(cast: Cast) -> None:
    token = token_for(cast.database, cast.people["coordinator"])

    def later(after: timedelta) -> int:
        client = nobody(cast.database, at=AT + after)
        client.cookies.set("spheres", token)
        return client.get("/people").status_code

    assert later(IDLE - timedelta(seconds=1)) == 200
    assert later(2 * IDLE) == 303
    # Seen again and again it stays, until it is old.
    with cast.session() as session:
        session.execute(update(_session).values(seen_at=AT + LONGEST))
    assert later(LONGEST) == 303


def test_who_has_left_is_out_at_the_next_request(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["officer"])
    assert client.get("/people").status_code == 200
    with cast.session() as session:
        held = session.scalar(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["officer"]))
        assert held is not None
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    assert client.get("/people").headers["location"] == "/sign-in"


def test_the_stored_sign_in_holds_no_token(cast: Cast) -> None:
    token = token_for(cast.database, cast.people["coordinator"])
    with cast.session() as session:
        rows = session.execute(select(_session)).mappings().all()
    assert len(rows) == 1
    assert token not in str(rows)
